use std::collections::BTreeMap;

use crate::batch::{Batch, Lane, Machines};

/// Which record of each machine comes next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// The first tick that some machine needs.
    ticks: u64,
    readings: Ahead,
    truth: Ahead,
}

/// Machines that are further than the position's tick, by id, and their next sequence.
type Ahead = BTreeMap<String, u64>;

impl Position {
    /// Every machine's next record has this sequence.
    pub fn all_at(ticks: u64) -> Self {
        Self { ticks, ..Self::default() }
    }

    /// The next reading of each machine, by id, and the truth about its next reading, where that is told.
    pub fn of(mut readings: BTreeMap<String, u64>, mut truth: BTreeMap<String, u64>) -> Self {
        let ticks = readings.values().chain(truth.values()).copied().min().unwrap_or(0);
        readings.retain(|_, next| *next > ticks);
        truth.retain(|_, next| *next > ticks);
        Self { ticks, readings, truth }
    }

    /// The first tick that some machine needs.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// The tick from which every machine needs all.
    pub fn level(&self) -> u64 {
        self.readings.values().chain(self.truth.values()).copied().max().unwrap_or(self.ticks)
    }

    /// How many readings lie before it, of so many machines.
    pub fn records(&self, machines: usize) -> u64 {
        let ahead: u64 = self.readings.values().map(|next| next - self.ticks).sum();
        self.ticks * machines as u64 + ahead
    }

    /// Takes out of a batch that begins with tick `first` what is there already. Episodes go with the readings,
    /// so that of those about to be told one may be told twice, and none is lost.
    pub fn trim(&self, first: u64, batch: &mut Batch) {
        if first >= self.level() {
            return;
        }
        for part in &mut batch.parts {
            let readings = self.of_machines(&self.readings, &part.machines);
            let truth = self.of_machines(&self.truth, &part.machines);
            part.truth.retain(|tick, machine| first + tick as u64 >= truth[machine]);
            for lane in [&mut part.readings, &mut part.episodes, &mut part.maintenance] {
                lane.retain(|tick, machine| first + tick as u64 >= readings[machine]);
            }
        }
    }

    fn of_machines(&self, ahead: &Ahead, machines: &Machines) -> Vec<u64> {
        machines.ids.iter().map(|id| ahead.get(id).copied().unwrap_or(self.ticks)).collect()
    }
}

impl Lane {
    /// Keeps the records for which `keep` is true of their tick's place in the lane and their machine, and those
    /// behind the last tick.
    fn retain(&mut self, keep: impl Fn(usize, usize) -> bool) {
        let old = std::mem::take(self);
        let mut records = old.iter();
        let mut seen = 0;
        for (tick, end) in old.ticks.iter().enumerate() {
            for (record, bytes) in records.by_ref().take(end - seen) {
                if keep(tick, record.machine) {
                    self.bytes.extend_from_slice(bytes);
                    self.end_record(record.machine, record.timestamp);
                }
            }
            seen = *end;
            self.end_tick();
        }
        for (record, bytes) in records {
            self.bytes.extend_from_slice(bytes);
            self.end_record(record.machine, record.timestamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::Part;

    /// A lane of two machines whose record at tick t is `"{machine}{t}"`.
    fn lane(first: u64, ticks: u64) -> Lane {
        let mut lane = Lane::default();
        for tick in first..first + ticks {
            for machine in 0..2 {
                lane.bytes.extend(format!("{machine}:{tick} ").bytes());
                lane.end_record(machine, tick.cast_signed());
            }
            lane.end_tick();
        }
        lane
    }

    fn batch(first: u64, ticks: u64) -> Batch {
        let machines = Arc::new(Machines { ids: vec!["A".into(), "B".into()], partitions: vec![0, 0] });
        Batch { parts: vec![Part { readings: lane(first, ticks), machines, ..Part::default() }] }
    }

    fn text(batch: &Batch) -> String {
        let bytes = batch.parts.iter().flat_map(|part| part.readings.bytes.clone()).collect();
        String::from_utf8(bytes).expect("text")
    }

    fn next(machines: [(&str, u64); 2]) -> BTreeMap<String, u64> {
        machines.into_iter().map(|(id, next)| (id.to_owned(), next)).collect()
    }

    #[test]
    fn each_machine_goes_on_with_its_own_next_record() {
        let position = Position::of(next([("A", 7), ("B", 5)]), BTreeMap::new());
        assert_eq!((position.ticks(), position.level(), position.records(2)), (5, 7, 12));
        let mut batch = batch(5, 4);
        position.trim(5, &mut batch);
        assert_eq!(text(&batch), "1:5 1:6 0:7 1:7 0:8 1:8 ");
        let lane = &batch.parts[0].readings;
        assert_eq!(lane.ticks, [1, 2, 4, 6], "every tick is still there");
        assert_eq!(lane.records.last().expect("records").end, lane.bytes.len());
    }

    #[test]
    fn the_truth_goes_on_with_its_own_next_record() {
        let position = Position::of(next([("A", 7), ("B", 6)]), next([("A", 5), ("B", 8)]));
        assert_eq!((position.ticks(), position.level(), position.records(2)), (5, 8, 13));
        let mut batch = batch(5, 4);
        batch.parts[0].truth = lane(5, 4);
        position.trim(5, &mut batch);
        assert_eq!(text(&batch), "1:6 0:7 1:7 0:8 1:8 ");
        assert_eq!(String::from_utf8_lossy(&batch.parts[0].truth.bytes), "0:5 0:6 0:7 0:8 1:8 ");
    }

    #[test]
    fn a_batch_behind_the_last_machines_position_is_left_alone() {
        let position = Position::of(next([("A", 7), ("B", 5)]), BTreeMap::new());
        let mut later = batch(7, 2);
        position.trim(7, &mut later);
        assert_eq!(text(&later), text(&batch(7, 2)));
        let mut all = batch(3, 2);
        Position::all_at(3).trim(3, &mut all);
        assert_eq!(text(&all), text(&batch(3, 2)));
    }
}
