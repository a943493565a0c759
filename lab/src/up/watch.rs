use std::time::{Duration, Instant};

use millrace_core::Result;
use millrace_core::shutdown::Shutdown;
use millrace_producer::settings::KafkaOutput;

use super::companions::Companions;
use super::findings::Findings;
use super::tail::Tail;
use super::view::View;
use crate::cluster::Cluster;
use crate::plant::Plant;

const BETWEEN_VIEWS: Duration = Duration::from_secs(1);
/// How long the first record may take before the view goes on without it.
const FIRST_RECORD: Duration = Duration::from_secs(30);

/// Everything that is looked at while the plant runs.
pub(super) struct Watch<'a> {
    pub cluster: &'a mut Cluster,
    pub output: &'a KafkaOutput,
    pub plant: &'a Plant,
    /// The programs beside the plant, and what they write.
    pub companions: &'a mut Option<Companions>,
    pub findings: &'a mut Option<Findings>,
    pub shutdown: &'a Shutdown,
}

impl Watch<'_> {
    /// Shows the stream until `duration` (wall seconds) is over, the plant ends, or a signal comes.
    pub fn run(&mut self, duration: Option<f64>, registry_url: &str, view: &mut View) -> Result<()> {
        let end = duration.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
        let Some(mut tail) = self.open_tail(registry_url, end)? else { return Ok(()) };
        let mut next = Instant::now() + BETWEEN_VIEWS;
        let (mut away, mut shown) = (false, false);
        while !self.is_over(end) {
            let until = end.map_or(next, |end| end.min(next));
            self.shutdown.wait(until.saturating_duration_since(Instant::now()));
            if Instant::now() < next {
                continue;
            }
            next = Instant::now() + BETWEEN_VIEWS;
            self.cluster.check()?;
            match tail.rates() {
                Ok(rates) => {
                    self.show(&rates, &mut tail, view);
                    shown = true;
                }
                Err(error) if !away => view.waiting(&error.to_string()),
                Err(_) => {}
            }
            away = tail.is_away();
            if let Some(why) = self.companions.as_mut().and_then(Companions::failure) {
                view.say(&why);
            }
        }
        // A short run is seen once at least.
        if !shown && let Ok(rates) = tail.rates() {
            self.show(&rates, &mut tail, view);
        }
        Ok(())
    }

    fn show(&mut self, rates: &[f64], tail: &mut Tail, view: &mut View) {
        let found = self.found();
        view.show(self.plant.progress(), rates, &tail.latest(), &found);
    }

    fn found(&mut self) -> Vec<String> {
        let Some(findings) = self.findings else { return Vec::new() };
        findings.look();
        findings.lines()
    }

    fn is_over(&self, end: Option<Instant>) -> bool {
        self.shutdown.is_requested()
            || self.plant.is_finished()
            || end.is_some_and(|end| Instant::now() >= end)
    }

    /// The topic can be read once its first record is acknowledged.
    fn open_tail(&mut self, registry_url: &str, end: Option<Instant>) -> Result<Option<Tail>> {
        let deadline = Instant::now() + FIRST_RECORD;
        while self.plant.progress().acknowledged() == 0 && Instant::now() < deadline {
            if self.is_over(end) {
                return Ok(None);
            }
            self.cluster.check()?;
            self.shutdown.wait(Duration::from_millis(20));
        }
        let registry = self.output.schema_registry.as_ref().map(|_| registry_url);
        Tail::open(&self.output.kafka, &self.output.topic, registry).map(Some)
    }
}
