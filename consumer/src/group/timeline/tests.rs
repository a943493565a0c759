use proptest::prelude::*;

use super::*;

/// 2026-01-01T12:00:00Z.
const NOON: i64 = 1_767_268_800_000;

fn place(partition: i32) -> Place {
    Place { topic: "sensor-data".into(), partition }
}

/// A story by members' words: `0.5 A +0-3` got partitions, `-` gave back, `?` lost, `start`, `end` or `alive`.
fn story(told: &str) -> Story {
    let mut story = Story::default();
    for line in told.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [at, member, what] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let at = NOON + (at.parse::<f64>().expect("seconds") * 1000.0) as i64;
        let places = |text: &str| match text.split_once('-') {
            Some((first, last)) => {
                (first.parse().expect("a number")..=last.parse().expect("a number")).map(place).collect()
            }
            None => vec![place(text.parse().expect("a number"))],
        };
        let kind = match what.split_at(1) {
            ("+", rest) => Kind::Assigned(places(rest)),
            ("-", rest) => Kind::Revoked(places(rest)),
            ("?", rest) => Kind::Lost(places(rest)),
            _ if what == "start" => Kind::Started,
            _ if what == "end" => Kind::Ended,
            _ => Kind::Sign,
        };
        story.take(Event { at, member: member.to_owned(), kind });
    }
    story
}

/// So many signs of life, a second apart.
fn alive(member: &str, from: u32, to: u32) -> String {
    (from..to).map(|second| format!("{second} {member} alive\n")).collect()
}

/// Two members, then three; one leaves, one is killed, one hangs and is there again.
fn lesson() -> Timeline {
    let mut lines: Vec<String> = "0 ann start
        0.5 ann +0-3
        10 bob start
        10.5 ann -2-3
        10.55 bob +2-3
        20 cat start
        20.3 ann -1
        20.5 cat +1
        30 cat -1
        30.01 cat end
        30.06 bob +1
        52 ann start
        53 ann +0
        53 bob -1
        53.1 ann +1
        70 ann +2-3
        73 bob ?2-3"
        .lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect();
    for told in [alive("ann", 1, 41), alive("bob", 11, 60), alive("cat", 21, 30), alive("bob", 74, 90)] {
        lines.extend(told.lines().map(|line| format!("{line}\n")));
    }
    lines.extend(alive("ann", 53, 90).lines().map(|line| format!("{line}\n")));
    lines.sort_by(|one, other| {
        let at = |line: &str| line.split(' ').next().and_then(|at| at.parse::<f64>().ok()).expect("seconds");
        at(one).total_cmp(&at(other))
    });
    Timeline::of("my-group", story(&lines.concat()), NOON + 90_000, View::default())
}

fn owned(timeline: &Timeline) -> Vec<(i32, usize, i64, i64, Option<Loss>)> {
    let own = timeline.intervals.iter();
    own.map(|own| (own.place.partition, own.life, own.from - NOON, own.to - NOON, own.end)).collect()
}

#[test]
fn a_partition_is_owned_from_when_it_came_to_when_it_went() {
    let told = "0 a start\n1 a +0-1\n2 a -1\n3 b start\n4 b +1\n5 a -0\n5 a end\n6 b alive";
    let timeline = Timeline::of("g", story(told), NOON + 7_000, View::default());
    let expected = [
        (0, 0, 1_000, 5_000, Some(Loss::Revoked)),
        (1, 0, 1_000, 2_000, Some(Loss::Revoked)),
        (1, 1, 4_000, 7_000, None),
    ];
    assert_eq!(owned(&timeline), expected);
    let gaps = timeline.gaps.iter().map(|gap| (gap.place.partition, gap.from - NOON, gap.to - NOON));
    assert_eq!(gaps.collect::<Vec<_>>(), [(0, 5_000, 7_000), (1, 2_000, 4_000)]);
    assert_eq!(timeline.unowned(&place(1)), (2_000, 2_000));
    assert_eq!(timeline.lives[0].end, Some(Ending::Left));
}

#[test]
fn one_that_is_killed_owned_what_it_had_until_it_was_last_heard_of() {
    let told = "0 a start\n1 a +0\n2 a alive\n3 b start\n14 b +0\n15 b alive";
    let timeline = Timeline::of("g", story(told), NOON + 16_000, View::default());
    assert_eq!(owned(&timeline), [(0, 0, 1_000, 2_000, Some(Loss::Silent)), (0, 1, 14_000, 16_000, None)]);
    assert_eq!(timeline.lives[0].end, Some(Ending::Silent));
    assert_eq!(timeline.unowned(&place(0)), (12_000, 12_000));
    let causes: Vec<Doing> = timeline.rebalances[1].causes.iter().map(|cause| cause.what).collect();
    assert_eq!(causes, [Doing::Silent, Doing::Came]);
}

#[test]
fn a_member_that_starts_again_under_its_name_lives_anew() {
    let told = "0 a start\n1 a +0\n2 a alive\n3 a start\n3.5 a +0\n4 a alive";
    let timeline = Timeline::of("g", story(told), NOON + 4_000, View::default());
    assert_eq!(owned(&timeline), [(0, 0, 1_000, 2_000, Some(Loss::Silent)), (0, 1, 3_500, 4_000, None)]);
}

#[test]
fn one_that_hangs_is_a_second_owner_until_it_learns_of_its_loss() {
    let told = "0 a start\n1 a +0\n2 a alive\n3 b start\n9 b +0\n12 a ?0\n12.5 b alive\n13 a alive";
    let timeline = Timeline::of("g", story(told), NOON + 13_000, View::default());
    assert_eq!(owned(&timeline), [(0, 0, 1_000, 12_000, Some(Loss::Lost)), (0, 1, 9_000, 13_000, None)]);
    let doubles: Vec<_> = timeline.doubles.iter().map(|two| (two.from - NOON, two.to - NOON)).collect();
    assert_eq!(doubles, [(9_000, 12_000)]);
    assert_eq!(timeline.lives[0].silences, [(NOON + 2_000, NOON + 12_000)]);
    assert!(timeline.gaps.is_empty());
    assert_eq!(timeline.rebalances[1].causes[0], Cause { life: 0, what: Doing::Lost });
}

#[test]
fn the_picture_ends_with_the_last_who_leaves() {
    let told = "0 a start\n1 a +0\n2 a -0\n2 a end";
    let timeline = Timeline::of("g", story(told), NOON + 3_600_000, View::default());
    assert_eq!((timeline.from, timeline.to), (NOON, NOON + 2_000));
    assert!(timeline.gaps.is_empty());
}

#[test]
fn a_view_shows_what_was_going_on_meanwhile() {
    let told = "0 a start\n1 a +0\n2 a -0\n2 a end\n3 b start\n4 b +0\n8 b -0\n8 b end\n9 c start\n9.5 c +0";
    let view = View { from: Some(NOON + 5_000), to: Some(NOON + 7_000) };
    let timeline = Timeline::of("g", story(told), NOON + 10_000, view);
    assert_eq!(owned(&timeline), [(0, 0, 5_000, 7_000, None)]);
    let members: Vec<&str> = timeline.lives.iter().map(|life| life.member.as_str()).collect();
    assert_eq!((members, timeline.lives[0].end), (vec!["b"], None));
    assert!(timeline.gaps.is_empty() && timeline.rebalances.is_empty());
}

#[test]
fn a_lesson_is_drawn_on_the_terminal() {
    insta::assert_snapshot!(text::draw(&lesson(), 100, false));
}

#[test]
fn a_narrow_terminal_and_colours_change_no_letter() {
    let bare = text::draw(&lesson(), 60, false);
    let mut painted = text::draw(&lesson(), 60, true);
    while let Some(begin) = painted.find('\u{1b}') {
        let end = painted[begin..].find('m').expect("an end") + begin;
        painted.replace_range(begin..=end, "");
    }
    assert_eq!(bare, painted);
}

#[test]
fn a_lesson_is_a_picture_that_stands_alone() {
    insta::assert_snapshot!(svg::document(&lesson()));
}

#[test]
fn a_lesson_is_a_page_that_stands_alone() {
    let page = html::page(&lesson());
    assert!(!page.contains("<script") && !page.contains("href"));
    insta::assert_snapshot!(page);
}

#[test]
fn programs_get_an_object() {
    insta::assert_snapshot!(shown(&lesson(), TimelineForm::Json).expect("JSON"));
}

#[test]
fn names_that_look_like_markup_are_text() {
    let told = "0 <b>&\" start\n1 <b>&\" +0";
    let timeline = Timeline::of("<g>", story(told), NOON + 2_000, View::default());
    for drawn in [svg::document(&timeline), html::page(&timeline)] {
        assert!(drawn.contains("&lt;b&gt;&amp;&quot;") && !drawn.contains("<b>&") && !drawn.contains("<g>"));
    }
}

fn events() -> impl Strategy<Value = Vec<(i64, usize, usize, i32)>> {
    prop::collection::vec((0..9_000_i64, 0..3_usize, 0..6_usize, 0..3_i32), 1..60)
}

proptest! {
    #[test]
    fn whatever_is_told_owners_gaps_and_doubles_add_up_and_can_be_drawn(told in events()) {
        let (mut story, mut now) = (Story::default(), NOON);
        for (later, member, what, partition) in told {
            now += later;
            let places = vec![place(partition)];
            let kind = match what {
                0 => Kind::Started,
                1 | 2 => Kind::Assigned(places),
                3 => Kind::Revoked(places),
                4 => Kind::Lost(places),
                _ => Kind::Sign,
            };
            story.take(Event { at: now, member: format!("m{member}"), kind });
        }
        let timeline = Timeline::of("g", story, now, View::default());
        for place in timeline.places() {
            let own: Vec<&Interval> = timeline.intervals.iter().filter(|own| own.place == *place).collect();
            // At any moment from the first ownership on there is an owner, or a gap; never both.
            for at in (own[0].from..timeline.to).step_by(997) {
                let owners = own.iter().filter(|own| (own.from..own.to).contains(&at)).count();
                let here = |gap: &&Gap| gap.place == *place && (gap.from..gap.to).contains(&at);
                prop_assert_eq!(owners == 0, timeline.gaps.iter().any(|gap| here(&gap)));
                let two = timeline.doubles.iter().any(|d| d.place == *place && (d.from..d.to).contains(&at));
                prop_assert_eq!(owners > 1, two);
            }
        }
        let moved = timeline.rebalances.iter().flat_map(|one| &one.moves);
        let came: usize = moved.filter(|one| one.to.is_some()).map(|one| one.places.len()).sum();
        prop_assert_eq!(came, timeline.intervals.len(), "whatever came is told of once");
        for width in [0, 40, 200] {
            prop_assert!(text::draw(&timeline, width, false).contains("members"));
        }
        prop_assert!(html::page(&timeline).ends_with("</html>\n") && svg::document(&timeline).ends_with("</svg>\n"));
    }
}
