//! How well each method finds the faults of data whose truth is known, by fixed protocols.

mod adbench;
mod baseline;
mod healthy;
mod markdown;
mod nab;
mod page;
mod picture;
mod plant;
mod report;
mod skab;
mod tep;
mod track;

use std::path::{Path, PathBuf};

use millrace_core::{Error, Result};
use serde::Serialize;

use crate::methods::{Algorithm, Recipe};

pub(crate) use healthy::{threshold, threshold_of_residuals};
pub use page::write_page;
pub use picture::{Picture, Point, Strip};
pub use report::{Layout, write};

/// The collections of data whose layout and protocol are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dataset {
    /// Tables with labels (ADBench): learnt and judged on all rows.
    Adbench,
    /// The Tennessee Eastman process: learnt from d00, faults from row 160 on.
    Tep,
    /// A water circulation testbed: learnt from the first 400 rows of each file.
    Skab,
    /// One variable with labelled windows (Numenta): the standard profile.
    Nab,
    /// A run of our plant with its truth: nothing is known at the start.
    Plant,
    /// All of them, each in a folder of its name below --path.
    All,
}

/// A method that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The method for our plant's machines.
    Residual,
    /// A method for rows of any sensors.
    Rows(Recipe),
}

impl Method {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Residual).chain(Algorithm::ALL.map(|algorithm| Self::Rows(algorithm.into())))
    }

    /// The name on the command line and in figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Residual => "residual",
            Self::Rows(recipe) => recipe.name(),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The collection.
    pub dataset: &'static str,
    /// A file of it, or `all`.
    pub file: String,
    /// The method, or a baseline.
    pub algorithm: &'static str,
    /// What is measured.
    pub metric: &'static str,
    /// The value; none where it cannot be told, or does not apply.
    pub value: Option<f64>,
    /// Over how many seeds the value is a mean.
    pub seeds: u64,
    /// Why a method does not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The figures.
    pub figures: Vec<Figure>,
    /// What can be drawn.
    pub pictures: Vec<Picture>,
}

impl Evaluation {
    fn add(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.pictures.extend(other.pictures);
    }

    /// A method that refuses is not applicable.
    fn add_or_say(&mut self, of: &Figures<'_>, judged: crate::refusal::Result<Self>) {
        match judged {
            Ok(found) => self.add(found),
            Err(refusal) => self.figures.push(of.not_applicable(refusal.to_string())),
        }
    }
}

/// What is to be judged.
#[derive(Debug, Clone)]
pub struct Request {
    /// By which protocol.
    pub dataset: Dataset,
    /// The folder.
    pub path: PathBuf,
    /// Which methods.
    pub methods: Vec<Method>,
    /// How many seeds where chance plays a part.
    pub seeds: u64,
}

/// Judges methods by the protocol of their data.
///
/// # Errors
/// If the folder does not hold what the protocol needs.
pub fn run(request: &Request) -> Result<Evaluation> {
    match request.dataset {
        Dataset::All => return all(request),
        Dataset::Plant => return plant::run(request),
        _ => {}
    }
    let mut found = for_rows(request)?;
    if request.methods.contains(&Method::Residual) {
        let residual =
            Figures { dataset: request.dataset.name(), file: "all", algorithm: "residual", seeds: 1 };
        found
            .figures
            .push(residual.not_applicable("it knows the sensors of our plant, and these are others"));
    }
    Ok(found)
}

/// Every data set that the folder holds.
fn all(request: &Request) -> Result<Evaluation> {
    let known = [Dataset::Plant, Dataset::Skab, Dataset::Tep, Dataset::Nab, Dataset::Adbench];
    let mut found = Evaluation::default();
    for dataset in known {
        let path = request.path.join(dataset.name());
        if path.is_dir() {
            found.add(run(&Request { dataset, path, ..request.clone() })?);
        }
    }
    if found.figures.is_empty() {
        return Err(none_found(&request.path, "folder `plant`, `skab`, `tep`, `nab` or `adbench`"));
    }
    Ok(found)
}

fn for_rows(request: &Request) -> Result<Evaluation> {
    match request.dataset {
        Dataset::Plant | Dataset::All => Ok(Evaluation::default()),
        Dataset::Adbench => adbench::run(request),
        Dataset::Tep => tep::run(request),
        Dataset::Skab => skab::run(request),
        Dataset::Nab => nab::run(request),
    }
}

impl Dataset {
    const fn name(self) -> &'static str {
        match self {
            Self::Adbench => "adbench",
            Self::Tep => "tep",
            Self::Skab => "skab",
            Self::Nab => "nab",
            Self::Plant => "plant",
            Self::All => "all",
        }
    }
}

impl Request {
    /// The methods that judge rows of any sensors.
    fn recipes(&self) -> Vec<Recipe> {
        let of = |method: &Method| match method {
            Method::Rows(recipe) => Some(*recipe),
            Method::Residual => None,
        };
        self.methods.iter().filter_map(of).collect()
    }
}

/// Collects the figures of one method on one file.
struct Figures<'a> {
    dataset: &'static str,
    file: &'a str,
    algorithm: &'static str,
    seeds: u64,
}

impl Figures<'_> {
    fn of(&self, metric: &'static str, value: impl Into<Option<f64>>) -> Figure {
        Figure {
            dataset: self.dataset,
            file: self.file.to_owned(),
            algorithm: self.algorithm,
            metric,
            value: value.into(),
            seeds: self.seeds,
            reason: None,
        }
    }

    fn not_applicable(&self, reason: impl Into<String>) -> Figure {
        Figure { reason: Some(reason.into()), ..self.of("not_applicable", None) }
    }
}

/// The CSV files of a folder in order of their names.
fn csv_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let at = |e: std::io::Error| Error::failed(format!("cannot read the folder `{}`: {e}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn none_found(folder: &Path, what: &str) -> Error {
    Error::failed(format!(
        "the folder `{}` has no {what}; --path names the folder of the data set",
        folder.display()
    ))
}

fn refused(refusal: crate::Refusal) -> Error {
    Error::failed(refusal.to_string())
}

/// A file's name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
