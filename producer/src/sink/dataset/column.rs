use parquet::basic::{LogicalType, Repetition, TimeUnit};
use parquet::data_type::{ByteArrayType, DataType, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::{Type, TypePtr};

/// A column of the row group that is being gathered.
pub(super) struct Column<D: DataType> {
    name: String,
    logical: Option<LogicalType>,
    is_optional: bool,
    /// The values that are there.
    values: Vec<D::T>,
    /// Parquet's definition levels, 1 for each row that has a value; empty until one has none.
    levels: Vec<i16>,
}

/// A column whose values may be of any type.
pub(super) trait AnyColumn {
    /// What the file says about it.
    ///
    /// # Errors
    /// When Parquet refuses the description, which only a defect can cause.
    fn field(&self) -> Result<TypePtr>;

    /// Writes what was gathered and begins anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()>;
}

impl<D: DataType> Column<D> {
    /// A column that has a value in every row.
    pub(super) fn required(name: String) -> Self {
        Self { name, logical: None, is_optional: false, values: Vec::new(), levels: Vec::new() }
    }

    /// A column that has none in some.
    pub(super) fn optional(name: String) -> Self {
        Self { is_optional: true, ..Self::required(name) }
    }

    pub(super) fn push(&mut self, value: D::T) {
        self.values.push(value);
        if !self.levels.is_empty() {
            self.levels.push(1);
        }
    }

    pub(super) fn push_optional(&mut self, value: Option<D::T>) {
        match value {
            Some(value) => self.push(value),
            None => {
                self.fill_levels();
                self.levels.push(0);
            }
        }
    }

    fn fill_levels(&mut self) {
        if self.levels.is_empty() {
            self.levels.resize(self.values.len(), 1);
        }
    }
}

impl Column<Int64Type> {
    /// The same as milliseconds in UTC.
    pub(super) fn time(self) -> Self {
        Self { logical: Some(LogicalType::timestamp(true, TimeUnit::MILLIS)), ..self }
    }
}

impl Column<ByteArrayType> {
    /// The same as UTF-8.
    pub(super) fn text(self) -> Self {
        Self { logical: Some(LogicalType::String), ..self }
    }
}

impl<D: DataType> AnyColumn for Column<D> {
    fn field(&self) -> Result<TypePtr> {
        let repetition = if self.is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let field = Type::primitive_type_builder(&self.name, D::get_physical_type());
        Ok(field.with_repetition(repetition).with_logical_type(self.logical.clone()).build()?.into())
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        if self.is_optional {
            self.fill_levels();
        }
        let levels = self.is_optional.then_some(self.levels.as_slice());
        writer.typed::<D>().write_batch(&self.values, levels, None)?;
        self.values.clear();
        self.levels.clear();
        Ok(())
    }
}
