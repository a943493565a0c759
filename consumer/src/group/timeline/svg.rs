use std::fmt::Write as _;

use super::event::Place;
use super::model::Timeline;
use super::story::Interval;
use super::words;

/// Told apart by people who see colours otherwise, too.
const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#7f7f7f"];
/// Units across: a phone shows one as a pixel or nearly so.
const WIDTH: f64 = 360.0;
const RIGHT: f64 = 52.0;
const ROW: f64 = 18.0;
const LINE: f64 = 15.0;
const TOP: f64 = 34.0;
/// Characters that fit across in the size of the lists.
const ACROSS: usize = 62;

/// The colour of a member.
pub(super) fn colour(life: usize) -> &'static str {
    COLOURS[life % COLOURS.len()]
}

/// A text as XML takes it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A picture that stands alone: chart, members, rebalances.
pub(super) fn document(timeline: &Timeline) -> String {
    let (mut body, mut below) = chart(timeline);
    let mut say = |text: &str, indent: f64, colour: &str| {
        below += LINE;
        let text = escaped(text);
        let _ = writeln!(body, "<text x=\"{indent}\" y=\"{below}\" fill=\"{colour}\">{text}</text>");
    };
    for line in words::wrapped(&words::title(timeline), ACROSS, "") {
        say(&line, 4.0, "#222");
    }
    for (at, life) in timeline.lives.iter().enumerate() {
        let told = format!("{} {}: {}", words::letter(at), life.member, words::fate(timeline, life));
        words::wrapped(&told, ACROSS, "  ").iter().for_each(|line| say(line, 4.0, colour(at)));
    }
    for (number, rebalance) in (1..).zip(&timeline.rebalances) {
        say(&format!("{number}  {}", words::occasion(timeline, rebalance)), 4.0, "#222");
        for one in &rebalance.moves {
            let lines = words::wrapped(&words::moved(timeline, one), ACROSS - 4, "");
            lines.iter().for_each(|line| say(line, 20.0, "#555"));
        }
    }
    words::doubles(timeline).iter().for_each(|line| say(&format!("two owners: {line}"), 4.0, "#c00"));
    framed(&body, below + LINE)
}

/// The chart alone, as a picture.
pub(super) fn chart_alone(timeline: &Timeline) -> String {
    let (body, height) = chart(timeline);
    framed(&body, height)
}

fn framed(body: &str, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"100%\" \
         font-family=\"sans-serif\" font-size=\"10.5\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

/// What is drawn, and how high it is.
fn chart(timeline: &Timeline) -> (String, f64) {
    let places = timeline.places();
    let names: Vec<String> = places.iter().map(|place| words::name(timeline, place)).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let chart = Chart { timeline, left: (longest as f64 * 6.0 + 8.0).clamp(20.0, 120.0) };
    let height = TOP + ROW * places.len() as f64;
    let mut body = chart.axis(height) + &chart.marks(height);
    for (row, (place, name)) in places.iter().zip(&names).enumerate() {
        body += &chart.row(place, name, TOP + ROW * row as f64);
    }
    (body, height + 4.0)
}

struct Chart<'a> {
    timeline: &'a Timeline,
    left: f64,
}

impl Chart<'_> {
    fn x(&self, time: i64) -> f64 {
        let (from, to) = (self.timeline.from, self.timeline.to);
        let share = (time - from) as f64 / (to - from).max(1) as f64;
        self.left + share.clamp(0.0, 1.0) * (WIDTH - RIGHT - self.left)
    }

    fn axis(&self, height: f64) -> String {
        let (from, to) = (self.timeline.from, self.timeline.to);
        let mut text = format!("<text x=\"{WIDTH}\" y=\"12\" text-anchor=\"end\">unowned</text>\n");
        for part in 0..4 {
            let time = from + (to - from) * part / 4;
            let (x, told) = (self.x(time), words::moment(self.timeline, time));
            let _ = writeln!(
                text,
                "<text x=\"{x:.1}\" y=\"12\">{told}</text><path d=\"M{x:.1} 15V{height}\" stroke=\"#ddd\"/>"
            );
        }
        text
    }

    /// Where rebalances are, by their numbers in the list.
    fn marks(&self, height: f64) -> String {
        let mut text = String::new();
        let mut taken = f64::MIN;
        for (number, rebalance) in (1..).zip(&self.timeline.rebalances) {
            let x = self.x(rebalance.from);
            let _ = writeln!(text, "<path d=\"M{x:.1} 29V{height}\" stroke=\"#888\" stroke-width=\".5\"/>");
            // Where they crowd, the first number stands for its neighbours.
            if x - taken >= 14.0 {
                taken = x;
                let _ = writeln!(
                    text,
                    "<text x=\"{x:.1}\" y=\"27\" text-anchor=\"middle\" fill=\"#555\">{number}</text>"
                );
            }
        }
        text
    }

    fn row(&self, place: &Place, name: &str, y: f64) -> String {
        let (left, base) = (self.left - 4.0, y + 13.0);
        let own: Vec<&Interval> = self.timeline.intervals.iter().filter(|own| own.place == *place).collect();
        let unowned = words::length(self.timeline.unowned(place).0);
        let name = escaped(name);
        let mut text = format!(
            "<text x=\"{left}\" y=\"{base}\" text-anchor=\"end\">{name}</text>\
             <text x=\"{WIDTH}\" y=\"{base}\" text-anchor=\"end\">{unowned}</text>\n"
        );
        for gap in self.timeline.gaps.iter().filter(|gap| gap.place == *place) {
            let (x, to, middle) = (self.x(gap.from), self.x(gap.to), y + ROW / 2.0);
            let told = words::length(gap.to - gap.from);
            let _ = writeln!(
                text,
                "<path d=\"M{x:.1} {middle}H{to:.1}\" stroke=\"#c00\" stroke-width=\"2\" \
                 stroke-dasharray=\"2 2\"><title>unowned for {told}</title></path>"
            );
        }
        own.iter().for_each(|one| text += &self.block(one, &own, y));
        text
    }

    /// An owner's time; while there are two, the later has the lower half.
    fn block(&self, one: &Interval, own: &[&Interval], y: f64) -> String {
        let is_earlier = |other: &&&Interval| (other.from, other.life) < (one.from, one.life);
        let alone = own.iter().filter(is_earlier).map(|other| other.to).max().unwrap_or(one.from);
        let alone = alone.clamp(one.from, one.to);
        let mut text = String::new();
        if alone > one.from {
            let half = Bar { from: one.from, to: alone, top: y + ROW / 2.0, height: ROW / 2.0 - 1.0 };
            text += &self.bar(one.life, &half, " stroke=\"#c00\"");
        }
        if alone < one.to || alone == one.from {
            text +=
                &self.bar(one.life, &Bar { from: alone, to: one.to, top: y + 1.0, height: ROW - 2.0 }, "");
        }
        text
    }

    fn bar(&self, owner: usize, bar: &Bar, edge: &str) -> String {
        let (x, to) = (self.x(bar.from), self.x(bar.to));
        let Bar { top, height, .. } = *bar;
        let (fill, letter, life) = (colour(owner), words::letter(owner), &self.timeline.lives[owner]);
        let (width, member) = ((to - x).max(0.5), escaped(&life.member));
        let mut text = format!(
            "<rect x=\"{x:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{fill}\"{edge}>\
             <title>{letter} {member}</title></rect>\n"
        );
        for (from, until) in &life.silences {
            let (x, to) = (self.x(*from.max(&bar.from)), self.x(*until.min(&bar.to)));
            if to > x {
                let width = to - x;
                let _ = writeln!(
                    text,
                    "<rect x=\"{x:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" fill=\"#fff\" \
                     fill-opacity=\".6\"><title>{letter} said nothing</title></rect>"
                );
            }
        }
        if to - x >= 10.0 && height > ROW / 2.0 {
            let (middle, base) = ((x + to) / 2.0, top + height - 4.0);
            let _ = writeln!(
                text,
                "<text x=\"{middle:.1}\" y=\"{base}\" text-anchor=\"middle\" fill=\"#fff\">{letter}</text>"
            );
        }
        text
    }
}

/// Where a bar lies: times across, units down.
struct Bar {
    from: i64,
    to: i64,
    top: f64,
    height: f64,
}
