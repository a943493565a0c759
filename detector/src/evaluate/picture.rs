use super::track::Track;

/// What a page shows of one method on one data set, or on one file of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The collection.
    pub dataset: &'static str,
    /// The method.
    pub algorithm: &'static str,
    /// The file, or `all`.
    pub file: String,
    /// Score against truth, for a few files or machines.
    pub strips: Vec<Strip>,
    /// False alarm rate and share found, threshold by threshold.
    pub roc: Vec<(f64, f64)>,
    /// From the begin of each fault to its alert; without end where there was none.
    pub delays: Vec<f64>,
    /// What delays and strips are counted in.
    pub unit: &'static str,
}

/// One file or machine over its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// The file or machine.
    pub name: String,
    /// How many rows it stands for.
    pub rows: usize,
    /// Parts of equal length.
    pub points: Vec<Point>,
}

/// A part of a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The highest score, in thresholds.
    pub score: f64,
    /// Whether a row in it is faulty.
    pub faulty: bool,
    /// Whether an alert stands open in it.
    pub alarm: bool,
}

/// So many strips are shown, of so many parts; curves have so many points.
const STRIPS: usize = 4;
const PARTS: usize = 360;
const CURVE: usize = 160;

/// The strips of the first files that have a fault, or of the first at all.
pub(super) fn strips<'a>(tracks: impl Iterator<Item = (&'a Track, Vec<bool>)>) -> Vec<Strip> {
    let (with, without): (Vec<_>, Vec<_>) = tracks.partition(|(track, _)| track.faulty.contains(&true));
    with.iter().chain(&without).take(STRIPS).map(|(track, open)| strip(track, open)).collect()
}

fn strip(track: &Track, open: &[bool]) -> Strip {
    let rows = track.scores.len();
    let size = rows.div_ceil(PARTS).max(1);
    let parts = track.scores.chunks(size).zip(track.faulty.chunks(size)).zip(open.chunks(size));
    let point = |((scores, faulty), open): ((&[f64], &[bool]), &[bool])| Point {
        score: scores.iter().copied().fold(0.0, f64::max),
        faulty: faulty.contains(&true),
        alarm: open.contains(&true),
    };
    Strip { name: track.file.clone(), rows, points: parts.map(point).collect() }
}

/// The curve from nothing found to everything alarmed; empty where one of the kinds is absent.
pub(super) fn roc(scores: &[f64], faulty: &[bool]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let positives = faulty.iter().filter(|faulty| **faulty).count();
    let negatives = faulty.len() - positives;
    if positives == 0 || negatives == 0 {
        return Vec::new();
    }
    let (mut hits, mut wrong) = (0usize, 0usize);
    let mut curve = vec![(0.0, 0.0)];
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let found = ties.iter().filter(|row| faulty[**row]).count();
        (hits, wrong) = (hits + found, wrong + ties.len() - found);
        let point = (wrong as f64 / negatives as f64, hits as f64 / positives as f64);
        let last = curve[curve.len() - 1];
        let step = (point.0 - last.0) + (point.1 - last.1);
        if step >= 2.0 / CURVE as f64 || hits + wrong == faulty.len() {
            curve.push(point);
        }
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_corner_to_corner_and_over_the_point_of_each_threshold() {
        let curve = roc(&[3.0, 2.0, 1.0, 0.0], &[true, false, true, false]);
        assert_eq!(curve, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(roc(&[1.0; 2], &[true, false]), [(0.0, 0.0), (1.0, 1.0)]);
        assert_eq!(roc(&[1.0], &[true]), []);
    }

    #[test]
    fn a_strip_keeps_the_highest_score_and_prefers_files_with_faults() {
        let track = |file: &str, faulty| Track {
            file: file.into(),
            scores: (0..720).map(f64::from).collect(),
            faulty: vec![faulty; 720],
        };
        let (healthy, ill) = (track("healthy", false), track("ill", true));
        let shown = strips([(&healthy, vec![false; 720]), (&ill, vec![false; 720])].into_iter());
        assert_eq!((shown[0].name.as_str(), shown[1].name.as_str()), ("ill", "healthy"));
        assert_eq!(
            (shown[0].points.len(), shown[0].points[0].score, shown[0].points[0].faulty),
            (360, 1.0, true)
        );
    }
}
