//! Order statistics.

/// The `q` quantile (0 to 1) of the values that are finite, interpolated linearly as in R's type 7; 0 where
/// there is none. The values are reordered.
pub fn quantile(values: &mut Vec<f64>, q: f64) -> f64 {
    values.retain(|value| value.is_finite());
    if values.is_empty() {
        return 0.0;
    }
    let place = q.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    if share == 0.0 {
        return low;
    }
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    low + share * (high - low)
}

/// The middle value.
pub fn median(values: &mut Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated_and_missing_values_left_out() {
        let values = || vec![4.0, f64::NAN, 1.0, 3.0, 2.0];
        assert_eq!(median(&mut values()), 2.5);
        assert_eq!(quantile(&mut values(), 0.0), 1.0);
        assert_eq!(quantile(&mut values(), 1.0), 4.0);
        assert_eq!(quantile(&mut vec![], 0.5), 0.0);
    }
}
