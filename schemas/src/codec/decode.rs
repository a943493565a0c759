use std::borrow::Cow;

use super::{DecodeError, MAX_BODY_BYTES};
use crate::reading::{Features, MaintenanceStatus, Rolling, RollingStats, SENSORS, Sensor, SensorReading};

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads an Avro body that was written with [`SENSOR_READING`](crate::subject::SENSOR_READING), borrowing its strings.
///
/// # Errors
/// When the body is larger than [`MAX_BODY_BYTES`], ends early, has bytes left over, or holds a value
/// that the schema does not know. Never panics, whatever the bytes.
pub fn decode_reading(body: &[u8]) -> Result<SensorReading<'_>> {
    if body.len() > MAX_BODY_BYTES {
        let problem = format!("{} bytes are more than the {MAX_BODY_BYTES} allowed", body.len());
        return Err(DecodeError::new("body", problem));
    }
    let mut input = Input { rest: body };
    let reading = SensorReading {
        timestamp: input.long("timestamp")?,
        machine_id: Cow::Borrowed(input.string("machine_id")?),
        sequence: input.long("sequence")?,
        maintenance_status: input.status()?,
        sensors: input.sensors()?,
        features: input.nullable("features", Input::features)?,
        rolling: input.nullable("rolling", Input::rolling)?,
        anomaly_label: input.nullable("anomaly_label", |input| input.int("anomaly_label"))?,
        anomaly_type: input
            .nullable("anomaly_type", |input| input.string("anomaly_type").map(Cow::Borrowed))?,
    };
    match input.rest.len() {
        0 => Ok(reading),
        left => Err(DecodeError::new("body", format!("{left} bytes are left over"))),
    }
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn sensors(&mut self) -> Result<[Option<f64>; SENSORS]> {
        let mut values = [None; SENSORS];
        for (value, sensor) in values.iter_mut().zip(Sensor::ALL) {
            *value = self.nullable_double(sensor.name())?;
        }
        Ok(values)
    }

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

    fn rolling(&mut self) -> Result<Rolling> {
        let mut rolling = Rolling::default();
        for stats in &mut rolling {
            *stats = RollingStats {
                mean: self.nullable_double("rolling mean")?,
                std: self.nullable_double("rolling std")?,
                zscore: self.nullable_double("rolling zscore")?,
            };
        }
        Ok(rolling)
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
        match self.long(field)? {
            0 => Ok(None),
            1 => read(self).map(Some),
            other => Err(DecodeError::new(field, format!("union branch {other} does not exist"))),
        }
    }

    fn nullable_double(&mut self, field: &'static str) -> Result<Option<f64>> {
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
