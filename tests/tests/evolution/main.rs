//! Pairs of a writer's and a reader's schema (`tests/data/evolution.json`): whether the reader can read the
//! writer's records, why not, and what it reads. Our judge and apache-avro are held against the file, and the
//! file against Java's Avro.
//!
//! In the file, `reasons` and `read` are Java's (without `read`, Java cannot read the bytes); `ours` stands
//! where our judge says more exactly where the fault lies; `apache_avro` says why it reads otherwise than Java.

mod java;
mod pair;

use millrace_schemas::compatibility::incompatibilities;
use millrace_tests::{KafkaTest, Verdict, passed};
use pair::Pair;

fn main() {
    millrace_tests::main(|| {
        vec![
            KafkaTest::own("our_judge_gives_every_pair_the_reasons_that_are_on_file", our_judge),
            KafkaTest::own("our_judge_allows_what_java_allows_and_nothing_else", verdicts),
            KafkaTest::own("apache_avro_reads_every_pair_as_java_does_but_for_the_exceptions", apache_avro),
            KafkaTest::own("javas_avro_gives_every_pair_the_reasons_and_the_value_on_file", java::agrees),
        ]
    })
}

/// Every pair that `fault` finds something wrong with is named.
fn each(fault: impl Fn(&Pair) -> Option<String>) -> Verdict {
    let pairs = pair::all();
    assert!(pairs.len() >= 40, "{} pairs", pairs.len());
    let faults: Vec<String> =
        pairs.iter().filter_map(|pair| Some(format!("{}: {}", pair.name, fault(pair)?))).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    passed()
}

fn our_judge() -> Verdict {
    each(|pair| {
        let said = judged(pair);
        (said != pair.ours).then(|| format!("judged {said:?}, on file {:?}", pair.ours))
    })
}

fn verdicts() -> Verdict {
    each(|pair| {
        let (ours, javas) = (judged(pair), &pair.reasons);
        (ours.is_empty() != javas.is_empty()).then(|| format!("judged {ours:?}, Java {javas:?}"))
    })
}

fn judged(pair: &Pair) -> Vec<String> {
    let reasons = incompatibilities(&pair.reader, &pair.writer);
    reasons.iter().map(|reason| format!("{} {}", reason.kind, reason.path)).collect()
}

fn apache_avro() -> Verdict {
    each(|pair| {
        let read = pair.read_by_apache_avro();
        match (read == pair.read, &pair.apache_avro) {
            (true, None) | (false, Some(_)) => None,
            (true, Some(_)) => Some("is listed as an exception, but is read as Java reads it".to_owned()),
            (false, None) => Some(format!("read {read:?}, Java {:?}", pair.read)),
        }
    })
}
