use std::ops::Range;

use super::picture::{Picture, roc, strips};
use super::{Evaluation, Figure, Figures};
use crate::alarm::{Alarm, AlarmParams, Change};
use crate::maths::measure::{average_precision, roc_auc};
use crate::maths::vus::{Series, segments, vus_pr};
use crate::refusal::Result;

/// The longest buffer around a fault in VUS-PR, in rows.
pub(super) const BUFFER: usize = 100;

/// What a method said of the rows of one file, in their order, and what was true.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub file: String,
    /// In thresholds: above 1 is an exceedance.
    pub scores: Vec<f64>,
    pub faulty: Vec<bool>,
}

/// How rows become events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// How long a row is.
    pub seconds: f64,
    /// When exceedances become alerts.
    pub alarm: AlarmParams,
}

impl Track {
    /// From when to when an alert stands open, by row; one that is open at the end ends with the rows.
    pub fn alerts(&self, rule: AlarmParams) -> Result<Vec<Range<usize>>> {
        let mut alarm = Alarm::new(rule)?;
        let mut alerts: Vec<Range<usize>> = Vec::new();
        for (row, score) in self.scores.iter().enumerate() {
            match alarm.judge(*score, 1.0) {
                Some(Change::Opened) => alerts.push(row..self.scores.len()),
                Some(Change::Closed) => alerts.iter_mut().last().into_iter().for_each(|last| last.end = row),
                None => {}
            }
        }
        Ok(alerts)
    }
}

/// How alerts agree with faults.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// From the begin of each fault to its alert, in rows; without end where there was none.
    pub delays: Vec<f64>,
    /// Alerts, and those among them that opened outside of any fault.
    pub alerts: usize,
    pub false_alerts: usize,
    /// Rows, and those with an open alert.
    pub rows: usize,
    pub in_alarm: usize,
}

impl Events {
    /// Counts one series. A fault is found if an alert opens, or stands open, while it lasts.
    pub fn add(&mut self, rows: usize, faults: &[Range<usize>], alerts: &[Range<usize>]) {
        for fault in faults {
            let found = alerts.iter().find(|alert| alert.start < fault.end && alert.end > fault.start);
            self.delays
                .push(found.map_or(f64::INFINITY, |alert| alert.start.saturating_sub(fault.start) as f64));
        }
        let inside = |alert: &&Range<usize>| faults.iter().any(|fault| fault.contains(&alert.start));
        self.alerts += alerts.len();
        self.false_alerts += alerts.len() - alerts.iter().filter(inside).count();
        self.rows += rows;
        self.in_alarm += alerts.iter().map(ExactSizeIterator::len).sum::<usize>();
    }

    fn figures(&self, of: &Figures<'_>, seconds: f64) -> Vec<Figure> {
        const WEEK: f64 = 7.0 * 86_400.0;
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let found = self.delays.iter().filter(|delay| delay.is_finite()).count();
        let weeks = self.rows as f64 * seconds / WEEK;
        vec![
            of.of("event_precision", share(self.alerts - self.false_alerts, self.alerts)),
            of.of("event_recall", share(found, self.delays.len())),
            of.of("median_delay_rows", delay(&self.delays, 0.5)),
            of.of("p90_delay_rows", delay(&self.delays, 0.9)),
            of.of("false_alarms_per_machine_week", (weeks > 0.0).then(|| self.false_alerts as f64 / weeks)),
            of.of("share_of_time_in_alarm", share(self.in_alarm, self.rows)),
        ]
    }
}

/// The quantile of delays, interpolated; None where it lies among those that have no end.
pub(super) fn delay(delays: &[f64], q: f64) -> Option<f64> {
    let mut delays = delays.to_vec();
    delays.sort_unstable_by(f64::total_cmp);
    let place = q * delays.len().checked_sub(1)? as f64;
    let (below, above) = (delays[place.floor() as usize], delays[place.ceil() as usize]);
    above.is_finite().then(|| below + place.fract() * (above - below))
}

/// The figures of every method on rows in order of time, over all files together.
pub(super) fn standard(of: &Figures<'_>, tracks: &[Track], rule: &Rule) -> Result<Evaluation> {
    let scores: Vec<f64> = tracks.iter().flat_map(|track| &track.scores).copied().collect();
    let faulty: Vec<bool> = tracks.iter().flat_map(|track| &track.faulty).copied().collect();
    let series: Vec<Series<'_>> =
        tracks.iter().map(|track| Series { scores: &track.scores, faulty: &track.faulty }).collect();
    let mut events = Events::default();
    let mut opened = Vec::new();
    for track in tracks {
        let faults: Vec<Range<usize>> = segments(&track.faulty).collect();
        let alerts = track.alerts(rule.alarm)?;
        events.add(track.scores.len(), &faults, &alerts);
        let open = |row: usize| alerts.iter().any(|alert| alert.contains(&row));
        opened.push((0..track.scores.len()).map(open).collect());
    }
    let mut figures = vec![
        of.of("roc_auc", roc_auc(&scores, &faulty)),
        of.of("average_precision", average_precision(&scores, &faulty)),
        of.of("vus_pr", vus_pr(&series, BUFFER)),
    ];
    figures.extend(events.figures(of, rule.seconds));
    let pictures = vec![Picture {
        dataset: of.dataset,
        algorithm: of.algorithm,
        file: of.file.to_owned(),
        strips: strips(tracks.iter().zip(opened)),
        roc: roc(&scores, &faulty),
        delays: events.delays,
        unit: "rows",
    }];
    Ok(Evaluation { figures, pictures })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(figures: &[Figure], metric: &str) -> Option<f64> {
        figures.iter().find(|figure| figure.metric == metric).expect("the figure").value
    }

    /// 100 rows of an hour: faults in 20..40 and 60..80, exceedances where it is said.
    fn figures(above: &[(usize, usize)]) -> Vec<Figure> {
        let marked = |ranges: &[(usize, usize)]| -> Vec<bool> {
            (0..100).map(|row| ranges.iter().any(|range| (range.0..range.1).contains(&row))).collect()
        };
        let scores = marked(above).into_iter().map(|above| if above { 2.0 } else { 0.0 }).collect();
        let track = Track { file: "a".into(), scores, faulty: marked(&[(20, 40), (60, 80)]) };
        let alarm = AlarmParams { exceedances: 2, among: 2, quiet: 3, quiet_below: 0.8 };
        let of = Figures { dataset: "skab", file: "all", algorithm: "t2", seeds: 1 };
        standard(&of, &[track], &Rule { seconds: 3600.0, alarm }).expect("figures").figures
    }

    #[test]
    fn events_are_counted_as_by_hand() {
        // Opens at 1 (false), at 25 and at 90 (false); closes three quiet rows after each: 7, 33, 97.
        let figures = figures(&[(0, 5), (24, 31), (89, 95)]);
        assert_eq!(value(&figures, "event_precision"), Some(1.0 / 3.0));
        assert_eq!(value(&figures, "event_recall"), Some(0.5));
        assert_eq!(value(&figures, "share_of_time_in_alarm"), Some(0.21));
        assert_eq!(value(&figures, "false_alarms_per_machine_week"), Some(2.0 * 168.0 / 100.0));
        // One delay is 5, the other has no end: no middle can be told between them.
        assert_eq!(value(&figures, "median_delay_rows"), None);
    }

    #[test]
    fn an_alert_that_stands_from_before_finds_a_fault_at_once_and_is_false() {
        let figures = figures(&[(10, 100)]);
        assert_eq!(value(&figures, "event_precision"), Some(0.0));
        assert_eq!(value(&figures, "event_recall"), Some(1.0));
        assert_eq!(
            (value(&figures, "median_delay_rows"), value(&figures, "p90_delay_rows")),
            (Some(0.0), Some(0.0))
        );
    }

    #[test]
    fn delays_without_an_end_push_the_quantiles_up() {
        assert_eq!(delay(&[4.0, 2.0, f64::INFINITY], 0.5), Some(4.0));
        assert_eq!(delay(&[4.0, 2.0, f64::INFINITY], 0.9), None);
        assert_eq!(delay(&[0.0, 10.0], 0.9), Some(9.0));
        assert_eq!(delay(&[], 0.5), None);
    }
}
