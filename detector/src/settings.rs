//! What is said on the command line, checked.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use millrace_core::{Error, Result};

use crate::evaluate::{Dataset, Layout, Method, Request};

/// Finds failures early, says why, and can be proved right.
#[derive(Debug, Parser)]
#[command(name = "detector", version, args_override_self = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the detector does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge methods on data whose truth is known.
    Evaluate(Evaluate),
}

/// Judges methods on data whose truth is known.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The collection, which decides the layout and the protocol
    #[arg(long)]
    dataset: Dataset,
    /// The folder that holds it
    #[arg(long, value_name = "DIR")]
    path: PathBuf,
    /// The method, or all that apply
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = methods)]
    algorithm: Methods,
    /// For adbench: how many seeds where chance plays a part [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// How the figures are written
    #[arg(long, value_name = "FORM", default_value = "table")]
    pub output_format: Layout,
}

/// One method, or all.
#[derive(Debug, Clone)]
struct Methods(Vec<Method>);

fn methods(text: &str) -> std::result::Result<Methods, String> {
    if text == "all" {
        return Ok(Methods(Method::all().collect()));
    }
    let names: Vec<&str> = std::iter::once("all").chain(Method::all().map(Method::name)).collect();
    let found = Method::all().find(|method| method.name() == text);
    found.map(|method| Methods(vec![method])).ok_or_else(|| {
        let hint = millrace_core::cli::suggestion(text, names.iter().copied());
        format!("there is no such method; {hint}")
    })
}

impl Evaluate {
    /// What is to be judged.
    ///
    /// # Errors
    /// If the folder is none.
    pub fn request(&self) -> Result<Request> {
        if !self.path.is_dir() {
            return Err(Error::usage(format!("--path: `{}` is not a folder", self.path.display())));
        }
        if self.seeds.is_some() && self.dataset != Dataset::Adbench {
            return Err(Error::usage("--seeds: only the protocol of `adbench` takes several; leave it out"));
        }
        Ok(Request {
            dataset: self.dataset,
            path: self.path.clone(),
            methods: self.algorithm.0.clone(),
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
