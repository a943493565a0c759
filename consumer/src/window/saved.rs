//! A window as it is kept: extremes follow from the rows, sums do not to the last bit.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::closing::Clock;
use super::moments::Moments;
use super::packed::{pack, unpack};
use super::{Sliding, Span};

#[derive(Serialize, Deserialize)]
struct Saved {
    span: Span,
    clock: Clock,
    late: u64,
    rows: Vec<u8>,
    aside: Vec<u8>,
    moments: Vec<Moments>,
}

impl<const N: usize> Serialize for Sliding<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filled = self.rows.iter().filter(|row| !row.is_empty());
        Saved {
            span: self.span,
            clock: self.clock.clone(),
            late: self.late,
            rows: pack(self.samples(), filled),
            aside: pack(self.aside.len(), &self.aside),
            moments: (0..N).map(|sensor| self.sums.of(sensor)).collect(),
        }
        .serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Sliding<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        let refuse = |why| serde::de::Error::custom(why);
        let rows = |bytes: &[u8]| unpack(bytes).ok_or_else(|| refuse("its samples are damaged"));
        let mut window = Self::new(saved.span);
        (window.clock, window.late) = (saved.clock, saved.late);
        (window.rows, window.aside) = (rows(&saved.rows)?, rows(&saved.aside)?.into());
        if saved.moments.len() != N {
            return Err(refuse("it has another number of sensors"));
        }
        for (sensor, moments) in saved.moments.iter().enumerate() {
            let count = window.rows.iter().filter(|row| row.value(sensor).is_some()).count();
            if moments.count() as usize != count {
                return Err(refuse("its sums are of another number of samples"));
            }
            window.sums.set(sensor, moments);
        }
        Ok(window)
    }
}
