//! Names under which a schema registry keeps our schemas.

/// The Avro schema of [`SensorReading`](crate::SensorReading), as it is registered.
pub const SENSOR_READING: &str = include_str!("../sensor_reading.avsc");

/// The subject of a topic's values, after Confluent's TopicNameStrategy: `<topic>-value`.
pub fn value_subject(topic: &str) -> String {
    format!("{topic}-value")
}
