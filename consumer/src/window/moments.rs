use serde::{Deserialize, Serialize};

/// The relative error of the variance that may arise before the sums are made anew.
pub(super) const TOLERANCE: f64 = 1e-9;

/// Count, mean and variance of values that come and go; how they go, [`Sums`](super::sums::Sums) has for all sensors.
///
/// Sums are of the distances from a value near the mean, so that a large mean costs no digits. What a
/// difference of sums has lost at most is known from the largest sum there was (`peak`) and the number of
/// additions since (`worn`); when that is too much, the owner makes the sums anew from what it holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Moments {
    pub count: u32,
    pub worn: u32,
    pub shift: f64,
    pub sum: f64,
    pub squares: f64,
    pub peak: f64,
}

impl Moments {
    /// Of no values yet, of which the first will be this one.
    pub fn around(value: f64) -> Self {
        Self { shift: value, ..Self::default() }
    }

    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let mut first = Self::default();
        values.clone().for_each(|value| first.add(value));
        let mut moments = Self::around(first.mean());
        values.for_each(|value| moments.take_in(value));
        moments
    }

    fn add(&mut self, value: f64) {
        if self.count == 0 {
            *self = Self::around(value);
        }
        self.take_in(value);
    }

    /// Adds a value where none is ever removed. The sums move to the mean while they are young, so that a first
    /// value far off costs no digits; then nothing need be kept to make them anew.
    pub fn grow(&mut self, value: f64) {
        self.add(value);
        if self.count.is_power_of_two() {
            let (mean, centred, count) = (self.mean(), self.centred(), f64::from(self.count));
            self.sum -= count * (mean - self.shift);
            self.squares = centred.max(0.0) + self.sum * self.sum / count;
            self.shift = mean;
        }
    }

    fn take_in(&mut self, value: f64) {
        let distance = value - self.shift;
        self.count += 1;
        self.worn = self.worn.saturating_add(1);
        self.sum += distance;
        self.squares += distance * distance;
        self.peak = self.peak.max(self.squares);
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// NaN without values.
    pub fn mean(&self) -> f64 {
        self.shift + self.sum / f64::from(self.count)
    }

    /// Of a sample; `None` below two values.
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.centred().max(0.0) / f64::from(self.count - 1)).sqrt())
    }

    /// Whether the variance is as exact as it should be.
    pub fn is_sound(&self) -> bool {
        self.count == 0 || f64::from(self.worn) * f64::EPSILON * self.peak <= TOLERANCE * self.centred()
    }

    /// The sum of the squared distances from the mean.
    fn centred(&self) -> f64 {
        self.squares - self.sum * self.sum / f64::from(self.count)
    }
}
