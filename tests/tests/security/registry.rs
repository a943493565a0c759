//! A registry that asks who is there, behind a certificate of its own authority.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use libtest_mimic::Failed;
use millrace_core::Result;
use millrace_core::access::{Access, Credentials};
use millrace_core::registry::Registry;
use millrace_core::secret::Secret;
use millrace_tests::{KafkaTest, Verdict, passed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::{Authority, Signed};

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::own("registry::a_login_and_an_authority_of_its_own_let_in", let_in),
        KafkaTest::own("registry::a_wrong_login_or_certificate_is_one_sentence", kept_out),
    ]
}

fn let_in() -> Verdict {
    let authority = Authority::new("Registry authority")?;
    let basic = serve(&authority.sign("localhost")?, "Basic YW5uOmE6c2VjcmV0")?;
    let bearer = serve(&authority.sign("localhost")?, "Bearer a-token")?;
    assert_eq!(register(&basic, Some("ann:a:secret"), &authority)?, 7);
    assert_eq!(register(&basic.replace("://", "://ann:a%3Asecret@"), None, &authority)?, 7);
    assert_eq!(register(&bearer, Some("bearer:a-token"), &authority)?, 7);
    passed()
}

fn kept_out() -> Verdict {
    let authority = Authority::new("Registry authority")?;
    let good = serve(&authority.sign("localhost")?, "Bearer a-token")?;
    let expired = serve(&authority.sign_expired("localhost")?, "Bearer a-token")?;
    let stranger = Authority::new("Stranger")?;
    let cases = [
        (&good, Some("ann:hunter2"), &authority, "check --schema-registry-auth"),
        (&good, None, &authority, "it wants to know who asks: give --schema-registry-auth"),
        (
            &good,
            Some("bearer:a-token"),
            &stranger,
            "not trusted here; give its certificate as --schema-registry-ca",
        ),
        (&expired, Some("bearer:a-token"), &authority, "has expired; have it renewed"),
    ];
    for (url, login, authority, told) in cases {
        let refusal = register(url, login, authority).expect_err("refused");
        let sentence = refusal.to_string();
        assert!(sentence.contains(told) && sentence.contains(url), "{sentence}");
        assert!(!sentence.contains("hunter2") && !sentence.contains("a-token"), "{sentence}");
        assert_eq!(refusal.exit_code(), 1);
    }
    passed()
}

fn register(url: &str, login: Option<&str>, authority: &Authority) -> Result<u32> {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).expect("written");
    let login = login.map(|login| Credentials::parse(&Secret::from(login.to_owned()), "auth")).transpose()?;
    let access = Access::new(login, Some(&ca), "ca")?;
    Registry::new(url, access, "url")?.client()?.register("a-value", "\"string\"")
}

/// Answers calls that carry this header, and refuses the others; gives its address.
pub fn serve(signed: &Signed, wanted: &'static str) -> std::result::Result<String, Failed> {
    let chain = CertificateDer::pem_slice_iter(signed.certificate.as_bytes());
    let chain = chain.collect::<std::result::Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0")?);
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that does not trust us hangs up, which is no trouble of ours.
            let _ = ServerConnection::new(Arc::clone(&config))
                .map(|tls| answer(StreamOwned::new(tls, stream), wanted));
        }
    });
    Ok(url)
}

fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>, wanted: &str) -> std::io::Result<()> {
    let mut call = Vec::new();
    while !call.ends_with(b"}") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        call.extend_from_slice(&bytes[..count]);
    }
    let carries = String::from_utf8_lossy(&call).lines().any(|line| line.ends_with(&format!(": {wanted}")));
    let (status, body) = match carries {
        true => ("200 OK", r#"{"id": 7}"#),
        false => ("401 Unauthorized", r#"{"error_code": 401, "message": "who are you"}"#),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close");
    write!(stream, "{head}\r\n\r\n{body}")?;
    stream.conn.send_close_notify();
    stream.flush()
}
