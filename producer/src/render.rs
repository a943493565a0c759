//! Derive and encode: a reading becomes the bytes of a record.

use millrace_schemas::SensorReading;
use millrace_schemas::codec::{encode_reading, write_frame_header};
use millrace_schemas::text::TextEncoder;

use crate::batch::Lane;
use crate::features::{FeatureDeriver, RollingWindow};
use crate::generate::{Encoding, LineEnd};
use crate::settings::{Settings, TextFormat};

/// Attaches features to the readings of some machines and encodes them.
pub struct Renderer {
    encoding: Encoding,
    text: Option<TextEncoder>,
    deriver: Option<FeatureDeriver>,
    rolling: Vec<RollingWindow>,
}

impl Renderer {
    /// A renderer for so many machines, before their first sample.
    pub fn new(settings: &Settings, machines: usize, encoding: Encoding) -> Self {
        let rolling = if settings.rolling_features { machines } else { 0 };
        Self {
            encoding,
            text: match encoding {
                Encoding::Avro(_) | Encoding::AvroBody => None,
                Encoding::Text(_, layout, _) => Some(TextEncoder::new(layout)),
            },
            deriver: settings.derived_features.then(FeatureDeriver::new),
            rolling: vec![RollingWindow::new(); rolling],
        }
    }

    /// How readings become bytes.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Attaches features to a machine's next reading and appends its value, without a row's line end.
    #[inline]
    pub fn render(&mut self, machine: usize, reading: &mut SensorReading<'_>, out: &mut Vec<u8>) {
        reading.rolling = self.rolling.get_mut(machine).map(|window| window.push(reading));
        self.encode(reading, out);
    }

    /// The same for a reading that is shown instead of the one rendered last: the features follow what it
    /// shows, but the window keeps what was true, so no later record is another because of it.
    pub fn render_instead(&mut self, machine: usize, reading: &mut SensorReading<'_>, out: &mut Vec<u8>) {
        reading.rolling = self.rolling.get_mut(machine).map(|window| window.with_last(reading));
        self.encode(reading, out);
    }

    fn encode(&mut self, reading: &mut SensorReading<'_>, out: &mut Vec<u8>) {
        reading.features = self.deriver.as_mut().map(|deriver| deriver.derive(reading));
        match (self.encoding, &mut self.text) {
            (Encoding::Text(TextFormat::Json, ..), Some(text)) => text.json(reading, out),
            (Encoding::Text(TextFormat::Csv, ..), Some(text)) => text.csv(reading, out),
            (Encoding::Text(..), None) => {}
            (Encoding::AvroBody, _) => encode_reading(reading, out),
            (Encoding::Avro(id), _) => {
                write_frame_header(id, out);
                encode_reading(reading, out);
            }
        }
    }

    /// Ends the record whose value was appended to a lane last.
    #[inline]
    pub fn end(&self, machine: usize, timestamp: i64, lane: &mut Lane) {
        if let Encoding::Text(_, _, LineEnd::Newline) = self.encoding {
            lane.bytes.push(b'\n');
        }
        lane.end_record(machine, timestamp);
    }

    /// Appends a whole record with this value.
    pub fn write(&self, machine: usize, timestamp: i64, value: &[u8], lane: &mut Lane) {
        lane.bytes.extend_from_slice(value);
        self.end(machine, timestamp, lane);
    }
}
