use std::ops::Range;

use ndarray::Array2;

use super::{FLOW, POWER, PRESSURE, SENSORS, Sensors, TIME};
use crate::maths::covariance::{dot, inverse};
use crate::refusal::Result;

/// How often each sensor's share is estimated from the others': it settles within a few rounds.
const ROUNDS: usize = 20;

/// How a change of the load moves all sensors at once, up to a factor. `products` are of features about their
/// means.
///
/// A change of shifts moves the load farther within minutes than a week of its own wandering, which the
/// covariance is learnt from, so it would look like a failure. It moves along this one direction, in which
/// nothing is judged then.
///
/// The load is what the sensors still share when its averages have explained their part: one factor, whose
/// shares leave the least between different sensors (Harman and Jones 1966, "Factor analysis by minimizing
/// residuals (minres)"), so that each sensor's own noise does not count.
pub(super) fn direction(products: &Array2<f64>) -> Result<Sensors> {
    let rest = unexplained(products)?;
    let deviation: Sensors = std::array::from_fn(|sensor| rest[[sensor, sensor]].max(1e-12).sqrt());
    let correlation = |one: usize, other: usize| rest[[one, other]] / (deviation[one] * deviation[other]);
    let mut shares = [0.0; SENSORS];
    // More load is more power and flow, at less pressure.
    (shares[POWER], shares[FLOW], shares[PRESSURE]) = (0.7, 0.7, -0.7);
    for _ in 0..ROUNDS {
        for sensor in 0..SENSORS {
            let others = || (0..SENSORS).filter(|other| *other != sensor);
            let shared: f64 = others().map(|other| shares[other] * correlation(sensor, other)).sum();
            shares[sensor] = shared / others().map(|other| shares[other].powi(2)).sum::<f64>().max(1e-9);
        }
    }
    Ok(std::array::from_fn(|sensor| shares[sensor] * deviation[sensor]))
}

/// Products of the sensors without what the averages of the load explain.
fn unexplained(products: &Array2<f64>) -> Result<Array2<f64>> {
    let (sensors, averages) = (0..SENSORS, SENSORS..TIME);
    let part = |rows: &Range<usize>, columns: &Range<usize>| {
        let cell = |(i, j): (usize, usize)| products[[rows.start + i, columns.start + j]];
        Array2::from_shape_fn((rows.len(), columns.len()), cell)
    };
    let (own, with) = (part(&sensors, &sensors), part(&sensors, &averages));
    let mut among = part(&averages, &averages);
    among.diag_mut().mapv_inplace(|cell| cell * (1.0 + 1e-6) + 1e-9);
    Ok(&own - &with.dot(&inverse(&among)?).dot(&with.t()))
}

/// Takes a direction out of a precision, row by row: what lies along it is no distance any more.
pub(super) fn leave_out(precision: &mut [f64], direction: &[f64]) {
    let image: Vec<f64> = precision.chunks_exact(direction.len()).map(|line| dot(line, direction)).collect();
    let length = dot(&image, direction);
    if length <= 1e-12 {
        return;
    }
    for (line, own) in precision.chunks_exact_mut(direction.len()).zip(&image) {
        line.iter_mut().zip(&image).for_each(|(cell, other)| *cell -= own * other / length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maths::covariance::quadratic;
    use crate::methods::residual::FEATURES;

    #[test]
    fn the_load_is_what_sensors_share_and_their_own_noise_is_no_part_of_it() {
        let load: Sensors = [0.0, 0.8, -0.33, 11.0, 3.0, -0.5, 0.2];
        let noise: Sensors = [0.7, 0.4, 0.1, 1.6, 0.45, 0.45, 0.7];
        let products = Array2::from_shape_fn((FEATURES, FEATURES), |(i, j)| match (i, j) {
            _ if i >= SENSORS || j >= SENSORS => f64::from(u8::from(i == j)),
            _ => 0.04 * load[i] * load[j] + if i == j { noise[i] * noise[i] } else { 0.0 },
        });
        let found = direction(&products).expect("a direction");
        for sensor in 0..SENSORS {
            let (found, wanted) = (found[sensor] / found[FLOW], load[sensor] / load[FLOW]);
            assert!((found - wanted).abs() < 1e-3, "{sensor}: {found} {wanted}");
        }
    }

    #[test]
    fn what_is_left_out_is_no_distance_and_what_is_unlike_it_is_as_far_as_before() {
        let mut precision = vec![2.0, 0.0, 0.0, 1.0];
        leave_out(&mut precision, &[1.0, 0.0]);
        assert_eq!(quadratic(&precision, &[7.0, 0.0]), 0.0);
        assert_eq!(quadratic(&precision, &[7.0, 3.0]), 9.0);
    }
}
