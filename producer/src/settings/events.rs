use millrace_core::Result;

use super::Options;
use super::resolve::Check;
use crate::duration;
use crate::simulate::{Events, MaintenancePlan};

impl Check<'_> {
    /// What happens to machines by itself.
    pub(super) fn events(&self, said: &Options) -> Result<Events> {
        let rate = said.anomaly_injection_rate.unwrap_or(0.01);
        let rate = self.within("anomaly_injection_rate", rate, 0.0, 1.0, "a probability from 0 to 1")?;
        let maintenance = self.maintenance(said)?;
        let repair_after = self.span("repair_after", said.repair_after.as_deref())?;
        Ok(Events {
            failure_rate: if said.include_anomalies.unwrap_or(true) { rate } else { 0.0 },
            maintenance,
            repair_after: repair_after.filter(|_| maintenance != MaintenancePlan::Never),
            failures_from: self.span("failures_from", said.failures_from.as_deref())?.unwrap_or(0),
        })
    }

    fn maintenance(&self, said: &Options) -> Result<MaintenancePlan> {
        let words = "above 0 and at most 10000000000 seconds";
        let interval = said
            .maintenance_interval
            .map(|seconds| self.within("maintenance_interval", seconds, f64::MIN_POSITIVE, 1e10, words))
            .transpose()?;
        Ok(match interval {
            _ if !said.maintenance_simulation.unwrap_or(true) => MaintenancePlan::Never,
            Some(seconds) => MaintenancePlan::Every(seconds),
            None => MaintenancePlan::Own,
        })
    }

    /// A span of stream time, in milliseconds; without a unit it is in seconds, as elsewhere.
    fn span(&self, key: &str, said: Option<&str>) -> Result<Option<i64>> {
        let Some(text) = said else { return Ok(None) };
        let is_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !text.is_empty();
        let parsed = if is_number { duration::parse(&format!("{text}s")) } else { duration::parse(text) };
        parsed.map(Some).or_else(|problem| self.refuse(key, problem))
    }
}
