use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};

use millrace_schemas::codec::{MARKER_BYTES, write_container_block, write_container_header};

/// More bytes than this are no schema.
const MOST_TEXT: u64 = 1 << 24;
/// More bytes than this are no block, decompressed or not; ours have a quarter of a mebibyte.
const MOST_BLOCK: u64 = 1 << 28;

/// A container as it comes, but blocks of zstandard decompressed: apache-avro as it is built here knows `null`
/// and `deflate`, and the producer writes `zstandard`.
pub(super) struct Plain<R> {
    from: BufReader<R>,
    /// What is to be given next, from `at` on.
    out: Vec<u8>,
    at: usize,
    /// Of the blocks that are to be decompressed, if any are.
    marker: Option<[u8; MARKER_BYTES]>,
}

impl<R: Read> Plain<R> {
    /// Reads the header.
    pub fn new(from: R) -> Result<Self> {
        let mut from = BufReader::new(from);
        let mut magic = [0; 4];
        from.read_exact(&mut magic)?;
        let (mut schema, mut codec) = (String::new(), "null".to_owned());
        loop {
            let count = long(&mut from)?;
            if count < 0 {
                // The size of the map's block in bytes, for those who skip it.
                long(&mut from)?;
            }
            for _ in 0..count.unsigned_abs() {
                let (key, value) = (text(&mut from)?, text(&mut from)?);
                match key.as_str() {
                    "avro.schema" => schema = value,
                    "avro.codec" => codec = value,
                    _ => {}
                }
            }
            if count == 0 {
                break;
            }
        }
        let mut marker = [0; MARKER_BYTES];
        from.read_exact(&mut marker)?;
        let compressed = codec == "zstandard";
        let mut out = Vec::new();
        write_container_header(&schema, if compressed { "null" } else { &codec }, marker, &mut out);
        Ok(Self { from, out, at: 0, marker: compressed.then_some(marker) })
    }

    fn next_block(&mut self, marker: [u8; MARKER_BYTES]) -> Result<()> {
        (self.at, self.out) = (0, Vec::new());
        if self.from.fill_buf()?.is_empty() {
            return Ok(());
        }
        let records = usize::try_from(long(&mut self.from)?).map_err(|_| wrong("a block has no length"))?;
        let packed = bytes(&mut self.from, MOST_BLOCK)?;
        let mut bodies = Vec::new();
        zstd::Decoder::new(&packed[..])?.take(MOST_BLOCK + 1).read_to_end(&mut bodies)?;
        if bodies.len() as u64 > MOST_BLOCK {
            return Err(wrong("a block is larger than 256 MiB"));
        }
        let mut own = [0; MARKER_BYTES];
        self.from.read_exact(&mut own)?;
        write_container_block(records, &bodies, own, &mut self.out);
        if own == marker { Ok(()) } else { Err(wrong("a block does not end with the file's marker")) }
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        if self.at == self.out.len() {
            match self.marker {
                // apache-avro takes an early end at the start of a block for the end of the file.
                Some(marker) => self.next_block(marker).map_err(|e| match e.kind() {
                    ErrorKind::UnexpectedEof => wrong("it ends within a block"),
                    _ => e,
                })?,
                None => return self.from.read(to),
            }
        }
        let count = (&self.out[self.at..]).read(to)?;
        self.at += count;
        Ok(count)
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// A number in Avro's zigzag code, seven bits a byte.
fn long(from: &mut impl Read) -> Result<i64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7F) << shift;
        if byte[0] < 0x80 {
            return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
        }
    }
    Err(wrong("a number has more than ten bytes"))
}

fn bytes(from: &mut impl Read, most: u64) -> Result<Vec<u8>> {
    let length = u64::try_from(long(from)?).ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| wrong("a length is not possible"))?;
    let mut all = Vec::new();
    from.take(length).read_to_end(&mut all)?;
    if all.len() as u64 == length { Ok(all) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn text(from: &mut impl Read) -> Result<String> {
    String::from_utf8(bytes(from, MOST_TEXT)?).map_err(|_| wrong("the header is not text"))
}
