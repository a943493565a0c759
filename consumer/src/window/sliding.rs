use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::series::{Series, Stats};
use super::span::{MOST_SAMPLES, Span};

/// A sliding window over `N` sensors of one machine.
///
/// A reading in its order costs constant time on average, a late one as many steps as there are newer
/// samples. A sample takes 16 bytes, and 32 more while it may yet be the lowest or the highest; there are at
/// most [`MOST_SAMPLES`] of each sensor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sliding<const N: usize> {
    span: Span,
    newest: i64,
    late: u64,
    #[serde(serialize_with = "write_all", deserialize_with = "read_all")]
    sensors: [Series; N],
}

fn write_all<const N: usize, S: Serializer>(sensors: &[Series; N], serializer: S) -> Result<S::Ok, S::Error> {
    sensors.as_slice().serialize(serializer)
}

fn read_all<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<[Series; N], D::Error> {
    let sensors = Vec::<Series>::deserialize(deserializer)?;
    sensors.try_into().map_err(|_| serde::de::Error::custom("it has another number of sensors"))
}

impl<const N: usize> Sliding<N> {
    /// An empty window.
    pub fn new(span: Span) -> Self {
        let sensors = std::array::from_fn(|_| Series::default());
        Self { span, newest: i64::MIN, late: 0, sensors }
    }

    /// Takes in a reading of this event time, in milliseconds; `None`, NaN and values beyond 1e150 are missing.
    /// Tells whether the window still reaches back to it; where it does not, nothing changes but
    /// [`late`](Self::late).
    pub fn push(&mut self, time: i64, values: &[Option<f64>; N]) -> bool {
        self.newest = self.newest.max(time);
        if !self.reaches(time) {
            self.late += 1;
            return false;
        }
        for (series, value) in self.sensors.iter_mut().zip(values) {
            if let Some(value) = value.filter(|value| Series::counts(*value)) {
                series.add(time, value);
            }
        }
        self.let_go();
        true
    }

    fn reaches(&self, time: i64) -> bool {
        match self.span {
            Span::Time(span) => time == self.newest || time > self.newest.saturating_sub(span),
            Span::Records(most) => self
                .sensors
                .iter()
                .any(|series| series.len() < most || series.oldest().is_none_or(|oldest| time >= oldest)),
        }
    }

    fn let_go(&mut self) {
        let (begin, most) = match self.span {
            Span::Time(span) => (self.newest.saturating_sub(span), MOST_SAMPLES),
            Span::Records(most) => (i64::MIN, most),
        };
        for series in &mut self.sensors {
            let is_over = |series: &Series| {
                let oldest = series.oldest();
                series.len() > most || oldest.is_some_and(|oldest| oldest <= begin && oldest < self.newest)
            };
            while is_over(series) {
                series.remove_oldest();
            }
        }
    }

    /// What the window says of a sensor; `None` while it has no value.
    pub fn stats(&self, sensor: usize) -> Option<Stats> {
        self.sensors.get(sensor)?.stats()
    }

    /// Samples that it holds of the sensor with the most.
    pub fn samples(&self) -> usize {
        self.sensors.iter().map(Series::len).max().unwrap_or(0)
    }

    /// Event time of the newest reading, in milliseconds; `None` before the first.
    pub fn newest(&self) -> Option<i64> {
        (self.newest > i64::MIN).then_some(self.newest)
    }

    /// Readings that came too late for the window.
    pub fn late(&self) -> u64 {
        self.late
    }
}
