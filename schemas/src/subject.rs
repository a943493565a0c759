//! Names under which a schema registry keeps our schemas.

/// Every released Avro schema of [`SensorReading`](crate::SensorReading), oldest first: `sensor_reading/N.avsc`.
///
/// Records of a topic outlive the program that wrote them, so a released version never changes (its checksum
/// is in `sensor_reading/SHA256SUMS`), and a new one reads and is read by all before it.
pub const SENSOR_READING_VERSIONS: [&str; 1] = [include_str!("../sensor_reading/1.avsc")];

/// The newest of [`SENSOR_READING_VERSIONS`], which is written and registered.
pub const SENSOR_READING: &str = SENSOR_READING_VERSIONS[SENSOR_READING_VERSIONS.len() - 1];

/// Every released Avro schema of [`ControlCommand`](crate::ControlCommand), oldest first.
pub const CONTROL_COMMAND_VERSIONS: [&str; 1] = [include_str!("../control_command/1.avsc")];

/// The newest of [`CONTROL_COMMAND_VERSIONS`].
pub const CONTROL_COMMAND: &str = CONTROL_COMMAND_VERSIONS[CONTROL_COMMAND_VERSIONS.len() - 1];

/// Every released Avro schema of [`ControlReply`](crate::ControlReply), oldest first.
pub const CONTROL_REPLY_VERSIONS: [&str; 1] = [include_str!("../control_reply/1.avsc")];

/// The newest of [`CONTROL_REPLY_VERSIONS`].
pub const CONTROL_REPLY: &str = CONTROL_REPLY_VERSIONS[CONTROL_REPLY_VERSIONS.len() - 1];

/// Every released Avro schema of [`SensorTruth`](crate::SensorTruth), oldest first.
pub const SENSOR_TRUTH_VERSIONS: [&str; 1] = [include_str!("../sensor_truth/1.avsc")];

/// The newest of [`SENSOR_TRUTH_VERSIONS`], which is written and registered.
pub const SENSOR_TRUTH: &str = SENSOR_TRUTH_VERSIONS[SENSOR_TRUTH_VERSIONS.len() - 1];

/// Every released Avro schema of [`Episode`](crate::Episode), oldest first.
pub const EPISODE_VERSIONS: [&str; 1] = [include_str!("../episode/1.avsc")];

/// The newest of [`EPISODE_VERSIONS`], which is written and registered.
pub const EPISODE: &str = EPISODE_VERSIONS[EPISODE_VERSIONS.len() - 1];

/// Every released Avro schema of [`AnomalyAlert`](crate::AnomalyAlert), oldest first.
pub const ANOMALY_ALERT_VERSIONS: [&str; 1] = [include_str!("../anomaly_alert/1.avsc")];

/// The newest of [`ANOMALY_ALERT_VERSIONS`], which is written and registered.
pub const ANOMALY_ALERT: &str = ANOMALY_ALERT_VERSIONS[ANOMALY_ALERT_VERSIONS.len() - 1];

/// Every released Avro schema of [`WindowStats`](crate::WindowStats), oldest first.
pub const WINDOW_STATS_VERSIONS: [&str; 1] = [include_str!("../window_stats/1.avsc")];

/// The newest of [`WINDOW_STATS_VERSIONS`], which is written and registered.
pub const WINDOW_STATS: &str = WINDOW_STATS_VERSIONS[WINDOW_STATS_VERSIONS.len() - 1];

/// The subject of a topic's values, after Confluent's TopicNameStrategy: `<topic>-value`.
pub fn value_subject(topic: &str) -> String {
    format!("{topic}-value")
}
