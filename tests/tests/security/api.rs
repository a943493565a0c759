//! A web API that asks who is there, behind a certificate of its own authority.

use millrace_core::Result;
use millrace_producer::run::Summary;
use millrace_tests::{KafkaTest, Verdict, passed, produce};

use super::certificates::Authority;
use super::registry::serve;

pub fn tests() -> Vec<KafkaTest> {
    vec![KafkaTest::own("api::who_may_post_is_let_in_and_who_may_not_is_told_why", posted)]
}

fn posted() -> Verdict {
    let (authority, stranger) = (Authority::new("API authority")?, Authority::new("Stranger")?);
    let good = serve(&authority.sign("localhost")?, "Bearer a-token")?;
    let expired = serve(&authority.sign_expired("localhost")?, "Bearer a-token")?;
    assert_eq!(post(&good, "bearer:a-token", &authority)?.acknowledged, 5);
    let cases = [
        (&good, "ann:hunter2", &authority, "401 Unauthorized"),
        (&good, "bearer:a-token", &stranger, "not trusted here; give its certificate as --url-ca"),
        (&expired, "bearer:a-token", &authority, "has expired; have it renewed"),
    ];
    for (url, login, authority, told) in cases {
        let refusal = post(url, login, authority).expect_err("refused");
        let sentence = refusal.to_string();
        assert!(sentence.contains(told), "{sentence}");
        assert!(!sentence.contains("hunter2") && !sentence.contains("a-token"), "{sentence}");
        assert_eq!(refusal.exit_code(), 1);
    }
    passed()
}

fn post(url: &str, login: &str, authority: &Authority) -> Result<Summary> {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).expect("written");
    let ca = ca.display().to_string();
    let run = ["--mode", "api", "--duration", "1", "--speed", "max", "--url", url];
    produce(&[&run[..], &["--url-auth", login, "--url-ca", &ca]].concat())
}
