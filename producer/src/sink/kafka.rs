use std::rc::Rc;

use millrace_core::Result;
use millrace_core::kafka::Role;
use rdkafka::producer::BaseRecord;

use super::{Client, Sink};
use crate::batch::{Batch, Part};
use crate::resume::Keeper;

/// How often a delivery report is collected while records go in. One poll takes one report, which stands
/// for a whole batch of records, so this keeps up with batches of any sensible size.
const RECORDS_BETWEEN_POLLS: usize = 256;

/// Sends records to a Kafka topic, each to its machine's partition, with event time as CreateTime.
pub struct KafkaSink {
    client: Rc<Client>,
    topic: String,
    keeper: Option<Keeper>,
    is_complete: bool,
}

impl KafkaSink {
    /// A sink for a topic that is there; `keeper` notes how far the run is.
    pub fn new(client: Rc<Client>, topic: &str, keeper: Option<Keeper>) -> Self {
        Self { client, topic: topic.to_owned(), keeper, is_complete: false }
    }

    fn send_part(&self, part: &Part) -> Result<()> {
        let machines = &part.machines;
        for (index, (record, payload)) in part.readings.iter().enumerate() {
            self.client.send(
                BaseRecord::with_opaque_to(&self.topic, Role::Reading as usize)
                    .key(machines.ids[record.machine].as_str())
                    .partition(machines.partitions[record.machine])
                    .timestamp(record.timestamp)
                    .payload(payload),
            )?;
            if index % RECORDS_BETWEEN_POLLS == 0 {
                self.client.poll();
            }
        }
        Ok(())
    }
}

impl Sink for KafkaSink {
    fn prepare(&mut self, batch: &Batch) -> Result<()> {
        self.keeper.as_mut().map_or(Ok(()), |keeper| keeper.before(batch))
    }

    fn send(&mut self, batch: &Batch) -> Result<()> {
        for part in &batch.parts {
            self.send_part(part)?;
        }
        self.client.poll();
        self.client.check()
    }

    fn poll(&mut self) -> Result<()> {
        self.client.collect();
        self.keeper.as_mut().map_or(Ok(()), Keeper::idle)
    }

    fn acknowledged(&self) -> u64 {
        self.client.acknowledged()
    }

    fn failed(&self) -> u64 {
        self.client.failed()
    }

    fn ends(&mut self, is_complete: bool) {
        self.is_complete = is_complete;
    }

    fn close(&mut self) -> Result<()> {
        match &mut self.keeper {
            Some(keeper) => keeper.end(self.is_complete),
            None => self.client.drain(),
        }
    }
}
