//! Models as files: what was learnt, from what, and a digest against damage.

use std::collections::BTreeMap;
use std::path::Path;

use millrace_core::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::evaluate::Method;
use crate::exact;
use crate::methods::Model;
use crate::methods::residual::ResidualModel;

/// The version of the form that is written, and the only one read.
const VERSION: u32 = 3;

/// A model with what is to be known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Version of the form.
    pub version: u32,
    /// The method's name.
    pub algorithm: String,
    /// Names of the columns, in order.
    pub sensors: Vec<String>,
    /// What chance was seeded with.
    pub seed: u64,
    /// How many readings it was learnt from.
    pub readings: u64,
    /// Time of the first and the last of them, where they had times.
    pub span: Option<(String, String)>,
    /// What was learnt.
    pub learnt: Learnt,
    /// SHA-256 of all of the above as compact JSON, in hexadecimal.
    #[serde(default)]
    pub sha256: String,
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learnt {
    /// One model for rows of these sensors, and its threshold.
    Rows {
        /// The model.
        model: Box<Model>,
        /// Set without labels, on held-out rows.
        #[serde(with = "exact::one")]
        threshold: f64,
    },
    /// One model for each machine of our plant.
    Machines(BTreeMap<String, ResidualModel>),
}

impl ModelFile {
    /// A model of the present version, with its digest.
    pub fn new(algorithm: &str, sensors: &[String], seed: u64, learnt: Learnt) -> Self {
        let (algorithm, sensors) = (algorithm.to_owned(), sensors.to_vec());
        let (version, sha256) = (VERSION, String::new());
        Self { version, algorithm, sensors, seed, readings: 0, span: None, learnt, sha256 }
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(mut self, path: &Path) -> Result<()> {
        let at = |e: &dyn std::fmt::Display| Error::failed(format!("cannot write `{}`: {e}", path.display()));
        self.sha256 = self.digest();
        let text = serde_json::to_string_pretty(&self).map_err(|e| at(&e))?;
        let partial = path.with_extension("partial");
        std::fs::write(&partial, text + "\n").map_err(|e| at(&e))?;
        std::fs::rename(&partial, path).map_err(|e| at(&e))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is no model, of another version, or damaged.
    pub fn load(path: &Path) -> Result<Self> {
        let at = |e: &dyn std::fmt::Display| {
            Error::failed(format!("cannot use the model `{}`: {e}", path.display()))
        };
        let no_model = || at(&"it is no model file, or cut off; `detector fit` makes one");
        let bytes = std::fs::read(path).map_err(|e| at(&e))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| no_model())?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(at(&format!(
                    "it has version {version}, and this program reads version {VERSION}; fit it anew"
                )));
            }
            None => return Err(no_model()),
        }
        let file: Self = serde_json::from_slice(&bytes).map_err(|e| at(&format!("{e}; fit it anew")))?;
        if file.sha256 != file.digest() {
            return Err(at(&"its SHA-256 does not match, so it was changed or damaged; fit it anew"));
        }
        Ok(file)
    }

    /// The method that has learnt it.
    ///
    /// # Errors
    /// If this version does not know it.
    pub fn method(&self) -> Result<Method> {
        Method::all().find(|method| method.name() == self.algorithm).ok_or_else(|| {
            let name = &self.algorithm;
            Error::failed(format!("the model's method `{name}` is not known to this version"))
        })
    }

    /// Refuses sensors that are not those the model knows.
    ///
    /// # Errors
    /// If the names or their order differ.
    pub fn must_know(&self, sensors: &[String]) -> Result<()> {
        if self.sensors == sensors {
            return Ok(());
        }
        let strange = sensors.iter().find(|name| !self.sensors.contains(name));
        let absent = self.sensors.iter().find(|name| !sensors.contains(name));
        let what = match (strange, absent) {
            (Some(name), _) => format!("`{name}` is unknown to it"),
            (None, Some(name)) => format!("`{name}` is missing in the input"),
            (None, None) => "their order differs".to_owned(),
        };
        let own = self.sensors.join(",");
        Err(Error::failed(format!(
            "the model was learnt of other sensors: {what}; --sensors {own} names its own, or fit one of these"
        )))
    }

    fn digest(&self) -> String {
        let bare = Self { sha256: String::new(), ..self.clone() };
        let text = serde_json::to_string(&bare).unwrap_or_default();
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is to be known about it, in a few lines.
    pub fn description(&self) -> String {
        let span = self.span.as_ref().map_or_else(String::new, |(from, to)| format!(", {from} to {to}"));
        let learnt = match &self.learnt {
            Learnt::Rows { model, threshold } => format!("{}threshold  {threshold:.4}", stages(model)),
            Learnt::Machines(machines) => {
                format!("machines   {}", machines.keys().cloned().collect::<Vec<_>>().join(", "))
            }
        };
        format!(
            "algorithm  {}\nsensors    {}\nlearnt     {} readings{span}\nseed       {}\n{learnt}\nversion    {}\nsha256     {}\n",
            self.algorithm,
            self.sensors.join(", "),
            self.readings,
            self.seed,
            self.version,
            self.sha256
        )
    }
}

/// What surrounds a method, a line each.
fn stages(model: &Model) -> String {
    match model {
        Model::Modes(modes) => format!("modes      {}\n{}", modes.description(), stages(modes.model())),
        Model::SlidingForest(forest) => format!("grown anew {}\n", forest.description()),
        _ => String::new(),
    }
}
