//! What a run does: said in layers, then resolved and checked once.

mod access;
mod api;
mod control;
mod dataset;
mod disorder;
mod events;
mod kafka;
mod layers;
mod options;
mod place;
mod recovery;
mod resolve;
mod share;
mod speed;
mod truth;

use std::path::PathBuf;
use std::sync::Arc;

use millrace_core::access::Access;
use millrace_core::kafka::{Kafka, TopicDefaults};
use millrace_core::registry::Registry;

use reqwest::Url;

pub use control::Control;
pub(crate) use control::replies_to;
pub use disorder::DEFAULT_LEDGER_TOPIC;
pub use layers::{Cli, Errand, Instead, read, read_errand};
pub use options::{Compression, Format, Mode, MoreFeatures, Options};
pub use place::Place;
pub use recovery::{ExactlyOnce, Recovery};
pub(crate) use resolve::{RATES, RATES_IN_WORDS};
pub use share::Share;
pub use speed::Speed;
pub use truth::{TruthFiles, TruthOutput, TruthTopic};

use crate::disorder::Disorder;
use crate::simulate::{Act, Clock, Events};

/// A run that can be carried out: nothing in it is out of range or contradicts another part.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The machines of this producer, in the order of the output.
    pub machines: Vec<String>,
    /// Every machine of the fleet, of which this producer may have a share.
    pub fleet: Vec<String>,
    /// Which share of the fleet this producer has.
    pub share: Share,
    /// Seed of every random number.
    pub seed: u64,
    /// Event time.
    pub clock: Clock,
    /// Stream seconds to run; `None` = until stopped.
    pub duration: Option<f64>,
    /// How many ticks that are at the rate of the beginning; `None` = until stopped.
    pub ticks: Option<u64>,
    /// How stream time follows wall time.
    pub speed: Speed,
    /// What happens to machines by itself.
    pub events: Events,
    /// What is done to machines, by a scenario.
    pub acts: Arc<[(String, Act)]>,
    /// Attach the guide's derived features.
    pub derived_features: bool,
    /// Attach rolling features.
    pub rolling_features: bool,
    /// Attach labels.
    pub labels: bool,
    /// Where the truth goes, if anywhere.
    pub truth: Option<TruthOutput>,
    /// What goes wrong on the way.
    pub disorder: Option<Arc<Disorder>>,
    /// Where its acts are written down.
    pub ledger: Option<Place>,
    /// Threads that simulate and encode.
    pub threads: usize,
    /// Where readings go.
    pub output: Output,
    /// Take commands from the keyboard.
    pub interactive: bool,
    /// Print what is done, on standard error.
    pub verbose: bool,
}

/// Where readings go.
#[derive(Debug, Clone)]
pub enum Output {
    /// Standard output, in JSON or CSV.
    Console {
        /// JSON or CSV.
        format: TextFormat,
    },
    /// A file, in JSON or CSV.
    File {
        /// Its path.
        path: PathBuf,
        /// JSON or CSV.
        format: TextFormat,
        /// Write behind what is there instead of over it.
        append: bool,
    },
    /// A file that is written as a whole.
    Dataset(DatasetOutput),
    /// A web API, in JSON.
    Api(ApiOutput),
    /// A Kafka topic.
    Kafka(Box<KafkaOutput>),
}

/// A text format with one row a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// One JSON object a line.
    Json,
    /// Rows under a header.
    Csv,
}

/// A file that appears under its name when it is complete.
#[derive(Debug, Clone)]
pub struct DatasetOutput {
    /// Its path.
    pub path: PathBuf,
    /// What it holds.
    pub format: DatasetFormat,
    /// How its blocks or pages are compressed.
    pub compression: Compression,
}

/// A format of files that have an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetFormat {
    /// An Avro object container.
    Avro,
    /// Parquet.
    Parquet,
}

/// A web API to post to.
#[derive(Debug, Clone)]
pub struct ApiOutput {
    /// Where to.
    pub url: Url,
    /// Who asks, and whom to trust.
    pub access: Access,
    /// Readings an array has at most; `None` = one reading a request, as an object.
    pub batch: Option<usize>,
    /// Requests at once; a machine's readings never overtake each other.
    pub lanes: usize,
    /// Where what is given up is written.
    pub rejects: Option<PathBuf>,
}

impl TextFormat {
    /// Its name as an option.
    pub fn key(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl DatasetFormat {
    /// Its name as an option.
    pub fn key(self) -> &'static str {
        match self {
            Self::Avro => "avro",
            Self::Parquet => "parquet",
        }
    }
}

/// A Kafka topic to write to.
#[derive(Debug, Clone)]
pub struct KafkaOutput {
    /// The cluster.
    pub kafka: Kafka,
    /// The topic.
    pub topic: String,
    /// Partitions that were asked for.
    pub partitions: Option<i32>,
    /// What topics are made with otherwise.
    pub topic_defaults: TopicDefaults,
    /// The schema registry for Avro; `None` = JSON.
    pub schema_registry: Option<Registry>,
    /// How the run is found again after its process has gone.
    pub recovery: Recovery,
    /// Where commands come from; `None` = from nowhere.
    pub control: Option<Control>,
}
