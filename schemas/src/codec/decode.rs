use std::borrow::Cow;

use super::encode::{DOUBLE, VALUE};
use super::{DecodeError, MAX_BODY_BYTES};
use crate::reading::{Features, MaintenanceStatus, Rolling, RollingStats, Sensor, SensorReading};

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads an Avro body that was written with [`SENSOR_READING`](crate::subject::SENSOR_READING), borrowing its strings.
///
/// # Errors
/// When the body is larger than [`MAX_BODY_BYTES`], ends early, has bytes left over, or holds a value
/// that the schema does not know. Never panics, whatever the bytes.
pub fn decode_reading(body: &[u8]) -> Result<SensorReading<'_>> {
    let mut reading = SensorReading::default();
    read_reading(body, &mut reading).map(|()| reading)
}

/// The same into a reading that is there, which is large: where speed matters it need not be moved.
///
/// # Errors
/// As [`decode_reading`]; the reading is then half read.
pub fn read_reading<'a>(body: &'a [u8], reading: &mut SensorReading<'a>) -> Result<()> {
    if body.len() > MAX_BODY_BYTES {
        let problem = format!("{} bytes are more than the {MAX_BODY_BYTES} allowed", body.len());
        return Err(DecodeError::new("body", problem));
    }
    let mut input = Input { rest: body };
    reading.timestamp = input.long("timestamp")?;
    reading.machine_id = Cow::Borrowed(input.string("machine_id")?);
    reading.sequence = input.long("sequence")?;
    reading.maintenance_status = input.status()?;
    for (value, sensor) in reading.sensors.iter_mut().zip(Sensor::ALL) {
        *value = input.nullable_double(sensor.name())?;
    }
    reading.features = input.nullable("features", Input::features)?;
    reading.rolling = None;
    if input.is_there("rolling")? {
        input.rolling(reading.rolling.insert(Rolling::default()))?;
    }
    reading.anomaly_label = input.nullable("anomaly_label", |input| input.int("anomaly_label"))?;
    reading.anomaly_type =
        input.nullable("anomaly_type", |input| input.string("anomaly_type").map(Cow::Borrowed))?;
    match input.rest.len() {
        0 => Ok(()),
        left => Err(DecodeError::new("body", format!("{left} bytes are left over"))),
    }
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn features(&mut self) -> Result<Features> {
        Ok(Features {
            hour: self.int("features.hour")?,
            day_of_week: self.int("features.day_of_week")?,
            month: self.int("features.month")?,
            is_weekend: self.int("features.is_weekend")?,
            is_night_shift: self.int("features.is_night_shift")?,
            temp_pressure_ratio: self.nullable_double("features.temp_pressure_ratio")?,
            vibration_power_ratio: self.nullable_double("features.vibration_power_ratio")?,
            flow_pressure_product: self.nullable_double("features.flow_pressure_product")?,
        })
    }

    fn rolling(&mut self, rolling: &mut Rolling) -> Result<()> {
        for stats in rolling {
            *stats = RollingStats {
                mean: self.nullable_double("rolling mean")?,
                std: self.nullable_double("rolling std")?,
                zscore: self.nullable_double("rolling zscore")?,
            };
        }
        Ok(())
    }

    fn status(&mut self) -> Result<MaintenanceStatus> {
        match self.long("maintenance_status")? {
            0 => Ok(MaintenanceStatus::Operational),
            1 => Ok(MaintenanceStatus::Maintenance),
            other => Err(DecodeError::new("maintenance_status", format!("symbol {other} does not exist"))),
        }
    }

    fn nullable<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        if self.is_there(field)? { read(self).map(Some) } else { Ok(None) }
    }

    /// Reads which branch of a union follows.
    fn is_there(&mut self, field: &'static str) -> Result<bool> {
        match self.long(field)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::new(field, format!("union branch {other} does not exist"))),
        }
    }

    #[inline]
    fn nullable_double(&mut self, field: &'static str) -> Result<Option<f64>> {
        // Nearly always; anything else, such as a branch in more bytes than it needs, is for the rest.
        if let Some(([VALUE, bytes @ ..], rest)) = self.rest.split_first_chunk::<DOUBLE>() {
            self.rest = rest;
            return Ok(Some(f64::from_le_bytes(*bytes)));
        }
        self.nullable(field, |input| {
            let (bytes, rest) = input.rest.split_first_chunk().ok_or_else(|| ends_early(field))?;
            input.rest = rest;
            Ok(f64::from_le_bytes(*bytes))
        })
    }

    fn string(&mut self, field: &'static str) -> Result<&'a str> {
        let length = self.long(field)?;
        let length = usize::try_from(length)
            .map_err(|_| DecodeError::new(field, format!("a length of {length} is negative")))?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(|| ends_early(field))?;
        self.rest = rest;
        std::str::from_utf8(bytes).map_err(|e| DecodeError::new(field, format!("is not UTF-8: {e}")))
    }

    fn int(&mut self, field: &'static str) -> Result<i32> {
        let value = self.long(field)?;
        i32::try_from(value).map_err(|_| DecodeError::new(field, format!("{value} does not fit an int")))
    }

    #[inline]
    fn long(&mut self, field: &'static str) -> Result<i64> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(if self.rest.len() < 10 {
            ends_early(field)
        } else {
            DecodeError::new(field, "a number longer than ten bytes")
        })
    }
}

#[cold]
fn ends_early(field: &'static str) -> DecodeError {
    DecodeError::new(field, "the body ends here")
}
