use serde::{Deserialize, Serialize};

/// The first byte of every snapshot: its form.
const FORM: u8 = 1;

/// The state of a machine at a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which of the partition's states it belongs to.
    pub life: u64,
    /// The offset of the last record of the partition that it takes account of.
    pub applied: i64,
    /// The state, in the processor's own form.
    pub body: Vec<u8>,
}

impl Snapshot {
    /// The value of its record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = vec![FORM];
        // Into a growing buffer nothing of these types can fail.
        postcard::to_extend(self, bytes).unwrap_or_default()
    }

    /// The snapshot in a record's value.
    ///
    /// # Errors
    /// A clause about what is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        match bytes.split_first() {
            Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(|e| e.to_string()),
            Some((form, _)) => Err(format!("its form is {form}, and this version reads {FORM}")),
            None => Err("it is empty".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_snapshot_is_read_as_it_was_written(life: u64, applied: i64, body: Vec<u8>) {
            let snapshot = Snapshot { life, applied, body };
            prop_assert_eq!(Snapshot::from_bytes(&snapshot.to_bytes()), Ok(snapshot));
        }

        #[test]
        fn hostile_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = Snapshot::from_bytes(&bytes);
        }
    }
}
