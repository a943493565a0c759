use std::path::Path;
use std::rc::Rc;

use millrace_core::Result;
use millrace_core::kafka::{Role, Topic, partition_of};
use rdkafka::producer::BaseRecord;

use super::{Client, Sink, WriterSink};
use crate::batch::{Batch, LaneOf, Part};

/// Writes one lane of each batch beside the readings: to a file, or to a topic through the run's client.
pub struct Beside {
    lane: LaneOf,
    place: OpenPlace,
}

enum OpenPlace {
    Rows(WriterSink),
    Topic { client: Rc<Client>, topic: Topic, waits: bool },
}

impl Beside {
    /// Rows in a file, over what is there, or behind it with `append`, under a header if there is one.
    ///
    /// # Errors
    /// When the file cannot be opened or written to.
    pub fn file(lane: LaneOf, path: &Path, append: bool, header: Option<&str>) -> Result<Self> {
        Ok(Self { lane, place: OpenPlace::Rows(WriterSink::file(path, append, header)?) })
    }

    /// Records in a topic that is there, keyed by machine, with their event time as CreateTime.
    pub fn topic(lane: LaneOf, client: Rc<Client>, topic: Topic) -> Self {
        Self { lane, place: OpenPlace::Topic { client, topic, waits: false } }
    }

    /// The same, and what is sent is safe before anything else is: acknowledged, unless a transaction holds it
    /// together with what comes behind it.
    #[must_use]
    pub fn waited_for(mut self) -> Self {
        if let OpenPlace::Topic { waits, .. } = &mut self.place {
            *waits = true;
        }
        self
    }

    /// Takes its lane of a batch. Blocks while the place is full; never drops a record.
    ///
    /// # Errors
    /// When the place is broken for good.
    pub fn send(&mut self, batch: &Batch) -> Result<()> {
        match &mut self.place {
            OpenPlace::Rows(file) => file.write_lane(batch, self.lane),
            OpenPlace::Topic { client, topic, waits } => {
                let is_empty = |part: &Part| (self.lane)(part).records.is_empty();
                batch.parts.iter().try_for_each(|part| send_part(client, topic, part, self.lane))?;
                match *waits && !client.in_transactions() && !batch.parts.iter().all(is_empty) {
                    true => client.drain(),
                    false => Ok(()),
                }
            }
        }
    }

    /// Collects what has become of records sent earlier.
    pub fn poll(&mut self) {
        if let OpenPlace::Topic { client, .. } = &self.place {
            client.collect();
        }
    }

    /// Waits until everything taken is safe.
    ///
    /// # Errors
    /// When a record was refused, with its cause.
    pub fn close(&mut self) -> Result<()> {
        match &mut self.place {
            OpenPlace::Rows(file) => file.close(),
            OpenPlace::Topic { client, .. } => client.drain(),
        }
    }
}

fn send_part(client: &Client, topic: &Topic, part: &Part, lane: LaneOf) -> Result<()> {
    for (record, payload) in lane(part).iter() {
        let key = part.machines.ids[record.machine].as_str();
        client.send(
            BaseRecord::with_opaque_to(&topic.name, Role::Beside as usize)
                .key(key)
                .partition(partition_of(key.as_bytes(), topic.partitions))
                .timestamp(record.timestamp)
                .payload(payload),
        )?;
    }
    client.poll();
    client.check()
}
