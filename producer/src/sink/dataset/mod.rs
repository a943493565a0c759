//! Files that are written as a whole: Avro containers and Parquet.

mod column;
mod columns;
mod container;
mod table;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use millrace_core::{Error, Result};
use millrace_schemas::text::Layout;

use super::Sink;
use super::digest::{Digest, Hashing};
use crate::batch::Batch;
use crate::settings::{DatasetFormat, DatasetOutput};
use container::Container;
use table::Table;

/// Larger than a page of Parquet mostly is, so that few writes reach the system.
const BUFFER_BYTES: usize = 1 << 18;

type Output = BufWriter<Hashing<File>>;

/// Writes rows, which come as Avro bodies, under a name of its own until the file is complete.
pub struct DatasetSink {
    path: PathBuf,
    partial: PathBuf,
    rows: Option<Rows>,
    written: u64,
}

enum Rows {
    Container(Container),
    Table(Box<Table>),
}

impl DatasetSink {
    /// A file beside the one that is wanted, over what a broken run left there.
    ///
    /// # Errors
    /// When it cannot be opened or written to.
    pub fn new(output: &DatasetOutput, layout: Layout, seed: u64, digest: &Digest) -> Result<Self> {
        let path = output.path.clone();
        let partial = PathBuf::from(format!("{}.partial", path.display()));
        let file = File::create(&partial).map_err(|e| refused(&partial, &e))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, digest.of(file));
        let rows = match output.format {
            DatasetFormat::Avro => Container::new(file, output.compression, seed).map(Rows::Container),
            DatasetFormat::Parquet => {
                Table::new(file, output.compression, layout).map(Box::new).map(Rows::Table)
            }
        };
        let rows = Some(rows.map_err(|e| refused(&partial, &e))?);
        Ok(Self { path, partial, rows, written: 0 })
    }

    fn finish(&mut self) -> std::io::Result<()> {
        let Some(rows) = self.rows.take() else { return Ok(()) };
        let file = match rows {
            Rows::Container(container) => container.finish()?,
            Rows::Table(table) => table.finish()?,
        };
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?.into_inner();
        // Before the rename, or a power cut could leave an empty file under the right name.
        file.sync_all()
    }
}

impl Sink for DatasetSink {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        for (part, record, row) in batch.readings() {
            let added = match &mut self.rows {
                Some(Rows::Container(container)) => container.add(row),
                Some(Rows::Table(table)) => table.add(part, record.machine, &batch.parts[part].machines, row),
                None => Ok(()),
            };
            added.map_err(|e| refused(&self.partial, &e))?;
            self.written += 1;
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.written
    }

    fn failed(&self) -> u64 {
        0
    }

    fn close(&mut self) -> Result<()> {
        self.finish().map_err(|e| refused(&self.partial, &e))?;
        std::fs::rename(&self.partial, &self.path).map_err(|e| refused(&self.path, &e))
    }
}

fn refused(path: &Path, e: &std::io::Error) -> Error {
    Error::failed(format!("{} cannot be written: {e}", path.display()))
}
