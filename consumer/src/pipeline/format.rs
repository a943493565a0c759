use std::fmt;
use std::str::FromStr;

use millrace_schemas::SensorReading;
use millrace_schemas::text::{Layout, TextEncoder};
use rdkafka::message::{Headers, Message};

/// How each record is printed, in the tokens of kcat (version 1.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Token(Token),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Topic,
    Partition,
    Offset,
    Key,
    KeyLength,
    Value,
    ValueLength,
    /// The length in four bytes, big-endian.
    BinaryLength,
    Timestamp,
    Headers,
}

const TOKENS: [(char, Token); 10] = [
    ('t', Token::Topic),
    ('p', Token::Partition),
    ('o', Token::Offset),
    ('k', Token::Key),
    ('K', Token::KeyLength),
    ('s', Token::Value),
    ('S', Token::ValueLength),
    ('R', Token::BinaryLength),
    ('T', Token::Timestamp),
    ('h', Token::Headers),
];

/// What a token cannot be, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoToken(Option<char>);

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("ends with a lone %; a percent sign is %%"),
            Some(letter) => {
                let known = TOKENS.map(|(letter, _)| format!("%{letter}")).join(" ");
                write!(f, "`%{letter}` is no token; known are {known} %%")
            }
        }
    }
}

impl FromStr for Format {
    type Err = NoToken;

    /// Understands `%t [%p] %o: %s\n`.
    fn from_str(text: &str) -> Result<Self, NoToken> {
        let mut pieces = Vec::new();
        let mut rest = text.chars();
        while let Some(letter) = rest.next() {
            let piece = match letter {
                '%' => token(rest.next())?,
                '\\' => Piece::Bytes(escape(&mut rest)),
                other => Piece::Bytes(other.to_string().into_bytes()),
            };
            match (pieces.last_mut(), piece) {
                (Some(Piece::Bytes(before)), Piece::Bytes(more)) => before.extend(more),
                (_, piece) => pieces.push(piece),
            }
        }
        Ok(Self(pieces))
    }
}

fn token(letter: Option<char>) -> Result<Piece, NoToken> {
    if letter == Some('%') {
        return Ok(Piece::Bytes(b"%".to_vec()));
    }
    let known = TOKENS.into_iter().find(|(name, _)| Some(*name) == letter);
    known.map(|(_, token)| Piece::Token(token)).ok_or(NoToken(letter))
}

/// `\n`, `\t`, `\r`, a byte as in `\x1e`, or the letter itself.
fn escape(rest: &mut std::str::Chars<'_>) -> Vec<u8> {
    match rest.next() {
        Some('n') => b"\n".to_vec(),
        Some('t') => b"\t".to_vec(),
        Some('r') => b"\r".to_vec(),
        Some('x') => {
            let digits: String = rest.clone().take(2).take_while(char::is_ascii_hexdigit).collect();
            rest.by_ref().take(digits.len()).for_each(drop);
            u8::from_str_radix(&digits, 16).map_or_else(|_| b"x".to_vec(), |byte| vec![byte])
        }
        Some(other) => other.to_string().into_bytes(),
        None => b"\\".to_vec(),
    }
}

impl Format {
    /// A record as it is printed; with its reading, where it is one.
    pub fn record(&self, record: &impl Message, reading: Option<&SensorReading<'_>>) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Bytes(bytes) => out.extend(bytes),
                Piece::Token(token) => print(*token, record, reading, &mut out),
            }
        }
        out
    }
}

fn print(token: Token, record: &impl Message, reading: Option<&SensorReading<'_>>, out: &mut Vec<u8>) {
    match token {
        Token::Topic => out.extend(record.topic().as_bytes()),
        Token::Partition => text(record.partition(), out),
        Token::Offset => text(record.offset(), out),
        Token::Key => out.extend(record.key().unwrap_or_default()),
        Token::KeyLength => text(length(record.key()), out),
        Token::Value => value(record.payload().unwrap_or_default(), reading, out),
        Token::ValueLength => text(length(record.payload()), out),
        Token::BinaryLength => out.extend((length(record.payload()) as i32).to_be_bytes()),
        Token::Timestamp => text(record.timestamp().to_millis().unwrap_or(-1), out),
        Token::Headers => headers(record, out),
    }
}

fn text(value: impl fmt::Display, out: &mut Vec<u8>) {
    out.extend(value.to_string().into_bytes());
}

/// -1 where there is nothing, unlike 0 where it is empty.
fn length(bytes: Option<&[u8]>) -> i64 {
    bytes.map_or(-1, |bytes| bytes.len() as i64)
}

/// Avro is for nobody's eyes, so a reading is JSON; all else is as it came.
fn value(bytes: &[u8], reading: Option<&SensorReading<'_>>, out: &mut Vec<u8>) {
    match reading {
        Some(reading) if !bytes.starts_with(b"{") => {
            let layout = Layout {
                milliseconds: reading.timestamp % 1000 != 0,
                sequence: true,
                labels: reading.anomaly_label.is_some(),
                features: reading.features.is_some(),
                rolling: reading.rolling.is_some(),
            };
            TextEncoder::new(layout).json(reading, out);
        }
        _ => out.extend(bytes),
    }
}

fn headers(record: &impl Message, out: &mut Vec<u8>) {
    let all = record.headers().into_iter().flat_map(Headers::iter);
    for (index, header) in all.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend(header.key.as_bytes());
        out.push(b'=');
        out.extend(header.value.unwrap_or(b"NULL"));
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::Timestamp;
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

    use super::*;

    fn record(key: Option<&str>, payload: Option<&[u8]>) -> OwnedMessage {
        let headers =
            OwnedHeaders::new()
                .insert(Header { key: "a", value: Some("1") })
                .insert(Header::<&[u8]> { key: "b", value: None });
        OwnedMessage::new(
            payload.map(<[u8]>::to_vec),
            key.map(|key| key.as_bytes().to_vec()),
            "plant".into(),
            Timestamp::CreateTime(1_767_225_600_000),
            2,
            17,
            Some(headers),
        )
    }

    fn printed(format: &str, record: &OwnedMessage, reading: Option<&SensorReading<'_>>) -> String {
        let format: Format = format.parse().expect("a format");
        String::from_utf8(format.record(record, reading)).expect("text")
    }

    const ALL: &str = r"%t [%p] at %o: key %k (%K), value %s (%S), time %T, headers %h\t100 %%\n";

    #[test]
    fn a_record_is_printed_with_kcats_tokens() {
        let reading =
            SensorReading { machine_id: "M".into(), timestamp: 1_767_225_600_000, ..Default::default() };
        let avro = printed(ALL, &record(Some("M"), Some(b"\0avro")), Some(&reading));
        let dead = printed(ALL, &record(None, None), None);
        let json = printed("%s\\n", &record(Some("M"), Some(b"{\"own\": 1}")), Some(&reading));
        insta::assert_snapshot!(avro + &dead + &json);
    }

    #[test]
    fn lengths_and_bytes_may_be_binary() {
        let format: Format = r"\x1e\x0%R\q\".parse().expect("a format");
        let bytes = format.record(&record(None, Some(b"abc")), None);
        assert_eq!(bytes, [&[0x1e, 0][..], &[0, 0, 0, 3], b"q\\"].concat());
        let none: Format = "%R".parse().expect("a format");
        assert_eq!(none.record(&record(None, None), None), [0xff; 4]);
    }

    #[test]
    fn what_is_no_token_is_named() {
        let refusals = ["%x", "50 %"].map(|text| text.parse::<Format>().expect_err(text).to_string());
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
