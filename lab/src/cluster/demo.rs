//! The demo broker: librdkafka's mock cluster, inside this process. It needs nothing installed, and it is
//! no Kafka.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use millrace_core::{Error, Result};
use rdkafka::mocking::MockCluster;

/// What a banner says about it.
pub(super) const BANNER: &str = "\
DEMO BROKER: a stand-in inside this program, not Apache Kafka. Records flow and consumer groups work, but
             a partition keeps only its last 100,000 records or 5 MB, nothing outlives this command, and
             transactions, admin calls and retention are refused. For real Kafka install Docker, or Java 17
             and Maven.";

enum Order {
    Topic { name: String, partitions: i32, done: Sender<std::result::Result<(), String>> },
}

/// A mock cluster on a thread of its own, which ends with this value.
pub(super) struct Demo {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    address: String,
}

impl Demo {
    /// Starts one broker on a port of its choice.
    pub(super) fn start() -> Result<Self> {
        let (orders, incoming) = channel();
        let (told, address) = channel();
        let thread = std::thread::Builder::new()
            .name("demo".into())
            .spawn(move || serve(&incoming, &told))
            .map_err(|e| cannot(&e.to_string()))?;
        let address = address.recv().map_err(|_| cannot("its thread ended"))?.map_err(|why| cannot(&why))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), address })
    }

    /// Host and port at which it answers.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Makes a topic, which the mock cannot be asked for by a client.
    pub(super) fn make_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let (done, outcome) = channel();
        let order = Order::Topic { name: name.to_owned(), partitions, done };
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        let outcome = if sent {
            outcome.recv().unwrap_or_else(|_| Err("it ended".into()))
        } else {
            Err("it ended".into())
        };
        outcome.map_err(|why| Error::failed(format!("the demo broker cannot make topic {name}: {why}")))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported on standard error by its own thread.
            let _ = thread.join();
        }
    }
}

/// The cluster stays on this thread because it cannot be sent to another.
fn serve(orders: &Receiver<Order>, told: &Sender<std::result::Result<String, String>>) {
    let cluster = match MockCluster::new(1) {
        Ok(cluster) => cluster,
        Err(error) => return drop(told.send(Err(error.to_string()))),
    };
    if told.send(Ok(cluster.bootstrap_servers())).is_err() {
        return;
    }
    for order in orders {
        let Order::Topic { name, partitions, done } = order;
        // Who asked may have given up.
        let _ = done.send(cluster.create_topic(&name, partitions, 1).map_err(|e| e.to_string()));
    }
}

fn cannot(why: &str) -> Error {
    Error::failed(format!("the demo broker cannot be started: {why}"))
}
