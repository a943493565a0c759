//! The timeline, beside what Kafka says of the group, while members come, leave and are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::Duration;

use chrono::Utc;
use millrace_consumer::group::timeline::{Cause, Doing, Ending, Place, Timeline, View, read};
use millrace_core::Result;
use millrace_tests::{Child, KafkaTest, Lab, Verdict, passed, produce, skipped, topic};
use serde_json::Value;
use tempfile::TempDir;

use crate::groups::{PROTOCOLS, wait_until};

const TOOL: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const PARTITIONS: usize = 4;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("timeline::an_eager_group_is_drawn_as_kafka_saw_it", |lab| lesson(lab, 0))
            .needs("groups that can be described"),
        KafkaTest::shared("timeline::a_cooperative_group_is_drawn_as_kafka_saw_it", |lab| lesson(lab, 1))
            .needs("groups that can be described"),
        KafkaTest::shared("timeline::a_kip_848_group_is_drawn_as_kafka_saw_it", |lab| lesson(lab, 2))
            .needs("KIP-848 groups"),
        KafkaTest::shared("timeline::one_that_hangs_is_drawn_beside_the_next_owner", hung)
            .needs("groups that outlive their members"),
        KafkaTest::shared("timeline::one_of_a_kip_848_group_that_hangs_and_dies_is_started_again", died)
            .needs("KIP-848 groups"),
        KafkaTest::shared("timeline::one_with_a_name_that_hangs_is_told_so", named)
            .needs("groups that outlive their members"),
        KafkaTest::shared("timeline::a_group_that_told_nothing_is_named", nothing),
    ]
}

/// A group whose members are processes.
struct Group<'a> {
    lab: &'a Lab,
    name: String,
    topic: String,
    protocol: &'static [&'static str],
    folder: TempDir,
}

impl Group<'_> {
    /// Starts a member, whose readings go to a file of this name.
    fn member(&self, name: &str) -> std::io::Result<Child> {
        self.member_that(name, &[])
    }

    fn member_that(&self, name: &str, more: &[&str]) -> std::io::Result<Child> {
        let (bootstrap, registry) = (self.lab.cluster.bootstrap_server(), self.lab.registry_url());
        let place = ["--bootstrap-server", bootstrap, "--schema-registry-url", &registry];
        let what = ["--topic", &self.topic, "--group-id", &self.name, "--output-format", "json", "--quiet"];
        let how = ["--from-beginning", "--commit-interval", "0.1"];
        let session: &[&str] = if self.protocol == PROTOCOLS[2] { &[] } else { &["--session-timeout", "6"] };
        let flags = [&place[..], &what, &how, session, self.protocol, more].concat();
        Child::consumer(&flags, File::create(self.folder.path().join(name))?)
    }

    fn timeline(&self) -> Result<Timeline> {
        let story = read(&self.lab.kafka(), &self.name, None)?;
        Ok(Timeline::of(&self.name, story, Utc::now().timestamp_millis(), View::default()))
    }

    /// Which member has which partition, as the timeline ends.
    fn owners(&self) -> Result<BTreeMap<String, String>> {
        let timeline = self.timeline()?;
        let own = timeline.intervals.iter().filter(|own| own.end.is_none());
        let owner = |life: usize| timeline.lives[life].member.clone();
        Ok(own.map(|own| (own.place.partition.to_string(), owner(own.life))).collect())
    }

    /// The same, as Kafka's own tool tells it.
    fn described(&self) -> std::io::Result<BTreeMap<String, String>> {
        let mut tool = self.lab.cluster.tool(TOOL).expect("a Java");
        let bootstrap = self.lab.cluster.bootstrap_server();
        tool.args(["--bootstrap-server", bootstrap, "--describe", "--group", &self.name]);
        let said = String::from_utf8(tool.output()?.stdout).expect("text");
        let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
        let head = rows.iter().find(|row| row.contains(&"CLIENT-ID")).expect("a head");
        let column = |name: &str| head.iter().position(|column| *column == name).expect("a column");
        let (partition, client, place) = (column("PARTITION"), column("CLIENT-ID"), column("TOPIC"));
        let own = rows.iter().filter(|row| row.get(place) == Some(&self.topic.as_str()));
        Ok(own.map(|row| (row[partition].to_owned(), row[client].to_owned())).collect())
    }

    /// Waits until so many members own everything, and compares with Kafka.
    fn settle(&self, members: usize) -> Result<BTreeSet<String>> {
        wait_until(&format!("{members} members share {}", self.name), || {
            let owners = self.owners().unwrap_or_default();
            let distinct: BTreeSet<&String> = owners.values().collect();
            Ok(owners.len() == PARTITIONS && distinct.len() == members)
        })?;
        wait_until("Kafka's own tool says the same", || {
            let said = self.described().expect("the tool runs");
            let told = self.owners()?;
            eprintln!("Kafka says {said:?}, the timeline {told:?}");
            Ok(said == told)
        })?;
        Ok(self.owners()?.into_values().collect())
    }

    fn fill(&self, seed: &str) -> Result<()> {
        let run = ["--seed", seed, "--speed", "max", "--machines", "40", "--duration", "50"];
        produce(&self.lab.into_topic(&self.topic, &[&run[..], &["--partitions", "4"]].concat())).map(drop)
    }

    /// What a member read, each record as often as it did.
    fn readings(&self, name: &str) -> std::io::Result<Vec<(i64, i64)>> {
        let text = std::fs::read_to_string(self.folder.path().join(name))?;
        // The last line of one that was killed may be cut short.
        let objects = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let number = |object: &Value, name: &str| object[name].as_i64().expect("a number");
        let readings = objects.filter(|object| object["name"] == "reading");
        Ok(readings.map(|object| (number(&object, "partition"), number(&object, "offset"))).collect())
    }
}

fn lesson(lab: &Lab, protocol: usize) -> Verdict {
    if lab.cluster.tool(TOOL).is_none() {
        return skipped("Kafka's Java tools are not on this machine", "MILLRACE_REQUIRE_JDK");
    }
    let (name, topic, folder) = (lab.topic("lesson"), lab.topic("taught"), tempfile::tempdir()?);
    let group = Group { lab, name, topic, protocol: PROTOCOLS[protocol], folder };
    group.fill("1")?;
    let ann = group.member("ann")?;
    let first = group.settle(1)?;
    let bob = group.member("bob")?;
    let two = group.settle(2)?;
    group.fill("2")?;
    let cat = group.member("cat")?;
    let three = group.settle(3)?;
    assert!(cat.end()?.success());
    assert_eq!(group.settle(2)?, two);
    group.fill("3")?;
    bob.kill()?;
    assert_eq!(group.settle(1)?, first);
    let all = topic::records(&lab.kafka(), &group.topic)?.len();
    let read = |name| group.readings(name).expect("a file");
    let seen = || ["ann", "bob", "cat"].into_iter().flat_map(read).collect::<BTreeSet<_>>().len();
    wait_until("all is read", || Ok(seen() == all))?;
    assert!(ann.end()?.success());
    read_right(&group)?;
    drawn(&group.timeline()?, [&first, &two, &three], protocol);
    passed()
}

/// One that does not ask for records for too long loses its partitions, and learns of it when it asks again.
fn hung(lab: &Lab) -> Verdict {
    let (name, topic, folder) = (lab.topic("lesson"), lab.topic("taught"), tempfile::tempdir()?);
    let group = Group { lab, name, topic, protocol: PROTOCOLS[1], folder };
    group.fill("1")?;
    let ann = group.member("ann")?;
    let owners = |members: usize| {
        let owners = group.owners().unwrap_or_default();
        let distinct: BTreeSet<&String> = owners.values().collect();
        Ok(owners.len() == PARTITIONS && distinct.len() == members)
    };
    wait_until("one member has all", || owners(1))?;
    let first = group.timeline()?.lives[0].member.clone();
    wait_until("all is read", || Ok(group.readings("ann").expect("a file").len() == 2_000))?;
    let bob = group.member_that("bob", &["--hang", "15s:1", "--max-poll-interval", "6"])?;
    wait_until("two members share", || owners(2))?;
    group.fill("2")?;
    wait_until("one is seen to have lost what it had", || {
        let timeline = group.timeline()?;
        let lost = |cause: &Cause| cause.what == Doing::Lost && timeline.lives[cause.life].member != first;
        Ok(timeline.rebalances.iter().flat_map(|one| &one.causes).any(lost))
    })?;
    wait_until("two members share again", || owners(2))?;
    let timeline = group.timeline()?;
    let bobs = timeline.lives.iter().position(|life| life.member != first).expect("a life");
    assert!(timeline.lives[bobs].silences.iter().any(|(from, to)| to - from >= 10_000), "{timeline:#?}");
    assert!(timeline.doubles.iter().any(|two| (two.first, two.second) == (bobs, 1 - bobs)), "{timeline:#?}");
    let both = || [group.readings("ann").expect("a file"), group.readings("bob").expect("a file")].concat();
    wait_until("all is read", || Ok(both().into_iter().collect::<BTreeSet<_>>().len() == 4_000))?;
    assert!(ann.end()?.success() && bob.end()?.success());
    passed()
}

/// With KIP-848 the client library may end a member that did not ask for records for too long, or join again: that
/// depends on when it asks. One that hangs and dies is started again.
fn died(lab: &Lab) -> Verdict {
    if lab.cluster.tool(TOOL).is_none() {
        return skipped("Kafka's Java tools are not on this machine", "MILLRACE_REQUIRE_JDK");
    }
    let (name, topic, folder) = (lab.topic("lesson"), lab.topic("taught"), tempfile::tempdir()?);
    let group = Group { lab, name, topic, protocol: PROTOCOLS[2], folder };
    group.fill("1")?;
    let ann = group.member("ann")?;
    let first = group.settle(1)?;
    let bob = group.member_that("bob", &["--hang", "15s:1", "--max-poll-interval", "6"])?;
    let two = group.settle(2)?;
    group.fill("2")?;
    bob.hear("the group has waited for longer than --max-poll-interval (6 s)", Duration::from_secs(60))?;
    bob.kill()?;
    assert_eq!(group.settle(1)?, first);
    let again = group.member("again")?;
    let three = group.settle(2)?;
    group.fill("3")?;
    let read = |name| group.readings(name).expect("a file");
    let seen = || ["ann", "bob", "again"].into_iter().flat_map(read).collect::<BTreeSet<_>>().len();
    wait_until("all is read", || Ok(seen() == 6_000))?;
    assert!(again.end()?.success() && ann.end()?.success());
    let timeline = group.timeline()?;
    let life = |name: &String| timeline.lives.iter().position(|life| life.member == *name).expect("a life");
    let only = |more: &BTreeSet<String>| life(more.difference(&first).next().expect("one"));
    let (ann, bob, again) = (life(first.first().expect("one")), only(&two), only(&three));
    let came = |life| Cause { life, what: Doing::Came };
    let causes: Vec<Cause> = timeline.rebalances.iter().flat_map(|one| one.causes.clone()).collect();
    assert!([ann, bob, again].into_iter().all(|life| causes.contains(&came(life))), "{timeline:#?}");
    let went =
        causes.iter().any(|cause| cause.life == bob && matches!(cause.what, Doing::Silent | Doing::Lost));
    assert!(went, "{timeline:#?}");
    assert_eq!(timeline.lives[bob].end, Some(Ending::Silent));
    passed()
}

/// Its group waits for one with a name that outlives it; nobody else would tell the user what has happened.
fn named(lab: &Lab) -> Verdict {
    let (name, topic, folder) = (lab.topic("lesson"), lab.topic("taught"), tempfile::tempdir()?);
    let group = Group { lab, name, topic, protocol: PROTOCOLS[1], folder };
    group.fill("1")?;
    let hangs = ["--hang", "15s:1", "--max-poll-interval", "6", "--group-instance-id", "bob"];
    let bob = group.member_that("bob", &hangs)?;
    bob.hear("the group has waited for longer than --max-poll-interval (6 s)", Duration::from_secs(60))?;
    wait_until("all is read", || {
        Ok(group.readings("bob").expect("a file").into_iter().collect::<BTreeSet<_>>().len() == 2_000)
    })?;
    assert!(bob.end()?.success());
    passed()
}

/// Nothing was read twice but by or after the one that was killed.
fn read_right(group: &Group<'_>) -> std::io::Result<()> {
    let orderly = [group.readings("ann")?, group.readings("cat")?].concat();
    let distinct: BTreeSet<_> = orderly.iter().collect();
    assert_eq!(distinct.len(), orderly.len(), "those who leave in order read nothing twice");
    let killed = group.readings("bob")?;
    assert_eq!(killed.iter().collect::<BTreeSet<_>>().len(), killed.len());
    Ok(())
}

/// Each event is in the timeline, in its order.
fn drawn(timeline: &Timeline, [first, two, three]: [&BTreeSet<String>; 3], protocol: usize) {
    let life = |name: &String| timeline.lives.iter().position(|life| life.member == *name).expect("a life");
    let only =
        |more: &BTreeSet<String>, less: &BTreeSet<String>| life(more.difference(less).next().expect("one"));
    let (ann, bob, cat) = (life(first.first().expect("one")), only(two, first), only(three, two));
    let causes = timeline.rebalances.iter().flat_map(|rebalance| &rebalance.causes);
    let causes: Vec<(usize, Doing)> = causes.map(|cause| (cause.life, cause.what)).collect();
    let expected = [
        (ann, Doing::Came),
        (bob, Doing::Came),
        (cat, Doing::Came),
        (cat, Doing::Left),
        (bob, Doing::Silent),
        (ann, Doing::Left),
    ];
    assert_eq!(causes, expected, "{timeline:#?}");
    let ends = [ann, bob, cat].map(|life| timeline.lives[life].end);
    assert_eq!(ends, [Some(Ending::Left), Some(Ending::Silent), Some(Ending::Left)]);
    assert_eq!(timeline.doubles, [], "one clock, one owner at a time");
    let inherited = timeline.rebalances.iter().find(|one| one.causes.iter().any(|c| c.what == Doing::Silent));
    let inherited =
        inherited.expect("a rebalance").moves.iter().find(|one| one.from == Some(bob)).expect("a move");
    assert_eq!(inherited.to, Some(ann));
    assert!((3_000..60_000).contains(&inherited.unowned), "after the session's timeout: {inherited:?}");
    // What is given back at the very end nobody takes over.
    let lacked =
        |place: &&Place| timeline.gaps.iter().any(|gap| gap.place == **place && gap.to < timeline.to);
    let kept = timeline.places().into_iter().filter(|place| !lacked(place)).count();
    assert_eq!(kept > 0, protocol > 0, "eager members give all back each time, others keep what they can");
}

fn nothing(lab: &Lab) -> Verdict {
    let refusal = read(&lab.kafka(), "nobody-told", None).expect_err("no events").to_string();
    assert!(
        refusal.starts_with("no member of group nobody-told has told anything in the topic"),
        "{refusal}"
    );
    passed()
}
