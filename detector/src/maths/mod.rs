//! What several methods share: scales, covariances, quantiles.

pub mod covariance;
pub mod measure;
pub mod quantile;
pub mod scale;
pub mod tail;
pub mod vus;
