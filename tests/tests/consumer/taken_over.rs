//! What takes long when partitions are taken over: the member stays, and can be ended.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use millrace_core::Result;
use millrace_core::kafka::{ProducerContext, while_collecting};
use millrace_tests::{Child, KafkaTest, Lab, Verdict, passed, produce, topic};
use rdkafka::consumer::Consumer;
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::groups::wait_until;
use crate::reading::all;

const RUN: [&str; 6] = ["--speed", "max", "--machines", "5", "--duration", "10"];
const CALL: Duration = Duration::from_secs(30);

pub fn tests() -> Vec<KafkaTest> {
    let needs = "transactions";
    vec![
        KafkaTest::shared("taken_over::for_longer_than_max_poll_interval_costs_no_membership", slow)
            .needs(needs),
        KafkaTest::shared("taken_over::one_that_is_told_to_end_meanwhile_ends_in_order", ended).needs(needs),
    ]
}

/// A transaction that holds offsets of a group: nobody is told what the group has committed before it ends.
struct Open(BaseProducer<ProducerContext>);

impl Open {
    fn begin(lab: &Lab, group: &str, input: &str) -> Result<Self> {
        let producer = lab.kafka().transactional_producer(&format!("{group}-open"))?;
        producer.init_transactions(CALL).expect("transactions begin");
        producer.begin_transaction().expect("a transaction");
        let mut list = TopicPartitionList::new();
        for partition in 0..topic::partitions(&lab.kafka(), input)? {
            list.add_partition_offset(input, partition, Offset::Offset(0)).expect("an offset");
        }
        let observer = lab.kafka().observer(group)?;
        let metadata = observer.group_metadata().expect("a group");
        producer.send_offsets_to_transaction(&list, &metadata, CALL).expect("offsets in a transaction");
        Ok(Self(producer))
    }

    fn abort(&self) {
        while_collecting(&self.0, || self.0.abort_transaction(CALL)).expect("it is aborted");
    }
}

/// A group that has read a topic, in which there is more now.
fn begun(lab: &Lab) -> Result<(String, String)> {
    let (topic, group) = (lab.topic("taken"), lab.topic("taking"));
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--seed", "1"]].concat()))?;
    assert_eq!(millrace_tests::consume(&all(lab, &topic, &group, &[]))?.records, 50);
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--seed", "2"]].concat()))?;
    Ok((topic, group))
}

fn member(lab: &Lab, topic: &str, group: &str, out: &Path) -> std::io::Result<Child> {
    let (bootstrap, registry) = (lab.cluster.bootstrap_server(), lab.registry_url());
    let place = ["--bootstrap-server", bootstrap, "--schema-registry-url", &registry];
    let what = ["--topic", topic, "--group-id", group, "--output-format", "json"];
    let how = ["--max-poll-interval", "6", "--session-timeout", "6"];
    Child::consumer(&[&place[..], &what, &how].concat(), File::create(out)?)
}

fn slow(lab: &Lab) -> Verdict {
    let (topic, group) = begun(lab)?;
    let open = Open::begin(lab, &group, &topic)?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let member = member(lab, &topic, &group, &out)?;
    member.hear("is being looked up; partitions are paused meanwhile", CALL)?;
    let told = |name: &str| {
        let text = std::fs::read_to_string(&out).expect("a file");
        Ok::<_, millrace_core::Error>(text.matches(&format!("\"name\":\"{name}\"")).count())
    };
    wait_until("it has lived for longer than the interval", || Ok(told("alive")? > 8))?;
    assert_eq!(told("reading")?, 0);
    open.abort();
    wait_until("the rest is read", || Ok(told("reading")? == 50))?;
    assert_eq!((told("partitions_lost")?, told("partitions_assigned")?), (0, 1));
    assert!(member.end()?.success());
    passed()
}

fn ended(lab: &Lab) -> Verdict {
    let (topic, group) = begun(lab)?;
    let open = Open::begin(lab, &group, &topic)?;
    let folder = tempfile::tempdir()?;
    let member = member(lab, &topic, &group, &folder.path().join("out"))?;
    member.hear("is being looked up; partitions are paused meanwhile", CALL)?;
    let began = Instant::now();
    assert!(member.end()?.success());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    open.abort();
    passed()
}
