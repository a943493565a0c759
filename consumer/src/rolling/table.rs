use std::fmt::Write as _;

use crossterm::cursor::MoveUp;
use crossterm::style::Stylize;
use crossterm::terminal::{Clear, ClearType};
use millrace_schemas::Sensor;

use super::detect::Mark;
use super::lines::time;
use crate::pipeline::State;
use crate::window::{MachineWindow, Stats};

const CELL: usize = 15;
/// A change of less than so many deviations over the window is no trend.
const STEADY: f64 = 1.0;

/// The live table, redrawn in place.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: u16,
}

/// A row of the table: a machine, its newest time, and a cell for each sensor.
pub(super) struct Row {
    machine: String,
    time: String,
    cells: Vec<(String, bool)>,
}

/// What a machine's window says.
pub(super) fn row(machine: &str, window: &MachineWindow, marks: &[Mark]) -> Row {
    let cell = |sensor: Sensor| {
        let is_marked = marks.iter().any(|mark| mark.sensor == sensor);
        (window.stats(sensor as usize).map_or("-".to_owned(), |stats| cell(&stats, is_marked)), is_marked)
    };
    Row {
        machine: machine.to_owned(),
        time: window.newest().map(time).unwrap_or_default(),
        cells: Sensor::ALL.into_iter().map(cell).collect(),
    }
}

/// Mean, deviation, trend and flag.
fn cell(stats: &Stats, is_marked: bool) -> String {
    let deviation = stats.deviation.unwrap_or(0.0);
    let trend = match stats.rate {
        Some(rate) if (stats.last - stats.mean).abs() > STEADY * deviation && rate > 0.0 => '↑',
        Some(rate) if (stats.last - stats.mean).abs() > STEADY * deviation && rate < 0.0 => '↓',
        _ => '→',
    };
    let flag = if is_marked { '!' } else { ' ' };
    format!("{:.1}±{deviation:.2}{trend}{flag}", stats.mean)
}

impl Table {
    /// The text that draws the table over its last state, as far as the terminal has room.
    pub fn draw(&mut self, rows: Vec<Row>, state: &State) -> String {
        let (width, height) = crossterm::terminal::size().unwrap_or((160, 50));
        let (width, height) = (if width == 0 { 160 } else { width }, if height == 0 { 50 } else { height });
        let text = text(rows, state, width.into(), height.into());
        let back = match self.lines {
            0 => String::new(),
            lines => format!("{}{}", MoveUp(lines), Clear(ClearType::FromCursorDown)),
        };
        self.lines = text.lines().count() as u16;
        back + &text
    }
}

fn text(mut rows: Vec<Row>, state: &State, width: usize, height: usize) -> String {
    // Marked machines first: they are what one looks for where not all have room.
    let is_calm = |row: &Row| !row.cells.iter().any(|cell| cell.1);
    rows.sort_by(|one, other| (is_calm(one), &one.machine).cmp(&(is_calm(other), &other.machine)));
    let room = height.saturating_sub(6).max(1);
    let sensors = width.saturating_sub(36) / (CELL + 1);
    let mut text = format!("{:<14} {:<20}", "machine", "event time");
    for sensor in Sensor::ALL.into_iter().take(sensors) {
        let _ = write!(text, " {:>CELL$}", short(sensor));
    }
    text.push('\n');
    for row in rows.iter().take(room) {
        let machine: String = row.machine.chars().take(14).collect();
        let _ = write!(text, "{machine:<14} {:<20}", row.time.chars().take(20).collect::<String>());
        for (cell, is_marked) in row.cells.iter().take(sensors) {
            let cell = format!("{cell:>CELL$}");
            let _ = if *is_marked { write!(text, " {}", cell.red().bold()) } else { write!(text, " {cell}") };
        }
        text.push('\n');
    }
    if rows.len() > room {
        let _ = writeln!(text, "and {} more machines", rows.len() - room);
    }
    text + "\n" + &footer(state).chars().take(width).collect::<String>() + "\n"
}

fn short(sensor: Sensor) -> &'static str {
    match sensor {
        Sensor::FlowRate => "flow",
        Sensor::PowerConsumption => "power",
        Sensor::OilLevel => "oil",
        Sensor::BearingTemperature => "bearing",
        other => other.name(),
    }
}

fn footer(state: &State) -> String {
    let partitions: Vec<String> = state.partitions.iter().map(i32::to_string).collect();
    let own = if partitions.is_empty() { "none yet".to_owned() } else { partitions.join(" ") };
    format!(
        "group {}, member {}, partitions {own}; {} records, {:.0}/s, {} alerts, {} rejected",
        state.group, state.member, state.records, state.rate, state.alerts, state.rejected
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Span;

    fn window(last: f64) -> MachineWindow {
        let mut window = MachineWindow::new(Span::Records(60));
        for (second, value) in (0..).zip([70.0, 71.0, 69.0, 70.0, last]) {
            window.push(1_767_225_600_000 + second * 1000, &[Some(value); 7]);
        }
        window
    }

    #[test]
    fn the_table_shows_marked_machines_first_and_the_group_below() {
        let mark =
            Mark { sensor: Sensor::Temperature, value: 90.0, z: Some(9.0), critical: false, score: 3.0 };
        let rows = || {
            vec![row("A", &window(70.0), &[]), row("B", &window(90.0), &[mark]), row("C", &window(69.0), &[])]
        };
        let state = State {
            group: "g".into(),
            member: "m".into(),
            partitions: vec![0, 2],
            records: 12_345,
            rate: 99.6,
            alerts: 1,
            rejected: 2,
            rebalances: 1,
        };
        let plain = |text: String| {
            text.replace("\u{1b}[1m", "").replace("\u{1b}[38;5;9m", "").replace("\u{1b}[0m", "")
        };
        insta::assert_snapshot!(plain(text(rows(), &state, 150, 50)) + &plain(text(rows(), &state, 80, 8)));
    }
}
