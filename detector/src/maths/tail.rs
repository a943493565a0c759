//! How rare a score is among healthy ones, also beyond the largest seen.

use serde::{Deserialize, Serialize};

use super::quantile::quantile;
use crate::exact;

/// The distribution of healthy scores: quantiles, and beyond the .95 an exponential tail by the mean excess
/// (the peaks-over-threshold method of Pickands 1975 with shape 0, which few rows can support).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// The quantiles from 0 to .95, evenly spaced.
    #[serde(with = "exact")]
    body: Vec<f64>,
    /// Mean of what exceeds the last of them.
    #[serde(with = "exact::one")]
    excess: f64,
}

const BODY: usize = 96;
const REST: f64 = 0.05;

impl Tail {
    /// Learns from healthy scores, of which there should be some hundreds.
    pub fn of(scores: &[f64]) -> Self {
        let mut sorted = scores.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let share = |step: usize| (1.0 - REST) * step as f64 / (BODY - 1) as f64;
        let body: Vec<f64> = (0..BODY).map(|step| quantile(&mut sorted.clone(), share(step))).collect();
        let edge = body[BODY - 1];
        let beyond: Vec<f64> =
            sorted.iter().filter(|score| **score > edge).map(|score| score - edge).collect();
        let excess = beyond.iter().sum::<f64>() / beyond.len().max(1) as f64;
        Self { body, excess: excess.max(1e-9 * edge.abs()).max(1e-300) }
    }

    /// The score that healthy rows exceed with this probability, at most .05.
    pub fn exceeded_by(&self, probability: f64) -> f64 {
        self.body[BODY - 1] + self.excess * (REST / probability.clamp(1e-300, REST)).ln()
    }

    /// Minus the logarithm of the probability that a healthy row scores higher: 3 is one in twenty.
    pub fn rarity(&self, score: f64) -> f64 {
        let edge = self.body[BODY - 1];
        if score > edge {
            return -REST.ln() + (score - edge) / self.excess;
        }
        let above = self.body.partition_point(|step| *step <= score);
        if above == 0 {
            return 0.0;
        }
        let (low, high) = (self.body[above - 1], self.body.get(above).copied().unwrap_or(edge));
        let part = if high > low { (score - low) / (high - low) } else { 0.0 };
        let rank = (above as f64 - 1.0 + part) / (BODY - 1) as f64;
        -(1.0 - (1.0 - REST) * rank.min(1.0)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_tail_is_found_again() {
        let count = 10_000;
        let scores: Vec<f64> = (0..count).map(|i| -(1.0 - (f64::from(i) + 0.5) / 1e4).ln()).collect();
        let tail = Tail::of(&scores);
        for probability in [0.04, 1e-3, 1e-6] {
            let expected = -f64::ln(probability);
            let found = tail.exceeded_by(probability);
            assert!((found / expected - 1.0).abs() < 0.05, "{found} for {expected}");
            assert!((tail.rarity(found) - expected).abs() < 0.05 * expected);
        }
        assert!((tail.rarity(0.7) - 0.7).abs() < 0.02);
        assert_eq!(tail.rarity(-1.0), 0.0);
    }
}
