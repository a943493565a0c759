use std::fmt::Write as _;

use super::model::Timeline;
use super::svg::{chart_alone, colour, escaped};
use super::words;

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style>
body { font: 15px/1.4 sans-serif; max-width: 60em; margin: 1em auto; padding: 0 .6em; color: #222 }
h1 { font-size: 1.2em } h2 { font-size: 1em } td, th { text-align: left; padding: .1em .8em .1em 0 }
td { overflow-wrap: anywhere } b { color: #fff; padding: 0 .4em; border-radius: .2em } ul { color: #555 }
</style>
";

/// A page that needs nothing else.
pub(super) fn page(timeline: &Timeline) -> String {
    let title = escaped(&words::title(timeline));
    let mut page = format!("{HEAD}<title>{title}</title>\n<h1>{title}</h1>\n{}", chart_alone(timeline));
    page += "<p>A bar is an owner, pale where it said nothing; a broken red line is nobody; a lower half with \
             a red edge is a second owner at once. Numbers are rebalances.</p>\n";
    page += &members(timeline);
    page += &partitions(timeline);
    page += &rebalances(timeline);
    let doubles = words::doubles(timeline);
    if !doubles.is_empty() {
        page += "<h2>Two owners at once</h2>\n<ul>\n";
        for line in doubles {
            let _ = writeln!(page, "<li>{}</li>", escaped(&line));
        }
        page += "</ul>\n";
    }
    page + "</html>\n"
}

fn members(timeline: &Timeline) -> String {
    let mut text = "<h2>Members</h2>\n<table>\n".to_owned();
    for (at, life) in timeline.lives.iter().enumerate() {
        let (letter, colour, member) = (words::letter(at), colour(at), escaped(&life.member));
        let (began, fate) = (words::moment(timeline, life.began), words::fate(timeline, life));
        let _ = writeln!(
            text,
            "<tr><td><b style=\"background: {colour}\">{letter}</b><td>{member}<td>from {began}, {fate}"
        );
    }
    text + "</table>\n"
}

fn partitions(timeline: &Timeline) -> String {
    let head = "<tr><th>partition<th>unowned<th>at worst\n";
    let mut text = format!("<h2>Partitions</h2>\n<table>\n{head}");
    for place in timeline.places() {
        let (total, worst) = timeline.unowned(place);
        let (name, total, worst) = (words::name(timeline, place), words::length(total), words::length(worst));
        let _ = writeln!(text, "<tr><td>{}<td>{total}<td>{worst}", escaped(&name));
    }
    text + "</table>\n"
}

fn rebalances(timeline: &Timeline) -> String {
    let mut text = "<h2>Rebalances</h2>\n<ol>\n".to_owned();
    for rebalance in &timeline.rebalances {
        let _ = writeln!(text, "<li>{}\n<ul>", escaped(&words::occasion(timeline, rebalance)));
        for one in &rebalance.moves {
            let _ = writeln!(text, "<li>{}</li>", escaped(&words::moved(timeline, one)));
        }
        text += "</ul></li>\n";
    }
    text + "</ol>\n"
}
