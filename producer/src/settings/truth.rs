use std::fmt;
use std::path::{Path, PathBuf};

use millrace_core::Result;
use millrace_core::kafka::{Kafka, Properties, TopicDefaults};
use millrace_core::registry::Registry;

use super::dataset::{DEFAULT_FILE, format_of_ending};
use super::kafka::DEFAULT_TOPIC;
use super::resolve::Check;
use super::{Format, Mode, Options, Place, TextFormat};
use crate::truth::{EPISODES_TOPIC, MAINTENANCE_TOPIC};

/// The topic of `--truth topic:`.
const DEFAULT_TRUTH_TOPIC: &str = "sensor-truth";

/// Where the truth about the readings goes.
#[derive(Debug, Clone)]
pub enum TruthOutput {
    /// Two files.
    Files(TruthFiles),
    /// A topic, and two more for the episodes.
    Topic(Box<TruthTopic>),
}

/// The files of the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthFiles {
    /// A row for each reading.
    pub truth: PathBuf,
    /// A row for each episode.
    pub episodes: PathBuf,
    /// JSON or CSV.
    pub format: TextFormat,
    /// Write behind what is there instead of over it.
    pub append: bool,
}

/// The topic of the truth.
#[derive(Debug, Clone)]
pub struct TruthTopic {
    /// Its name.
    pub topic: String,
    /// The topic that readings go to by default, whose partitions it is made with.
    pub readings: String,
    /// The cluster.
    pub kafka: Kafka,
    /// What topics are made with otherwise.
    pub topic_defaults: TopicDefaults,
    /// The schema registry for Avro; `None` = JSON, as the readings.
    pub schema_registry: Option<Registry>,
    /// Print what may be wrong with a topic.
    pub verbose: bool,
}

impl fmt::Display for TruthOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(files) => write!(f, "{} and {}", files.truth.display(), files.episodes.display()),
            Self::Topic(topic) => write!(f, "topic {}", topic.topic),
        }
    }
}

impl Check<'_> {
    pub(super) fn truth(
        &self,
        said: &Options,
        topics: &TopicDefaults,
        properties: &Properties,
        append: bool,
    ) -> Result<Option<TruthOutput>> {
        let Some(text) = &said.truth else { return Ok(None) };
        match Place::parse(text, DEFAULT_TRUTH_TOPIC) {
            Ok(Place::File(path)) => self.truth_files(path, said, append).map(Some),
            Ok(Place::Topic(name)) => self.truth_topic(name, said, topics, properties).map(Some),
            Err(problem) => self.refuse("truth", problem),
        }
    }

    fn truth_files(&self, truth: PathBuf, said: &Options, append: bool) -> Result<TruthOutput> {
        let Some(format @ (Format::Csv | Format::Json)) = format_of_ending(&truth) else {
            let problem = "must end in .csv, .json, .jsonl or .ndjson, or be topic:NAME";
            return self.refuse("truth", format!("`{}` {problem}", truth.display()));
        };
        let episodes = episodes_beside(&truth);
        for path in [&truth, &episodes] {
            self.untaken(&Place::File(path.clone()), said)?;
        }
        let format = if format == Format::Csv { TextFormat::Csv } else { TextFormat::Json };
        Ok(TruthOutput::Files(TruthFiles { truth, episodes, format, append }))
    }

    fn truth_topic(
        &self,
        topic: String,
        said: &Options,
        topics: &TopicDefaults,
        properties: &Properties,
    ) -> Result<TruthOutput> {
        for name in [topic.as_str(), EPISODES_TOPIC, MAINTENANCE_TOPIC] {
            self.untaken(&Place::Topic(name.to_owned()), said)?;
        }
        if [EPISODES_TOPIC, MAINTENANCE_TOPIC].contains(&topic.as_str()) {
            return self.refuse("truth", format!("topic {topic} takes the episodes; take another"));
        }
        let is_json = said.output_mode == Some(Mode::Kafka) && said.data_format == Some(Format::Json);
        Ok(TruthOutput::Topic(Box::new(TruthTopic {
            topic,
            readings: DEFAULT_TOPIC.to_owned(),
            kafka: self.cluster(said, properties.clone())?,
            topic_defaults: topics.clone(),
            schema_registry: if is_json { None } else { Some(self.registry(said)?) },
            verbose: said.verbose.unwrap_or(true),
        })))
    }

    /// Truth among the readings, or among the ledger's entries, would be of use to nobody.
    fn untaken(&self, place: &Place, said: &Options) -> Result<()> {
        let mode = said.output_mode.unwrap_or(Mode::Console);
        let readings = match mode {
            Mode::File => Some(Place::File(said.output_path.as_deref().unwrap_or(DEFAULT_FILE).into())),
            Mode::Kafka => Some(Place::Topic(said.kafka_topic.as_deref().unwrap_or(DEFAULT_TOPIC).into())),
            _ => None,
        };
        if readings.is_some_and(|readings| readings.is_also(place)) {
            return self.refuse("truth", format!("{place} takes the readings; write the truth elsewhere"));
        }
        if self.ledger(said)?.is_some_and(|ledger| ledger.is_also(place)) {
            return self.refuse("truth", format!("{place} takes the ledger; write the truth elsewhere"));
        }
        Ok(())
    }
}

/// `truth.csv` has `episodes.csv` beside it, `a-truth.csv` has `a-episodes.csv`, and `a.csv` has `a-episodes.csv`.
fn episodes_beside(truth: &Path) -> PathBuf {
    let part = |text: Option<&std::ffi::OsStr>| text.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = (part(truth.file_stem()), part(truth.extension()));
    let stem =
        if stem.contains("truth") { stem.replace("truth", "episodes") } else { format!("{stem}-episodes") };
    truth.with_file_name(format!("{stem}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_lie_beside_the_truth() {
        let names = ["truth.csv", "a/truth.jsonl", "a/day-truth.csv", "a.b/labels.v1.csv"];
        let beside = names.map(|name| episodes_beside(Path::new(name)));
        let expected =
            ["episodes.csv", "a/episodes.jsonl", "a/day-episodes.csv", "a.b/labels.v1-episodes.csv"];
        assert_eq!(beside, expected.map(PathBuf::from));
    }
}
