use millrace_schemas::{AlertState, AnomalyAlert, SensorReading};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::detect::Mark;

/// The detector's name in its alerts.
pub(super) const DETECTOR: &str = "rolling";
/// Readings without a mark after which an episode is over.
const CALM: u32 = 10;
/// An episode is told of again when it has become so many times worse.
const WORSE: f64 = 2.0;

/// An episode in which a machine is strange.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Episode {
    start: i64,
    last: i64,
    told: f64,
    calm: u32,
    worst: Mark,
}

/// Goes on with a machine's episode, and gives what is to be told of it. Alerts follow from the machine's
/// readings alone.
pub(super) fn step(
    episode: &mut Option<Episode>,
    marks: &[Mark],
    reading: &SensorReading<'_>,
    version: &str,
) -> Option<AnomalyAlert> {
    let time = reading.timestamp;
    let strongest = marks.iter().copied().max_by(|one, other| one.score.total_cmp(&other.score));
    let (state, marks) = match (episode.as_mut(), strongest) {
        (None, None) => return None,
        (None, Some(mark)) => {
            *episode = Some(Episode { start: time, last: time, told: mark.score, calm: 0, worst: mark });
            (AlertState::Opened, marks.to_vec())
        }
        (Some(open), Some(mark)) => {
            (open.last, open.calm) = (time, 0);
            if mark.score < WORSE * open.told {
                return None;
            }
            (open.told, open.worst) = (mark.score, mark);
            (AlertState::Updated, marks.to_vec())
        }
        (Some(open), None) => {
            open.calm += 1;
            if open.calm < CALM {
                return None;
            }
            (AlertState::Closed, vec![open.worst])
        }
    };
    let told = alert(episode.as_ref()?, state, &marks, reading, version);
    if state == AlertState::Closed {
        *episode = None;
    }
    Some(told)
}

fn alert(
    episode: &Episode,
    state: AlertState,
    marks: &[Mark],
    reading: &SensorReading<'_>,
    version: &str,
) -> AnomalyAlert {
    let total: f64 = marks.iter().map(|mark| mark.score).sum();
    let share = |mark: &Mark| (mark.sensor.name().to_owned(), mark.score / total);
    AnomalyAlert {
        alert_id: id(&reading.machine_id, episode.start),
        machine_id: reading.machine_id.clone().into_owned(),
        detector: DETECTOR.to_owned(),
        model_version: version.to_owned(),
        state,
        episode_start: episode.start,
        timestamp: reading.timestamp,
        score: episode.worst.score,
        threshold: 1.0,
        sensor: episode.worst.sensor.name().to_owned(),
        shares: marks.iter().map(share).collect(),
        evidence_from: episode.start,
        evidence_to: episode.last,
        ..AnomalyAlert::default()
    }
}

fn id(machine: &str, start: i64) -> String {
    let digest = Sha256::digest(format!("{machine}\n{start}\n{DETECTOR}").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use millrace_schemas::Sensor;

    use super::*;

    #[test]
    fn an_episode_opens_grows_worse_and_closes_after_ten_calm_readings() {
        let mark =
            |score| Mark { sensor: Sensor::Vibration, value: 9.0, z: Some(score), critical: false, score };
        let mut episode = None;
        let mut told = Vec::new();
        let scores = [1.2, 1.3, 2.4, 2.5].into_iter().map(Some).chain([None; 12]).chain([Some(1.1)]);
        for (time, score) in (0..).zip(scores) {
            let reading =
                SensorReading { timestamp: time, machine_id: "M".into(), ..SensorReading::default() };
            let marks: Vec<Mark> = score.map(mark).into_iter().collect();
            told.extend(step(&mut episode, &marks, &reading, "v"));
        }
        let course: Vec<_> =
            told.iter().map(|alert| (alert.state, alert.timestamp, alert.evidence_to)).collect();
        let (opened, updated, closed) = (AlertState::Opened, AlertState::Updated, AlertState::Closed);
        assert_eq!(course, [(opened, 0, 0), (updated, 2, 2), (closed, 13, 3), (opened, 16, 16)]);
        assert!(told[..3].iter().all(|alert| alert.alert_id == told[0].alert_id && alert.episode_start == 0));
        assert_ne!(told[3].alert_id, told[0].alert_id);
    }
}
