use clap::ValueEnum;
use millrace_core::config::Origins;
use millrace_core::kafka::legal_topic;
use millrace_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Options;
use crate::window::{Closing, Span, time_span};

/// Where closed windows go unless it is said.
const METRICS: &str = "sensor-metrics";

/// Windows that close, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedWindows {
    /// Which there are, and when they close.
    pub rule: Closing,
    /// The topic of their statistics.
    pub metrics: String,
    /// The topic of records that came when their windows were closed.
    pub late: String,
}

/// How windows lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowType {
    /// Back from the newest reading; it never closes
    Sliding,
    /// One behind the other
    Tumbling,
    /// One every --hop, over each other
    Hopping,
}

/// The windows that close, with `input` the topic that is read and `window` the size.
pub(super) fn resolve(
    said: &Options,
    origins: &Origins,
    input: &str,
    window: Span,
) -> Result<Option<ClosedWindows>> {
    let kind = said.window_type.unwrap_or(WindowType::Sliding);
    if kind == WindowType::Sliding && said.metrics_topic.is_none() {
        return Ok(None);
    }
    let Span::Time(size) = window else {
        return origins
            .refuse("window", "windows that close have a length in time, such as 60s, not in records");
    };
    let hop = match (kind, &said.hop) {
        (WindowType::Hopping, None) => {
            return Err(Error::usage("--window-type hopping needs --hop, such as --hop 10s"));
        }
        (WindowType::Hopping, Some(hop)) => time_span(hop).or_else(|why| origins.refuse("hop", why))?,
        _ => size,
    };
    let lateness = said.allowed_lateness.as_deref().unwrap_or("0s");
    let lateness = time_span(lateness).or_else(|why| origins.refuse("allowed_lateness", why))?;
    let at_fault = if kind == WindowType::Hopping { "hop" } else { "allowed_lateness" };
    let rule = Closing::new(size, hop, lateness).or_else(|why| origins.refuse(at_fault, why))?;
    let own_late = format!("{input}.late");
    let topic = |key: &str, said: &Option<String>, usual: &str| {
        let name = said.as_deref().unwrap_or(usual);
        legal_topic(name).or_else(|problem| origins.refuse(key, problem))?;
        if name == input {
            return origins.refuse(key, format!("{name} is the topic that is read; take another"));
        }
        Ok(name.to_owned())
    };
    let metrics = topic("metrics_topic", &said.metrics_topic, METRICS)?;
    let late = topic("late_topic", &said.late_topic, &own_late)?;
    if metrics == late {
        return origins.refuse("late_topic", format!("{late} is the topic of closed windows; take another"));
    }
    Ok(Some(ClosedWindows { rule, metrics, late }))
}
