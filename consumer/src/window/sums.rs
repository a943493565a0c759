use super::moments::{Moments, TOLERANCE};

/// The [`Moments`] of `N` sensors side by side, so that a row goes into all of them, or out, in a few steps.
#[derive(Debug, Clone)]
pub(super) struct Sums<const N: usize> {
    count: [f64; N],
    worn: [f64; N],
    shift: [f64; N],
    sum: [f64; N],
    squares: [f64; N],
    peak: [f64; N],
}

impl<const N: usize> Default for Sums<N> {
    fn default() -> Self {
        let none = [0.0; N];
        Self { count: none, worn: none, shift: none, sum: none, squares: none, peak: none }
    }
}

impl<const N: usize> Sums<N> {
    pub fn add(&mut self, values: &[f64; N]) {
        self.begin(values);
        for (sensor, value) in values.iter().enumerate() {
            let (one, distance) = self.step(sensor, *value);
            self.count[sensor] += one;
            self.worn[sensor] += one;
            self.sum[sensor] += distance;
            self.squares[sensor] += distance * distance;
            self.peak[sensor] = larger(self.peak[sensor], self.squares[sensor]);
        }
    }

    pub fn remove(&mut self, values: &[f64; N]) {
        for (sensor, value) in values.iter().enumerate() {
            let (one, distance) = self.step(sensor, *value);
            self.count[sensor] -= one;
            self.worn[sensor] += one;
            self.sum[sensor] -= distance;
            self.squares[sensor] -= distance * distance;
        }
    }

    /// Takes out the value of one sensor.
    pub fn remove_one(&mut self, sensor: usize, value: f64) {
        let mut values = [f64::NAN; N];
        values[sensor] = value;
        self.remove(&values);
    }

    /// A value as one more or less, and its distance from the shift; nothing of both where it is missing.
    fn step(&self, sensor: usize, value: f64) -> (f64, f64) {
        if value.is_nan() { (0.0, 0.0) } else { (1.0, value - self.shift[sensor]) }
    }

    /// The first value of a sensor is what its distances are from.
    fn begin(&mut self, values: &[f64; N]) {
        if self.count.contains(&0.0) {
            for (sensor, value) in values.iter().enumerate() {
                if self.count[sensor] == 0.0 && !value.is_nan() {
                    self.set(sensor, &Moments::around(*value));
                }
            }
        }
    }

    /// Makes the sums of those sensors anew, of their values in the window, whose variance is not as exact as it
    /// should be.
    pub fn mend<V: Iterator<Item = f64> + Clone>(&mut self, values: impl Fn(usize) -> V) {
        if self.are_sound() {
            return;
        }
        for sensor in 0..N {
            if !self.of(sensor).is_sound() {
                self.set(sensor, &Moments::of(values(sensor)));
            }
        }
    }

    /// [`Moments::is_sound`] of all, without a division; `false` where that leaves a doubt.
    fn are_sound(&self) -> bool {
        (0..N).fold(true, |all, sensor| {
            let (count, sum) = (self.count[sensor], self.sum[sensor]);
            let lost = self.worn[sensor] * f64::EPSILON * self.peak[sensor] * count;
            all & (lost <= TOLERANCE * (self.squares[sensor] * count - sum * sum))
        })
    }

    pub fn count(&self, sensor: usize) -> usize {
        self.count[sensor] as usize
    }

    pub fn of(&self, sensor: usize) -> Moments {
        Moments {
            count: self.count[sensor] as u32,
            worn: self.worn[sensor] as u32,
            shift: self.shift[sensor],
            sum: self.sum[sensor],
            squares: self.squares[sensor],
            peak: self.peak[sensor],
        }
    }

    pub fn set(&mut self, sensor: usize, moments: &Moments) {
        self.count[sensor] = f64::from(moments.count);
        self.worn[sensor] = f64::from(moments.worn);
        self.shift[sensor] = moments.shift;
        self.sum[sensor] = moments.sum;
        self.squares[sensor] = moments.squares;
        self.peak[sensor] = moments.peak;
    }
}

/// Of two numbers; quicker than `f64::max`, which minds NaN.
pub(super) fn larger(one: f64, other: f64) -> f64 {
    if other > one { other } else { one }
}
