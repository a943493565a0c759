use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::duration;
use crate::hex::hex;
use crate::settings::{KafkaOutput, Settings};
use crate::simulate::{Act, MaintenancePlan};

/// Ids that are listed one by one; longer lists are told by their count and hash.
const LISTED: usize = 50;

/// What a run's records in a topic depend on beside seed, start and rate, readable, by key of the config.
pub(super) fn that_matter(settings: &Settings, output: &KafkaOutput) -> BTreeMap<String, Value> {
    let format = if output.schema_registry.is_some() { "avro" } else { "json" };
    let mut all = of_plant(settings);
    all.insert("data_format".to_owned(), format.into());
    all.insert("exactly_once".to_owned(), output.recovery.exactly_once.is_some().into());
    // What was commanded is read back from its replies.
    let control = output.control.as_ref().map(|control| control.topic.as_str());
    all.insert("control_topic".to_owned(), control.into());
    all
}

/// What readings depend on beside seed, start and rate, wherever they go.
pub(crate) fn of_plant(settings: &Settings) -> BTreeMap<String, Value> {
    let events = &settings.events;
    let all = [
        ("machines", machines(&settings.machines)),
        ("anomaly_injection_rate", events.failure_rate.into()),
        ("maintenance", maintenance(events.maintenance)),
        ("include_derived_features", settings.derived_features.into()),
        ("features", if settings.rolling_features { "rolling".into() } else { Value::Null }),
        ("include_anomaly_labels", settings.labels.into()),
        ("truth", settings.truth.as_ref().map_or(Value::Null, |truth| truth.to_string().into())),
        ("disorder", settings.disorder.as_ref().map(|disorder| disorder.to_string()).into()),
        ("scenario", scenario(&settings.acts)),
    ];
    // A run that began before these could be said has no such key, and goes on all the same.
    let failures_from = Some(events.failures_from).filter(|from| *from > 0);
    let later = [("repair_after", events.repair_after), ("failures_from", failures_from)];
    let later = later.into_iter().filter_map(|(key, span)| Some((key, duration::print(span?).into())));
    all.into_iter().chain(later).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn machines(ids: &[String]) -> Value {
    let is_counted = |(index, id): (usize, &String)| *id == format!("MACHINE_{:03}", index + 1);
    if ids.iter().enumerate().all(is_counted) {
        return json!(ids.len());
    }
    if ids.len() <= LISTED {
        return json!(ids);
    }
    json!({"count": ids.len(), "sha256": hex(Sha256::digest(ids.join("\n")).as_slice())})
}

fn maintenance(plan: MaintenancePlan) -> Value {
    match plan {
        MaintenancePlan::Never => "never".into(),
        MaintenancePlan::Own => "own".into(),
        MaintenancePlan::Every(seconds) => seconds.into(),
    }
}

fn scenario(acts: &[(String, Act)]) -> Value {
    match acts {
        [] => Value::Null,
        acts => json!({"acts": acts.len(), "sha256": hex(Sha256::digest(format!("{acts:?}")).as_slice())}),
    }
}

/// The hash of all that a run's records depend on.
pub(super) fn hash(seed: u64, start: &str, rate: f64, options: &BTreeMap<String, Value>) -> String {
    let all = json!({"seed": seed, "start": start, "rate": rate, "options": options});
    hex(Sha256::digest(all.to_string()).as_slice())
}
