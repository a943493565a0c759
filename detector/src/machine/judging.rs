use millrace_core::{Error, Result};
use millrace_schemas::Sensor;

use crate::alarm::{Alarm, AlarmParams};
use crate::evaluate::Method;
use crate::methods::Features;
use crate::methods::residual::{Watch, WatchParams};
use crate::model_file::ModelFile;

/// The detector's name in alerts of a stuck sensor.
pub const FLAT_LINE: &str = "flat_line";

/// Running minutes that a method for rows learns a machine of our plant from, unless it is said: a day.
pub const MINUTES: usize = 1440;

/// How machines are judged: the same for all of them.
#[derive(Debug, Clone)]
pub struct Judging {
    pub(super) methods: Vec<Method>,
    pub(super) names: Vec<String>,
    pub(super) is_plant: bool,
    pub(super) learn_rows: usize,
    pub(super) taught: Option<ModelFile>,
    /// How each begins.
    pub(super) watch: Watch,
    pub(super) alarm: Alarm,
}

/// Whether these are the sensors of our plant.
pub fn is_plant(names: &[String]) -> bool {
    names == Sensor::ALL.map(Sensor::name)
}

impl Judging {
    /// By these methods, which learn from each machine's first rows (minutes, of our plant), or by a model that
    /// has learnt.
    ///
    /// # Errors
    /// If a method does not know these sensors.
    pub fn new(
        methods: &[Method],
        names: &[String],
        learn_rows: usize,
        taught: Option<ModelFile>,
    ) -> Result<Self> {
        if let Some(model) = &taught {
            model.must_know(names)?;
        }
        let is_plant = is_plant(names);
        if methods.contains(&Method::Residual) && !is_plant {
            return Err(Error::usage(
                "--algorithm: `residual` knows the seven sensors of our plant, and the input has others; \
                 `honest` takes any",
            ));
        }
        let residuals = |method: &Method| match method {
            Method::Rows(recipe) => recipe.features == Some(Features::Residuals),
            Method::Residual => false,
        };
        if methods.iter().any(residuals) && !is_plant {
            return Err(Error::usage(
                "--features: residuals are of the seven sensors of our plant, and the input has others; leave it out",
            ));
        }
        let refused = |refusal: crate::Refusal| Error::failed(refusal.to_string());
        Ok(Self {
            methods: methods.to_vec(),
            names: names.to_vec(),
            is_plant,
            learn_rows,
            taught,
            watch: Watch::new(WatchParams::default()).map_err(refused)?,
            alarm: Alarm::new(AlarmParams::default()).map_err(refused)?,
        })
    }

    /// All that shapes what is remembered of a machine.
    pub fn words(&self) -> String {
        let (version, rows, names) = (self.version(), self.learn_rows, self.names.join(","));
        format!("methods={:?} rows={rows} model={version} sensors={names}", self.methods)
    }

    /// The sensors.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The methods.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Whether a method is given residuals, so that it learns after them.
    pub fn sees_residuals(&self) -> bool {
        let sees = |method: &Method| matches!(method, Method::Rows(recipe) if recipe.sees_residuals());
        self.is_plant && self.taught.is_none() && self.methods.iter().any(sees)
    }

    /// How many rows a method for rows learns from.
    pub fn learn_rows(&self) -> usize {
        self.learn_rows
    }

    /// Whether readings are judged by minutes.
    pub fn is_plant(&self) -> bool {
        self.is_plant
    }

    /// The digest of the model, or `self-taught`.
    pub fn version(&self) -> &str {
        self.taught.as_ref().map_or("self-taught", |model| model.sha256.as_str())
    }
}
