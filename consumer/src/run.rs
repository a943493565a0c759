//! One run of the consumer.

use std::sync::Arc;
use std::time::Instant;

use millrace_core::kafka::Kafka;
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
use crate::settings::{OnError, Settings};
use crate::source::{Ledger, Outputs, Source};
use crate::state::Store;

/// Reads until the end is asked for or reached.
///
/// # Errors
/// When the cluster or the registry is out of reach, or something cannot go on.
pub fn run(settings: &Settings, shutdown: &Shutdown) -> Result<Tally> {
    settings.kafka.check()?;
    look_for_topic(settings)?;
    let metrics = serve_metrics(settings)?;
    let registry = settings.registry.client()?;
    let alerts = prepare_alerts(settings, &registry)?;
    let windows = WindowTopics::prepare(settings, &registry, shutdown)?;
    let tells_group = prepare_group_events(settings);
    if settings.on_error == OnError::Dlq {
        let defaults = settings.topic_defaults.of_one_partition();
        settings.kafka.ensure_topic(&settings.dead_letters, None, &defaults)?;
    }
    let outbox = Arc::new(Outbox::new(writes(settings, tells_group))?);
    let ledger = Arc::new(Ledger::new(&settings.topic, Arc::clone(&outbox) as Arc<dyn Outputs>));
    let member = member_name(settings);
    let processor = Rolling::new(settings);
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
pub(crate) fn run_to_end(settings: &Settings) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let began = Instant::now();
    let tally = run(settings, &shutdown)?;
    if settings.verbose {
        let (records, rejected, alerts) = (tally.records, tally.rejected, tally.alerts);
        // Joining a group takes its own time, which says nothing of the rate.
        let seconds = tally.first.unwrap_or(began).elapsed().as_secs_f64();
        let rate = (records as f64 / seconds.max(f64::MIN_POSITIVE)) as u64;
        let closed = match &settings.closed {
            Some(_) => format!(", {} windows closed, {} records late", tally.windows, tally.late),
            None => String::new(),
        };
        eprintln!(
            "read {records} records in {seconds:.1} s ({rate} records/s): {rejected} rejected, {alerts} alerts{closed}"
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
    let topic = settings.detection.as_ref().and_then(|detection| detection.topic.as_ref());
    let Some(topic) = topic else { return Ok(None) };
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
        if settings.verbose {
            eprintln!("the demo broker keeps no state; windows begin anew after a restart");
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

fn writes(settings: &Settings, tells_group: bool) -> Option<&Kafka> {
    let alerts = settings.detection.as_ref().is_some_and(|detection| detection.topic.is_some());
    let closes = settings.closed.is_some();
    let keeps = settings.state;
    (tells_group || alerts || closes || keeps || settings.on_error == OnError::Dlq).then_some(&settings.kafka)
}

/// What the group sees as the client's id.
fn member_name(settings: &Settings) -> String {
    settings.member.instance.clone().unwrap_or_else(|| format!("millrace-{:08x}", rand::random::<u32>()))
}
