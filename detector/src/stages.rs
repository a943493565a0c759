//! Flags of the stages around a method: modes before it, a forest that grows anew.

use clap::Args;
use millrace_core::{Error, Result};

use crate::evaluate::Method;
use crate::methods::{Algorithm, Clustering, Clusters, Features, Recipe, Refit, SlidingForestParams};

/// The stages that were asked for.
#[derive(Debug, Clone, Default, Args)]
pub struct Stages {
    /// Operating modes into which rows are parted before they are judged, for all methods but residual
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(2..=64))]
    modes: Option<u64>,
    /// How modes are told apart [default: kmeans]
    #[arg(long, value_name = "NAME", requires = "modes")]
    mode_method: Option<Clustering>,
    /// Rows after which isolation_forest grows anew while it judges
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    refit: Option<u64>,
    /// The latest rows from which it grows anew [default: 4096]
    #[arg(long, value_name = "N", requires = "refit", value_parser = clap::value_parser!(u64).range(16..=10_000_000))]
    refit_window: Option<u64>,
    /// What methods for rows see of our plant [default: residuals for isolation_forest without modes and model, else readings]
    #[arg(long, value_name = "WHICH")]
    features: Option<Features>,
}

impl Stages {
    /// The method with these stages around it.
    ///
    /// # Errors
    /// If they do not fit together.
    pub fn around(&self, method: Method) -> Result<Method> {
        let (clusters, refit, features) = (self.clusters(), self.refit()?, self.features);
        match method {
            Method::Residual if clusters.is_some() => Err(Error::usage(
                "--modes: `residual` knows how our plant works, by load and by day; leave it out, or name another \
                 method with --algorithm",
            )),
            Method::Residual if refit.is_some() => Err(not_grown("residual")),
            Method::Residual if features == Some(Features::Readings) => Err(Error::usage(
                "--features: `residual` judges residuals; leave it out, or name another method with --algorithm",
            )),
            Method::Residual => Ok(method),
            Method::Rows(recipe) => {
                let recipe = Recipe { clusters, refit, features, ..recipe };
                if recipe.problem().is_some() {
                    return Err(not_grown(recipe.name()));
                }
                Ok(Method::Rows(recipe))
            }
        }
    }

    /// Many methods with these stages around each; `residual` stays as it is, since modes do not apply to it.
    ///
    /// # Errors
    /// If they do not fit together.
    pub fn around_all(&self, methods: &[Method]) -> Result<Vec<Method>> {
        let alone = methods.len() == 1;
        if self.refit.is_some() && !alone {
            return Err(not_grown("all"));
        }
        let stays = |method: Method| method == Method::Residual && !alone;
        methods.iter().map(|method| if stays(*method) { Ok(*method) } else { self.around(*method) }).collect()
    }

    /// What methods for rows are to see of our plant, if it was said.
    pub fn features(&self) -> Option<Features> {
        self.features
    }

    fn clusters(&self) -> Option<Clusters> {
        let by = self.mode_method.unwrap_or(Clustering::KMeans);
        self.modes.map(|count| Clusters { count: count as usize, by })
    }

    fn refit(&self) -> Result<Option<Refit>> {
        let Some(every) = self.refit else { return Ok(None) };
        let window = self.refit_window.unwrap_or(SlidingForestParams::default().window as u64);
        if every > window {
            return Err(Error::usage(format!(
                "--refit: after {every} rows a window of {window} has passed unseen; give a smaller one, or a \
                 greater --refit-window"
            )));
        }
        Ok(Some(Refit { every: every as usize, window: window as usize }))
    }
}

fn not_grown(name: &str) -> Error {
    let only = Algorithm::IsolationForest.name();
    Error::usage(format!(
        "--refit: only `{only}` grows anew while it judges, and `{name}` was asked for; add --algorithm {only}, or \
         leave it out"
    ))
}
