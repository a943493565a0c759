use millrace_schemas::reading::SENSORS;
use millrace_schemas::text::{
    DOUBLE_FEATURES, INTEGER_FEATURES, Layout, csv_header, double_features, integer_features,
};
use millrace_schemas::{MaintenanceStatus, SensorReading};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};

use super::column::{AnyColumn, Column};

/// The columns of a reading, in the order of the text formats.
pub(super) struct Columns {
    timestamp: Column<Int64Type>,
    machine_id: Column<ByteArrayType>,
    sequence: Column<Int64Type>,
    maintenance_status: Column<ByteArrayType>,
    sensors: Vec<Column<DoubleType>>,
    labels: Option<Labels>,
    integer_features: Vec<Column<Int32Type>>,
    double_features: Vec<Column<DoubleType>>,
    rolling: Vec<Column<DoubleType>>,
    statuses: [ByteArray; 2],
}

struct Labels {
    label: Column<Int32Type>,
    kind: Column<ByteArrayType>,
    /// The few texts of the second, each made once.
    kinds: Vec<ByteArray>,
}

impl Columns {
    /// Empty columns for the fields of a layout.
    pub(super) fn new(layout: Layout) -> Self {
        let header = csv_header(Layout { sequence: true, ..layout });
        let mut names = header.split(',').map(ToOwned::to_owned);
        let mut next = || names.next().unwrap_or_default();
        let counts = |is_there: bool, count: usize| if is_there { count } else { 0 };
        Self {
            timestamp: Column::required(next()).time(),
            machine_id: Column::required(next()).text(),
            sequence: Column::required(next()),
            maintenance_status: Column::required(next()).text(),
            sensors: optional(SENSORS, &mut next),
            labels: layout.labels.then(|| Labels::new(&mut next)),
            integer_features: (0..counts(layout.features, INTEGER_FEATURES.len()))
                .map(|_| Column::required(next()))
                .collect(),
            double_features: optional(counts(layout.features, DOUBLE_FEATURES.len()), &mut next),
            rolling: optional(counts(layout.rolling, 3 * SENSORS), &mut next),
            statuses: [MaintenanceStatus::Operational, MaintenanceStatus::Maintenance]
                .map(|status| ByteArray::from(status.name())),
        }
    }

    /// All of them, in order.
    pub(super) fn all(&mut self) -> Vec<&mut dyn AnyColumn> {
        let mut all: Vec<&mut dyn AnyColumn> =
            vec![&mut self.timestamp, &mut self.machine_id, &mut self.sequence, &mut self.maintenance_status];
        all.extend(self.sensors.iter_mut().map(any));
        if let Some(Labels { label, kind, .. }) = &mut self.labels {
            all.extend([any(label), any(kind)]);
        }
        all.extend(self.integer_features.iter_mut().map(any));
        all.extend(self.double_features.iter_mut().map(any));
        all.extend(self.rolling.iter_mut().map(any));
        all
    }

    /// Adds a reading of the machine with this name, which stands for the one in it.
    pub(super) fn push(&mut self, machine: ByteArray, reading: &SensorReading<'_>) {
        self.timestamp.push(reading.timestamp);
        self.machine_id.push(machine);
        self.sequence.push(reading.sequence);
        self.maintenance_status.push(self.statuses[reading.maintenance_status as usize].clone());
        fill(&mut self.sensors, reading.sensors);
        if let Some(labels) = &mut self.labels {
            labels.push(reading);
        }
        let features = reading.features.unwrap_or_default();
        for (column, value) in self.integer_features.iter_mut().zip(integer_features(&features)) {
            column.push(value);
        }
        fill(&mut self.double_features, double_features(&features));
        if !self.rolling.is_empty() {
            let stats = reading.rolling.unwrap_or_default();
            fill(&mut self.rolling, stats.into_iter().flat_map(|of| [of.mean, of.std, of.zscore]));
        }
    }
}

impl Labels {
    fn new(next: &mut impl FnMut() -> String) -> Self {
        Self { label: Column::optional(next()), kind: Column::optional(next()).text(), kinds: Vec::new() }
    }

    fn push(&mut self, reading: &SensorReading<'_>) {
        self.label.push_optional(reading.anomaly_label);
        let Self { kind, kinds, .. } = self;
        kind.push_optional(reading.anomaly_type.as_deref().map(|name| {
            let known = kinds.iter().position(|known| known.data() == name.as_bytes());
            let place = known.unwrap_or_else(|| {
                kinds.push(ByteArray::from(name));
                kinds.len() - 1
            });
            kinds[place].clone()
        }));
    }
}

fn optional(count: usize, next: &mut impl FnMut() -> String) -> Vec<Column<DoubleType>> {
    (0..count).map(|_| Column::optional(next())).collect()
}

fn fill(columns: &mut [Column<DoubleType>], values: impl IntoIterator<Item = Option<f64>>) {
    for (column, value) in columns.iter_mut().zip(values) {
        column.push_optional(value);
    }
}

fn any<D: DataType>(column: &mut Column<D>) -> &mut dyn AnyColumn {
    column
}
