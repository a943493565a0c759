use std::collections::BTreeMap;

use serde::Serialize;

use super::event::{Event, Kind, Place};

/// A member tells each second that it lives; so long without a word it is killed or hangs, in milliseconds.
const SILENCE: i64 = 5_000;

/// One run of a member, from its start to its end. A member that starts again under its name lives anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Life {
    /// The member's name.
    pub member: String,
    /// Its first event.
    pub began: i64,
    /// Its last event.
    pub last: i64,
    /// How it ended; `None` = it lives.
    pub end: Option<Ending>,
    /// Times at which it said nothing although it lived before and after.
    pub silences: Vec<(i64, i64)>,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// In order.
    Left,
    /// Without a word, as one that is killed.
    Silent,
}

/// A time at which a member owned a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// The partition.
    #[serde(flatten)]
    pub place: Place,
    /// The owner, by its place among the lives.
    pub life: usize,
    /// When it came.
    pub from: i64,
    /// When it went; the end of the picture where it did not.
    pub to: i64,
    /// How it went; `None` = it did not.
    pub end: Option<Loss>,
}

/// How a partition goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// It was given back.
    Revoked,
    /// It went without warning; the owner learnt of it only then.
    Lost,
    /// Its owner said nothing more; this is when it was last heard of.
    Silent,
}

/// What is told so far. Signs of life are not kept, so it stays small.
#[derive(Debug, Default)]
pub struct Story {
    lives: Vec<Life>,
    current: BTreeMap<String, usize>,
    owned: BTreeMap<(usize, Place), i64>,
    intervals: Vec<Interval>,
}

impl Story {
    /// Takes in an event; those of one member come in their order.
    pub fn take(&mut self, event: Event) {
        let known = self.current.get(&event.member).copied().filter(|_| event.kind != Kind::Started);
        let life = known.unwrap_or_else(|| self.begin(event.member, event.at));
        let at = self.hear(life, event.at);
        match event.kind {
            Kind::Started | Kind::Sign => {}
            Kind::Assigned(places) => {
                for place in places {
                    self.owned.entry((life, place)).or_insert(at);
                }
            }
            Kind::Revoked(places) => places.into_iter().for_each(|p| self.close(life, p, at, Loss::Revoked)),
            Kind::Lost(places) => places.into_iter().for_each(|p| self.close(life, p, at, Loss::Lost)),
            Kind::Ended => self.end(life, Ending::Left),
        }
    }

    /// Whether nothing was told at all.
    pub fn is_empty(&self) -> bool {
        self.lives.is_empty()
    }

    /// All lives and intervals, seen at a time: who was silent by then is taken as ended, others go on. With
    /// the time at which the picture ends, which is that of the last event where nobody lives.
    pub fn finish(mut self, now: i64) -> (Vec<Life>, Vec<Interval>, i64) {
        let current: Vec<usize> = std::mem::take(&mut self.current).into_values().collect();
        let (silent, alive): (Vec<usize>, Vec<usize>) =
            current.into_iter().partition(|life| now - self.lives[*life].last > SILENCE);
        silent.into_iter().for_each(|life| self.end(life, Ending::Silent));
        let last = self.lives.iter().map(|life| life.last).max().unwrap_or(now);
        let end = if alive.is_empty() { last } else { now.max(last) };
        let left = std::mem::take(&mut self.owned).into_iter();
        self.intervals.extend(left.map(|((life, place), from)| Interval {
            place,
            life,
            from,
            to: end,
            end: None,
        }));
        self.intervals.sort_by(|a, b| (&a.place, a.from, a.to).cmp(&(&b.place, b.from, b.to)));
        (self.lives, self.intervals, end)
    }

    fn begin(&mut self, member: String, at: i64) -> usize {
        if let Some(earlier) = self.current.get(&member).copied() {
            self.end(earlier, Ending::Silent);
        }
        let life = self.lives.len();
        self.current.insert(member.clone(), life);
        self.lives.push(Life { member, began: at, last: at, end: None, silences: Vec::new() });
        life
    }

    /// The time of an event; a clock that was set back stands still instead.
    fn hear(&mut self, life: usize, at: i64) -> i64 {
        let life = &mut self.lives[life];
        let at = at.max(life.last);
        if at - life.last > SILENCE {
            life.silences.push((life.last, at));
        }
        life.last = at;
        at
    }

    fn close(&mut self, life: usize, place: Place, to: i64, end: Loss) {
        if let Some((_, from)) = self.owned.remove_entry(&(life, place.clone())) {
            self.intervals.push(Interval { place, life, from, to, end: Some(end) });
        }
    }

    fn end(&mut self, life: usize, how: Ending) {
        let (member, last) = (self.lives[life].member.clone(), self.lives[life].last);
        self.lives[life].end = Some(how);
        self.current.remove(&member);
        let loss = if how == Ending::Left { Loss::Revoked } else { Loss::Silent };
        let own = self.owned.keys().filter(|(owner, _)| *owner == life);
        let places: Vec<Place> = own.map(|(_, place)| place.clone()).collect();
        places.into_iter().for_each(|place| self.close(life, place, last, loss));
    }
}
