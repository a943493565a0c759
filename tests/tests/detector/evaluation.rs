//! A run in Kafka is judged as the same run in files.

use std::ffi::OsString;

use millrace_detector::evaluate::Figure;
use millrace_detector::settings::{Command, read};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce};

pub fn tests() -> Vec<KafkaTest> {
    vec![KafkaTest::shared("evaluation::a_run_in_topics_gives_the_figures_of_its_files", same_figures)]
}

fn figures(args: &[&str]) -> millrace_core::Result<Vec<Figure>> {
    let args = ["detector", "evaluate", "--dataset", "plant"].iter().chain(args).map(OsString::from);
    match read(args)?.expect("no help").command {
        Some(Command::Evaluate(evaluate)) => Ok(evaluate.run()?.figures),
        other => panic!("{other:?}"),
    }
}

fn same_figures(lab: &Lab) -> Verdict {
    let (topic, truth) = (lab.topic("run"), lab.topic("truth"));
    let run = ["--machines", "3", "--seed", "9", "--start", "2026-01-01T00:00:00Z", "--speed", "max"];
    let more = ["--rate", "0.0166667", "--duration", "1036800", "--anomaly-rate", "0.02"];
    let failing = ["--failures-from", "7d", "--repair-after", "2h", "--truth"];
    let into_topic = format!("topic:{truth}");
    produce(&lab.into_topic(&topic, &[&run[..], &more, &failing, &[&into_topic]].concat()))?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (readings, truths) = (path("readings.csv"), path("truth.csv"));
    let file = ["--mode", "file", "--output", &readings];
    produce(&[&run[..], &more, &failing, &[&truths], &file].concat())?;
    let url = lab.registry_url();
    let at = ["--bootstrap-server", lab.cluster.bootstrap_server(), "--schema-registry-url", &url];
    for method in ["residual", "t2"] {
        let from_file = figures(&["--path", &path(""), "--algorithm", method])?;
        let topics = ["--topic", &topic, "--truth-topic", &truth, "--algorithm", method];
        let from_topics = figures(&[&topics[..], &at].concat())?;
        assert_eq!(from_topics, from_file);
        let found = from_file.iter().find(|figure| figure.metric == "episodes" && figure.algorithm == method);
        assert!(found.and_then(|figure| figure.value).is_some_and(|episodes| episodes > 3.0), "{found:?}");
    }
    let missing = figures(&[&["--topic", "no-such-run"][..], &at].concat()).expect_err("refused").to_string();
    assert!(missing.starts_with("there is no topic no-such-run at "), "{missing}");
    passed()
}
