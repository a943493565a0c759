//! How well scores tell faulty rows from healthy ones.

/// Area under the receiver operating characteristic: the chance that a faulty row scores above a healthy one,
/// ties counting half (Mann and Whitney 1947). None where one of the two kinds is absent.
pub fn roc_auc(scores: &[f64], faulty: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives = faulty.iter().filter(|faulty| **faulty).count() as f64;
    let negatives = faulty.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut rank_sum = 0.0;
    let mut before = 0.0;
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let count = ties.len() as f64;
        let faults = ties.iter().filter(|row| faulty[**row]).count() as f64;
        rank_sum += faults * (before + (count + 1.0) / 2.0);
        before += count;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// Average precision: the precision at each recall, weighted by the recall gained; rows of equal score are
/// taken together, as scikit-learn does. None where nothing is faulty.
pub fn average_precision(scores: &[f64], faulty: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let positives = faulty.iter().filter(|faulty| **faulty).count() as f64;
    if positives == 0.0 {
        return None;
    }
    let (mut taken, mut hits, mut sum) = (0.0, 0.0, 0.0);
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let found = ties.iter().filter(|row| faulty[**row]).count() as f64;
        taken += ties.len() as f64;
        hits += found;
        sum += found * hits / taken;
    }
    Some(sum / positives)
}

/// How alarms agree with faults, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Confusion {
    /// Faulty rows with an alarm.
    pub hit: usize,
    /// Faulty rows without.
    pub missed: usize,
    /// Healthy rows with an alarm.
    pub false_alarm: usize,
    /// Healthy rows without.
    pub quiet: usize,
}

impl Confusion {
    /// Counts one row.
    pub fn add(&mut self, alarm: bool, faulty: bool) {
        match (alarm, faulty) {
            (true, true) => self.hit += 1,
            (false, true) => self.missed += 1,
            (true, false) => self.false_alarm += 1,
            (false, false) => self.quiet += 1,
        }
    }

    /// Harmonic mean of precision and recall; it means something only beside the false alarm rate.
    pub fn f1(&self) -> f64 {
        2.0 * self.hit as f64 / (2 * self.hit + self.missed + self.false_alarm).max(1) as f64
    }

    /// Share of the healthy rows with an alarm.
    pub fn false_alarm_rate(&self) -> f64 {
        self.false_alarm as f64 / (self.false_alarm + self.quiet).max(1) as f64
    }

    /// Share of the faulty rows without.
    pub fn missed_rate(&self) -> f64 {
        self.missed as f64 / (self.hit + self.missed).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_of_the_textbook_example_and_ties_count_half() {
        let faulty = [false, false, true, true];
        assert_eq!(roc_auc(&[0.1, 0.4, 0.35, 0.8], &faulty), Some(0.75));
        let precision = average_precision(&[0.1, 0.4, 0.35, 0.8], &faulty).expect("faults");
        assert!((precision - 0.833_333).abs() < 1e-5, "{precision}");
        assert_eq!(roc_auc(&[1.0; 4], &faulty), Some(0.5));
        assert_eq!(average_precision(&[1.0; 4], &faulty), Some(0.5));
        assert_eq!(roc_auc(&[1.0], &[true]), None);
        assert_eq!(average_precision(&[1.0], &[false]), None);
    }
}
