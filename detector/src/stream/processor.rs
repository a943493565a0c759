use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use millrace_consumer::pipeline::{Checkpoint, Output, Place, Processor, State};
use millrace_consumer::source::{Cause, Raw, Reject};
use millrace_consumer::state::{Machines, Restored};
use millrace_schemas::{MaintenanceStatus, SensorReading};

use super::settings::StreamSettings;
use crate::avro::Frames;
use crate::evaluate::Method;
use crate::input::Reading;
use crate::machine::{Found, Judging, Machine, Row, Word};
use crate::run::line;
use crate::settings::AlertForm;

/// Bytes of a machine's state that cost as much to write down as a reading of a window.
const READING: usize = 32;

/// Watches every machine of the partitions that are here.
pub(super) struct Watching<'a> {
    judging: &'a Judging,
    frames: Frames,
    form: Option<AlertForm>,
    verbose: bool,
    machines: Machines<Machine>,
    relearn: Rc<RefCell<Relearn>>,
    words: Vec<Word>,
    /// What the user has been told of learning.
    told: Option<usize>,
}

/// Machines that are to be learnt anew, until they are.
pub(super) struct Relearn {
    all: bool,
    named: BTreeSet<String>,
    done: BTreeSet<String>,
}

impl Relearn {
    fn new(machines: &[String]) -> Self {
        let all = machines.iter().any(|machine| machine == "all");
        Self { all, named: machines.iter().cloned().collect(), done: BTreeSet::new() }
    }

    /// Whether a machine's state is to be forgotten now.
    fn is_due(&mut self, machine: &str) -> bool {
        if !self.all && self.named.is_empty() {
            return false;
        }
        (self.all || self.named.contains(machine)) && self.done.insert(machine.to_owned())
    }

    /// Machines that were named and of which no record came.
    pub fn unmet(&self) -> Vec<&str> {
        let named = if self.all { None } else { Some(&self.named) };
        named.into_iter().flatten().filter(|name| !self.done.contains(*name)).map(String::as_str).collect()
    }
}

impl<'a> Watching<'a> {
    /// With nothing seen yet.
    pub fn new(settings: &'a StreamSettings, judging: &'a Judging) -> Self {
        Self {
            judging,
            frames: Frames::default(),
            form: settings.form,
            verbose: settings.member.verbose,
            machines: Machines::default(),
            relearn: Rc::new(RefCell::new(Relearn::new(&settings.relearn))),
            words: Vec::new(),
            told: None,
        }
    }

    /// What becomes of machines that are to be learnt anew.
    pub fn relearn(&self) -> Rc<RefCell<Relearn>> {
        Rc::clone(&self.relearn)
    }

    fn say(&self, machine: &str, found: &Found, out: &mut Vec<Output>) {
        let (version, names) = (self.judging.version(), self.judging.names());
        let several = self.judging.methods().len() > 1;
        let alert = found.alert(machine, version, names, true);
        // An alert has only texts and numbers, which can always be written.
        let line = self.form.and_then(|form| line(&alert, form, several).ok());
        out.extend(line.map(|line| Output::Text(line + "\n")));
        out.push(Output::Alert(Box::new(found.record(machine, version, names))));
    }

    fn take_row(&mut self, at: Place, name: &str, row: &Row<'_>, out: &mut Vec<Output>) {
        let judging = self.judging;
        let Some(machine) = self.machines.at(at, name, || Machine::new(judging, name)) else { return };
        if self.relearn.borrow_mut().is_due(name) {
            *machine = Machine::new(judging, name);
        }
        let mut words = std::mem::take(&mut self.words);
        // Every record of a topic has a time, which is all that could be missing.
        if !machine.take(judging, row, &mut words).unwrap_or(true) {
            out.push(Output::Late);
        }
        for word in words.drain(..) {
            match word {
                Word::Found(found) => self.say(name, &found, out),
                Word::Refused { method, why } => {
                    eprintln!("`{method}` learns nothing of machine {name} from its rows: {why}");
                }
            }
        }
        self.words = words;
    }

    /// How many machines are here, and how many of them are learnt.
    fn learnt(&self) -> (usize, usize) {
        let all = self.machines.iter();
        all.fold((0, 0), |(all, learnt), (_, machine)| (all + 1, learnt + usize::from(machine.is_learnt())))
    }

    fn tell(&mut self) {
        let (all, learnt) = self.learnt();
        if all == 0 || self.told == Some(learnt) || (learnt < all && self.told.is_some()) {
            return;
        }
        let is_first = self.told.replace(learnt).is_none();
        if learnt == all {
            eprintln!("what is normal is known of each of the {all} machines here");
        } else if is_first {
            let residual = self.judging.methods().contains(&Method::Residual);
            let how = if self.judging.sees_residuals() {
                let more = self.judging.learn_rows();
                format!("after a healthy running day (1440 minutes of event time) and {more} minutes more")
            } else if residual {
                "after a healthy running day (1440 minutes of event time); until then normal ranges are watched"
                    .to_owned()
            } else {
                let rows = if self.judging.is_plant() { "running minutes" } else { "records" };
                format!("after its first {} {rows}", self.judging.learn_rows())
            };
            eprintln!("{} of {all} machines are not known yet; each will be {how}", all - learnt);
        }
    }
}

impl Processor for Watching<'_> {
    fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>) {
        let values = reading.sensors.map(|value| value.unwrap_or(f64::NAN));
        let maintained = reading.maintenance_status == MaintenanceStatus::Maintenance;
        let row = Row { time: Some(reading.timestamp), maintained, values: &values };
        self.take_row(at, &reading.machine_id, &row, out);
    }

    fn reads_itself(&self) -> bool {
        !self.judging.is_plant()
    }

    fn take_raw(&mut self, at: Place, raw: &Raw<'_>, out: &mut Vec<Output>) -> Result<(), Reject> {
        let text = || Ok(raw.schema.map(|schema| schema.1.to_owned()).unwrap_or_default());
        let object = self.frames.object(raw.schema.map(|schema| schema.0), text, raw.body);
        let names = self.judging.names();
        let reading = object.and_then(|object| {
            if !names.iter().any(|name| object.contains_key(name)) {
                return Err(format!("it has none of the columns {}", names.join(", ")));
            }
            Reading::of(names, &object).map_err(|unfit| unfit.to_string())
        });
        let mut reading = reading.map_err(|why| Reject { cause: Cause::NotAReading, why })?;
        if reading.machine.is_empty() {
            reading.machine = raw.key.map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        }
        let time = reading.time.or(raw.time);
        let row = Row { time, maintained: reading.maintained, values: &reading.values };
        self.take_row(at, &reading.machine, &row, out);
        Ok(())
    }

    fn version(&self) -> String {
        format!("detector 2 {}", self.judging.words())
    }

    fn checkpoint(&mut self, partition: i32) -> Checkpoint {
        let machines = self.machines.changed(partition, |_, machine| machine.to_bytes());
        Checkpoint { machines, partition: String::new() }
    }

    fn restore(&mut self, restored: &Restored) -> Result<(), String> {
        let judging = self.judging;
        self.machines.restore(restored, |_, bytes| {
            Machine::from_bytes(judging, bytes).map_err(|refusal| refusal.to_string())
        })
    }

    fn readings(&self, partition: i32) -> u64 {
        self.machines.of(partition).map(|machine| (machine.size() / READING) as u64).sum()
    }

    fn drop_partition(&mut self, partition: i32) {
        self.machines.drop_partition(partition);
    }

    fn show(&mut self, _: &State) -> Option<String> {
        if self.verbose {
            self.tell();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use millrace_consumer::state::{Begin, Mark, Snapshot};

    use super::*;
    use crate::stream::Stream;

    fn stream(more: &[&str]) -> Stream {
        let args =
            ["detector", "--input", "kafka", "--algorithm", "threshold", "--learn-rows", "30", "--quiet"];
        Stream::read(args.iter().chain(more).map(OsString::from)).expect("understood").expect("no help")
    }

    fn reading(machine: &'static str, minute: i64) -> SensorReading<'static> {
        let noise = (minute * 7 % 11) as f64 / 10.0;
        let sensors = [70.0, 4.0, 5.5, 200.0, 50.0, 85.0, 80.0].map(|usual| Some(usual + noise));
        let timestamp = minute * 60_000;
        SensorReading { timestamp, machine_id: machine.into(), sensors, ..SensorReading::default() }
    }

    #[test]
    fn what_was_learnt_goes_on_and_is_forgotten_of_those_that_are_to_be_learnt_anew() {
        let whole = stream(&[]);
        let mut first = Watching::new(&whole.settings, &whole.judging);
        let mut offset = 0;
        let mut take = |watching: &mut Watching<'_>, minutes: std::ops::Range<i64>| {
            for minute in minutes {
                for machine in ["A", "B"] {
                    let at = Place { partition: 0, offset };
                    watching.take(at, &reading(machine, minute), &mut Vec::new());
                    offset += 1;
                }
            }
        };
        take(&mut first, 0..40);
        assert_eq!(first.learnt(), (2, 2));
        let mark = Mark::new(80, &first.version());
        let snapshot = |body| Snapshot { life: mark.life, applied: 79, body };
        let saved = first.checkpoint(0).machines;
        let machines = saved.into_iter().map(|(name, body)| (name, snapshot(body))).collect();
        let restored = Restored { begin: Begin { partition: 0, committed: 80, mark }, machines };
        for (relearn, learnt) in [(&[][..], 2), (&["--relearn", "B"], 1), (&["--relearn", "all"], 0)] {
            let again = stream(relearn);
            let mut second = Watching::new(&again.settings, &again.judging);
            second.restore(&restored).expect("readable");
            take(&mut second, 40..42);
            assert_eq!(second.learnt(), (2, learnt), "{relearn:?}");
            take(&mut second, 42..80);
            assert_eq!(second.learnt(), (2, 2), "{relearn:?}: forgotten once");
        }
    }
}
