use std::fmt;
use std::str::FromStr;

use millrace_core::cli;
use millrace_schemas::{Sensor, SensorReading};

/// A value of a field that makes readings fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Poison {
    said: String,
    dose: Dose,
}

#[derive(Debug, Clone, PartialEq)]
enum Dose {
    Sequence(i64),
    Machine(String),
    Status(String),
    Sensor(Sensor, f64),
}

const FIELDS: [&str; 3] = ["sequence", "machine_id", "maintenance_status"];

impl FromStr for Poison {
    type Err = String;

    /// Understands `sequence=1000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is no field and value such as sequence=1000"))?;
        let wrong = |what: &str| format!("`{value}` is no {what} for {field}");
        let dose = match field {
            "sequence" => Dose::Sequence(value.parse().map_err(|_| wrong("whole number"))?),
            "machine_id" => Dose::Machine(value.to_owned()),
            "maintenance_status" if ["operational", "maintenance"].contains(&value) => {
                Dose::Status(value.to_owned())
            }
            "maintenance_status" => return Err(wrong("status (operational, maintenance)")),
            _ => Dose::Sensor(sensor(field)?, value.parse().map_err(|_| wrong("number"))?),
        };
        Ok(Self { said: text.to_owned(), dose })
    }
}

fn sensor(field: &str) -> Result<Sensor, String> {
    Sensor::ALL.into_iter().find(|sensor| sensor.name() == field).ok_or_else(|| {
        let known: Vec<&str> = FIELDS.into_iter().chain(Sensor::ALL.map(Sensor::name)).collect();
        format!("`{field}` is no field of a reading; {}", cli::suggestion(field, known))
    })
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl Poison {
    /// Whether a reading has it.
    pub fn is_in(&self, reading: &SensorReading<'_>) -> bool {
        match &self.dose {
            Dose::Sequence(sequence) => reading.sequence == *sequence,
            Dose::Machine(machine) => reading.machine_id == *machine,
            Dose::Status(status) => reading.maintenance_status.name() == status,
            Dose::Sensor(sensor, value) => reading.sensor(*sensor) == Some(*value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(poison: &str, reading: &SensorReading<'_>) -> bool {
        poison.parse::<Poison>().expect(poison).is_in(reading)
    }

    #[test]
    fn a_reading_is_poisoned_by_any_of_its_fields() {
        let mut reading = SensorReading { machine_id: "M".into(), sequence: 7, ..SensorReading::default() };
        reading.sensors[Sensor::Temperature as usize] = Some(70.5);
        for poison in ["sequence=7", "machine_id=M", "maintenance_status=operational", "temperature=70.50"] {
            assert!(is_in(poison, &reading), "{poison}");
        }
        for other in ["sequence=8", "machine_id=", "maintenance_status=maintenance", "vibration=0"] {
            assert!(!is_in(other, &reading), "{other}");
        }
    }

    #[test]
    fn what_is_no_field_or_no_value_of_it_is_answered_in_one_sentence() {
        let wrong =
            ["sequence", "sequnce=1", "sequence=x", "maintenance_status=off", "temperature=warm", "=1"];
        let refusals = wrong.map(|text| text.parse::<Poison>().expect_err(text));
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
