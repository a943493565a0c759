use std::collections::BTreeSet;

use serde::Serialize;

use super::event::Place;
use super::rebalance::{Rebalance, rebalances};
use super::story::{Interval, Life, Story};

/// Who owned what when, between two times. All times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The group.
    pub group: String,
    /// Where the picture begins.
    pub from: i64,
    /// Where it ends.
    pub to: i64,
    /// Those who lived meanwhile.
    pub lives: Vec<Life>,
    /// What they owned, partition by partition.
    pub intervals: Vec<Interval>,
    /// When nobody did.
    pub gaps: Vec<Gap>,
    /// When two did.
    pub doubles: Vec<Double>,
    /// What moved.
    pub rebalances: Vec<Rebalance>,
}

/// A time at which nobody owned a partition that had been owned before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The partition.
    #[serde(flatten)]
    pub place: Place,
    /// When it went.
    pub from: i64,
    /// When it came to somebody, or the picture ends.
    pub to: i64,
}

/// A time at which two took themselves for the owner of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Double {
    /// The partition.
    #[serde(flatten)]
    pub place: Place,
    /// The one who had it first.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// When the other got it.
    pub from: i64,
    /// When one of them let go.
    pub to: i64,
}

/// What is to be in the picture; `None` = all that there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct View {
    /// From this time on.
    pub from: Option<i64>,
    /// Up to this time.
    pub to: Option<i64>,
}

impl Timeline {
    /// What a story comes to, seen now, within a view.
    pub fn of(group: &str, story: Story, now: i64, view: View) -> Self {
        let (lives, intervals, end) = story.finish(now);
        let first = lives.iter().map(|life| life.began).min().unwrap_or(end);
        let to = view.to.unwrap_or(end);
        let from = view.from.unwrap_or(first).min(to);
        let rebalances = rebalances(&lives, &intervals);
        let mut whole = Self {
            group: group.to_owned(),
            from,
            to,
            gaps: of_each_place(&intervals, |own| gaps(own, end)),
            doubles: of_each_place(&intervals, doubles),
            lives,
            intervals,
            rebalances,
        };
        whole.cut();
        whole
    }

    /// The partitions in it, in their order.
    pub fn places(&self) -> Vec<&Place> {
        self.intervals.iter().map(|own| &own.place).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How long a partition was unowned, and how long at the worst.
    pub fn unowned(&self, place: &Place) -> (i64, i64) {
        let of = self.gaps.iter().filter(|gap| gap.place == *place).map(|gap| gap.to - gap.from);
        of.fold((0, 0), |(total, worst), gap| (total + gap, worst.max(gap)))
    }

    fn cut(&mut self) {
        let (from, to) = (self.from, self.to);
        let clamp = |begin: &mut i64, end: &mut i64| {
            (*begin, *end) = ((*begin).max(from), (*end).min(to));
            begin <= end
        };
        self.intervals.retain_mut(|own| {
            own.end = own.end.filter(|_| own.to <= to);
            clamp(&mut own.from, &mut own.to)
        });
        self.gaps.retain_mut(|gap| clamp(&mut gap.from, &mut gap.to) && gap.from < gap.to);
        self.doubles.retain_mut(|double| clamp(&mut double.from, &mut double.to));
        self.rebalances.retain(|rebalance| rebalance.to >= from && rebalance.from <= to);
        self.keep_lives();
    }

    /// Leaves out who did not live meanwhile and moved nothing.
    fn keep_lives(&mut self) {
        let (from, to) = (self.from, self.to);
        let mut kept: BTreeSet<usize> = self.rebalances.iter().flat_map(Rebalance::lives).collect();
        let here = |life: &Life| life.began <= to && (life.end.is_none() || life.last >= from);
        kept.extend(self.lives.iter().enumerate().filter(|(_, life)| here(life)).map(|(at, _)| at));
        let kept: Vec<usize> = kept.into_iter().collect();
        // All that is left refers to lives that are kept.
        let place = |life: usize| kept.binary_search(&life).unwrap_or(0);
        self.intervals.iter_mut().for_each(|own| own.life = place(own.life));
        for double in &mut self.doubles {
            (double.first, double.second) = (place(double.first), place(double.second));
        }
        self.rebalances.iter_mut().for_each(|rebalance| rebalance.rename(&place));
        self.lives = kept.iter().map(|life| self.lives[*life].clone()).collect();
        for life in &mut self.lives {
            life.end = life.end.filter(|_| life.last <= to);
        }
    }
}

/// What holds of each partition's intervals, which lie together.
fn of_each_place<T>(intervals: &[Interval], of: impl Fn(&[Interval]) -> Vec<T>) -> Vec<T> {
    intervals.chunk_by(|one, next| one.place == next.place).flat_map(of).collect()
}

fn gaps(own: &[Interval], end: i64) -> Vec<Gap> {
    let mut reach = own[0].from;
    let ends = own.iter().map(|next| (next.from, next.to)).chain([(end, end)]);
    let mut gaps = Vec::new();
    for (from, to) in ends {
        if from > reach {
            gaps.push(Gap { place: own[0].place.clone(), from: reach, to: from });
        }
        reach = reach.max(to);
    }
    gaps
}

fn doubles(own: &[Interval]) -> Vec<Double> {
    let mut doubles = Vec::new();
    for (at, one) in own.iter().enumerate() {
        for other in own[at + 1..].iter().filter(|other| other.from < one.to) {
            let place = one.place.clone();
            let (first, second) = (one.life, other.life);
            doubles.push(Double { place, first, second, from: other.from, to: one.to.min(other.to) });
        }
    }
    doubles
}
