//! The settings of our own nodes, the same in a container and under Java.

use super::Listener;

/// Where one node listens, as itself, its clients and the other nodes see it.
#[derive(Debug, Clone)]
pub(super) struct Listeners {
    /// What the client listener binds to, `host:port` or `:port`.
    pub bind: String,
    /// Where clients reach it.
    pub address: String,
    /// Where the other brokers reach it; bound to as well.
    pub internal: String,
    /// Where the controllers reach it; bound to as well.
    pub controller: String,
}

/// The settings of node `index` (from 0) of a cluster, by name.
///
/// Groups are answered fast and members that die are missed soon, because people watch.
pub(super) fn properties(nodes: &[Listeners], index: usize) -> Vec<(&'static str, String)> {
    let Listeners { bind, address, internal, controller } = &nodes[index];
    let replicas = nodes.len().min(3);
    // One of three may be away; of two or one, none.
    let in_sync = if nodes.len() >= 3 { 2 } else { 1 };
    let mut all = vec![
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", (index + 1).to_string()),
        ("controller.quorum.voters", voters(nodes)),
        ("listeners", format!("CLIENT://{bind},INTERNAL://{internal},CONTROLLER://{controller}")),
        ("advertised.listeners", format!("CLIENT://{address},INTERNAL://{internal}")),
        ("default.replication.factor", replicas.to_string()),
        ("min.insync.replicas", in_sync.to_string()),
        ("transaction.state.log.min.isr", in_sync.to_string()),
        ("share.coordinator.state.topic.min.isr", in_sync.to_string()),
        // A killed broker may register again only when its old session is over. A single one that is slow for a
        // moment must not be fenced: its clients would be told that there is no broker at all.
        ("broker.session.timeout.ms", if nodes.len() > 1 { "3000" } else { "9000" }.to_owned()),
        // A single node has nobody to hand its partitions to, and would wait for one.
        ("controlled.shutdown.enable", (nodes.len() > 1).to_string()),
    ];
    all.extend(REPLICATED.iter().map(|name| (*name, replicas.to_string())));
    all.extend(FIXED.iter().map(|(name, value)| (*name, (*value).to_owned())));
    all
}

/// What a further listener at `address` adds to the settings of a node.
pub(super) fn add_listener(all: &mut Vec<(&'static str, String)>, listener: &Listener, address: &str) {
    let Listener { name, protocol, .. } = listener;
    for (property, value) in all {
        match *property {
            "listeners" | "advertised.listeners" => *value += &format!(",{name}://{address}"),
            "listener.security.protocol.map" => *value += &format!(",{name}:{protocol}"),
            _ => {}
        }
    }
}

/// The settings of a further listener alone, as lines of a `server.properties` file.
pub(super) fn lines(listener: &Listener) -> String {
    let prefix = listener.name.to_lowercase();
    listener
        .properties
        .iter()
        .map(|(name, value)| format!("listener.name.{prefix}.{name}={value}\n"))
        .collect()
}

const REPLICATED: [&str; 3] = [
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
];

const FIXED: [(&str, &str); 19] = [
    ("listener.security.protocol.map", "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    ("inter.broker.listener.name", "INTERNAL"),
    ("controller.listener.names", "CONTROLLER"),
    // Our topics are made with the settings that event time needs.
    ("auto.create.topics.enable", "false"),
    // Joining a group makes all of them, which takes seconds with the usual 50.
    ("offsets.topic.num.partitions", "5"),
    ("transaction.state.log.num.partitions", "5"),
    ("share.coordinator.state.topic.num.partitions", "5"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    ("group.consumer.min.session.timeout.ms", "1000"),
    ("group.consumer.session.timeout.ms", "6000"),
    ("group.consumer.min.heartbeat.interval.ms", "100"),
    ("group.consumer.heartbeat.interval.ms", "500"),
    ("broker.heartbeat.interval.ms", "500"),
    ("replica.lag.time.max.ms", "5000"),
    // Killed while it writes is what happens here, so recovery may use both cores.
    ("num.recovery.threads.per.data.dir", "2"),
    ("log.cleaner.dedupe.buffer.size", "16777216"),
    ("log.cleaner.threads", "1"),
    ("log.retention.check.interval.ms", "300000"),
];

fn voters(nodes: &[Listeners]) -> String {
    let voter = |(index, node): (usize, &Listeners)| format!("{}@{}", index + 1, node.controller);
    nodes.iter().enumerate().map(voter).collect::<Vec<_>>().join(",")
}

/// A `server.properties` file.
pub(super) fn file(properties: &[(&str, String)]) -> String {
    properties.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Variables for the image `apache/kafka`, which makes its properties of them.
pub(super) fn variables(properties: &[(&str, String)]) -> Vec<String> {
    let name = |name: &str| name.to_uppercase().replace('.', "_");
    properties.iter().map(|(property, value)| format!("KAFKA_{}={value}", name(property))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u16) -> Vec<Listeners> {
        (0..count)
            .map(|i| Listeners {
                bind: format!(":{}", 9000 + i),
                address: format!("127.0.0.1:{}", 9000 + i),
                internal: format!("127.0.0.1:{}", 9100 + i),
                controller: format!("127.0.0.1:{}", 9200 + i),
            })
            .collect()
    }

    fn value(count: u16, index: usize, name: &str) -> String {
        let all = properties(&nodes(count), index);
        all.into_iter().find(|(found, _)| *found == name).expect("the property").1
    }

    #[test]
    fn three_nodes_replicate_three_times_and_go_on_with_two() {
        assert_eq!(value(3, 0, "default.replication.factor"), "3");
        assert_eq!(value(3, 0, "min.insync.replicas"), "2");
        assert_eq!(value(5, 0, "offsets.topic.replication.factor"), "3");
        assert_eq!(
            value(3, 1, "controller.quorum.voters"),
            "1@127.0.0.1:9200,2@127.0.0.1:9201,3@127.0.0.1:9202"
        );
        assert_eq!(value(3, 2, "node.id"), "3");
    }

    #[test]
    fn one_node_does_with_one_replica() {
        assert_eq!(
            (value(1, 0, "default.replication.factor"), value(1, 0, "min.insync.replicas")),
            ("1".into(), "1".into())
        );
    }

    #[test]
    fn the_image_takes_properties_as_variables() {
        let variables = variables(&[("log.retention.ms", "5".to_owned())]);
        assert_eq!(variables, ["KAFKA_LOG_RETENTION_MS=5"]);
        assert_eq!(file(&[("a.b", "c".to_owned())]), "a.b=c\n");
    }

    #[test]
    fn no_property_is_set_twice() {
        let mut names: Vec<_> = properties(&nodes(3), 0).into_iter().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
