//! One run of the consumer, or of another program with a processor of its own.

use std::sync::Arc;
use std::time::Instant;

use millrace_core::registry::RegistryClient;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::codec::RecordCodec;
use millrace_schemas::subject::{ANOMALY_ALERT, value_subject};

use crate::group;
use crate::metrics;
use crate::outbox::Outbox;
use crate::pipeline::{Flow, Parts, Processor, Tally, WindowTopics};
use crate::rolling::Rolling;
use crate::settings::{ClosedWindows, OnError, Run, Settings};
use crate::source::{Ledger, Outputs, Source};
use crate::state::Store;

/// Computes rolling statistics until the end is asked for or reached.
///
/// # Errors
/// When the cluster or the registry is out of reach, or something cannot go on.
pub fn run(run: &Run, shutdown: &Shutdown) -> Result<Tally> {
    process(&run.settings, run.statistics.closed.as_ref(), Rolling::new(&run.statistics), shutdown)
}

/// Reads as a member of a group and hands readings to a processor, until the end is asked for or reached. Where
/// `closed` says so, there are topics for closed windows.
///
/// # Errors
/// When the cluster or the registry is out of reach, or something cannot go on.
pub fn process(
    settings: &Settings,
    closed: Option<&ClosedWindows>,
    processor: impl Processor,
    shutdown: &Shutdown,
) -> Result<Tally> {
    settings.kafka.check()?;
    look_for_topic(settings)?;
    let metrics = serve_metrics(settings)?;
    let registry = settings.registry.client()?;
    let alerts = prepare_alerts(settings, &registry)?;
    let windows = closed
        .map(|closed| WindowTopics::prepare(settings, closed, &registry, shutdown))
        .transpose()?
        .flatten();
    let tells_group = prepare_group_events(settings);
    if settings.on_error == OnError::Dlq {
        let defaults = settings.topic_defaults.of_one_partition();
        settings.kafka.ensure_topic(&settings.dead_letters, None, &defaults)?;
    }
    let writes = writes(settings, tells_group) || closed.is_some();
    let outbox = Arc::new(Outbox::new(writes.then_some(&settings.kafka))?);
    let ledger = Arc::new(Ledger::new(&settings.topic, Arc::clone(&outbox) as Arc<dyn Outputs>));
    let member = member_name(settings);
    let store = prepare_state(settings, &processor)?;
    let source = Source::join(settings, &member, Arc::clone(&ledger), store.clone())?;
    let parts = Parts {
        settings,
        source: &source,
        ledger,
        outbox,
        registry,
        alerts,
        windows,
        processor,
        member: &member,
        tells_group,
        store,
        metrics,
    };
    Flow::new(parts).run(shutdown)
}

/// A run that ends by itself or by a signal, with the summary left to standard error.
pub(crate) fn run_to_end(run: &Run) -> Result<()> {
    let told = |tally: &Tally| match &run.statistics.closed {
        Some(_) => format!(", {} windows closed, {} records late", tally.windows, tally.late),
        None => String::new(),
    };
    to_end(&run.settings, |shutdown| self::run(run, shutdown), told)
}

/// Runs something that ends by itself or by a signal, and leaves the summary, with what `told` adds, to standard
/// error.
///
/// # Errors
/// What the run ends with.
pub fn to_end(
    settings: &Settings,
    run: impl FnOnce(&Shutdown) -> Result<Tally>,
    told: impl FnOnce(&Tally) -> String,
) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let began = Instant::now();
    let tally = run(&shutdown)?;
    if settings.verbose {
        let (records, rejected, alerts) = (tally.records, tally.rejected, tally.alerts);
        // Joining and leaving a group, and waiting for more, take time that says nothing of the rate.
        let (first, last) = (tally.first.unwrap_or(began), tally.last.unwrap_or_else(Instant::now));
        let seconds = last.saturating_duration_since(first).as_secs_f64();
        let rate = (records as f64 / seconds.max(f64::MIN_POSITIVE)) as u64;
        let told = told(&tally);
        eprintln!(
            "read {records} records in {seconds:.1} s ({rate} records/s): {rejected} rejected, {alerts} alerts{told}"
        );
    }
    Ok(())
}

fn serve_metrics(settings: &Settings) -> Result<Option<metrics::Server>> {
    let server = settings.metrics_listen.as_deref().map(metrics::Server::start).transpose()?;
    if let Some(server) = server.as_ref().filter(|_| settings.verbose) {
        eprintln!("metrics are at http://{}/metrics", server.address());
    }
    Ok(server)
}

fn look_for_topic(settings: &Settings) -> Result<()> {
    let topic = &settings.topic;
    if settings.kafka.partitions(topic)?.is_some() {
        return Ok(());
    }
    let missing = format!("there is no topic {topic} at {}", settings.kafka.bootstrap_servers());
    if settings.until_end {
        return Err(Error::failed(format!("{missing}: check --topic, or start a producer")));
    }
    if settings.verbose {
        eprintln!("{missing} yet; waiting for it");
    }
    Ok(())
}

fn prepare_alerts(settings: &Settings, registry: &RegistryClient) -> Result<Option<(RecordCodec, u32)>> {
    let Some(topic) = &settings.alerts_topic else { return Ok(None) };
    let id = registry.register(&value_subject(topic), ANOMALY_ALERT)?;
    settings.kafka.ensure_topic(topic, None, &settings.topic_defaults.of_one_partition())?;
    let codec = RecordCodec::new(ANOMALY_ALERT).map_err(|e| Error::failed(format!("alerts: {e}")))?;
    Ok(Some((codec, id)))
}

/// Where the state is kept, if it is to be and can be.
fn prepare_state(settings: &Settings, processor: &impl Processor) -> Result<Option<Arc<Store>>> {
    if !settings.state {
        return Ok(None);
    }
    if settings.kafka.is_demo()? {
        if settings.transactional_id.is_some() {
            let why =
                "--guarantee exactly-once needs a real Kafka: the demo broker has no transactions to rely on";
            return Err(Error::failed(why));
        }
        if settings.learn_from.is_some() {
            let why = "--fit-from needs a real Kafka: the demo broker keeps no state, so nothing is learnt for others";
            return Err(Error::failed(why));
        }
        if settings.verbose {
            eprintln!(
                "the demo broker keeps no state; what is known of machines begins anew after a restart"
            );
        }
        return Ok(None);
    }
    let (topic, group) = (&settings.topic, &settings.member.group);
    Ok(Some(Arc::new(Store::new(&settings.kafka, topic, group, &processor.version()))))
}

/// Whether the group's events can be told. A cluster that does not want them is read all the same.
fn prepare_group_events(settings: &Settings) -> bool {
    if !settings.group_events {
        return false;
    }
    let made = settings.kafka.ensure_topic(group::TOPIC, None, &settings.topic_defaults.of_one_partition());
    if let Err(error) = &made {
        eprintln!("{error}; what the group does is not told there");
    }
    made.is_ok()
}

fn writes(settings: &Settings, tells_group: bool) -> bool {
    let alerts = settings.alerts_topic.is_some();
    tells_group || alerts || settings.state || settings.on_error == OnError::Dlq
}

/// What the group sees as the client's id.
fn member_name(settings: &Settings) -> String {
    settings.member.instance.clone().unwrap_or_else(|| format!("millrace-{:08x}", rand::random::<u32>()))
}
