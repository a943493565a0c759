use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Kind;

/// One act of disorder, as the ledger keeps it: a JSON object. With it the record can be put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// What was done.
    pub kind: Kind,
    /// More about it: the sensor, `all` for a machine that is stuck as a whole, the way a value was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
    /// Whose record it is.
    pub machine_id: Cow<'a, str>,
    /// The record's sequence.
    pub sequence: i64,
    /// The record's event time, milliseconds since 1970-01-01T00:00:00Z.
    pub planned: i64,
    /// For a late record the stream time at which it is due to be written, which the end of the run may
    /// bring forward; for a machine with a wrong clock what that clock shows; null for a dropped record,
    /// else as planned.
    pub actual: Option<i64>,
    /// The record's key.
    pub key: Cow<'a, str>,
    /// Which row it is in the clean file, from 0, the header not counted; null on Kafka.
    pub row: Option<u64>,
    /// The value that would have been written without disorder, without a row's line end.
    #[serde(with = "base64_text")]
    pub original: Cow<'a, [u8]>,
    /// The value that was written instead; null where it is the original, or nothing.
    #[serde(with = "optional_base64_text")]
    pub written: Option<Cow<'a, [u8]>>,
}

impl Entry<'_> {
    /// How often which value stands in the disordered data because of this entry.
    pub fn written(&self) -> (usize, &[u8]) {
        let copies = match self.kind {
            Kind::Drop => 0,
            Kind::Duplicate => 2,
            _ => 1,
        };
        (copies, self.written.as_deref().unwrap_or(&self.original))
    }
}

mod base64_text {
    use std::borrow::Cow;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Cow<'static, [u8]>, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        BASE64_STANDARD.decode(&*text).map(Cow::Owned).map_err(D::Error::custom)
    }
}

mod optional_base64_text {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Text<'a>(#[serde(with = "super::base64_text")] Cow<'a, [u8]>);

    pub fn serialize<S: Serializer>(bytes: &Option<Cow<'_, [u8]>>, out: S) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(|bytes| Text(Cow::Borrowed(bytes))).serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Cow<'static, [u8]>>, D::Error> {
        let text = Option::<Text<'static>>::deserialize(input)?;
        Ok(text.map(|Text(bytes)| bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_one_flat_json_object() {
        let entry = Entry {
            kind: Kind::Spike,
            detail: Some("flow_rate".into()),
            machine_id: "MACHINE_001".into(),
            sequence: 12,
            planned: 1_767_225_612_000,
            actual: Some(1_767_225_612_000),
            key: "MACHINE_001".into(),
            row: Some(60),
            original: Cow::Borrowed(b"a,b"),
            written: Some(Cow::Borrowed(&[0, 255])),
        };
        insta::assert_snapshot!(serde_json::to_string(&entry).expect("JSON"));
    }

    fn any_bytes() -> impl Strategy<Value = Cow<'static, [u8]>> {
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Cow::Owned)
    }

    proptest! {
        #[test]
        fn an_entry_reads_back_as_it_was_written(
            kind in proptest::sample::select(&Kind::ALL),
            detail in proptest::option::of("[a-z_]{1,9}"),
            (id, sequence, planned) in (".{1,9}", any::<i64>(), any::<i64>()),
            (actual, row) in (any::<Option<i64>>(), any::<Option<u64>>()),
            original in any_bytes(),
            written in proptest::option::of(any_bytes()),
        ) {
            let machine_id: Cow<'_, str> = id.into();
            let (key, detail) = (machine_id.clone(), detail.map(Cow::Owned));
            let entry = Entry { kind, detail, machine_id, sequence, planned, actual, key, row, original, written };
            let json = serde_json::to_string(&entry).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Entry<'_>>(&json).expect("an entry"), entry);
        }
    }
}
