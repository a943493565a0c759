//! What a run writes to, opened, with the shards whose records fit it.

use std::io::IsTerminal;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::Sender;

use millrace_core::Result;
use millrace_core::kafka::{Topic, partition_of};
use millrace_core::registry::Registry;
use millrace_schemas::subject::{SENSOR_READING, value_subject};
use millrace_schemas::text::{Layout, csv_header};

use crate::batch::Machines;
use crate::control::{Listener, Replies, Request, Screen, Voice};
use crate::disorder::Rows;
use crate::generate::{Encoding, LineEnd, Shard};
use crate::resume::{self, Position, Replay, Start};
use crate::settings::{KafkaOutput, Output, Place, Settings, TextFormat};
use crate::sink::{
    Accompanied, Beside, Client, DatasetSink, Described, Digest, HttpSink, KafkaSink, Sink, WriterSink,
};
use crate::truth::{OpenTruth, Scribe};

/// A run whose parts are there.
pub(crate) struct Opened {
    /// With the seed and the start that the run has had from its beginning.
    pub settings: Settings,
    pub sink: Box<dyn Sink>,
    pub shards: Vec<Shard>,
    /// Where it goes on.
    pub position: Position,
    /// What commands did before.
    pub replay: Replay,
    /// What hears commands, and where they are answered.
    pub listener: Option<Listener>,
    pub replies: Option<Replies>,
}

/// Opens all that a run writes to; `None` when the run is complete already.
///
/// # Errors
/// When something cannot be opened, or the run went on with other options before.
pub(crate) fn open(settings: &Settings, voice: &Voice, desk: &Sender<Request>) -> Result<Option<Opened>> {
    let layout = layout(settings);
    match &settings.output {
        Output::Console { format } => open_outside(settings, rows(settings, *format, layout), || {
            Ok(Box::new(console(settings, header(*format, layout).as_deref(), voice)?))
        }),
        Output::File { path, format, append } => {
            open_outside(settings, rows(settings, *format, layout), || {
                open_file(settings, path, *format, *append, header(*format, layout).as_deref())
            })
        }
        Output::Dataset(output) => open_outside(settings, shards(settings, Encoding::AvroBody), || {
            let digest = Digest::default();
            let sink = Box::new(DatasetSink::new(output, layout, settings.seed, &digest)?);
            Ok(Box::new(Described::new(settings, &output.path, output.format.key(), digest, sink)?))
        }),
        Output::Api(output) => {
            let encoding = Encoding::Text(TextFormat::Json, layout, LineEnd::None);
            let sink = || HttpSink::new(output, settings.verbose);
            open_outside(settings, shards(settings, encoding), || Ok(Box::new(sink()?)))
        }
        Output::Kafka(output) => open_kafka(settings, output, desk),
    }
}

/// Rows in a file. What is appended to cannot be described: nothing is known of its beginning.
fn open_file(
    settings: &Settings,
    path: &Path,
    format: TextFormat,
    append: bool,
    header: Option<&str>,
) -> Result<Box<dyn Sink>> {
    // A pipe or a device, such as /dev/stdout, has nothing beside it.
    let is_plain = !path.exists() || path.is_file();
    if append && is_plain {
        Described::forget(path)?;
    }
    if append || !is_plain {
        return Ok(Box::new(WriterSink::file(path, append, header)?));
    }
    let digest = Digest::default();
    let sink = Box::new(WriterSink::hashed_file(path, header, &digest)?);
    Ok(Box::new(Described::new(settings, path, format.key(), digest, sink)?))
}

/// Where a line is edited on the same terminal, rows scroll by above it.
fn console(settings: &Settings, header: Option<&str>, voice: &Voice) -> Result<WriterSink> {
    if settings.interactive && std::io::stdout().is_terminal() {
        return WriterSink::screen(Screen::new(voice.clone()), header);
    }
    WriterSink::console(header)
}

/// A run whose readings go elsewhere than to Kafka.
fn open_outside(
    settings: &Settings,
    shards: Vec<Shard>,
    sink: impl FnOnce() -> Result<Box<dyn Sink>>,
) -> Result<Option<Opened>> {
    // First, so that a broker that is not there leaves a file of readings alone.
    let truth = OpenTruth::open(settings.truth.as_ref(), None)?;
    let sink = sink()?;
    Ok(Some(Opened {
        settings: settings.clone(),
        shards: with_truth(settings, &truth, shards),
        sink: accompanied(settings, None, truth, sink)?,
        position: Position::default(),
        replay: Replay::default(),
        listener: None,
        replies: None,
    }))
}

fn open_kafka(settings: &Settings, output: &KafkaOutput, desk: &Sender<Request>) -> Result<Option<Opened>> {
    let KafkaOutput { kafka, topic, partitions, topic_defaults, schema_registry, recovery, .. } = output;
    // First, so that a property it refuses leaves neither schema nor topic behind.
    let client = Rc::new(Client::new(kafka, recovery.exactly_once.as_ref())?);
    kafka.check()?;
    let is_kept = resume::is_kept(output)?;
    let register = |registry: &Registry| registry.client()?.register(&value_subject(topic), SENSOR_READING);
    let schema_id = schema_registry.as_ref().map(register).transpose()?;
    let topic = kafka.ensure_topic(topic, *partitions, topic_defaults)?;
    if let Some(warning) = topic.warning.as_ref().filter(|_| settings.verbose) {
        eprintln!("producer: {warning}");
    }
    let truth = OpenTruth::open(settings.truth.as_ref(), Some((&client, topic.partitions)))?;
    let start = match is_kept {
        false => Start::fresh(settings),
        true => match resume::begin(settings, output, &topic, &client)? {
            Some(start) => start,
            None => return Ok(None),
        },
    };
    let Start { settings, position, replay, keeper } = start;
    let encoding = match schema_id {
        Some(id) => Encoding::Avro(id),
        // Its times are those of the run's own start.
        None => {
            Encoding::Text(TextFormat::Json, Layout { sequence: true, ..layout(&settings) }, LineEnd::None)
        }
    };
    let shards = with_truth(&settings, &truth, shards_by_partition(&settings, topic.partitions, encoding));
    let (listener, replies) = Listener::start(&settings, output, &client, desk.clone()).unzip();
    let ledger = ledger_topic(&settings, output)?.map(|ledger| (Rc::clone(&client), ledger));
    let sink = Box::new(KafkaSink::new(client, &topic.name, keeper));
    let sink = accompanied(&settings, ledger, truth, sink)?;
    Ok(Some(Opened { settings, sink, shards, position, replay, listener, replies }))
}

/// The sink, behind the ledger if there is one (a file, or the topic that is given) and the truth.
fn accompanied(
    settings: &Settings,
    ledger: Option<(Rc<Client>, Topic)>,
    truth: OpenTruth,
    sink: Box<dyn Sink>,
) -> Result<Box<dyn Sink>> {
    let mut beside = truth.beside;
    match (ledger, &settings.ledger) {
        (Some((client, topic)), _) => {
            beside.push(Beside::topic(|part| &part.ledger, client, topic).waited_for());
        }
        (None, Some(Place::File(path))) => {
            beside.push(Beside::file(|part| &part.ledger, path, false, None)?);
        }
        (None, _) => {}
    }
    Ok(if beside.is_empty() { sink } else { Box::new(Accompanied::new(sink, beside)) })
}

fn with_truth(settings: &Settings, truth: &OpenTruth, shards: Vec<Shard>) -> Vec<Shard> {
    let milliseconds = !settings.clock.is_whole_seconds();
    let scribe = || truth.encoding.map(|encoding| Scribe::new(encoding, milliseconds));
    shards.into_iter().map(|shard| shard.with_truth(scribe())).collect()
}

fn ledger_topic(settings: &Settings, output: &KafkaOutput) -> Result<Option<Topic>> {
    match &settings.ledger {
        Some(Place::Topic(name)) => output.kafka.ensure_topic(name, None, &output.topic_defaults).map(Some),
        _ => Ok(None),
    }
}

fn shards_by_partition(settings: &Settings, partitions: i32, encoding: Encoding) -> Vec<Shard> {
    let mut machines: Vec<(i32, &String)> =
        settings.machines.iter().map(|id| (partition_of(id.as_bytes(), partitions), id)).collect();
    // Runs of one partition cost the client half as much as partitions in turn.
    machines.sort_by_key(|(partition, _)| *partition);
    let shard = |chunk: &[(i32, &String)]| {
        let ids = chunk.iter().map(|(_, id)| (*id).clone()).collect();
        let partitions = chunk.iter().map(|(partition, _)| *partition).collect();
        Shard::new(settings, Machines { ids, partitions }, encoding)
    };
    chunks(&machines, settings.threads).map(shard).collect()
}

fn rows(settings: &Settings, format: TextFormat, layout: Layout) -> Vec<Shard> {
    shards(settings, Encoding::Text(format, layout, LineEnd::Newline))
}

/// The machines in the order they were given in.
fn shards(settings: &Settings, encoding: Encoding) -> Vec<Shard> {
    let mut rows = Rows { first: 0, machines: settings.machines.len() };
    chunks(&settings.machines, settings.threads)
        .map(|ids| {
            let machines = Machines { ids: ids.to_vec(), partitions: Vec::new() };
            let shard = Shard::new(settings, machines, encoding).with_rows(rows);
            rows.first += ids.len();
            shard
        })
        .collect()
}

fn chunks<T>(machines: &[T], threads: usize) -> impl Iterator<Item = &[T]> {
    machines.chunks(machines.len().div_ceil(threads).max(1))
}

fn layout(settings: &Settings) -> Layout {
    Layout {
        milliseconds: !settings.clock.is_whole_seconds(),
        sequence: false,
        labels: settings.labels,
        features: settings.derived_features,
        rolling: settings.rolling_features,
    }
}

fn header(format: TextFormat, layout: Layout) -> Option<String> {
    (format == TextFormat::Csv).then(|| csv_header(layout))
}
