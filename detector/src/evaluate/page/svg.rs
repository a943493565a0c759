use std::fmt::Write as _;

use crate::evaluate::picture::{Point, Strip};

/// Scores above this many thresholds are drawn at the top.
const TOP: f64 = 3.0;

/// Score against truth: faults as bands, the threshold as a line, alerts as a bar below.
pub(super) fn strip(strip: &Strip, unit: &str) -> String {
    const HEIGHT: f64 = 90.0;
    let width = strip.points.len().max(2) as f64;
    let mut svg = format!(
        "<figure class=\"strip\"><figcaption>{} <small>{} {unit}</small></figcaption>\
         <svg viewBox=\"0 0 {width} 104\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"score over time\">",
        super::escaped(&strip.name),
        strip.rows
    );
    bands(&mut svg, &strip.points, |point| point.faulty, "fault", (0.0, HEIGHT));
    let y = |score: f64| HEIGHT * (1.0 - score.min(TOP) / TOP);
    let _ = write!(svg, "<path class=\"limit\" d=\"M0 {0:.1}H{width}\"/><path class=\"score\" d=\"", y(1.0));
    for (x, point) in strip.points.iter().enumerate() {
        let _ = write!(svg, "{}{x} {:.1}", if x == 0 { 'M' } else { 'L' }, y(point.score));
    }
    svg.push_str("\"/>");
    bands(&mut svg, &strip.points, |point| point.alarm, "alarm", (95.0, 8.0));
    svg.push_str("</svg></figure>");
    svg
}

fn bands(svg: &mut String, points: &[Point], is: fn(&Point) -> bool, class: &str, (y, height): (f64, f64)) {
    let mut from = 0;
    for run in points.chunk_by(|a, b| is(a) == is(b)) {
        if is(&run[0]) {
            let width = run.len();
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{from}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
            );
        }
        from += run.len();
    }
}

/// The receiver operating characteristic, false alarms to the right and what is found upwards.
pub(super) fn roc(curve: &[(f64, f64)], caption: &str) -> String {
    let mut svg = format!(
        "<figure class=\"small\"><figcaption>{}</figcaption><svg viewBox=\"-28 -6 240 236\" role=\"img\" \
         aria-label=\"receiver operating characteristic\"><path class=\"axis\" d=\"M0 0V200H200\"/>\
         <path class=\"limit\" d=\"M0 200L200 0\"/><path class=\"score\" d=\"",
        super::escaped(caption)
    );
    for (index, (wrong, found)) in curve.iter().enumerate() {
        let step = if index == 0 { 'M' } else { 'L' };
        let _ = write!(svg, "{step}{:.1} {:.1}", 200.0 * wrong, 200.0 * (1.0 - found));
    }
    svg.push_str(
        "\"/><text x=\"0\" y=\"216\">0</text><text x=\"100\" y=\"226\" class=\"mid\">false alarms</text>\
         <text x=\"200\" y=\"216\" class=\"end\">1</text>\
         <text x=\"-10\" y=\"100\" class=\"mid\" transform=\"rotate(-90 -10 100)\">found</text></svg></figure>",
    );
    svg
}

/// How long faults went on before their alert; those without one are the last bar.
pub(super) fn delays(delays: &[f64], unit: &str) -> String {
    const BARS: usize = 12;
    let longest = delays.iter().copied().filter(|delay| delay.is_finite()).fold(1.0, f64::max);
    let mut counts = [0usize; BARS + 1];
    for delay in delays {
        let place = if delay.is_finite() { (delay / longest * BARS as f64) as usize } else { BARS };
        counts[if delay.is_finite() { place.min(BARS - 1) } else { place }] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let mut svg = "<figure class=\"small\"><figcaption>Delay of detection</figcaption>\
                   <svg viewBox=\"-28 -6 240 236\" role=\"img\" aria-label=\"histogram of delays\">\
                   <path class=\"axis\" d=\"M0 0V200H206\"/>"
        .to_owned();
    for (bar, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let (height, class) = (190.0 * count as f64 / most, if bar == BARS { "missed" } else { "bar" });
        let x = 14.5 * bar as f64 + if bar == BARS { 12.0 } else { 2.0 };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"12.5\" height=\"{height:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" class=\"mid\">{count}</text>",
            200.0 - height,
            x + 6.0,
            (196.0 - height).max(6.0)
        );
    }
    let _ = write!(
        svg,
        "<text x=\"0\" y=\"216\">0</text><text x=\"174\" y=\"216\" class=\"end\">{longest:.0} {unit}</text>\
         <text x=\"192\" y=\"228\" class=\"mid\">never</text></svg></figure>"
    );
    svg
}
