use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Samples of one sensor that a window holds at most; with more, the oldest leave early.
pub const MOST_SAMPLES: usize = 100_000;
const LONGEST_MS: i64 = 7 * 86_400_000;
const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// How far back a window reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    /// So many milliseconds of event time.
    Time(i64),
    /// So many values of each sensor.
    Records(usize),
}

impl FromStr for Span {
    type Err = String;

    /// Understands `60s` (also `ms`, `m`, `h`, `d`) and `60r`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no window such as 60s, 10m or 60r");
        let (number, unit) = parts(text).ok_or_else(wrong)?;
        if unit == "r" {
            return match usize::try_from(number) {
                Ok(count @ 2..=MOST_SAMPLES) => Ok(Self::Records(count)),
                _ => Err(format!("`{text}` is out of range: it must be from 2r to {MOST_SAMPLES}r")),
            };
        }
        let time = number.checked_mul(scale(unit).ok_or_else(wrong)?);
        match time {
            Some(time @ 1..=LONGEST_MS) => Ok(Self::Time(time)),
            _ => Err(format!("`{text}` is out of range: it must be from 1ms to 7d")),
        }
    }
}

/// A time such as `10s` (also `ms`, `m`, `h`, `d`), in milliseconds, from `0s` to `7d`.
///
/// # Errors
/// A clause about what is wrong.
pub fn time_span(text: &str) -> Result<i64, String> {
    let time = parts(text).and_then(|(number, unit)| number.checked_mul(scale(unit)?));
    match time {
        Some(time @ 0..=LONGEST_MS) => Ok(time),
        Some(_) => Err(format!("`{text}` is out of range: it must be from 0s to 7d")),
        None => Err(format!("`{text}` is no time such as 10s or 5m")),
    }
}

fn parts(text: &str) -> Option<(i64, &str)> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    Some((number.parse().ok()?, unit))
}

fn scale(unit: &str) -> Option<i64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Records(count) => write!(f, "{count}r"),
            Self::Time(time) => {
                let fits = |(_, scale): &&(&str, i64)| time % scale == 0;
                let (unit, scale) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
                write!(f, "{}{unit}", time / scale)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(time in 1..=LONGEST_MS, count in 2..=MOST_SAMPLES) {
            for span in [Span::Time(time), Span::Records(count)] {
                prop_assert_eq!(span.to_string().parse(), Ok(span));
            }
        }
    }

    #[test]
    fn a_time_may_be_nothing_but_no_number_of_records() {
        assert_eq!((time_span("0s"), time_span("90s"), time_span("7d")), (Ok(0), Ok(90_000), Ok(LONGEST_MS)));
        for wrong in ["", "10", "60r", "-1s", "8d"] {
            assert!(time_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_time_or_a_number_of_records() {
        assert_eq!("60s".parse(), Ok(Span::Time(60_000)));
        assert_eq!("2h".parse(), Ok(Span::Time(7_200_000)));
        assert_eq!("60r".parse(), Ok(Span::Records(60)));
        for wrong in
            ["", "60", "s", "-1s", "60 s", "1.5m", "0s", "1r", "8d", "100001r", "9999999999999999999s"]
        {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
