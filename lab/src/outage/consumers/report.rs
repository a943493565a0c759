use std::time::Duration;

use millrace_core::{Error, Result};

use super::Guarantee;
use crate::table::{self, Form};
use crate::written::Flaws;

/// What a consumer may take, in bytes.
const MOST_MEMORY: u64 = 256 << 20;

/// One outage under one consumer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Passage {
    /// How long the broker was away.
    pub down: Duration,
    /// How long after its return the consumer went on; `None` = it did not.
    pub took: Option<Duration>,
}

/// What one consumer came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub guarantee: Guarantee,
    pub passages: Vec<Passage>,
    pub flaws: Flaws,
    /// The most memory that it took.
    pub peak: Option<u64>,
    /// Whether it ended in order when it was told to.
    pub ended_well: bool,
}

/// What all of them came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    /// Records that an undisturbed run gives.
    pub records: u64,
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// A row for each outage, and one for all of them together.
    pub fn table(&self, form: Form) -> String {
        let head = ["guarantee", "broker away", "went on after", "at most"];
        let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
        for outcome in &self.outcomes {
            rows.extend(outcome.passages.iter().map(|passage| outcome.row(passage)));
        }
        let head = ["guarantee", "records", "found", "peak memory"];
        let mut sums: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
        sums.extend(self.outcomes.iter().map(|outcome| outcome.sum(self.records)));
        format!("{}\n{}", table::render(form, &rows), table::render(form, &sums))
    }

    /// Whether every consumer went on in time and lost nothing.
    ///
    /// # Errors
    /// One sentence about the first that did not.
    pub fn check(&self) -> Result<()> {
        match self.outcomes.iter().find_map(Outcome::fault) {
            Some(fault) => Err(Error::failed(fault)),
            None => Ok(()),
        }
    }
}

impl Outcome {
    fn row(&self, Passage { down, took }: &Passage) -> Vec<String> {
        let seconds = |time: &Duration| format!("{:.1} s", time.as_secs_f64());
        let took = took.as_ref().map_or_else(|| "never".to_owned(), seconds);
        vec![self.guarantee.to_string(), seconds(down), took, seconds(&self.guarantee.patience())]
    }

    fn sum(&self, records: u64) -> Vec<String> {
        let peak = self.peak.map_or_else(|| "unknown".to_owned(), |peak| format!("{} MiB", peak >> 20));
        vec![self.guarantee.to_string(), records.to_string(), self.flaws.words(), peak]
    }

    fn fault(&self) -> Option<String> {
        let Self { guarantee, flaws, .. } = self;
        let late = |passage: &&Passage| passage.took.is_none_or(|took| took > guarantee.patience());
        let spoils =
            flaws.lost + flaws.wrong > 0 || (*guarantee == Guarantee::ExactlyOnce && flaws.repeated > 0);
        if spoils {
            return Some(format!("{guarantee} does not hold: {}", flaws.words()));
        }
        if let Some(Passage { down, .. }) = self.passages.iter().find(late) {
            let (down, patience) = (down.as_secs_f64(), guarantee.patience().as_secs());
            return Some(format!(
                "with {guarantee} the consumer did not go on within {patience} s after {down} s without a broker"
            ));
        }
        if self.peak.is_some_and(|peak| peak > MOST_MEMORY) {
            return Some(format!("with {guarantee} the consumer took more than {} MiB", MOST_MEMORY >> 20));
        }
        (!self.ended_well).then(|| format!("the consumer with {guarantee} did not end in order"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(guarantee: Guarantee, took: Option<u64>, flaws: Flaws) -> Outcome {
        let passages = vec![Passage { down: Duration::from_secs(1), took: took.map(Duration::from_secs) }];
        Outcome { guarantee, passages, flaws, peak: Some(50 << 20), ended_well: true }
    }

    fn fault(outcome: Outcome) -> String {
        let report = Report { records: 7, outcomes: vec![outcome] };
        report.check().err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn each_guarantee_is_held_to_what_it_says() {
        let (least, exactly) = (Guarantee::AtLeastOnce, Guarantee::ExactlyOnce);
        let repeated = Flaws { repeated: 3, ..Flaws::default() };
        assert_eq!(fault(outcome(least, Some(10), repeated)), "");
        assert_eq!(fault(outcome(exactly, Some(60), Flaws::default())), "");
        assert_eq!(fault(outcome(exactly, Some(1), repeated)), "exactly-once does not hold: 3 repeated");
        let lost = Flaws { lost: 1, ..Flaws::default() };
        assert_eq!(fault(outcome(least, Some(1), lost)), "at-least-once does not hold: 1 lost");
        for late in [None, Some(11)] {
            assert!(fault(outcome(least, late, Flaws::default())).contains("within 10 s after 1 s without"));
        }
        let large = Outcome { peak: Some(300 << 20), ..outcome(least, Some(1), Flaws::default()) };
        assert!(fault(large).ends_with("took more than 256 MiB"));
    }

    #[test]
    fn the_tables_have_a_row_for_each_outage_and_one_for_each_guarantee() {
        let flaws = Flaws { repeated: 3, ..Flaws::default() };
        let report = Report { records: 7, outcomes: vec![outcome(Guarantee::AtLeastOnce, None, flaws)] };
        let text = report.table(Form::Text);
        assert!(text.contains("at-least-once   1.0 s         never           10.0 s\n"), "{text}");
        assert!(text.contains("at-least-once   7         3 repeated   50 MiB\n"), "{text}");
    }
}
