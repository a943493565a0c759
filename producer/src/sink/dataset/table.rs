use std::io::{Error, Result};
use std::sync::Arc;

use millrace_schemas::SensorReading;
use millrace_schemas::codec::read_reading;
use millrace_schemas::text::Layout;
use parquet::basic::{Compression as Codec, Encoding, Type as Physical, ZstdLevel};
use parquet::data_type::ByteArray;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::Output;
use super::columns::Columns;
use crate::batch::Machines;
use crate::settings::Compression;

/// Rows of a row group, which wait in memory until it is written: about 20 MB.
const GROUP_ROWS: usize = 1 << 17;

/// A Parquet file while it is written.
pub(super) struct Table {
    writer: SerializedFileWriter<Output>,
    columns: Columns,
    rows: usize,
    /// The names of the machines of each part, by their places: none is looked up or copied for a row.
    names: Vec<Vec<ByteArray>>,
}

impl Table {
    /// Begins a file with the fields of a layout, in the order of the text formats.
    pub(super) fn new(output: Output, compression: Compression, layout: Layout) -> Result<Self> {
        let mut columns = Columns::new(layout);
        let fields = columns.all().into_iter().map(|column| column.field());
        let fields = fields.collect::<parquet::errors::Result<Vec<_>>>().map_err(Error::other)?;
        let properties = Arc::new(properties(compression, &fields)?);
        let schema = Type::group_type_builder("reading").with_fields(fields).build().map_err(Error::other)?;
        let writer = SerializedFileWriter::new(output, Arc::new(schema), properties).map_err(Error::other)?;
        Ok(Self { writer, columns, rows: 0, names: Vec::new() })
    }

    /// Adds a reading of a part's machine, as an Avro body.
    pub(super) fn add(
        &mut self,
        part: usize,
        machine: usize,
        machines: &Machines,
        body: &[u8],
    ) -> Result<()> {
        let mut reading = SensorReading::default();
        read_reading(body, &mut reading).map_err(Error::other)?;
        let name = self.name(part, machine, machines);
        self.columns.push(name, &reading);
        self.rows += 1;
        if self.rows >= GROUP_ROWS { self.end_group() } else { Ok(()) }
    }

    fn name(&mut self, part: usize, machine: usize, machines: &Machines) -> ByteArray {
        if self.names.len() <= part {
            self.names.resize_with(part + 1, Vec::new);
        }
        let names = &mut self.names[part];
        if names.is_empty() {
            names.extend(machines.ids.iter().map(|id| ByteArray::from(id.as_str())));
        }
        names[machine].clone()
    }

    pub(super) fn finish(mut self: Box<Self>) -> Result<Output> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.writer.into_inner().map_err(Error::other)
    }

    fn end_group(&mut self) -> Result<()> {
        self.rows = 0;
        self.write_group().map_err(Error::other)
    }

    fn write_group(&mut self) -> parquet::errors::Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in self.columns.all() {
            if let Some(mut writer) = group.next_column()? {
                column.write(&mut writer)?;
                writer.close()?;
            }
        }
        group.close()?;
        Ok(())
    }
}

fn properties(compression: Compression, fields: &[TypePtr]) -> Result<WriterProperties> {
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(1).map_err(Error::other)?),
        Compression::None => Codec::UNCOMPRESSED,
    };
    let mut properties = WriterProperties::builder()
        .set_compression(codec)
        .set_created_by(concat!("millrace ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_encoding(Encoding::PLAIN);
    // Whole numbers repeat or count: their steps take less room than a dictionary, and less time.
    let is_whole = |field: &&TypePtr| matches!(field.get_physical_type(), Physical::INT32 | Physical::INT64);
    for field in fields.iter().filter(is_whole) {
        let path = ColumnPath::from(field.name());
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}
