use std::io::{Result, Write};

use millrace_schemas::codec::{MARKER_BYTES, write_container_block, write_container_header};
use millrace_schemas::subject::SENSOR_READING;
use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;

use super::Output;
use crate::settings::Compression;

/// Bytes of a block before compression, after which it is written: small enough to be read at once.
const BLOCK_BYTES: usize = 1 << 18;
/// Faster levels gain little time, slower ones little room.
const LEVEL: i32 = 1;

/// An Avro object container while it is written.
pub(super) struct Container {
    output: Output,
    compressor: Option<Compressor<'static>>,
    marker: [u8; MARKER_BYTES],
    bodies: Vec<u8>,
    records: usize,
    block: Vec<u8>,
}

impl Container {
    /// Begins a file. Its marker comes from the seed, so that the same run gives the same bytes.
    pub(super) fn new(mut output: Output, compression: Compression, seed: u64) -> Result<Self> {
        let mut marker = [0; MARKER_BYTES];
        let hash = Sha256::digest([SENSOR_READING.as_bytes(), &seed.to_le_bytes()].concat());
        marker.copy_from_slice(&hash[..MARKER_BYTES]);
        let (codec, compressor) = match compression {
            Compression::Zstd => ("zstandard", Some(Compressor::new(LEVEL)?)),
            Compression::None => ("null", None),
        };
        let mut header = Vec::new();
        write_container_header(SENSOR_READING, codec, marker, &mut header);
        output.write_all(&header)?;
        let (bodies, block) = (Vec::with_capacity(2 * BLOCK_BYTES), Vec::new());
        Ok(Self { output, compressor, marker, bodies, records: 0, block })
    }

    pub(super) fn add(&mut self, body: &[u8]) -> Result<()> {
        self.bodies.extend_from_slice(body);
        self.records += 1;
        if self.bodies.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<Output> {
        if self.records > 0 {
            self.end_block()?;
        }
        Ok(self.output)
    }

    fn end_block(&mut self) -> Result<()> {
        self.block.clear();
        match &mut self.compressor {
            Some(compressor) => {
                let compressed = compressor.compress(&self.bodies)?;
                write_container_block(self.records, &compressed, self.marker, &mut self.block);
            }
            None => write_container_block(self.records, &self.bodies, self.marker, &mut self.block),
        }
        self.bodies.clear();
        self.records = 0;
        self.output.write_all(&self.block)
    }
}
