use millrace_schemas::reading::SENSORS;
use millrace_schemas::text::format_time;

/// The heads of the columns that [`row`] fills.
pub(super) fn heads() -> String {
    let sensors = "   temp   vibr  press    flow   power     oil  bearing";
    format!("{:<19}  {:<12} {:>9}  {:<11} {sensors}", "event time", "machine_id", "sequence", "status")
}

/// A machine at a time, with a number and a word about the values.
pub(super) fn row(
    time: i64,
    machine: &str,
    number: i64,
    word: &str,
    values: &[Option<f64>; SENSORS],
) -> String {
    let [temperature, vibration, pressure, flow, power, oil, bearing] =
        values.map(|value| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}")));
    format!(
        "{}  {machine:<12} {number:>9}  {word:<11} {temperature:>7} {vibration:>6} {pressure:>6} {flow:>7} {power:>7} \
         {oil:>7} {bearing:>8}",
        format_time(time, false),
    )
}
