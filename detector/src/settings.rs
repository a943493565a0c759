//! What is said on the command line, checked.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use millrace_core::{Error, Result};

use crate::evaluate::{self, Dataset, Evaluation, Layout, Method, Request};
use crate::machine::{Judging, MINUTES, is_plant};
use crate::methods::Algorithm;
use crate::model_file::ModelFile;
use crate::stages::Stages;
use crate::stream::{RunTopics, StreamArgs};

/// Finds failures early, says why, and can be proved right.
#[derive(Debug, Parser)]
#[command(name = "detector", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without it, the input is judged.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How the input is judged.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// How it is read, where it is Kafka.
    #[command(flatten)]
    pub stream: StreamArgs,
}

/// What the detector does beside judging its input.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge methods on data whose truth is known.
    Evaluate(Evaluate),
    /// Learn what is normal and write it to a file.
    Fit(Fit),
    /// Show what a model file holds.
    Inspect(Inspect),
    /// Measure what the forest costs.
    Bench(Bench),
}

const EXAMPLES: &str = "\
Examples:
  detector --input kafka --topic sensor-data --algorithm isolation_forest
                                                         alerts to the screen and to the topic anomaly-alerts
  detector --input kafka --algorithm all                 all methods side by side, each with its own alerts
  detector --input readings.csv                          what was strange in a file
  detector fit --input healthy.csv --output model.json   what is normal, for --model
  detector evaluate --dataset plant --path run           how well methods do where the truth is known

Values for --input kafka are taken from flags, then MILLRACE_<KEY> variables, then --config, then the defaults.";

/// Judges a file, a pipe or a topic.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// A file of CSV, JSON lines or Avro, - for standard input, or kafka for a topic
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The method, or all that apply [default: residual for our plant's sensors, honest for others]
    #[arg(long, value_name = "NAME", value_parser = methods)]
    pub algorithm: Option<Methods>,
    /// A model that `detector fit` made; without it each machine is learnt from its first readings
    #[arg(long, value_name = "FILE", conflicts_with_all = ["algorithm", "modes", "refit", "features"])]
    pub model: Option<PathBuf>,
    /// Rows from which each machine is learnt, for all methods but residual; of our plant, running minutes [default:
    /// 400; of our plant 1440]
    #[arg(long, value_name = "N", conflicts_with = "model", value_parser = clap::value_parser!(u64).range(8..=10_000_000))]
    pub learn_rows: Option<u64>,
    /// What surrounds the method
    #[command(flatten)]
    pub stages: Stages,
    /// How alerts are written
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub output_format: AlertForm,
}

/// How alerts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AlertForm {
    /// Lines for people.
    Text,
    /// JSON lines.
    Json,
}

/// Learns from a file and writes a model.
#[derive(Debug, Args)]
pub struct Fit {
    /// A file of CSV, JSON lines or Avro, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// The method [default: residual for our plant's sensors, honest for others]
    #[arg(long, value_name = "NAME", value_parser = method)]
    pub algorithm: Option<Method>,
    /// Columns of numbers to learn, comma-separated [default: those of our plant's seven sensors, or all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', num_args = 1)]
    pub sensors: Option<Vec<String>>,
    /// Where the model goes
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// What chance is seeded with, for isolation_forest and ensemble [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What surrounds the method
    #[command(flatten)]
    pub stages: Stages,
}

/// Shows what a model file holds.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The model file
    #[arg(value_name = "FILE")]
    pub model: PathBuf,
}

/// Measures the forest: learning, rows in batches, one row.
#[derive(Debug, Args)]
pub struct Bench {
    /// Measure scikit-learn's in the same run, in turns, if Python has it
    #[arg(long)]
    pub against_sklearn: bool,
    /// The Python that has scikit-learn [default: python3]
    #[arg(long, value_name = "PATH", requires = "against_sklearn")]
    pub python: Option<PathBuf>,
}

impl Bench {
    /// The Python to measure against.
    pub fn against(&self) -> Option<PathBuf> {
        self.against_sklearn.then(|| self.python.clone().unwrap_or_else(|| PathBuf::from("python3")))
    }
}

/// The method that was asked for, or the usual one for these sensors, with the stages asked for around it.
///
/// # Errors
/// If the stages do not fit the method.
pub fn usual(asked: Option<Method>, stages: &Stages, names: &[String]) -> Result<Method> {
    let usual = if is_plant(names) { Method::Residual } else { Method::Rows(Algorithm::Honest.into()) };
    stages.around(asked.unwrap_or(usual))
}

impl WatchArgs {
    /// How machines with these sensors are judged.
    ///
    /// # Errors
    /// If what was asked for does not go together, or the model cannot be used.
    pub fn judging(&self, names: &[String]) -> Result<Judging> {
        let taught = self.model.as_deref().map(ModelFile::load).transpose()?;
        let methods = match (&taught, &self.algorithm) {
            (Some(model), _) => vec![model.method()?],
            (None, Some(asked)) => self.stages.around_all(&asked.among(names))?,
            (None, None) => vec![usual(None, &self.stages, names)?],
        };
        let learn_rows = self.rows_to_learn(&methods, names)?;
        Judging::new(&methods, names, learn_rows, taught)
    }

    fn rows_to_learn(&self, methods: &[Method], names: &[String]) -> Result<usize> {
        let recipes = methods.iter().filter_map(|method| match method {
            Method::Rows(recipe) => Some(*recipe),
            Method::Residual => None,
        });
        let usual = if is_plant(names) { MINUTES as u64 } else { ROWS };
        let neediest = recipes.max_by_key(|recipe| recipe.fewest_rows());
        match (self.learn_rows, neediest) {
            (Some(_), None) => {
                Err(Error::usage("--learn-rows: `residual` learns by days, not rows; leave it out"))
            }
            (Some(asked), Some(recipe)) if asked < recipe.fewest_rows() => {
                let (name, fewest) = (recipe.name(), recipe.fewest_rows());
                Err(Error::usage(format!(
                    "--learn-rows: {asked} are too few for `{name}`, which learns from at least {fewest}"
                )))
            }
            (Some(asked), _) => Ok(asked as usize),
            (None, recipe) => Ok(recipe.map_or(usual, |recipe| recipe.fewest_rows().max(usual)) as usize),
        }
    }
}

/// Rows that each machine of other sensors is learnt from, unless it is said.
const ROWS: u64 = 400;

/// Judges methods on data whose truth is known.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The collection, which decides the layout and the protocol
    #[arg(long)]
    dataset: Dataset,
    /// The folder that holds it
    #[arg(long, value_name = "DIR", required_unless_present = "topic", conflicts_with = "topic")]
    path: Option<PathBuf>,
    /// The topics that hold it.
    #[command(flatten)]
    topics: RunTopics,
    /// The method, or all that apply
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = methods)]
    algorithm: Methods,
    /// For adbench: how many seeds where chance plays a part [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// What surrounds the method
    #[command(flatten)]
    stages: Stages,
    /// How the figures are written
    #[arg(long, value_name = "FORM", default_value = "table")]
    pub output_format: Layout,
    /// A page with pictures as well, which ends in .html and needs no other file
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// One method, or all.
#[derive(Debug, Clone)]
pub struct Methods(Vec<Method>);

impl Methods {
    /// Those that apply to these sensors: the one that was asked for, or of all those that can.
    pub fn among(&self, names: &[String]) -> Vec<Method> {
        let applies = |method: &Method| match method {
            Method::Residual => is_plant(names),
            // It knows one variable.
            Method::Rows(recipe) => recipe.algorithm != Algorithm::Profile || names.len() == 1,
        };
        let is_one = self.0.len() == 1;
        self.0.iter().copied().filter(|method| is_one || applies(method)).collect()
    }
}

fn methods(text: &str) -> std::result::Result<Methods, String> {
    match text {
        "all" => Ok(Methods(Method::all().collect())),
        _ => named(text, &["all"]).map(|method| Methods(vec![method])),
    }
}

fn method(text: &str) -> std::result::Result<Method, String> {
    named(text, &[])
}

fn named(text: &str, others: &[&'static str]) -> std::result::Result<Method, String> {
    let names: Vec<&str> = others.iter().copied().chain(Method::all().map(Method::name)).collect();
    Method::all().find(|method| method.name() == text).ok_or_else(|| {
        let hint = millrace_core::cli::suggestion(text, names.iter().copied());
        format!("there is no such method; {hint}")
    })
}

impl Evaluate {
    /// Judges what is to be judged.
    ///
    /// # Errors
    /// If the folder is none, the topics cannot be read, or either does not hold what the protocol needs.
    pub fn run(&self) -> Result<Evaluation> {
        if let Some(flag) = self.topics.idle() {
            return Err(Error::usage(format!("{flag} goes with --topic only")));
        }
        let Some(path) = &self.path else {
            if self.dataset != Dataset::Plant {
                return Err(Error::usage(
                    "--topic: only `--dataset plant` is read from Kafka; give --path, the folder of the data set, instead",
                ));
            }
            let request = self.request(Path::new(""))?;
            let folder = self.topics.collect()?;
            return evaluate::run(&Request { path: folder.path().to_owned(), ..request });
        };
        if !path.is_dir() {
            return Err(Error::usage(format!("--path: `{}` is not a folder", path.display())));
        }
        evaluate::run(&self.request(path)?)
    }

    fn request(&self, path: &Path) -> Result<Request> {
        if self.seeds.is_some() && !matches!(self.dataset, Dataset::Adbench | Dataset::All) {
            return Err(Error::usage("--seeds: only the protocol of `adbench` takes several; leave it out"));
        }
        if self.stages.features().is_some() && !matches!(self.dataset, Dataset::Plant | Dataset::All) {
            return Err(Error::usage("--features: only `--dataset plant` is of our plant; leave it out"));
        }
        if let Some(page) = self.output.as_ref().filter(|page| page.extension().is_none_or(|e| e != "html")) {
            return Err(Error::usage(format!(
                "--output: a page is a file that ends in .html, and `{}` does not; the figures are on standard output",
                page.display()
            )));
        }
        Ok(Request {
            dataset: self.dataset,
            path: path.to_owned(),
            methods: self.stages.around_all(&self.algorithm.0)?,
            seeds: self.seeds.unwrap_or(30),
        })
    }
}

/// Reads the command line. `None` means that help or the version was asked for.
///
/// # Errors
/// One sentence that names the wrong flag or value.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>> {
    millrace_core::cli::parse(args)
}
