//! Volume under the precision-recall surface (Paparrizos et al. 2022, "Volume Under the Surface: A New Accuracy
//! Evaluation Measure for Time-Series Anomaly Detection").
//!
//! Where a fault begins and ends is rarely known to the row. So its edges are blurred by buffers of growing
//! length, and the area under the precision-recall curve is averaged over them. Recall is lowered by the share
//! of the faults of which nothing at all is seen. Nothing is adjusted: a row that was not above the threshold
//! is not counted as found because a neighbour was.

use std::ops::Range;

/// So many lengths of the buffer are averaged, beside none at all.
const LENGTHS: usize = 10;

/// Rows in the order of their time, with their truth.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// How strange each row is.
    pub scores: &'a [f64],
    /// Whether it is faulty.
    pub faulty: &'a [bool],
}

/// The volume over all series together, with buffers of up to `longest` rows, half of them on each side. Every
/// score is a threshold. None where nothing is faulty.
pub fn vus_pr(series: &[Series<'_>], longest: usize) -> Option<f64> {
    let scores: Vec<f64> = series.iter().flat_map(|one| one.scores).copied().collect();
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_unstable_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
    let mut sum = 0.0;
    for length in 0..=LENGTHS {
        sum += area(series, &scores, &order, length * longest / LENGTHS)?;
    }
    Some(sum / (LENGTHS + 1) as f64)
}

/// The area under one curve.
fn area(series: &[Series<'_>], scores: &[f64], order: &[u32], buffer: usize) -> Option<f64> {
    let blurred: Vec<f64> = series.iter().flat_map(|one| blur(one.faulty, buffer)).collect();
    let peaks = peaks(series, &blurred);
    let faulty = series.iter().flat_map(|one| one.faulty).filter(|faulty| **faulty).count() as f64;
    if faulty == 0.0 {
        return None;
    }
    let total = f64::midpoint(faulty, blurred.iter().sum());
    let (mut hits, mut taken, mut seen, mut before, mut sum) = (0.0, 0.0, 0, 0.0, 0.0);
    for ties in order.chunk_by(|a, b| scores[*a as usize] == scores[*b as usize]) {
        let threshold = scores[ties[0] as usize];
        hits += ties.iter().map(|row| blurred[*row as usize]).sum::<f64>();
        taken += ties.len() as f64;
        seen += peaks[seen..].iter().take_while(|peak| **peak >= threshold).count();
        let recall = (hits / total).min(1.0) * seen as f64 / peaks.len() as f64;
        sum += (recall - before) * hits / taken;
        before = recall;
    }
    Some(sum)
}

/// 1 in a fault, falling by the root of the distance to half a buffer around it.
fn blur(faulty: &[bool], buffer: usize) -> Vec<f64> {
    let mut label: Vec<f64> = faulty.iter().map(|faulty| f64::from(u8::from(*faulty))).collect();
    for fault in segments(faulty) {
        for distance in 1..=buffer / 2 {
            let share = (1.0 - distance as f64 / buffer as f64).sqrt();
            let before = fault.start.checked_sub(distance);
            let after = Some(fault.end - 1 + distance).filter(|row| *row < label.len());
            for row in [before, after].into_iter().flatten() {
                label[row] = (label[row] + share).min(1.0);
            }
        }
    }
    label
}

/// The highest score in each blurred fault, the highest first.
fn peaks(series: &[Series<'_>], blurred: &[f64]) -> Vec<f64> {
    let mut first = 0;
    let mut peaks = Vec::new();
    for one in series {
        let part = &blurred[first..first + one.scores.len()];
        let inside: Vec<bool> = part.iter().map(|label| *label > 0.0).collect();
        let highest = |part: Range<usize>| one.scores[part].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        peaks.extend(segments(&inside).map(highest));
        first += one.scores.len();
    }
    peaks.sort_unstable_by(|a, b| b.total_cmp(a));
    peaks
}

/// The longest runs of rows that are marked.
pub(crate) fn segments(marked: &[bool]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    let runs = marked.chunk_by(|a, b| a == b).map(move |run| {
        end += run.len();
        (run[0], end - run.len()..end)
    });
    runs.filter_map(|(marked, run)| marked.then_some(run))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The area as the authors write it down: threshold by threshold, fault by fault.
    fn slow_area(scores: &[f64], faulty: &[bool], buffer: usize) -> f64 {
        let count = scores.len();
        let mut label: Vec<f64> = faulty.iter().map(|f| f64::from(u8::from(*f))).collect();
        for row in 0..count {
            if !faulty[row] {
                continue;
            }
            let (begins, ends) = (row == 0 || !faulty[row - 1], row + 1 == count || !faulty[row + 1]);
            for (other, label) in label.iter_mut().enumerate() {
                let distance = row.abs_diff(other);
                let beside = (begins && other < row) || (ends && other > row);
                if beside && distance <= buffer / 2 {
                    *label += (1.0 - distance as f64 / buffer as f64).sqrt();
                }
            }
        }
        label.iter_mut().for_each(|label| *label = label.min(1.0));
        let positives: f64 = faulty.iter().map(|f| f64::from(u8::from(*f))).sum();
        let total = (positives + label.iter().sum::<f64>()) / 2.0;
        let mut thresholds = scores.to_vec();
        thresholds.sort_by(|a, b| b.total_cmp(a));
        let (mut before, mut sum) = (0.0, 0.0);
        for threshold in thresholds {
            let above: Vec<bool> = scores.iter().map(|score| *score >= threshold).collect();
            let hits: f64 = (0..count).filter(|row| above[*row]).map(|row| label[row]).sum();
            let (mut faults, mut seen, mut row) = (0.0, 0.0, 0);
            while row < count {
                let from = row;
                while row < count && label[row] > 0.0 {
                    row += 1;
                }
                if row > from {
                    faults += 1.0;
                    seen += f64::from(u8::from(above[from..row].contains(&true)));
                }
                row += 1;
            }
            let recall = f64::min(hits / total, 1.0) * seen / faults;
            let taken = above.iter().filter(|above| **above).count() as f64;
            sum += (recall - before) * hits / taken;
            before = recall;
        }
        sum
    }

    proptest! {
        #[test]
        fn the_volume_is_that_of_the_slow_surface(
            rows in proptest::collection::vec((0u8..12, proptest::bool::weighted(0.3)), 1..60),
            longest in 0usize..30,
        ) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let faulty: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let found = vus_pr(&[Series { scores: &scores, faulty: &faulty }], longest);
            if !faulty.contains(&true) {
                prop_assert_eq!(found, None);
                return Ok(());
            }
            let slow: f64 = (0..=LENGTHS).map(|n| slow_area(&scores, &faulty, n * longest / LENGTHS)).sum();
            let (found, slow) = (found.expect("faults"), slow / (LENGTHS + 1) as f64);
            prop_assert!((found - slow).abs() < 1e-9, "{found} against {slow}");
        }
    }

    #[test]
    fn a_perfect_score_has_all_of_it_without_a_buffer_and_a_missed_fault_costs() {
        let faulty = [false, true, true, false, false, true, false];
        let all = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0];
        let of = |scores: &[f64]| vus_pr(&[Series { scores, faulty: &faulty }], 0).expect("faults");
        assert_eq!(of(&all), 1.0);
        let without_second = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        // Two of three rows of one of two faults by themselves, then everything at three in seven.
        let by_hand = 1.0 / 3.0 + 2.0 / 3.0 * 3.0 / 7.0;
        assert!((of(&without_second) - by_hand).abs() < 1e-12);
    }

    #[test]
    fn a_fault_does_not_reach_over_into_the_next_series() {
        let one = Series { scores: &[0.0, 1.0], faulty: &[false, true] };
        let two = Series { scores: &[0.0, 0.0], faulty: &[false, false] };
        let alone = vus_pr(&[one], 2).expect("a fault");
        assert_eq!(vus_pr(&[one, two], 2), vus_pr(&[two, one], 2));
        assert!(alone > 0.9);
    }
}
