use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::event::Place;
use super::story::{Ending, Interval, Life, Loss};

/// What moves within so many milliseconds moves in one rebalance.
const TOGETHER: i64 = 1_000;
/// A partition that waits longer was not on its way.
const ON_ITS_WAY: i64 = 30_000;
/// Who ends so soon after giving all back gave it back because of that.
const LEAVING: i64 = 5_000;

/// Partitions that moved together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebalance {
    /// When the first of them went.
    pub from: i64,
    /// When the last of them came.
    pub to: i64,
    /// Why, as far as it shows.
    pub causes: Vec<Cause>,
    /// From whom to whom.
    pub moves: Vec<Move>,
}

/// What a rebalance followed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// The member.
    pub life: usize,
    /// What it did.
    pub what: Doing,
}

/// What a member did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// It left in order.
    Left,
    /// It was heard of no more.
    Silent,
    /// It lost what it had without warning.
    Lost,
    /// It came.
    Came,
}

/// Partitions that went the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Whose they were; `None` = nobody's.
    pub from: Option<usize>,
    /// Whose they became; `None` = nobody's.
    pub to: Option<usize>,
    /// The partitions.
    pub places: Vec<Place>,
    /// How long one of them was unowned at most, in milliseconds.
    pub unowned: i64,
}

/// A partition that went from one to another.
struct Handover<'a> {
    old: Option<&'a Interval>,
    new: Option<&'a Interval>,
    /// Whether it is the first that the new owner gets.
    first: bool,
    /// Whether the old owner gets nothing after it.
    last: bool,
}

impl Handover<'_> {
    /// When it went and when it came, as far as these belong together.
    fn span(&self) -> (i64, i64) {
        let came = self.new.or(self.old).map_or(0, |own| if self.new.is_some() { own.from } else { own.to });
        let went = self.old.filter(|old| old.end == Some(Loss::Revoked)).map(|old| old.to);
        (went.filter(|went| (0..ON_ITS_WAY).contains(&(came - went))).unwrap_or(came), came)
    }

    fn unowned(&self) -> i64 {
        self.old.zip(self.new).map_or(0, |(old, new)| (new.from - old.to).max(0))
    }

    fn causes<'a>(&'a self, lives: &'a [Life]) -> impl Iterator<Item = Cause> + 'a {
        let went = self.old.and_then(|old| {
            let life = &lives[old.life];
            let leaves = self.last && life.end == Some(Ending::Left) && life.last - old.to <= LEAVING;
            let what = match old.end {
                Some(Loss::Silent) => Doing::Silent,
                Some(Loss::Lost) => Doing::Lost,
                _ if leaves => Doing::Left,
                _ => return None,
            };
            Some(Cause { life: old.life, what })
        });
        let came = self.new.filter(|_| self.first).map(|new| Cause { life: new.life, what: Doing::Came });
        went.into_iter().chain(came)
    }
}

impl Rebalance {
    /// All that take part in it.
    pub(super) fn lives(&self) -> impl Iterator<Item = usize> {
        let moved = self.moves.iter().flat_map(|one| [one.from, one.to]).flatten();
        moved.chain(self.causes.iter().map(|cause| cause.life))
    }

    /// Calls the lives by other numbers.
    pub(super) fn rename(&mut self, name: &dyn Fn(usize) -> usize) {
        self.causes.iter_mut().for_each(|cause| cause.life = name(cause.life));
        for one in &mut self.moves {
            (one.from, one.to) = (one.from.map(name), one.to.map(name));
        }
    }
}

/// What moved when, of intervals that lie partition by partition in the order of their beginnings.
pub(super) fn rebalances(lives: &[Life], intervals: &[Interval]) -> Vec<Rebalance> {
    let mut begins: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for own in intervals {
        let (first, last) = begins.entry(own.life).or_insert((own.from, own.from));
        (*first, *last) = (own.from.min(*first), own.from.max(*last));
    }
    let mut all = handovers(intervals, &begins);
    all.sort_by_key(Handover::span);
    let mut groups: Vec<(i64, i64, Vec<Handover<'_>>)> = Vec::new();
    for one in all {
        let (from, to) = one.span();
        match groups.last_mut() {
            Some((_, end, group)) if from <= *end + TOGETHER => {
                *end = to.max(*end);
                group.push(one);
            }
            _ => groups.push((from, to, vec![one])),
        }
    }
    groups.into_iter().map(|(from, to, group)| rebalance(lives, (from, to), &group)).collect()
}

/// `begins` are the first and last beginning of what each life owned.
fn handovers<'a>(intervals: &'a [Interval], begins: &BTreeMap<usize, (i64, i64)>) -> Vec<Handover<'a>> {
    let is_first = |own: &Interval| begins.get(&own.life).is_some_and(|(first, _)| *first == own.from);
    let is_last = |own: &Interval| begins.get(&own.life).is_some_and(|(_, last)| *last < own.to);
    let mut all = Vec::new();
    for own in intervals.chunk_by(|one, next| one.place == next.place) {
        let olds = std::iter::once(None).chain(own.iter().map(Some));
        let news = own.iter().map(Some).chain([None]);
        let pairs = olds.zip(news).filter(|(old, new)| new.is_some() || old.is_some_and(|o| o.end.is_some()));
        all.extend(pairs.map(|(old, new)| Handover {
            old,
            new,
            first: new.is_some_and(is_first),
            last: old.is_some_and(is_last),
        }));
    }
    all
}

fn rebalance(lives: &[Life], (from, to): (i64, i64), group: &[Handover<'_>]) -> Rebalance {
    let mut moves: BTreeMap<_, Move> = BTreeMap::new();
    for one in group {
        let ends = (one.old.map(|own| own.life), one.new.map(|own| own.life));
        let Some(place) = one.new.or(one.old).map(|own| own.place.clone()) else { continue };
        let new = || Move { from: ends.0, to: ends.1, places: Vec::new(), unowned: 0 };
        let same = moves.entry(ends).or_insert_with(new);
        same.places.push(place);
        same.unowned = same.unowned.max(one.unowned());
    }
    let causes: BTreeSet<Cause> = group.iter().flat_map(|one| one.causes(lives)).collect();
    let mut moves: Vec<Move> = moves.into_values().collect();
    moves.iter_mut().for_each(|one| one.places.sort());
    Rebalance { from, to, causes: causes.into_iter().collect(), moves }
}
