//! The records that Millrace puts on Kafka, how they are written and read, and how their schemas are named.
//!
//! No I/O happens here: bytes in, bytes out.

pub mod alert;
pub mod codec;
pub mod compatibility;
pub mod control;
pub mod reading;
pub mod subject;
pub mod text;
pub mod truth;
pub mod window_stats;

pub use alert::{AlertState, AnomalyAlert};
pub use control::{ControlCommand, ControlReply, ControlStatus, MachineState};
pub use reading::{Features, MaintenanceStatus, Rolling, RollingStats, Sensor, SensorReading};
pub use truth::{Episode, EpisodeKind, SensorTruth};
pub use window_stats::{SensorStats, WindowStats};
