//! What a registry that refuses an incompatible schema leaves unsaid: the field at fault and the remedy.

use apache_avro::Schema;
use schema_registry_converter::error::SRCError;

use super::{Error, RegistryClient};

/// More reasons than these would hide the remedy.
const REASONS_SHOWN: usize = 3;

/// Whether the registry refused a schema because it does not go with earlier ones.
pub(super) fn is_one(error: &SRCError) -> bool {
    // The status is only in the sentence; the cause holds what the registry wrote.
    error.error.contains("failed with status 409")
}

impl RegistryClient {
    /// The refusal with the fields at fault; the registry's own, where our judge finds none.
    pub(super) fn explain(&self, subject: &str, schema: &str, refused: Error) -> Error {
        self.conflict(subject, schema).map_or(refused, Error::failed)
    }

    fn conflict(&self, subject: &str, schema: &str) -> Option<String> {
        let level = self.compatibility(subject).unwrap_or_default();
        let versions = self.versions(subject).ok()?;
        let earlier = versions.iter().map(|version| Schema::parse_str(&version.schema));
        let earlier = earlier.collect::<Result<Vec<_>, _>>().ok()?;
        let conflict = level.check(&Schema::parse_str(schema).ok()?, &earlier).err()?;
        let version = versions.get(conflict.earlier)?.number;
        let sentences = conflict.sentences(&format!("version {version}"));
        let reasons = sentences.iter().take(REASONS_SHOWN).cloned().collect::<Vec<_>>().join("; ");
        let more = match sentences.len().saturating_sub(REASONS_SHOWN) {
            0 => String::new(),
            left => format!("; and {left} more reasons"),
        };
        Some(format!(
            "schema registry {} refuses the schema for {subject}, whose compatibility is {level}: \
             {reasons}{more}; or take another --topic, or change the compatibility of {subject}",
            self.url
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const OLD: &str = r#"{"schema": "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"hour\",\"type\":\"long\"}]}", "id": 4, "version": 3, "subject": "a-value"}"#;
    const NEW: &str = r#"{"type":"record","name":"R","fields":[{"name":"hour","type":"int"}]}"#;

    /// A registry that refuses everything and gives its config this answer; gives its address.
    fn registry(config: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || listener.incoming().flatten().for_each(|call| answer(call, config)));
        url
    }

    fn answer(mut call: TcpStream, config: &str) {
        let head = head(&call);
        let (status, body) = match head.as_str() {
            "GET /subjects/a-value/versions HTTP/1.1" => ("200 OK", "[3]"),
            "GET /subjects/a-value/versions/3 HTTP/1.1" => ("200 OK", OLD),
            "GET /config/a-value?defaultToGlobal=true HTTP/1.1" => config.split_once('|').expect("two parts"),
            _ => ("409 Conflict", r#"{"error_code": 409, "message": "says the registry"}"#),
        };
        let length = body.len();
        let _ = write!(
            call,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
    }

    /// The first line of a call that has been read to its end.
    fn head(call: &TcpStream) -> String {
        let mut reader = BufReader::new(call);
        let lines: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let length =
            lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        let _ = reader.read_exact(&mut body);
        lines[0].clone()
    }

    fn refusal(config: &'static str) -> String {
        let client = RegistryClient::new(&registry(config)).expect("a client");
        let error = client.register("a-value", NEW).expect_err("refused");
        assert_eq!(error.exit_code(), 1);
        error.to_string()
    }

    #[test]
    fn an_incompatible_schema_is_refused_with_the_field_at_fault_and_the_remedy() {
        let sentence = refusal(r#"200 OK|{"compatibilityLevel": "FULL_TRANSITIVE"}"#);
        let (_, said) = sentence.split_once(" refuses ").expect("a refusal");
        assert_eq!(
            said,
            "the schema for a-value, whose compatibility is FULL_TRANSITIVE: the new schema cannot read what \
             version 3 wrote: `hour` may be written as long and is read as int; keep the type of `hour`, or use \
             one that reads the old; or take another --topic, or change the compatibility of a-value"
        );
    }

    #[test]
    fn a_registry_without_a_level_has_confluents_default() {
        let sentence = refusal(r#"404 Not Found|{"error_code": 404, "message": "no config"}"#);
        assert!(sentence.contains("whose compatibility is BACKWARD: the new schema cannot"), "{sentence}");
    }

    #[test]
    fn a_refusal_that_we_cannot_explain_is_told_in_the_registrys_words() {
        let sentence = refusal(r#"200 OK|{"compatibilityLevel": "FORWARD"}"#);
        assert!(sentence.contains("did not register a-value") && sentence.contains("says the registry"));
    }
}
