use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::covariance::dot;
use crate::maths::quantile::median;
use crate::maths::scale::Scale;
use crate::maths::tail::Tail;
use crate::refusal::{Refusal, Result};
use crate::rows::Rows;

/// One variable with a course of the day: its residual from the frozen median at this time of day (seasonal
/// means, Hyndman and Athanasopoulos 2021, "Forecasting: Principles and Practice"), and its left matrix profile,
/// the distance of the latest window from the most similar one before it (Yeh et al. 2016, "Matrix Profile I";
/// left profiles as in Lu et al. 2022, "DAMP"). The day's length in rows is learnt; what time it is, is found by
/// where in the learnt day the latest rows fit best, so that no clock or row number is an input.
#[derive(Debug, Clone, Copy)]
pub struct ProfileParams {
    /// Rows of a window whose shape is compared.
    pub window: usize,
    /// Rows that are remembered, of those learnt from and of those judged.
    pub memory: usize,
}

impl Default for ProfileParams {
    fn default() -> Self {
        Self { window: 48, memory: 4096 }
    }
}

/// The score is the mean rarity of the two, in natural logarithms, each by its own healthy scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    window: usize,
    memory: usize,
    scale: Scale,
    /// The medians of a day, in spreads; none where the rows learnt from repeat nothing.
    #[serde(with = "exact")]
    day: Vec<f64>,
    residuals: Tail,
    shapes: Tail,
    /// The rows learnt from, in spreads.
    #[serde(with = "exact")]
    learnt: Vec<f64>,
    /// The rows judged, in spreads.
    #[serde(skip)]
    judged: Vec<f64>,
}

/// Fewest rows of a day, and the autocorrelation from which rows repeat themselves.
const SHORTEST_DAY: usize = 8;
const REPEATS: f64 = 0.3;
/// A window that varies less than this share of the whole has no shape but noise.
const LEAST_SHAPE: f64 = 0.1;

impl Params for ProfileParams {
    type Model = Profile;

    fn problem(&self) -> Option<String> {
        outside("the window", self.window as f64, 4.0, 1e4)
            .or_else(|| outside("the memory", self.memory as f64, 4.0 * self.window as f64, 1e6))
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Profile> {
        if rows.width() > 1 {
            return Err(Refusal::new(format!(
                "it judges one variable, and the rows have {} columns; `honest` takes several",
                rows.width()
            )));
        }
        let rows = rows.worth_learning(4 * params.window)?;
        let scale = Scale::robust(rows);
        let day = day(&scale.z_rows(rows));
        let (residuals, shapes) = (Tail::of(&[]), Tail::of(&[]));
        let (window, memory) = (params.window, params.memory);
        let (learnt, judged) = (Vec::new(), Vec::new());
        let mut model = Profile { window, memory, scale, day, residuals, shapes, learnt, judged };
        let (mut residuals, mut shapes) = (Vec::new(), Vec::new());
        for row in rows.iter() {
            model.take(row[0]);
            residuals.extend(model.residual());
            // With too little before it, everything looks new.
            shapes.extend(model.shape().filter(|_| model.judged.len() > 3 * window));
        }
        (model.residuals, model.shapes) = (Tail::of(&residuals), Tail::of(&shapes));
        model.learnt = std::mem::take(&mut model.judged);
        Ok(model)
    }
}

/// The medians of a day that the rows repeat.
fn day(z: &[f64]) -> Vec<f64> {
    let length = day_length(z).unwrap_or(0);
    (0..length).map(|time| median(&mut z.iter().skip(time).step_by(length).copied().collect())).collect()
}

/// The shortest lag, between two lower ones, at which the rows repeat themselves nearly as well as at any.
fn day_length(z: &[f64]) -> Option<usize> {
    let mean = z.iter().sum::<f64>() / z.len() as f64;
    let centred: Vec<f64> = z.iter().map(|z| z - mean).collect();
    let variance = dot(&centred, &centred).max(1e-12);
    let correlation: Vec<f64> =
        (0..z.len() / 3).map(|lag| dot(&centred[lag..], &centred) / variance).collect();
    let peaks = (SHORTEST_DAY..correlation.len().saturating_sub(1)).filter(|lag| {
        let here = correlation[*lag];
        here >= REPEATS && here > correlation[lag - 1] && here >= correlation[lag + 1]
    });
    let best = peaks.clone().map(|lag| correlation[lag]).fold(0.0, f64::max);
    peaks.into_iter().find(|lag| correlation[*lag] >= 0.9 * best)
}

impl Profile {
    /// A missing value counts as the one before.
    fn take(&mut self, value: f64) {
        let before = self.judged.last().copied().unwrap_or(0.0);
        let z = if value.is_finite() { self.scale.z(0, value) } else { before };
        if self.judged.len() >= 2 * self.memory {
            self.judged.drain(..self.memory);
        }
        self.judged.push(z);
    }

    /// How far the latest row is from the median at its time of day.
    fn residual(&self) -> Option<f64> {
        let length = self.day.len();
        let start = self.judged.len().checked_sub(length.max(1))?;
        let latest = &self.judged[start..];
        // The sum of products is largest where the courses agree, whatever their level.
        let fit = |first: usize| {
            let (before, after) = self.day.split_at(first);
            dot(&latest[..after.len()], after) + dot(&latest[after.len()..], before)
        };
        let first = (0..length).max_by(|a, b| fit(*a).total_cmp(&fit(*b)))?;
        Some((latest[length - 1] - self.day[(first + length - 1) % length]).abs())
    }

    /// How far the latest window is from the most similar one before it that does not overlap it.
    fn shape(&self) -> Option<f64> {
        let start = self.judged.len().checked_sub(self.window)?;
        let latest = normalised(&self.judged[start..]);
        let before = self.learnt.windows(self.window).chain(self.judged[..start].windows(self.window));
        let nearest = before.map(|window| distance(&latest, window)).fold(f64::INFINITY, f64::min);
        nearest.is_finite().then_some(nearest)
    }
}

/// A window's mean and the factor that gives it a variance of 1.
fn measure(window: &[f64]) -> (f64, f64) {
    let count = window.len() as f64;
    let mean = window.iter().sum::<f64>() / count;
    let variance = window.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / count;
    (mean, 1.0 / variance.sqrt().max(LEAST_SHAPE))
}

fn normalised(window: &[f64]) -> Vec<f64> {
    let (mean, factor) = measure(window);
    window.iter().map(|z| (z - mean) * factor).collect()
}

/// Root mean square of the difference of shapes.
fn distance(normalised: &[f64], window: &[f64]) -> f64 {
    let (mean, factor) = measure(window);
    let squares = normalised.iter().zip(window).map(|(a, b)| (a - (b - mean) * factor).powi(2));
    (squares.sum::<f64>() / window.len() as f64).sqrt()
}

impl Detector for Profile {
    fn width(&self) -> usize {
        1
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), 1, "a row has as many columns as were learnt from");
        self.take(row[0]);
        let residual = self.residual().map(|residual| self.residuals.rarity(residual));
        let shape = self.shape().map(|shape| self.shapes.rarity(shape));
        match (residual, shape) {
            (Some(residual), Some(shape)) => f64::midpoint(residual, shape),
            (one, other) => one.or(other).unwrap_or(0.0),
        }
    }

    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        shares.fill(1.0);
    }

    fn restart(&mut self) {
        self.judged.clear();
    }

    fn memory(&self) -> Vec<f64> {
        self.judged.clone()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.judged = memory.to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A course of the day in 24 rows, with noise.
    fn days(rows: usize, seed: u64) -> Vec<f64> {
        let mut random = crate::random::Random::new(seed, 0);
        let course = |row: usize| (row as f64 / 24.0 * std::f64::consts::TAU).sin() * 3.0 + 70.0;
        (0..rows).map(|row| course(row) + random.unit() + random.unit()).collect()
    }

    fn learnt() -> Profile {
        let values = days(480, 1);
        ProfileParams::default()
            .check()
            .expect("valid")
            .fit(Rows::new(&values, 1).expect("rows"))
            .expect("model")
    }

    #[test]
    fn the_length_of_a_day_is_learnt_and_noise_has_none() {
        assert_eq!(learnt().day.len(), 24);
        let mut random = crate::random::Random::new(2, 0);
        let noise: Vec<f64> = (0..480).map(|_| random.unit()).collect();
        assert!(day(&noise).is_empty());
    }

    #[test]
    fn the_wrong_value_at_its_time_and_a_day_of_another_shape_are_seen() {
        let mut values = days(480, 3);
        // As high as at noon, but at night: no limit sees it.
        values[306] = 74.0;
        (400..424).for_each(|row| values[row] = 71.0);
        let mut model = learnt();
        let scores = model.score_all(Rows::new(&values, 1).expect("rows"));
        let healthy = scores[100..300].iter().copied().fold(0.0, f64::max);
        assert!(scores[306] > healthy, "{} against {healthy}", scores[306]);
        assert!(scores[415..430].iter().any(|score| *score > healthy), "{:?}", &scores[400..430]);
    }

    #[test]
    fn the_nearest_window_is_that_of_all_compared_slowly() {
        let values = days(300, 4);
        let mut model = learnt();
        model.score_all(Rows::new(&values, 1).expect("rows"));
        let all = |z: &[f64]| z.windows(48).map(normalised).collect::<Vec<_>>();
        let latest = normalised(&model.judged[252..]);
        let before = [all(&model.learnt), all(&model.judged[..252])].concat();
        let slow = before.iter().map(|window| {
            (window.iter().zip(&latest).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 48.0).sqrt()
        });
        let slow = slow.fold(f64::INFINITY, f64::min);
        assert!((model.shape().expect("a shape") - slow).abs() < 1e-9);
    }

    #[test]
    fn a_model_written_and_read_scores_the_same_and_so_does_one_restarted() {
        let values = days(200, 5);
        let rows = Rows::new(&values, 1).expect("rows");
        let mut model = learnt();
        let mut again: Profile =
            serde_json::from_str(&serde_json::to_string(&model).expect("written")).expect("read");
        let scores = model.score_all(rows);
        assert_eq!(scores, again.score_all(rows));
        model.restart();
        assert_eq!(scores, model.score_all(rows));
        assert!(model.score(&[f64::NAN]).is_finite());
    }

    #[test]
    fn several_columns_and_few_rows_are_refused() {
        let params = ProfileParams::default().check().expect("valid");
        let values = days(400, 6);
        assert!(params.fit(Rows::new(&values, 2).expect("rows")).is_err());
        assert!(params.fit(Rows::new(&values[..100], 1).expect("rows")).is_err());
    }
}
