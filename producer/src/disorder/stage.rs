use std::borrow::Cow;
use std::sync::Arc;

use millrace_schemas::SensorReading;
use millrace_schemas::reading::SENSORS;

use super::corrupt::corrupt;
use super::draw::Draw;
use super::late::{Held, Late};
use super::stuck::Stuck;
use super::{Disorder, Entry, Kind, spike};
use crate::batch::Part;
use crate::generate::LineEnd;
use crate::render::Renderer;
use crate::settings::{Place, Settings};

/// Puts the records of a shard into disorder, each machine by itself, and writes every act down.
pub struct Stage {
    disorder: Arc<Disorder>,
    seed: u64,
    /// How an entry ends; `None` = nothing is written down.
    ledger: Option<LineEnd>,
    rows: Option<Rows>,
    machines: Vec<Machine>,
    /// The value that would have been written, used again for each record.
    original: Vec<u8>,
}

/// Which rows of the clean file are a shard's.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// The place of the shard's first machine in the fleet.
    pub first: usize,
    /// How many machines the fleet has, each with one row a tick.
    pub machines: usize,
}

#[derive(Default)]
struct Machine {
    skew: Option<i64>,
    stuck: Option<Stuck>,
    /// What its sensors read one sample ago.
    last: Option<[Option<f64>; SENSORS]>,
    held: Held,
}

/// What is done to one record.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Skew(i64),
    Stuck(Stuck),
    Drop,
    Corrupt,
    Duplicate,
    Late(i64),
    Spike,
    Null,
}

/// Kinds that are drawn for each record. Each draws its own number, so one's probability does not move
/// the others; where several hit the same record, the first of these is done.
const DRAWN: [Kind; 7] =
    [Kind::Drop, Kind::Corrupt, Kind::Duplicate, Kind::Late, Kind::Stuck, Kind::Spike, Kind::Null];

impl Stage {
    /// A stage for these machines, before their first sample, where there is to be disorder.
    pub fn new(settings: &Settings, machine_ids: &[String]) -> Option<Self> {
        let disorder = settings.disorder.clone()?;
        let machine = |id: &String| Machine { skew: disorder.skew_of(id), ..Machine::default() };
        Some(Self {
            seed: settings.seed,
            ledger: settings.ledger.as_ref().map(|place| match place {
                Place::File(_) => LineEnd::Newline,
                Place::Topic(_) => LineEnd::None,
            }),
            rows: None,
            machines: machine_ids.iter().map(machine).collect(),
            original: Vec::new(),
            disorder,
        })
    }

    /// Says which rows of a file the machines' readings are.
    #[must_use]
    pub fn with_rows(self, rows: Rows) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// Writes the records that a reading leads to, and behind them the late ones that are due.
    pub fn pass(
        &mut self,
        machine: usize,
        reading: &mut SensorReading<'_>,
        renderer: &mut Renderer,
        part: &mut Part,
    ) {
        let now = reading.timestamp;
        self.original.clear();
        renderer.render(machine, reading, &mut self.original);
        match self.decide(machine, reading) {
            None => renderer.write(machine, now, &self.original, &mut part.readings),
            Some((fault, mut draw)) => self.carry_out(fault, &mut draw, machine, reading, renderer, part),
        }
        self.release(machine, now, renderer, part);
    }

    /// Writes what is still held back, at the end of the run.
    pub fn finish(&mut self, renderer: &Renderer, part: &mut Part) {
        for machine in 0..self.machines.len() {
            self.release(machine, i64::MAX, renderer, part);
        }
    }

    fn release(&mut self, machine: usize, now: i64, renderer: &Renderer, part: &mut Part) {
        while let Some(Late { timestamp, bytes }) = self.machines[machine].held.next_due(now) {
            renderer.write(machine, timestamp, &bytes, &mut part.readings);
        }
    }

    fn decide(&mut self, machine: usize, reading: &SensorReading<'_>) -> Option<(Fault, Draw)> {
        let state = &mut self.machines[machine];
        let last = state.last.replace(reading.sensors);
        state.stuck = state.stuck.filter(|stuck| !stuck.is_over(reading.timestamp));
        let mut draw = Draw::of(self.seed, &reading.machine_id, reading.sequence);
        let fault = match (state.skew, state.stuck) {
            (Some(offset), _) => Fault::Skew(offset),
            (None, Some(stuck)) => Fault::Stuck(stuck),
            (None, None) => {
                let fault = self.disorder.draw(&mut draw, last, reading.timestamp)?;
                if let Fault::Stuck(stuck) = fault {
                    state.stuck = Some(stuck);
                }
                fault
            }
        };
        Some((fault, draw))
    }

    /// Does it, and notes it.
    fn carry_out(
        &mut self,
        fault: Fault,
        draw: &mut Draw,
        machine: usize,
        reading: &mut SensorReading<'_>,
        renderer: &mut Renderer,
        part: &mut Part,
    ) {
        let mut note = Note::of(fault, reading.timestamp);
        let lane = &mut part.readings;
        match fault {
            Fault::Drop => {}
            Fault::Duplicate => {
                renderer.write(machine, note.planned, &self.original, lane);
                renderer.write(machine, note.planned, &self.original, lane);
            }
            Fault::Late(delay) => {
                let late = Late { timestamp: note.planned, bytes: self.original.clone() };
                self.machines[machine].held.hold(note.planned + delay, reading.sequence, late);
            }
            Fault::Corrupt => {
                let mut broken = self.original.clone();
                note.detail = Some(corrupt(&mut broken, renderer.encoding(), draw));
                renderer.write(machine, note.planned, &broken, lane);
                note.written = Some(broken);
            }
            Fault::Skew(_) | Fault::Stuck(_) | Fault::Spike | Fault::Null => {
                note.detail = fault.distort(reading, draw);
                let mut shown = Vec::with_capacity(self.original.len());
                renderer.render_instead(machine, reading, &mut shown);
                renderer.write(machine, reading.timestamp, &shown, lane);
                note.written = Some(shown);
            }
        }
        self.enter(note, machine, reading, part);
    }

    fn enter(&self, note: Note, machine: usize, reading: &SensorReading<'_>, part: &mut Part) {
        let Some(line_end) = self.ledger else { return };
        let row = |rows: Rows| {
            reading.sequence.cast_unsigned() * rows.machines as u64 + (rows.first + machine) as u64
        };
        let entry = Entry {
            kind: note.kind,
            detail: note.detail.map(Cow::Borrowed),
            machine_id: Cow::Borrowed(&reading.machine_id),
            sequence: reading.sequence,
            planned: note.planned,
            actual: note.actual,
            key: Cow::Borrowed(&reading.machine_id),
            row: self.rows.map(row),
            original: Cow::Borrowed(&self.original),
            written: note.written.map(Cow::Owned),
        };
        let lane = &mut part.ledger;
        // Text and numbers into memory: it cannot fail.
        if serde_json::to_writer(&mut lane.bytes, &entry).is_ok() {
            if line_end == LineEnd::Newline {
                lane.bytes.push(b'\n');
            }
            lane.end_record(machine, note.planned);
        }
    }
}

/// What the ledger's entry says about an act.
struct Note {
    kind: Kind,
    detail: Option<&'static str>,
    planned: i64,
    actual: Option<i64>,
    written: Option<Vec<u8>>,
}

impl Note {
    fn of(fault: Fault, planned: i64) -> Self {
        let (kind, actual) = match fault {
            Fault::Skew(offset) => (Kind::Skew, Some(planned + offset)),
            Fault::Late(delay) => (Kind::Late, Some(planned + delay)),
            Fault::Drop => (Kind::Drop, None),
            Fault::Stuck(_) => (Kind::Stuck, Some(planned)),
            Fault::Corrupt => (Kind::Corrupt, Some(planned)),
            Fault::Duplicate => (Kind::Duplicate, Some(planned)),
            Fault::Spike => (Kind::Spike, Some(planned)),
            Fault::Null => (Kind::Null, Some(planned)),
        };
        Self { kind, detail: None, planned, actual, written: None }
    }
}

impl Fault {
    /// Changes what the reading shows; gives which sensor was meant.
    fn distort(self, reading: &mut SensorReading<'_>, draw: &mut Draw) -> Option<&'static str> {
        match self {
            Self::Skew(offset) => {
                reading.timestamp += offset;
                None
            }
            Self::Stuck(stuck) => {
                stuck.show(&mut reading.sensors);
                Some(stuck.detail())
            }
            Self::Spike => {
                let sensor = draw.sensor();
                reading.sensors[sensor as usize] = Some(spike::value(sensor, draw.random()));
                Some(sensor.name())
            }
            Self::Null => {
                let sensor = draw.sensor();
                reading.sensors[sensor as usize] = None;
                Some(sensor.name())
            }
            Self::Drop | Self::Corrupt | Self::Duplicate | Self::Late(_) => None,
        }
    }
}

impl Disorder {
    /// What is done to the next record of a machine that shows `last` until now, if anything.
    fn draw(&self, draw: &mut Draw, last: Option<[Option<f64>; SENSORS]>, now: i64) -> Option<Fault> {
        let hits = DRAWN.map(|kind| draw.hits(self.probability(kind)));
        let first = hits.iter().position(|hit| *hit)?;
        Some(match DRAWN[first] {
            Kind::Drop => Fault::Drop,
            Kind::Corrupt => Fault::Corrupt,
            Kind::Duplicate => Fault::Duplicate,
            Kind::Late => Fault::Late(self.late.map_or(0, |(_, least, most)| draw.time(least, most))),
            // Before its first sample there is nothing to be stuck at.
            Kind::Stuck => {
                let until = now + self.stuck.map_or(0, |(_, time)| time);
                Fault::Stuck(Stuck::draw(draw, last?, until))
            }
            Kind::Spike => Fault::Spike,
            Kind::Null => Fault::Null,
            Kind::Skew => return None,
        })
    }

    fn probability(&self, kind: Kind) -> f64 {
        let p = match kind {
            Kind::Late => self.late.map(|(p, ..)| p),
            Kind::Duplicate => self.duplicate,
            Kind::Drop => self.drop,
            Kind::Stuck => self.stuck.map(|(p, _)| p),
            Kind::Spike => self.spike,
            Kind::Corrupt => self.corrupt,
            Kind::Null => self.null,
            Kind::Skew => None,
        };
        p.unwrap_or(0.0)
    }
}
