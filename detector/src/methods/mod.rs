//! The methods, one file each. Which sees what is told in docs/detection.md.

mod cusum;
mod ensemble;
mod ewma;
mod honest;
mod isolation_forest;
mod mewma;
mod model;
mod modes;
mod pca_q;
mod profile;
mod recipe;
pub mod residual;
mod robust_z;
mod t2;
mod threshold;
mod zscore;

pub use cusum::{Cusum, CusumParams};
pub use ensemble::{Ensemble, EnsembleParams};
pub use ewma::{Ewma, EwmaParams};
pub use honest::{Honest, HonestParams};
pub use isolation_forest::{IsolationForest, IsolationForestParams, SlidingForest, SlidingForestParams};
pub use mewma::{Mewma, MewmaParams};
pub use model::{Algorithm, Model};
pub use modes::{Clustering, Clusters, Modes, ModesParams};
pub use pca_q::{PcaQ, PcaQParams};
pub use profile::{Profile, ProfileParams};
pub use recipe::{Features, Recipe, Refit};
pub use robust_z::{RobustZ, RobustZParams};
pub use t2::{T2, T2Params};
pub use threshold::{Threshold, ThresholdParams};
pub use zscore::{Zscore, ZscoreParams};
