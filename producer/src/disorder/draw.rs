use millrace_schemas::Sensor;

use crate::simulate::{Random, Stream};

/// The random numbers of one record's disorder. Keyed by machine and sequence, so what becomes of a record
/// depends on no other, and nothing of the plant moves.
pub(super) struct Draw(Random);

impl Draw {
    pub fn of(seed: u64, machine_id: &str, sequence: i64) -> Self {
        Self(Random::new(seed, machine_id, Stream::Disorder, sequence.cast_unsigned()))
    }

    /// True with this probability.
    pub fn hits(&mut self, probability: f64) -> bool {
        self.0.uniform(0.0, 1.0) < probability
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.uniform(0.0, end as f64) as usize
    }

    /// A time from `least` to `most`, milliseconds.
    pub fn time(&mut self, least: i64, most: i64) -> i64 {
        self.0.uniform(least as f64, (most + 1) as f64) as i64
    }

    /// One of the sensors.
    pub fn sensor(&mut self) -> Sensor {
        Sensor::ALL[self.below(Sensor::ALL.len())]
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.0
    }
}
