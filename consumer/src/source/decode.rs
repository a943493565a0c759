use std::collections::BTreeMap;

use apache_avro::Schema;
use millrace_schemas::SensorReading;
use millrace_schemas::codec::{ReadingDecoder, read_frame};
use millrace_schemas::compatibility::Compatibility;
use millrace_schemas::subject::SENSOR_READING;
use millrace_schemas::text::parse_json;
use rdkafka::message::{BorrowedMessage, Message};

/// Ids of which the registry knows nothing that are remembered; hostile ones fill no memory.
const MOST_UNKNOWN: usize = 10_000;
/// Ids that are asked for between two times that unknown ones are forgotten, although they lie far from all that the
/// registry has known: bytes that are no id give new ones without end, and each answer takes its time.
const MOST_FAR: usize = 20;
/// Registries count ids up; one up to so many, or up to twice the highest that was known, is asked for in any case.
const NEAR: u32 = 1_000;
const EMPTY: &str = "it has no value";

/// Why a record is no reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The kind of the cause.
    pub cause: Cause,
    /// One clause for people.
    pub why: String,
}

/// The kinds of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// There is no value: a tombstone, or nothing in it.
    Empty,
    /// Neither Avro in a frame nor JSON.
    NotFramed,
    /// The registry does not know the schema.
    UnknownSchema,
    /// The bytes do not fit the schema, or the schema does not fit ours.
    NotAReading,
    /// The key is not the machine.
    WrongKey,
    /// It was to fail on purpose.
    Poison,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 6] =
        [Self::Empty, Self::NotFramed, Self::UnknownSchema, Self::NotAReading, Self::WrongKey, Self::Poison];
    /// What their names begin with in the header `__streams.errors.exception`.
    pub const PREFIX: &str = "millrace.consumer.";

    /// The name in the header `__streams.errors.exception`.
    pub fn exception(self) -> &'static str {
        match self {
            Self::Empty => "millrace.consumer.Empty",
            Self::NotFramed => "millrace.consumer.NotFramed",
            Self::UnknownSchema => "millrace.consumer.UnknownSchema",
            Self::NotAReading => "millrace.consumer.NotAReading",
            Self::WrongKey => "millrace.consumer.WrongKey",
            Self::Poison => "millrace.consumer.Poison",
        }
    }

    /// The name without the program's.
    pub fn name(self) -> &'static str {
        self.exception().trim_start_matches(Self::PREFIX)
    }
}

/// How records of one schema are read.
enum Way {
    Read(Box<ReadingDecoder>),
    /// Read by resolution, with what is known to stand in its way.
    Doubtful(Box<ReadingDecoder>, String),
    /// Read by others, by this schema.
    Raw(String),
    None(String),
}

/// A record of which nothing was read yet.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its time, milliseconds since 1970.
    pub time: Option<i64>,
    /// Its schema's id and text; `None` = the body is JSON.
    pub schema: Option<(u32, &'a str)>,
    /// What the schema is of.
    pub body: &'a [u8],
}

/// Reads records: Avro by whatever schema the registry gives for its id, or JSON.
#[derive(Default)]
pub struct Decoder {
    ways: BTreeMap<u32, Way>,
    unknown: usize,
    /// The highest id that the registry knew.
    highest: u32,
    /// Ids far from it that were asked for.
    far: usize,
    /// Whether others read what is in the records.
    leaves_raw: bool,
}

impl Decoder {
    /// Knows schemas, and leaves it to others to read by them.
    pub fn of_raw() -> Self {
        Self { leaves_raw: true, ..Self::default() }
    }

    /// The id of a schema that must be [`learnt`](Self::learn) before this record can be read.
    pub fn wants(&self, payload: Option<&[u8]>) -> Option<u32> {
        let (id, _) = read_frame(payload?).ok()?;
        let is_asked_for = |id| !self.is_far(id) || self.far < MOST_FAR;
        (!self.ways.contains_key(&id) && is_asked_for(id)).then_some(id)
    }

    fn is_far(&self, id: u32) -> bool {
        id > self.highest.saturating_mul(2).max(NEAR)
    }

    #[cold]
    fn unasked(id: u32) -> Reject {
        let why = format!(
            "the registry was not asked for schema {id}, which is far from all that it knows, as many lately are"
        );
        Reject { cause: Cause::UnknownSchema, why }
    }

    /// Takes in what the registry gave for an id; `None` = it knows no such id.
    pub fn learn(&mut self, id: u32, schema: Option<&str>) {
        let way = match schema {
            Some(schema) if self.leaves_raw => Way::Raw(schema.to_owned()),
            Some(schema) => way(schema),
            None => {
                self.unknown += 1;
                self.far += usize::from(self.is_far(id));
                Way::None(format!("the registry knows no schema {id}"))
            }
        };
        if schema.is_some() {
            self.highest = self.highest.max(id);
        }
        if self.unknown > MOST_UNKNOWN {
            self.forget_unknown();
        }
        self.ways.insert(id, way);
    }

    /// Lets the registry be asked again for what it did not know: it may know it by now.
    pub fn forget_unknown(&mut self) {
        self.ways.retain(|_, way| !matches!(way, Way::None(_)));
        (self.unknown, self.far) = (0, 0);
    }

    /// Reads a record, into a reading that is there: it is large, and need not be moved.
    ///
    /// # Errors
    /// When it is no reading, or its key is there and is not the machine's name; the reading may be half read.
    pub fn decode<'a>(
        &self,
        key: Option<&[u8]>,
        payload: Option<&'a [u8]>,
        reading: &mut SensorReading<'a>,
    ) -> std::result::Result<(), Reject> {
        self.read(payload, reading)?;
        match key {
            Some(key) if key != reading.machine_id.as_bytes() => {
                let key: String = String::from_utf8_lossy(key).chars().take(64).collect();
                let why = format!("the key is `{key}` and the machine `{}`", reading.machine_id);
                Err(Reject { cause: Cause::WrongKey, why })
            }
            _ => Ok(()),
        }
    }

    /// What is known of a record without reading it.
    ///
    /// # Errors
    /// When it is neither JSON nor Avro of a known schema.
    pub fn raw<'a>(&'a self, record: &'a BorrowedMessage<'_>) -> std::result::Result<Raw<'a>, Reject> {
        let refuse = |cause, why: String| Err(Reject { cause, why });
        let (key, time) = (record.key(), record.timestamp().to_millis());
        match record.payload() {
            None | Some([]) => refuse(Cause::Empty, EMPTY.to_owned()),
            Some(body @ [b'{', ..]) => Ok(Raw { key, time, schema: None, body }),
            Some(bytes) => match read_frame(bytes) {
                Err(e) => refuse(Cause::NotFramed, format!("it is neither JSON nor Avro: {e}")),
                Ok((id, body)) => match self.ways.get(&id) {
                    Some(Way::Raw(schema)) => Ok(Raw { key, time, schema: Some((id, schema)), body }),
                    Some(Way::None(why)) => refuse(Cause::UnknownSchema, why.clone()),
                    _ => Err(Self::unasked(id)),
                },
            },
        }
    }

    fn read<'a>(
        &self,
        payload: Option<&'a [u8]>,
        reading: &mut SensorReading<'a>,
    ) -> std::result::Result<(), Reject> {
        let refuse = |cause, why: String| Err(Reject { cause, why });
        match payload {
            None | Some([]) => refuse(Cause::Empty, EMPTY.to_owned()),
            Some(text @ [b'{', ..]) => match parse_json(text) {
                Ok(read) => {
                    *reading = read;
                    Ok(())
                }
                Err(e) => refuse(Cause::NotAReading, format!("its JSON: {e}")),
            },
            Some(bytes) => match read_frame(bytes) {
                Err(e) => refuse(Cause::NotFramed, format!("it is neither JSON nor Avro: {e}")),
                Ok((id, body)) => self.read_avro(id, body, reading),
            },
        }
    }

    fn read_avro<'a>(
        &self,
        id: u32,
        body: &'a [u8],
        reading: &mut SensorReading<'a>,
    ) -> std::result::Result<(), Reject> {
        let refuse = |why: String| Err(Reject { cause: Cause::NotAReading, why });
        match self.ways.get(&id) {
            Some(Way::Read(decoder)) => decoder.read(body, reading).or_else(|e| refuse(e.to_string())),
            Some(Way::Doubtful(decoder, doubt)) => {
                decoder.read(body, reading).or_else(|e| refuse(format!("{e}; schema {id}: {doubt}")))
            }
            Some(Way::None(why)) => Err(Reject { cause: Cause::UnknownSchema, why: why.clone() }),
            Some(Way::Raw(_)) | None => Err(Self::unasked(id)),
        }
    }
}

fn way(schema: &str) -> Way {
    let decoder = match ReadingDecoder::new(schema) {
        Ok(decoder) => Box::new(decoder),
        Err(e) => return Way::None(e.to_string()),
    };
    match doubt(schema) {
        Some(doubt) => Way::Doubtful(decoder, doubt),
        None => Way::Read(decoder),
    }
}

/// What of a writer's schema our own cannot read, with the field; a record may be readable all the same.
fn doubt(writer: &str) -> Option<String> {
    let (ours, writer) = (Schema::parse_str(SENSOR_READING).ok()?, Schema::parse_str(writer).ok()?);
    let conflict = Compatibility::Backward.check(&ours, &[writer]).err()?;
    let reason = conflict.reasons.into_iter().next()?;
    Some(match reason.field {
        Some(field) => format!("{field}: {}", reason.message),
        None => reason.message,
    })
}

#[cfg(test)]
mod tests {
    use millrace_schemas::codec::{encode_reading, write_frame_header};

    use super::*;

    fn frame(id: u32, reading: &SensorReading<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame_header(id, &mut bytes);
        encode_reading(reading, &mut bytes);
        bytes
    }

    fn reading() -> SensorReading<'static> {
        SensorReading { timestamp: 5, machine_id: "M".into(), sequence: 7, ..SensorReading::default() }
    }

    fn decode<'a>(
        decoder: &Decoder,
        key: Option<&[u8]>,
        payload: Option<&'a [u8]>,
    ) -> std::result::Result<SensorReading<'a>, Reject> {
        let mut reading = SensorReading::default();
        decoder.decode(key, payload, &mut reading).map(|()| reading)
    }

    fn cause(decoder: &Decoder, key: Option<&[u8]>, payload: Option<&[u8]>) -> (Cause, String) {
        let reject = decode(decoder, key, payload).expect_err("rejected");
        (reject.cause, reject.why)
    }

    #[test]
    fn our_avro_and_json_are_read_and_a_schema_is_asked_for_once() {
        let mut decoder = Decoder::default();
        let avro = frame(3, &reading());
        assert_eq!(decoder.wants(Some(&avro)), Some(3));
        decoder.learn(3, Some(SENSOR_READING));
        assert_eq!(decoder.wants(Some(&avro)), None);
        assert_eq!(decode(&decoder, Some(b"M"), Some(&avro)), Ok(reading()));
        let json = br#"{"timestamp":5,"machine_id":"M","sequence":7}"#;
        assert_eq!(decoder.wants(Some(json)), None);
        assert_eq!(decode(&decoder, None, Some(json)), Ok(reading()));
    }

    #[test]
    fn ids_that_no_registry_has_come_to_are_not_asked_for_without_end() {
        let mut decoder = Decoder::default();
        let of = |id| frame(id, &reading());
        decoder.learn(700, Some(SENSOR_READING));
        for id in 0..MOST_FAR as u32 {
            assert_eq!(decoder.wants(Some(&of(2_000_000 + id))), Some(2_000_000 + id));
            decoder.learn(2_000_000 + id, None);
        }
        let far = of(3_000_000);
        assert_eq!(decoder.wants(Some(&far)), None);
        let (cause, why) = cause(&decoder, None, Some(&far));
        assert_eq!(cause, Cause::UnknownSchema);
        assert!(why.contains("was not asked for schema 3000000"), "{why}");
        assert_eq!(decoder.wants(Some(&of(1_400))), Some(1_400), "one that may well be there is");
        decoder.forget_unknown();
        assert_eq!(decoder.wants(Some(&far)), Some(3_000_000));
    }

    #[test]
    fn each_kind_of_garbage_has_its_cause() {
        let mut decoder = Decoder::default();
        decoder.learn(3, Some(SENSOR_READING));
        decoder.learn(4, None);
        let good = frame(3, &reading());
        assert_eq!(cause(&decoder, None, None).0, Cause::Empty);
        assert_eq!(cause(&decoder, None, Some(b"")).0, Cause::Empty);
        assert_eq!(cause(&decoder, None, Some(b"hello")).0, Cause::NotFramed);
        assert_eq!(cause(&decoder, None, Some(&frame(4, &reading()))).0, Cause::UnknownSchema);
        assert_eq!(cause(&decoder, None, Some(&good[..8])).0, Cause::NotAReading);
        assert_eq!(cause(&decoder, None, Some(b"{}")).0, Cause::NotAReading);
        let (cause, why) = cause(&decoder, Some(b"N"), Some(&good));
        assert_eq!((cause, why.as_str()), (Cause::WrongKey, "the key is `N` and the machine `M`"));
    }

    #[test]
    fn a_schema_that_cannot_be_read_is_told_by_its_field() {
        let theirs = SENSOR_READING
            .replace(r#"{"name": "sequence", "type": "long""#, r#"{"name": "sequence", "type": "string""#);
        assert_ne!(theirs, SENSOR_READING);
        let mut decoder = Decoder::default();
        decoder.learn(9, Some(&theirs));
        let (cause, why) = cause(&decoder, None, Some(&frame(9, &reading())));
        assert_eq!(cause, Cause::NotAReading);
        assert!(why.contains("sequence"), "{why}");
    }
}
