use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The form of marks and snapshots that this version writes.
const FORM: u32 = 1;

/// What a commit says of the state beside the offset, as its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which of the partition's states: snapshots of another life are no longer valid.
    pub life: u64,
    /// The offset of the checkpoint: from here on the input is taken again on top of the snapshots.
    pub from: i64,
    /// What the state is of, a digest of the settings that shape it.
    pub version: String,
    /// How many machines have snapshots in it; `None` where an earlier version wrote it.
    pub snapshots: Option<u64>,
    /// What belongs to the partition itself at the checkpoint, in the processor's own form.
    pub partition: String,
}

/// A mark as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    millrace: u32,
    life: String,
    from: i64,
    version: String,
    #[serde(default)]
    snapshots: Option<u64>,
    partition: String,
}

impl Mark {
    /// The mark of a state that begins empty at an offset.
    pub fn new(from: i64, version: &str) -> Self {
        let (version, partition) = (version.to_owned(), String::new());
        Self { life: rand::random(), from, version, snapshots: Some(0), partition }
    }

    /// The version of a state that these words describe.
    pub fn version_of(words: &str) -> String {
        let digest = Sha256::digest(words.as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written {
            millrace: FORM,
            life: format!("{:016x}", self.life),
            from: self.from,
            version: self.version.clone(),
            snapshots: self.snapshots,
            partition: self.partition.clone(),
        };
        f.write_str(&serde_json::to_string(&written).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Mark {
    type Err = String;

    /// Understands what it writes itself; a commit of another program has no mark.
    fn from_str(text: &str) -> Result<Self, String> {
        let written: Written = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if written.millrace != FORM {
            return Err(format!("its form is {}, and this version reads {FORM}", written.millrace));
        }
        let life = u64::from_str_radix(&written.life, 16).map_err(|e| e.to_string())?;
        let Written { from, version, snapshots, partition, .. } = written;
        Ok(Self { life, from, version, snapshots, partition })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_nothing_else_is_one() {
        let version = Mark::version_of("window=60s");
        let mark = Mark { life: 7, from: 50_000, version, snapshots: Some(9), partition: "x".into() };
        let text = mark.to_string();
        assert_eq!(text.parse().as_ref(), Ok(&mark));
        let earlier = text.replace("\"snapshots\":9,", "");
        assert_eq!(earlier.parse(), Ok(Mark { snapshots: None, ..mark }), "of an earlier version");
        for wrong in ["", "anything", "{}", &text.replace("\"millrace\":1", "\"millrace\":2")] {
            assert!(wrong.parse::<Mark>().is_err(), "{wrong}");
        }
    }
}
