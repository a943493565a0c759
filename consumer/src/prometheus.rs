//! Metrics in Prometheus' text format.

use std::fmt::{Display, Write as _};

/// A page of metrics.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// Begins a metric that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str) {
        self.begin(name, help, "gauge");
    }

    /// Begins a metric that only grows.
    pub fn counter(&mut self, name: &str, help: &str) {
        self.begin(name, help, "counter");
    }

    fn begin(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A value of the metric that was begun last.
    pub fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }

    /// The page as it is sent.
    pub fn into_text(self) -> String {
        self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_hold_anything() {
        let mut page = Page::default();
        page.counter("records_total", "Records.");
        page.value("records_total", &[("group", "a\"b\\c\nd"), ("topic", "t")], 3);
        page.value("records_total", &[], 0.5);
        let expected = "# HELP records_total Records.\n# TYPE records_total counter\n\
                        records_total{group=\"a\\\"b\\\\c\\nd\",topic=\"t\"} 3\nrecords_total 0.5\n";
        assert_eq!(page.into_text(), expected);
    }
}
