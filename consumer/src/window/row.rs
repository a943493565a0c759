/// Beyond this a square overflows; such a value counts as missing, as NaN does.
const LARGEST: f64 = 1e150;

/// Whether a value is one that windows take in.
pub(super) fn counts(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// A reading in a window: its time, and a value of each sensor; NaN where there is none, or none any more.
///
/// With seven sensors it is a line of the processor's cache, and lies on one: a reading that comes and one that
/// goes cost one access each, whatever the number of machines.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row<const N: usize> {
    pub time: i64,
    pub values: [f64; N],
}

impl<const N: usize> Row<N> {
    pub fn new(time: i64, values: &[Option<f64>; N]) -> Self {
        let value = |value: Option<f64>| value.filter(|value| counts(*value)).unwrap_or(f64::NAN);
        Self { time, values: values.map(value) }
    }

    /// The value of a sensor, if there is one.
    pub fn value(&self, sensor: usize) -> Option<f64> {
        Some(self.values[sensor]).filter(|value| !value.is_nan())
    }

    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| value.is_nan())
    }

    pub fn is_full(&self) -> bool {
        self.values.iter().all(|value| !value.is_nan())
    }
}
