use std::path::Path;

use chrono::{DateTime, Utc};
use millrace_core::Result;
use millrace_core::config::Origins;
use millrace_core::kafka::{Properties, TopicDefaults};

use super::{Format, Mode, MoreFeatures, Options, Output, Settings, Speed, TextFormat};
use crate::scenario;
use crate::simulate::{Act, Clock};

/// Event times are milliseconds, so a faster rate would give two samples the same one; a slower stream has no
/// use, and one sample would live through centuries.
pub(crate) const RATES: std::ops::RangeInclusive<f64> = 1e-6..=1000.0;
pub(crate) const RATES_IN_WORDS: &str = "from 0.000001 to 1000 samples a second";
const MAX_MACHINES: usize = 1_000_000;
const DEFAULT_MACHINES: usize = 5;
const MAX_THREADS: usize = 64;

/// Turns what was said into a run, or says what is wrong with it.
pub(super) fn resolve(
    said: Options,
    origins: &Origins,
    topics: TopicDefaults,
    properties: Properties,
    append: bool,
) -> Result<Settings> {
    let check = Check { origins };
    let clock = Clock {
        start: check.start(said.start.as_deref())?,
        rate: check.within("rate", said.rate.unwrap_or(1.0), *RATES.start(), *RATES.end(), RATES_IN_WORDS)?,
    };
    let duration = said
        .duration
        .map(|seconds| {
            check.within(
                "duration",
                seconds,
                f64::MIN_POSITIVE,
                1e10,
                "above 0 and at most 10000000000 seconds",
            )
        })
        .transpose()?;
    let fleet = check.machines(said.machines.as_deref())?;
    let acts = acts(&said, &fleet, clock.start)?;
    let share = check.share(&said, fleet.len())?;
    let ours = fleet.iter().enumerate().filter(|(place, _)| share.has(*place));
    let machines: Vec<String> = ours.map(|(_, id)| id.clone()).collect();
    Ok(Settings {
        disorder: check.disorder(&said, &fleet, &clock)?,
        ledger: check.ledger(&said)?,
        fleet,
        share,
        seed: said.seed.unwrap_or_else(rand::random),
        clock,
        duration,
        ticks: duration.map(|seconds| clock.ticks(seconds)),
        speed: check.speed(said.speed.as_deref())?,
        events: check.events(&said)?,
        acts: acts.into(),
        derived_features: said.include_derived_features.unwrap_or(true),
        // The flag that wants no features wins over a config that wants more.
        rolling_features: said.features == Some(MoreFeatures::Rolling)
            && !origins.is_flag("include_derived_features"),
        labels: said.include_anomaly_labels.unwrap_or(false),
        truth: check.truth(&said, &topics, &properties, append)?,
        threads: check.threads(said.threads)?,
        interactive: said.interactive_mode.unwrap_or(false),
        verbose: said.verbose.unwrap_or(true),
        output: check.output(said, machines.len(), topics, properties, append)?,
        machines,
    })
}

/// What a scenario has in store; checked only where a run that is resumed is still to say when it began.
fn acts(said: &Options, fleet: &[String], start: i64) -> Result<Vec<(String, Act)>> {
    let Some(path) = said.scenario.as_deref().map(Path::new) else { return Ok(Vec::new()) };
    let is_kafka = said.output_mode == Some(Mode::Kafka);
    if is_kafka && said.resume == Some(true) && said.start.is_none() {
        return scenario::read(path, fleet, 0).map(|_| Vec::new());
    }
    scenario::read(path, fleet, start)
}

pub(super) struct Check<'a> {
    pub(super) origins: &'a Origins,
}

impl Check<'_> {
    /// Where a key was said, for sentences about it.
    pub(super) fn origin<'k>(&'k self, key: &'k str) -> &'k str {
        self.origins.of(key)
    }

    pub(super) fn refuse<T>(&self, key: &str, problem: String) -> Result<T> {
        self.origins.refuse(key, problem)
    }

    pub(super) fn within(&self, key: &str, value: f64, low: f64, high: f64, range: &str) -> Result<f64> {
        self.origins.within(key, value, low..=high, range)
    }

    fn start(&self, said: Option<&str>) -> Result<i64> {
        let Some(text) = said else {
            // Whole seconds, so that text times need no milliseconds.
            return Ok(Utc::now().timestamp() * 1000);
        };
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) if (1970..=9999).contains(&chrono::Datelike::year(&time)) => Ok(time.timestamp_millis()),
            Ok(_) => self.refuse("start", format!("`{text}` is not between the years 1970 and 9999")),
            Err(_) => {
                self.refuse("start", format!("`{text}` is no RFC 3339 time, such as 2026-01-01T00:00:00Z"))
            }
        }
    }

    fn speed(&self, said: Option<&str>) -> Result<Speed> {
        match said {
            None => Ok(Speed::Factor(1.0)),
            Some(text) => Speed::parse(text).or_else(|problem| self.refuse("speed", problem)),
        }
    }

    fn machines(&self, said: Option<&[String]>) -> Result<Vec<String>> {
        let counted = |count| (1..=count).map(|n| format!("MACHINE_{n:03}")).collect();
        match said {
            None => Ok(counted(DEFAULT_MACHINES)),
            Some([count]) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => {
                match count.parse() {
                    Ok(count @ 1..=MAX_MACHINES) => Ok(counted(count)),
                    _ => self
                        .refuse("machines", format!("{count} machines are not between 1 and {MAX_MACHINES}")),
                }
            }
            Some([]) => self.refuse("machines", "the list is empty; leave it out for five machines".into()),
            Some(ids) => self.machine_ids(ids),
        }
    }

    fn machine_ids(&self, ids: &[String]) -> Result<Vec<String>> {
        let mut seen = std::collections::HashSet::new();
        for id in ids {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
            if !(1..=64).contains(&id.len()) || !id.bytes().all(allowed) {
                let rule = "must be 1 to 64 letters, digits, `_`, `.` or `-`";
                return self.refuse("machines", format!("machine id `{id}` {rule}"));
            }
            if !seen.insert(id) {
                return self.refuse("machines", format!("machine id `{id}` is given twice"));
            }
        }
        Ok(ids.to_vec())
    }

    fn threads(&self, said: Option<usize>) -> Result<usize> {
        match said.unwrap_or(1) {
            threads @ 1..=MAX_THREADS => Ok(threads),
            threads => self.refuse("threads", format!("{threads} is not between 1 and {MAX_THREADS}")),
        }
    }

    fn output(
        &self,
        said: Options,
        machines: usize,
        topics: TopicDefaults,
        properties: Properties,
        append: bool,
    ) -> Result<Output> {
        match said.output_mode.unwrap_or(Mode::Console) {
            Mode::Console => Ok(Output::Console { format: self.text_format(said.data_format)? }),
            Mode::File => self.file(said, append),
            Mode::Api => self.api(said, machines).map(Output::Api),
            Mode::Kafka => self.kafka(said, topics, properties).map(Box::new).map(Output::Kafka),
        }
    }

    pub(super) fn text_format(&self, said: Option<Format>) -> Result<TextFormat> {
        match said {
            None | Some(Format::Json) => Ok(TextFormat::Json),
            Some(Format::Csv) => Ok(TextFormat::Csv),
            Some(Format::Avro | Format::Parquet) => {
                self.refuse("data_format", "the console takes json or csv only".into())
            }
        }
    }
}
