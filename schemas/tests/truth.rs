//! Truths and episodes: our bytes are those of apache-avro, and the text formats hold the same values.

use millrace_schemas::codec::{RecordCodec, encode_episode, encode_truth};
use millrace_schemas::subject::{EPISODE, SENSOR_TRUTH};
use millrace_schemas::text::{TruthEncoder, episode_csv, episode_csv_header, episode_json, truth_csv_header};
use millrace_schemas::{Episode, EpisodeKind, SensorTruth};
use proptest::option::of;
use proptest::prelude::*;

prop_compose! {
    fn truths()(
        machine_id in ".{0,9}", timestamp: i64, sequence: i64, anomaly_label: i32,
        anomaly_type in ".{0,20}", severity in 0..=10_000_u32,
    ) -> SensorTruth<'static> {
        SensorTruth {
            machine_id: machine_id.into(), timestamp, sequence, anomaly_label,
            anomaly_type: anomaly_type.into(), severity: f64::from(severity) / 1e4,
        }
    }
}

prop_compose! {
    fn episodes()(
        machine_id in ".{0,9}", failure: bool, name in ".{0,20}", start: i64, end in of(any::<i64>()),
        cause in ".{0,9}",
    ) -> Episode<'static> {
        let kind = if failure { EpisodeKind::Failure } else { EpisodeKind::Maintenance };
        Episode { machine_id: machine_id.into(), kind, name: name.into(), start, end, cause: cause.into() }
    }
}

proptest! {
    #[test]
    fn a_truth_is_read_as_it_was_written_and_written_as_apache_avro_does(truth in truths()) {
        let mut body = Vec::new();
        encode_truth(&truth, &mut body);
        let codec = RecordCodec::new(SENSOR_TRUTH).expect("a schema");
        prop_assert_eq!(&codec.encode(0, &truth).expect("written")[5..], &body);
        let read: SensorTruth<'_> = codec.decode(SENSOR_TRUTH, &body).expect("read");
        prop_assert_eq!(read, truth);
    }

    #[test]
    fn an_episode_is_read_as_it_was_written_and_written_as_apache_avro_does(episode in episodes()) {
        let mut body = Vec::new();
        encode_episode(&episode, &mut body);
        let codec = RecordCodec::new(EPISODE).expect("a schema");
        prop_assert_eq!(&codec.encode(0, &episode).expect("written")[5..], &body);
        let read: Episode<'_> = codec.decode(EPISODE, &body).expect("read");
        prop_assert_eq!(read, episode);
    }

    #[test]
    fn a_json_truth_is_one_object_with_the_same_values(mut truth in truths()) {
        truth.timestamp = 1_767_225_600_000;
        let mut line = Vec::new();
        TruthEncoder::new(false).json(&truth, &mut line);
        let mut read: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        prop_assert_eq!(&read["timestamp"], "2026-01-01T00:00:00");
        read["timestamp"] = truth.timestamp.into();
        prop_assert_eq!(serde_json::from_value::<SensorTruth<'_>>(read).expect("a truth"), truth);
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn the_rows_of_truths_have_the_documented_columns() {
    let truth = SensorTruth {
        machine_id: "MACHINE_001".into(),
        timestamp: 1_767_225_600_250,
        sequence: 7,
        anomaly_label: 1,
        anomaly_type: "oil_leak".into(),
        severity: 0.25,
    };
    assert_eq!(truth_csv_header(), "machine_id,timestamp,sequence,anomaly_label,anomaly_type,severity");
    let row = text(|out| TruthEncoder::new(true).csv(&truth, out));
    assert_eq!(row, "MACHINE_001,2026-01-01T00:00:00.250,7,1,oil_leak,0.25");
}

#[test]
fn the_rows_of_episodes_have_the_documented_columns_and_nothing_for_an_end_that_has_not_come() {
    let mut episode = Episode {
        machine_id: "MACHINE_001".into(),
        kind: EpisodeKind::Maintenance,
        name: "maintenance".into(),
        start: 1_767_225_600_000,
        end: Some(1_767_225_660_000),
        cause: "scenario".into(),
    };
    assert_eq!(episode_csv_header(), "machine_id,kind,type,start,end,cause");
    let row = text(|out| episode_csv(&episode, out));
    let times = "2026-01-01T00:00:00.000,2026-01-01T00:01:00.000";
    assert_eq!(row, format!("MACHINE_001,maintenance,maintenance,{times},scenario"));
    episode.end = None;
    let row = text(|out| episode_csv(&episode, out));
    assert_eq!(row, "MACHINE_001,maintenance,maintenance,2026-01-01T00:00:00.000,,scenario");
    let object = text(|out| episode_json(&episode, out));
    assert!(
        object.contains(r#""type":"maintenance","start":"2026-01-01T00:00:00.000","end":null,"#),
        "{object}"
    );
}
