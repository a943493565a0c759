use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Random numbers that a seed fixes for ever: xoshiro256++, chosen by name.
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The stream of one seed and part, such as one tree of a forest.
    pub fn new(seed: u64, part: u64) -> Self {
        // An odd constant spreads neighbouring parts over the whole range of seeds.
        Self(Xoshiro256PlusPlus::seed_from_u64(seed ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The multiply-shift's bias is below 2^-32 for any bound that fits into memory here.
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }
}
