use std::collections::HashMap;
use std::io::{Error, Result};
use std::sync::Arc;

use millrace_schemas::SensorReading;
use millrace_schemas::codec::decode_reading;
use millrace_schemas::text::{Layout, csv_header, double_features, integer_features};
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
use parquet::data_type::ByteArray;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::Output;
use super::column::{Column, Row};
use crate::settings::Compression;

/// Rows of a row group, which wait in memory until it is written: about 20 MB.
const GROUP_ROWS: usize = 1 << 17;
/// Texts that are kept; beyond them, as with very many machines, the cache begins anew.
const KEPT_TEXTS: usize = 1 << 16;

/// A Parquet file while it is written.
pub(super) struct Table {
    writer: SerializedFileWriter<Output>,
    columns: Vec<Column>,
    layout: Layout,
    rows: usize,
    texts: HashMap<Vec<u8>, ByteArray>,
}

impl Table {
    /// Begins a file with the fields of a layout, in the order of the text formats.
    pub(super) fn new(output: Output, compression: Compression, layout: Layout) -> Result<Self> {
        let header = csv_header(Layout { sequence: true, ..layout });
        let columns = header.split(',').map(Column::new).collect::<parquet::errors::Result<Vec<_>>>();
        let (columns, fields) = columns.map_err(Error::other)?.into_iter().unzip();
        let schema = Type::group_type_builder("reading").with_fields(fields).build().map_err(Error::other)?;
        let properties = Arc::new(properties(compression)?);
        let writer = SerializedFileWriter::new(output, Arc::new(schema), properties).map_err(Error::other)?;
        Ok(Self { writer, columns, layout, rows: 0, texts: HashMap::new() })
    }

    pub(super) fn add(&mut self, body: &[u8]) -> Result<()> {
        let reading = decode_reading(body).map_err(Error::other)?;
        self.push(&reading);
        self.rows += 1;
        if self.rows >= GROUP_ROWS { self.end_group() } else { Ok(()) }
    }

    pub(super) fn finish(mut self: Box<Self>) -> Result<Output> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.writer.into_inner().map_err(Error::other)
    }

    fn push(&mut self, reading: &SensorReading<'_>) {
        let Self { columns, texts, layout, .. } = self;
        let mut text = |value: &str| kept(texts, value);
        let mut row = Row(columns.iter_mut());
        row.long(reading.timestamp);
        row.text(Some(text(&reading.machine_id)));
        row.long(reading.sequence);
        row.text(Some(text(reading.maintenance_status.name())));
        row.doubles(&reading.sensors);
        if layout.labels {
            row.int(reading.anomaly_label);
            row.text(reading.anomaly_type.as_deref().map(&mut text));
        }
        if layout.features {
            let features = reading.features.unwrap_or_default();
            integer_features(&features).into_iter().for_each(|value| row.int(Some(value)));
            row.doubles(&double_features(&features));
        }
        if layout.rolling {
            for stats in reading.rolling.unwrap_or_default() {
                row.doubles(&[stats.mean, stats.std, stats.zscore]);
            }
        }
    }

    fn end_group(&mut self) -> Result<()> {
        self.rows = 0;
        self.write_group().map_err(Error::other)
    }

    fn write_group(&mut self) -> parquet::errors::Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            if let Some(mut writer) = group.next_column()? {
                column.write(&mut writer)?;
                writer.close()?;
            }
        }
        group.close()?;
        Ok(())
    }
}

fn properties(compression: Compression) -> Result<WriterProperties> {
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(1).map_err(Error::other)?),
        Compression::None => Codec::UNCOMPRESSED,
    };
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_created_by(concat!("millrace ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_encoding(Encoding::PLAIN);
    Ok(properties.build())
}

/// The same text once more, without a copy of it.
fn kept(texts: &mut HashMap<Vec<u8>, ByteArray>, value: &str) -> ByteArray {
    if let Some(known) = texts.get(value.as_bytes()) {
        return known.clone();
    }
    if texts.len() >= KEPT_TEXTS {
        texts.clear();
    }
    let new = ByteArray::from(value.as_bytes().to_vec());
    texts.insert(value.as_bytes().to_vec(), new.clone());
    new
}
