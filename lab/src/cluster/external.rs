//! A cluster that somebody else runs.

use std::time::Duration;

use millrace_core::{Error, Result};

use super::probe::Probe;

const PATIENCE: Duration = Duration::from_secs(10);

/// Checks that the cluster answers.
pub(super) fn check(bootstrap_server: &str) -> Result<()> {
    let answer = Probe::new(bootstrap_server).and_then(|probe| probe.brokers(PATIENCE));
    // What librdkafka calls the reason is "broker transport failure" for all that can be wrong here.
    answer.map(drop).map_err(|_| {
        Error::failed(format!(
            "no Kafka broker answers at {bootstrap_server} within {} s; start it or correct --bootstrap-server",
            PATIENCE.as_secs()
        ))
    })
}
