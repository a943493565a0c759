use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::{Type, TypePtr};

use millrace_schemas::text::INTEGER_FEATURES;

/// The values of one column in the row group that is being gathered.
pub(super) enum Column {
    Long(Cells<i64>),
    Int(Cells<i32>),
    Double(Cells<f64>),
    Text(Cells<ByteArray>),
}

/// Values that are there, and for each row whether it has one.
pub(super) struct Cells<T> {
    values: Vec<T>,
    /// Parquet's definition levels; `None` = every row has a value.
    levels: Option<Vec<i16>>,
}

impl Column {
    /// An empty column for a field by its name, and its description.
    ///
    /// # Errors
    /// When Parquet refuses the description, which only a defect can cause.
    pub(super) fn new(name: &str) -> Result<(Self, TypePtr)> {
        let time = LogicalType::timestamp(true, TimeUnit::MILLIS);
        let text = || (Self::Text(Cells::required()), Physical::BYTE_ARRAY, Some(LogicalType::String));
        let (column, physical, logical) = match name {
            "timestamp" => (Self::Long(Cells::required()), Physical::INT64, Some(time)),
            "sequence" => (Self::Long(Cells::required()), Physical::INT64, None),
            "machine_id" | "maintenance_status" => text(),
            "anomaly_type" => {
                (Self::Text(Cells::optional()), Physical::BYTE_ARRAY, Some(LogicalType::String))
            }
            "anomaly_label" => (Self::Int(Cells::optional()), Physical::INT32, None),
            name if INTEGER_FEATURES.contains(&name) => (Self::Int(Cells::required()), Physical::INT32, None),
            _ => (Self::Double(Cells::optional()), Physical::DOUBLE, None),
        };
        let repetition = if column.is_optional() { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let field = Type::primitive_type_builder(name, physical);
        let field = field.with_repetition(repetition).with_logical_type(logical).build()?;
        Ok((column, field.into()))
    }

    fn is_optional(&self) -> bool {
        match self {
            Self::Long(cells) => cells.levels.is_some(),
            Self::Int(cells) => cells.levels.is_some(),
            Self::Double(cells) => cells.levels.is_some(),
            Self::Text(cells) => cells.levels.is_some(),
        }
    }

    /// Writes what was gathered and begins anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match self {
            Self::Long(cells) => cells.write::<Int64Type>(writer),
            Self::Int(cells) => cells.write::<Int32Type>(writer),
            Self::Double(cells) => cells.write::<DoubleType>(writer),
            Self::Text(cells) => cells.write::<ByteArrayType>(writer),
        }
    }
}

impl<T> Cells<T> {
    fn required() -> Self {
        Self { values: Vec::new(), levels: None }
    }

    fn optional() -> Self {
        Self { values: Vec::new(), levels: Some(Vec::new()) }
    }

    fn push(&mut self, value: Option<T>) {
        if let Some(levels) = &mut self.levels {
            levels.push(i16::from(value.is_some()));
        }
        self.values.extend(value);
    }

    fn write<D: DataType<T = T>>(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        writer.typed::<D>().write_batch(&self.values, self.levels.as_deref(), None)?;
        self.values.clear();
        self.levels.iter_mut().for_each(Vec::clear);
        Ok(())
    }
}

/// Fills one row, column by column in their order.
pub(super) struct Row<'a>(pub std::slice::IterMut<'a, Column>);

impl Row<'_> {
    pub(super) fn long(&mut self, value: i64) {
        if let Some(Column::Long(cells)) = self.0.next() {
            cells.push(Some(value));
        }
    }

    pub(super) fn int(&mut self, value: Option<i32>) {
        if let Some(Column::Int(cells)) = self.0.next() {
            cells.push(value);
        }
    }

    pub(super) fn text(&mut self, value: Option<ByteArray>) {
        if let Some(Column::Text(cells)) = self.0.next() {
            cells.push(value);
        }
    }

    pub(super) fn doubles(&mut self, values: &[Option<f64>]) {
        for value in values {
            if let Some(Column::Double(cells)) = self.0.next() {
                cells.push(*value);
            }
        }
    }
}
