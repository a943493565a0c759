//! Random numbers that are the same for ever and everywhere: xoshiro256++ by name, and normals from
//! tables made with a software libm. rand_distr's normals follow the platform's libm as soon as any
//! crate of the build turns on num-traits' `std`, so they cannot be used here.

use std::sync::LazyLock;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// What a machine draws random numbers for. Each has a stream of its own, so a change to one
/// leaves the others as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The machine's constants, drawn once.
    Constants = 1,
    /// Automatic failures, one stream per stream hour.
    Failures = 2,
    /// Maintenance, one stream per stream hour in which a maintenance ended.
    Maintenance = 3,
    /// Sensor noise and load, eight normals a sample.
    Noise = 4,
    /// Disorder, one stream per record: its sequence stands in place of the hour.
    Disorder = 5,
}

/// One random stream.
#[derive(Debug, Clone)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The stream of one machine for one purpose; `hour` is 0 where there is only one.
    pub fn new(seed: u64, machine_id: &str, stream: Stream, hour: u64) -> Self {
        let keyed =
            [fnv1a(machine_id), stream as u64, hour].iter().fold(seed, |key, part| mix(key ^ mix(*part)));
        Self(Xoshiro256PlusPlus::seed_from_u64(keyed))
    }

    /// A number from `low` up to but without `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64);
        low + (high - low) * unit
    }

    /// A standard normal number.
    #[inline]
    pub fn normal(&mut self, tables: &Ziggurat) -> f64 {
        loop {
            let bits = self.0.next_u64();
            let layer = (bits & 0xff) as usize;
            // 52 bits into [1, 2), then to [-1, 1).
            let x = (f64::from_bits(bits >> 12 | 1.0_f64.to_bits()) * 2.0 - 3.0) * tables.x[layer];
            if x.abs() < tables.x[layer + 1] {
                return x;
            }
            if let Some(x) = self.outside(x, layer, tables) {
                return x;
            }
        }
    }

    /// The one draw in eighty that does not fall inside its layer's rectangle.
    #[cold]
    fn outside(&mut self, x: f64, layer: usize, tables: &Ziggurat) -> Option<f64> {
        if layer == 0 {
            return Some(self.tail(x < 0.0));
        }
        let (low, high) = (tables.y[layer], tables.y[layer + 1]);
        let y = self.uniform(low, high);
        (y < libm::exp(-0.5 * x * x)).then_some(x)
    }

    /// Beyond the last layer, after Marsaglia (1964).
    fn tail(&mut self, negative: bool) -> f64 {
        loop {
            // 1 - U is never 0, so the logarithm is finite.
            let x = -libm::log(1.0 - self.uniform(0.0, 1.0)) / TAIL_START;
            let y = -libm::log(1.0 - self.uniform(0.0, 1.0));
            if y + y >= x * x {
                return if negative { -(TAIL_START + x) } else { TAIL_START + x };
            }
        }
    }
}

/// Where the tail begins, and the area of each layer, for 256 layers
/// (Marsaglia and Tsang, "The Ziggurat Method for Generating Random Variables", 2000).
const TAIL_START: f64 = 3.654_152_885_361_009;
const LAYER_AREA: f64 = 0.004_928_673_233_974_655;
const LAYERS: usize = 256;

/// Tables of the ziggurat method for the standard normal distribution.
pub struct Ziggurat {
    x: [f64; LAYERS + 1],
    y: [f64; LAYERS + 1],
}

impl Ziggurat {
    /// The tables, made once.
    pub fn tables() -> &'static Self {
        static TABLES: LazyLock<Ziggurat> = LazyLock::new(Ziggurat::new);
        &TABLES
    }

    fn new() -> Self {
        let density = |x: f64| libm::exp(-0.5 * x * x);
        let mut x = [0.0; LAYERS + 1];
        x[0] = LAYER_AREA / density(TAIL_START);
        x[1] = TAIL_START;
        for layer in 2..LAYERS {
            let below = x[layer - 1];
            x[layer] = libm::sqrt(-2.0 * libm::log(LAYER_AREA / below + density(below)));
        }
        x[LAYERS] = 0.0;
        Self { x, y: x.map(density) }
    }
}

fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finalizer of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(count: usize) -> Vec<f64> {
        let mut random = Random::new(1, "MACHINE_001", Stream::Noise, 0);
        (0..count).map(|_| random.normal(Ziggurat::tables())).collect()
    }

    #[test]
    fn normals_have_the_moments_and_tails_of_the_normal_distribution() {
        let n = 4_000_000;
        let draws = normals(n);
        let moment = |power| draws.iter().map(|x: &f64| x.powi(power)).sum::<f64>() / n as f64;
        assert!(moment(1).abs() < 0.002);
        assert!((moment(2) - 1.0).abs() < 0.003);
        assert!(moment(3).abs() < 0.008);
        assert!((moment(4) - 3.0).abs() < 0.03);
        // P(|x| > 1), P(|x| > 3) and P(|x| > 3.7), the last wholly from the tail.
        for (bound, expected) in [(1.0, 0.317_31), (3.0, 0.002_700), (3.7, 0.000_215_6)] {
            let share = draws.iter().filter(|x| x.abs() > bound).count() as f64 / n as f64;
            assert!((share - expected).abs() < 5.0 * (expected / n as f64).sqrt(), "{bound}: {share}");
        }
    }

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let draws = normals(3);
        let bits: Vec<u64> = draws.iter().map(|x| x.to_bits()).collect();
        insta::assert_debug_snapshot!((draws, bits));
    }

    #[test]
    fn streams_differ_by_seed_machine_purpose_and_hour() {
        let first = |seed, id, stream, hour| Random::new(seed, id, stream, hour).uniform(0.0, 1.0);
        let all = [
            first(1, "A", Stream::Noise, 0),
            first(2, "A", Stream::Noise, 0),
            first(1, "B", Stream::Noise, 0),
            first(1, "A", Stream::Failures, 0),
            first(1, "A", Stream::Failures, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}
