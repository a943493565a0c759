use std::sync::Arc;

use millrace_core::Result;

use super::kafka::DEFAULT_TOPIC;
use super::resolve::Check;
use super::{Mode, Options, Place};
use crate::disorder::Disorder;
use crate::simulate::Clock;

/// The topic of `--ledger topic:`.
pub const DEFAULT_LEDGER_TOPIC: &str = "disorder-ledger";
/// The first and the last event time that every format can carry: the years 1970 to 9999.
const TIMES: std::ops::Range<i64> = 0..253_402_300_800_000;

impl Check<'_> {
    pub(super) fn disorder(
        &self,
        said: &Options,
        machines: &[String],
        clock: &Clock,
    ) -> Result<Option<Arc<Disorder>>> {
        let Some(text) = &said.disorder else { return Ok(None) };
        let disorder: Disorder = match text.parse() {
            Ok(disorder) => disorder,
            Err(problem) => return self.refuse("disorder", problem),
        };
        for (machine, offset) in &disorder.skew {
            if !machines.contains(machine) {
                let problem = format!("skew: there is no machine `{machine}` in this plant; see --machines");
                return self.refuse("disorder", problem);
            }
            if !TIMES.contains(&(clock.start + offset)) {
                let problem = format!("skew: the clock of {machine} would leave the years 1970 to 9999");
                return self.refuse("disorder", problem);
            }
        }
        Ok(Some(Arc::new(disorder)))
    }

    pub(super) fn ledger(&self, said: &Options) -> Result<Option<Place>> {
        let Some(text) = &said.ledger else { return Ok(None) };
        if said.disorder.is_none() {
            return self.refuse("ledger", "there is nothing to write down without --disorder".into());
        }
        match Place::parse(text, DEFAULT_LEDGER_TOPIC) {
            Ok(Place::Topic(_)) if said.output_mode != Some(Mode::Kafka) => {
                self.refuse("ledger", "a topic goes with --mode kafka only; give a file".into())
            }
            Ok(Place::Topic(name)) => {
                let readings = said.kafka_topic.as_deref().unwrap_or(DEFAULT_TOPIC);
                self.ledger_apart(Place::Topic(name), &Place::Topic(readings.to_owned())).map(Some)
            }
            Ok(Place::File(path)) if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) => {
                self.refuse("ledger", "it is JSON, an object a line; take a name such as ledger.jsonl".into())
            }
            Ok(place) => {
                let readings = said.output_path.as_deref().unwrap_or_default();
                self.ledger_apart(place, &Place::File(readings.into())).map(Some)
            }
            Err(problem) => self.refuse("ledger", problem),
        }
    }

    /// Refuses corrupt records where `problem` says why there can be none.
    pub(super) fn uncorrupted(&self, said: &Options, problem: &str) -> Result<()> {
        let disorder = said.disorder.as_deref().and_then(|kinds| kinds.parse::<Disorder>().ok());
        match disorder.is_some_and(|disorder| disorder.corrupt.is_some()) {
            true => self.refuse("disorder", problem.to_owned()),
            false => Ok(()),
        }
    }

    fn ledger_apart(&self, place: Place, readings: &Place) -> Result<Place> {
        if place.is_also(readings) {
            return self.refuse("ledger", format!("{place} takes the readings; write the ledger elsewhere"));
        }
        Ok(place)
    }
}
