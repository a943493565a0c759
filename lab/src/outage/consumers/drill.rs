use std::time::{Duration, Instant};

use millrace_core::kafka::{Span, TopicDefaults};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::member::{End, Member, at};
use super::report::{Outcome, Passage, Report};
use super::{Guarantee, Plan};
use crate::cluster::Cluster;
use crate::outage::drill::{must_be_ours, quiet_producer};
use crate::plant::Plant;
use crate::written::{self, Flaws, Written};

const PARTITIONS: i32 = 3;
const MACHINES: u64 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// A consumer that does nothing for so long is stuck.
const STUCK: Duration = Duration::from_secs(180);
/// How long one may take to leave.
const LEAVING: Duration = Duration::from_secs(30);

/// Takes the broker away and back under consumers of a stream, and compares what they wrote with what one that
/// nothing disturbs writes; `tell` hears what happens.
///
/// # Errors
/// When the cluster is not ours to kill, a part breaks, or a consumer ends by itself.
pub(super) fn drill(
    cluster: &mut Cluster,
    registry_url: &str,
    plan: &Plan,
    shutdown: &Shutdown,
    tell: &dyn Fn(&str),
) -> Result<Report> {
    must_be_ours(cluster)?;
    let topic = format!("outage-{}", std::process::id());
    cluster.kafka().ensure_topic(&topic, Some(PARTITIONS), &TopicDefaults::default())?;
    let rate = plan.rate as f64 / MACHINES as f64;
    let flags =
        [("--topic", topic.clone()), ("--machines", MACHINES.to_string()), ("--rate", rate.to_string())];
    let flags = flags.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    let plant = Plant::start(quiet_producer(cluster.bootstrap_server(), registry_url, flags)?)?;
    let start = |guarantee: &Guarantee| {
        let member = Member::start(cluster.kafka(), registry_url, (&topic, PARTITIONS), *guarantee)?;
        Ok(Watched { member, passages: Vec::new(), seen: None })
    };
    let members = plan.guarantees.iter().map(start).collect::<Result<Vec<Watched>>>()?;
    let mut running =
        Running { cluster, plant: &plant, topic: &topic, shutdown, tell, members, began: Instant::now() };
    running.settle("a consumer does not begin")?;
    for down in &plan.downs {
        running.outage(*down)?;
        running.settle("a consumer does not catch up")?;
    }
    let members = running.members;
    plant.end(cluster)?;
    let members = catch_up_for_good(cluster, &topic, members, shutdown)?;
    compare(cluster, registry_url, &topic, members)
}

/// A consumer, and what was seen of it.
struct Watched {
    member: Member,
    passages: Vec<Passage>,
    /// What its group had committed when the broker first told after its return.
    seen: Option<i64>,
}

impl Watched {
    /// Whether its group has committed something since the broker's return.
    fn has_gone_on(&mut self) -> bool {
        let Some(committed) = self.member.committed() else { return false };
        committed > *self.seen.get_or_insert(committed)
    }
}

/// Consumers of a stream while the broker comes and goes.
struct Running<'a> {
    cluster: &'a mut Cluster,
    plant: &'a Plant,
    topic: &'a str,
    shutdown: &'a Shutdown,
    tell: &'a dyn Fn(&str),
    members: Vec<Watched>,
    began: Instant,
}

impl Running<'_> {
    fn outage(&mut self, down: Duration) -> Result<()> {
        self.cluster.kill_broker(1)?;
        self.say(&format!("the broker was killed, for {} s", down.as_secs_f64()));
        let back = Instant::now() + down;
        while Instant::now() < back {
            self.look(back.saturating_duration_since(Instant::now()).min(BETWEEN_LOOKS))?;
        }
        self.cluster.start_broker(1)?;
        let (back, acknowledged) = (Instant::now(), self.plant.progress().acknowledged());
        self.say("the broker answers again");
        for watched in &mut self.members {
            watched.seen = None;
            watched.member.look_anew()?;
        }
        let mut waiting: Vec<usize> = (0..self.members.len()).collect();
        while !waiting.is_empty() && back.elapsed() < STUCK {
            let (gone_on, rest) = waiting.into_iter().partition(|index| self.members[*index].has_gone_on());
            self.note(gone_on, down, Some(back.elapsed()));
            waiting = rest;
            self.look(BETWEEN_LOOKS)?;
        }
        self.note(waiting, down, None);
        self.sends_again(acknowledged)
    }

    /// Waits until the producer has sent something new. Its client can lose all its brokers for good where the only
    /// one is fenced for a moment (librdkafka's issue 5301); nothing could be seen of the consumers then.
    fn sends_again(&mut self, acknowledged: u64) -> Result<()> {
        let began = Instant::now();
        while self.plant.progress().acknowledged() <= acknowledged {
            if began.elapsed() > STUCK {
                return Err(Error::failed("the producer does not go on after the outage; try again"));
            }
            self.look(BETWEEN_LOOKS)?;
        }
        Ok(())
    }

    fn note(&mut self, members: Vec<usize>, down: Duration, took: Option<Duration>) {
        for index in members {
            self.members[index].passages.push(Passage { down, took });
            let guarantee = self.members[index].member.guarantee;
            self.say(&match took {
                Some(took) => format!("{guarantee} has gone on after {:.1} s", took.as_secs_f64()),
                None => format!("{guarantee} does not go on"),
            });
        }
    }

    /// Waits until the consumers have committed what lies in the topic now.
    fn settle(&mut self, otherwise: &str) -> Result<()> {
        // The stream may need a moment to come to anything.
        self.look(Duration::from_secs(2))?;
        let end: i64 = Span::of(self.cluster.kafka(), self.topic)?.ends().iter().sum();
        for index in 0..self.members.len() {
            let mut standing = Standing::new();
            while !standing.reaches(end.max(1), self.members[index].member.committed()) {
                if standing.is_stuck() {
                    let guarantee = self.members[index].member.guarantee;
                    let why = format!("{otherwise}: {guarantee} has committed {} of {end}", standing.at);
                    return Err(Error::failed(format!("{why}, and nothing more for {} s", STUCK.as_secs())));
                }
                self.look(BETWEEN_LOOKS)?;
            }
        }
        Ok(())
    }

    fn say(&self, what: &str) {
        (self.tell)(&format!("{:>6.1} s  {what}", self.began.elapsed().as_secs_f64()));
    }

    /// Lets some time pass in which everything must go on.
    fn look(&mut self, pause: Duration) -> Result<()> {
        if self.shutdown.wait(pause) {
            return Err(Error::failed("interrupted; nothing was compared"));
        }
        if self.plant.is_finished() {
            return Err(Error::failed("the producer ended by itself"));
        }
        self.cluster.check()?;
        self.members.iter_mut().try_for_each(|one| one.member.check())
    }
}

/// A consumer that has ended.
struct Ended {
    guarantee: Guarantee,
    group: String,
    passages: Vec<Passage>,
    end: End,
}

/// How far a group is, and since when.
struct Standing {
    at: i64,
    since: Instant,
}

impl Standing {
    fn new() -> Self {
        Self { at: 0, since: Instant::now() }
    }

    /// Notes what is committed, if that is known, and gives whether it is enough.
    fn reaches(&mut self, end: i64, committed: Option<i64>) -> bool {
        if let Some(committed) = committed.filter(|committed| *committed > self.at) {
            (self.at, self.since) = (committed, Instant::now());
        }
        self.at >= end
    }

    fn is_stuck(&self) -> bool {
        self.since.elapsed() > STUCK
    }
}

/// Waits until the consumers have committed everything, and ends them.
fn catch_up_for_good(
    cluster: &Cluster,
    topic: &str,
    members: Vec<Watched>,
    shutdown: &Shutdown,
) -> Result<Vec<Ended>> {
    let end: i64 = Span::of(cluster.kafka(), topic)?.ends().iter().sum();
    let ended = members.into_iter().map(|Watched { mut member, passages, .. }| {
        let mut standing = Standing::new();
        while !standing.reaches(end, member.committed()) {
            member.check()?;
            if shutdown.wait(BETWEEN_LOOKS) || standing.is_stuck() {
                return Err(Error::failed(format!(
                    "{} did not read to the end of the topic",
                    member.guarantee
                )));
            }
        }
        let (guarantee, group) = (member.guarantee, member.group.clone());
        Ok(Ended { guarantee, group, passages, end: member.end(LEAVING)? })
    });
    ended.collect()
}

fn compare(cluster: &Cluster, registry_url: &str, topic: &str, members: Vec<Ended>) -> Result<Report> {
    let group = format!("{topic}-undisturbed");
    let refuse = |why: String| Error::failed(format!("the undisturbed run fails: {why}"));
    let mut command = written::consumer(topic, &group, Guarantee::AtLeastOnce.name())?;
    command.args(["--until", "end"]);
    let status =
        at(&mut command, cluster.kafka(), registry_url).status().map_err(|e| refuse(e.to_string()))?;
    if !status.success() {
        return Err(refuse(status.to_string()));
    }
    let expected = Written::read(cluster.kafka(), &group)?;
    let outcome = |Ended { guarantee, group, passages, end }: Ended| {
        let flaws = Flaws::of(&expected, &Written::read(cluster.kafka(), &group)?);
        Ok(Outcome { guarantee, passages, flaws, peak: end.peak, ended_well: end.status.success() })
    };
    let outcomes = members.into_iter().map(outcome).collect::<Result<Vec<Outcome>>>()?;
    Ok(Report { records: expected.distinct(), outcomes })
}
