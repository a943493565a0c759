use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::report::grouped;
use millrace_producer::run::{Progress, Summary};
use millrace_producer::settings::{self, Settings};

use super::audit::Audit;
use crate::cluster::Cluster;
use crate::plant::Plant;

const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// What is streamed, and how long brokers are away.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The topic, which must be new.
    pub topic: String,
    /// Records of each machine.
    pub each: u64,
    /// Machines, which are also the keys.
    pub machines: u64,
    /// Wall seconds that the stream would take without an outage.
    pub seconds: f64,
    /// How long a broker stays down.
    pub down: Duration,
    /// Whether it is sent in transactions.
    pub exactly_once: bool,
    /// Client properties, as `name=value`.
    pub properties: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the producer did.
    pub summary: Summary,
    /// What lies in the topic.
    pub audit: Audit,
    /// The most records that were made and not yet acknowledged at any time.
    pub most_waiting: u64,
    /// What ended the producer before its time.
    pub failure: Option<Error>,
    /// Which outage the stream did not pass through, because it was over.
    pub untried: Option<Error>,
}

/// How a broker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Stopped,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
        }
    }
}

/// At what share of the records which broker goes.
struct Step {
    share: f64,
    broker: usize,
    end: End,
}

/// The only broker is killed; of several, one is killed and the last one restarted in an orderly way.
fn steps(brokers: usize) -> Vec<Step> {
    match brokers {
        1 => vec![Step { share: 0.33, broker: 1, end: End::Killed }],
        last => vec![
            Step { share: 0.25, broker: 2, end: End::Killed },
            Step { share: 0.65, broker: last, end: End::Stopped },
        ],
    }
}

/// Streams through the steps and counts what lies in the topic in the end; `tell` hears what happens.
///
/// # Errors
/// When the cluster is not ours to kill, or a part breaks.
pub fn drill(
    cluster: &mut Cluster,
    registry_url: &str,
    plan: &Plan,
    shutdown: &Shutdown,
    tell: &dyn Fn(&str),
) -> Result<Report> {
    must_be_ours(cluster)?;
    let settings = plan.settings(cluster.bootstrap_server(), registry_url)?;
    let plant = Plant::start(settings)?;
    let mut running =
        Running { cluster, plant: &plant, plan, shutdown, tell, began: Instant::now(), most_waiting: 0 };
    let through = running.through();
    let Running { most_waiting, began, .. } = running;
    let untried = through?;
    let progress = Arc::clone(plant.progress());
    let (summary, failure) = match plant.end(cluster) {
        Ok(summary) => (summary, None),
        Err(error) => (so_far(&progress, began), Some(error)),
    };
    let audit = Audit::of(cluster.kafka(), &plan.topic, registry_url, plan.machines, plan.each)?;
    Ok(Report { summary, audit, most_waiting, failure, untried })
}

/// Refuses a cluster whose brokers cannot be killed.
pub(super) fn must_be_ours(cluster: &Cluster) -> Result<()> {
    if cluster.capabilities().restart {
        return Ok(());
    }
    let remedy = "take --cluster docker or --cluster java";
    Err(Error::usage(format!("an outage needs brokers that can be killed; {remedy}")))
}

/// The summary of a producer that gave none.
fn so_far(progress: &Progress, began: Instant) -> Summary {
    Summary {
        generated: progress.generated(),
        acknowledged: progress.acknowledged(),
        failed: progress.failed(),
        elapsed: began.elapsed(),
    }
}

impl Report {
    /// Whether everything made was acknowledged and lies in the topic once and in order, through every outage.
    ///
    /// # Errors
    /// When the producer failed, when something does not, or when an outage came too late.
    pub fn check(&self) -> Result<()> {
        let Summary { generated, acknowledged, .. } = self.summary;
        let is_whole =
            generated == acknowledged && acknowledged == self.audit.records && self.audit.is_complete();
        let miscounted = || Error::failed("records are missing, repeated or out of order, as counted above");
        let loss = if is_whole { None } else { Some(miscounted()) };
        self.failure.clone().or(loss).or_else(|| self.untried.clone()).map_or(Ok(()), Err)
    }
}

impl Plan {
    fn settings(&self, bootstrap_server: &str, registry_url: &str) -> Result<Settings> {
        let flags = [
            ("--topic", self.topic.clone()),
            ("--machines", self.machines.to_string()),
            ("--duration", self.each.to_string()),
            ("--speed", (self.each as f64 / self.seconds).to_string()),
        ];
        let mut all: Vec<String> =
            flags.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        all.extend(self.properties.iter().flat_map(|pair| ["-X".to_owned(), pair.clone()]));
        all.extend(self.exactly_once.then(|| "--exactly-once".to_owned()));
        quiet_producer(bootstrap_server, registry_url, all)
    }

    fn total(&self) -> u64 {
        self.each * self.machines
    }
}

/// The settings of a producer of this cluster that prints nothing.
pub(super) fn quiet_producer(
    bootstrap_server: &str,
    registry_url: &str,
    flags: Vec<String>,
) -> Result<Settings> {
    let place = ["--bootstrap-server", bootstrap_server, "--schema-registry-url", registry_url];
    let all = ["producer", "--quiet", "--mode", "kafka"].into_iter().chain(place).map(OsString::from);
    let settings = settings::read(all.chain(flags.into_iter().map(OsString::from)))?;
    settings.ok_or_else(|| Error::usage("these flags only ask for help"))
}

fn too_short(when: &str, step: &Step) -> Error {
    Error::failed(format!("the stream was over before broker {} {when}; give it more --seconds", step.broker))
}

/// A stream while brokers come and go.
struct Running<'a> {
    cluster: &'a mut Cluster,
    plant: &'a Plant,
    plan: &'a Plan,
    shutdown: &'a Shutdown,
    tell: &'a dyn Fn(&str),
    began: Instant,
    most_waiting: u64,
}

impl Running<'_> {
    /// Gives the outage for which the stream was too short, if it was.
    fn through(&mut self) -> Result<Option<Error>> {
        for step in steps(self.cluster.brokers()) {
            let due = (self.plan.total() as f64 * step.share) as u64;
            self.until(|acknowledged| acknowledged >= due)?;
            if self.plant.is_finished() {
                return Ok(Some(too_short(&format!("was to be {}", step.end.name()), &step)));
            }
            self.take_down(&step)?;
            let back = Instant::now() + self.plan.down;
            self.until(|_| Instant::now() >= back)?;
            let was_over = self.plant.is_finished();
            self.say(&format!("broker {} is started again", step.broker));
            self.cluster.start_broker(step.broker)?;
            self.say(&format!("broker {} answers", step.broker));
            if was_over {
                return Ok(Some(too_short("was back", &step)));
            }
        }
        self.until(|acknowledged| acknowledged >= self.plan.total())?;
        Ok(None)
    }

    fn take_down(&mut self, step: &Step) -> Result<()> {
        let signal = match step.end {
            End::Killed => self.cluster.kill_broker(step.broker).map(|()| "SIGKILL")?,
            End::Stopped => self.cluster.stop_broker(step.broker).map(|()| "SIGTERM")?,
        };
        self.say(&format!("broker {} was {} ({signal})", step.broker, step.end.name()));
        Ok(())
    }

    fn say(&self, what: &str) {
        let (seconds, acknowledged) =
            (self.began.elapsed().as_secs_f64(), self.plant.progress().acknowledged());
        (self.tell)(&format!("{seconds:>6.1} s  acknowledged {:>9}  {what}", grouped(acknowledged)));
    }

    /// Waits for a condition on the acknowledged records, or until the plant ends by itself.
    fn until(&mut self, condition: impl Fn(u64) -> bool) -> Result<()> {
        loop {
            // Read in this order, a record between the two reads counts as waiting, never the reverse.
            let acknowledged = self.plant.progress().acknowledged();
            let waiting = self.plant.progress().generated().saturating_sub(acknowledged);
            self.most_waiting = self.most_waiting.max(waiting);
            if condition(acknowledged) || self.plant.is_finished() {
                return Ok(());
            }
            self.cluster.check()?;
            if self.shutdown.wait(BETWEEN_LOOKS) {
                return Err(Error::failed("interrupted; nothing was counted"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broker_is_killed_and_of_three_another_is_restarted_as_well() {
        let of = |brokers| steps(brokers).iter().map(|step| (step.broker, step.end)).collect::<Vec<_>>();
        assert_eq!(of(1), [(1, End::Killed)]);
        assert_eq!(of(3), [(2, End::Killed), (3, End::Stopped)]);
    }

    #[test]
    fn a_loss_weighs_more_than_an_outage_that_came_too_late_and_a_failure_more_than_both() {
        let untried = Some(too_short("was back", &steps(1)[0]));
        let summary = Summary { generated: 4, acknowledged: 4, ..Summary::default() };
        let audit = Audit { records: 4, ..Audit::default() };
        let whole = Report { summary, audit, most_waiting: 0, failure: None, untried: None };
        assert_eq!(whole.check(), Ok(()));
        let sentence = |report: &Report| report.check().expect_err("a flaw").to_string();
        let late = Report { untried, ..whole };
        assert_eq!(sentence(&late), "the stream was over before broker 1 was back; give it more --seconds");
        let lossy = Report { audit: Audit { records: 3, missing: 1, ..audit }, ..late };
        assert!(sentence(&lossy).ends_with("as counted above"));
        let broken = Report { failure: Some(Error::failed("it broke")), ..lossy };
        assert_eq!(sentence(&broken), "it broke");
    }
}
