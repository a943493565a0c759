//! Readings as Confluent-framed Avro.
//!
//! Our own records are written and read by hand, without an intermediate value tree; what another
//! writer wrote with another schema is resolved by apache-avro first.

mod container;
mod decode;
mod encode;
mod error;
mod frame;
mod record;
mod resolve;
mod truth;

pub use container::{MARKER_BYTES, write_container_block, write_container_header};
pub use decode::{decode_reading, read_reading};
pub use encode::encode_reading;
pub use error::DecodeError;
pub use frame::{FRAME_HEADER_BYTES, read_frame, write_frame_header};
pub use record::{RecordCodec, RecordReader};
pub use resolve::{ReadingDecoder, SchemaError};
pub use truth::{encode_episode, encode_truth};

/// The largest Avro body that is looked at, in bytes; a hostile length prefix ends here.
pub const MAX_BODY_BYTES: usize = 1 << 20;
