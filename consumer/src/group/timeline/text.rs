use std::fmt::Write as _;

use crossterm::style::{Color, Stylize};

use super::event::Place;
use super::model::Timeline;
use super::story::Interval;
use super::words;

const COLOURS: [Color; 6] =
    [Color::Blue, Color::Yellow, Color::Green, Color::Magenta, Color::Cyan, Color::Red];
const UNOWNED: char = '.';
const TWO: char = '!';
/// Columns of the numbers behind a row.
const NUMBERS: usize = 20;
/// Columns between two times.
const TICK: usize = 20;

/// The timeline for a terminal of so many columns.
pub(super) fn draw(timeline: &Timeline, width: usize, colours: bool) -> String {
    let canvas = Canvas::new(timeline, width, colours);
    let mut text = format!("{}\n\n", words::title(timeline));
    text += &canvas.axis();
    for place in timeline.places() {
        text += &canvas.row(place);
    }
    text += "\nA letter is the owner, small where it said nothing, . nobody, ! two at once.\n";
    text += &members(timeline);
    text += &rebalances(timeline, width);
    text
}

struct Canvas<'a> {
    timeline: &'a Timeline,
    label: usize,
    columns: usize,
    colours: bool,
}

impl<'a> Canvas<'a> {
    fn new(timeline: &'a Timeline, width: usize, colours: bool) -> Self {
        let names = timeline.places().into_iter().map(|place| words::name(timeline, place).chars().count());
        let label = names.max().unwrap_or(0).max("partition".len());
        let columns = width.saturating_sub(label + 1 + NUMBERS).max(TICK);
        Self { timeline, label, columns, colours }
    }

    /// When a column begins.
    fn time(&self, column: usize) -> i64 {
        let (from, to) = (self.timeline.from, self.timeline.to);
        from + ((to - from) as i128 * column as i128 / self.columns as i128) as i64
    }

    fn axis(&self) -> String {
        let mut times = String::new();
        for column in (0..self.columns).step_by(TICK) {
            let _ =
                write!(times, "{:<TICK$}", format!("|{}", words::moment(self.timeline, self.time(column))));
        }
        let (label, columns) = (self.label, self.columns);
        let times: String = times.chars().take(columns).collect();
        format!("{:>label$} {times:<columns$} {:>9} {:>9}\n", "partition", "unowned", "at worst")
    }

    fn row(&self, place: &Place) -> String {
        let own: Vec<&Interval> = self.timeline.intervals.iter().filter(|own| own.place == *place).collect();
        let cells: Vec<(char, Option<usize>)> =
            (0..self.columns).map(|column| self.cell(&own, column)).collect();
        let (total, worst) = self.timeline.unowned(place);
        let (label, name) = (self.label, words::name(self.timeline, place));
        let (total, worst) = (words::length(total), words::length(worst));
        format!("{name:>label$} {} {total:>9} {worst:>9}\n", self.painted(&cells))
    }

    /// What a column shows: who owned the partition for most of it.
    fn cell(&self, own: &[&Interval], column: usize) -> (char, Option<usize>) {
        let (from, to) = (self.time(column), self.time(column + 1).max(self.time(column) + 1));
        let share = |own: &Interval| (own.to.min(to) - own.from.max(from)).max(0);
        if own.first().is_none_or(|first| first.from >= to) {
            return (' ', None);
        }
        let owned: i64 = own.iter().map(|own| share(own)).sum();
        if own.windows(2).any(|pair| pair[1].from.max(from) < pair[0].to.min(to)) {
            return (TWO, None);
        }
        match own.iter().max_by_key(|own| share(own)) {
            Some(own) if owned * 2 >= to - from => (self.letter(own.life, (from + to) / 2), Some(own.life)),
            _ if own[0].from > from => (' ', None),
            _ => (UNOWNED, None),
        }
    }

    fn letter(&self, life: usize, at: i64) -> char {
        let silences = &self.timeline.lives[life].silences;
        let is_silent = silences.iter().any(|(from, to)| (*from..*to).contains(&at));
        let letter = words::letter(life);
        if is_silent { letter.to_ascii_lowercase() } else { letter }
    }

    fn painted(&self, cells: &[(char, Option<usize>)]) -> String {
        let mut text = String::new();
        for run in cells.chunk_by(|one, next| one.1 == next.1) {
            let letters: String = run.iter().map(|(letter, _)| letter).collect();
            match run[0].1.filter(|_| self.colours) {
                Some(life) => {
                    let _ = write!(text, "{}", letters.with(COLOURS[life % COLOURS.len()]));
                }
                None => text += &letters,
            }
        }
        text
    }
}

fn members(timeline: &Timeline) -> String {
    let width = timeline.lives.iter().map(|life| life.member.chars().count()).max().unwrap_or(0);
    let mut text = "\nmembers\n".to_owned();
    for (at, life) in timeline.lives.iter().enumerate() {
        let (letter, began) = (words::letter(at), words::moment(timeline, life.began));
        let fate = words::fate(timeline, life);
        let _ = writeln!(text, "{letter}  {:<width$}  from {began}, {fate}", life.member);
    }
    text
}

fn rebalances(timeline: &Timeline, width: usize) -> String {
    let mut text = "\nrebalances\n".to_owned();
    for (number, rebalance) in (1..).zip(&timeline.rebalances) {
        let _ = writeln!(text, "{number:>2}  {}", words::occasion(timeline, rebalance));
        for one in &rebalance.moves {
            for line in words::wrapped(&words::moved(timeline, one), width.saturating_sub(6), "  ") {
                let _ = writeln!(text, "      {line}");
            }
        }
    }
    let doubles = words::doubles(timeline);
    if !doubles.is_empty() {
        text += "\ntwo owners at once\n";
        for line in doubles {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}
