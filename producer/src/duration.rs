//! Spans of stream time as people write them.

/// Units of stream time, the largest first, in milliseconds.
const UNITS: [(&str, f64); 5] =
    [("d", 86_400_000.0), ("h", 3_600_000.0), ("m", 60_000.0), ("s", 1000.0), ("ms", 1.0)];
/// Ten years: longer makes no sense in a stream, and keeps sums far from overflow.
const LONGEST: f64 = 3650.0 * 86_400_000.0;

/// Reads a span such as `90s`, `1.5h` or `2h30m`: milliseconds.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time such as 90s, 10m, 2h30m or 1d");
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total += number.parse::<f64>().ok().filter(|n| *n >= 0.0).ok_or_else(wrong)? * scale;
        rest = next;
    }
    match total {
        _ if text.is_empty() => Err(wrong()),
        total if total <= LONGEST => Ok(total.round() as i64),
        _ => Err(format!("`{text}` is more than 3650d")),
    }
}

/// The shortest text of one number and one unit that [`parse`] reads as the same time.
pub(crate) fn print(milliseconds: i64) -> String {
    let fits = |(_, scale): &&(&str, f64)| milliseconds != 0 && milliseconds % *scale as i64 == 0;
    let (unit, scale) = UNITS.iter().find(fits).unwrap_or(&("s", 1000.0));
    format!("{}{unit}", milliseconds / *scale as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(time in 0..=LONGEST as i64) {
            prop_assert_eq!(parse(&print(time)), Ok(time));
        }
    }

    #[test]
    fn a_span_has_numbers_with_units() {
        let read = ["250ms", "30s", "10m", "2h", "1d", "1.5h", "2h30m", "0s"].map(parse);
        let expected = [250, 30_000, 600_000, 7_200_000, 86_400_000, 5_400_000, 9_000_000, 0];
        assert_eq!(read, expected.map(Ok));
        for wrong in ["", "5", "s", "5 s", "5sec", "1e3", "nans", "-2h", "infs", "4000d", "2h30"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
