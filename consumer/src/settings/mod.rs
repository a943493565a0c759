//! What a run does: said in layers, then resolved and checked once.

mod closed;
mod layers;
mod options;
mod resolve;
#[cfg(test)]
mod tests;

use std::time::Duration;

use millrace_core::kafka::{Kafka, TopicDefaults};
use millrace_core::registry::Registry;

pub use closed::{ClosedWindows, WindowType};
pub use layers::{Cli, Errand, Instead, Program, Said, check_member, read, read_errand, read_layers};
pub use options::{Commit, Form, Guarantee, MemberOptions, OnError, Options, Protocol, Show, Until};
pub use resolve::resolve_member;

use crate::pipeline::{Format, Misdeeds};
use crate::window::Span;

/// A run that can be carried out: nothing in it is out of range or contradicts another part.
#[derive(Debug, Clone)]
pub struct Run {
    /// The member.
    pub settings: Settings,
    /// What it computes and shows.
    pub statistics: Statistics,
}

/// What is computed of readings, and how it is shown.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// The window of the statistics.
    pub window: Span,
    /// The windows that close; `None` = none do.
    pub closed: Option<ClosedWindows>,
    /// Deviations from the rolling mean that are strange; `None` = nothing is looked for.
    pub z: Option<f64>,
    /// How things are shown.
    pub form: Form,
    /// What is shown as text and JSON.
    pub show: Show,
}

/// What any member of a group does, whatever becomes of the readings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cluster.
    pub kafka: Kafka,
    /// The registry of Avro schemas.
    pub registry: Registry,
    /// What topics are made with.
    pub topic_defaults: TopicDefaults,
    /// The topic that is read.
    pub topic: String,
    /// The member, as its group sees it.
    pub member: MemberSettings,
    /// Where reading begins.
    pub start: Start,
    /// Where a partition of which nothing is known is learnt from, up to where reading begins; `None` = it is not.
    pub learn_from: Option<Start>,
    /// Records until it ends.
    pub max_messages: Option<u64>,
    /// End when all that is there has been read.
    pub until_end: bool,
    /// What a crash may do to a record.
    pub guarantee: Guarantee,
    /// What transactions are made under; `None` = there are none.
    pub transactional_id: Option<String>,
    /// Keep the state in the topic `<group>.state`.
    pub state: bool,
    /// Records of a partition between two checkpoints of its state; `None` = as many as its size asks for.
    pub checkpoint_records: Option<u64>,
    /// Time between two commits.
    pub commit_interval: Duration,
    /// Whether a commit is waited for.
    pub commit: Commit,
    /// What becomes of a record that cannot be read.
    pub on_error: OnError,
    /// The topic of such records.
    pub dead_letters: String,
    /// Tell in the topic `group-events` what the member does.
    pub group_events: bool,
    /// What goes wrong on purpose.
    pub misdeeds: Misdeeds,
    /// Where Prometheus reads metrics, host:port.
    pub metrics_listen: Option<String>,
    /// The topic of alerts; `None` = they go to the screen only.
    pub alerts_topic: Option<String>,
    /// How each record is printed, if it is.
    pub record_format: Option<Format>,
    /// Tell on standard output too what the group does, in JSON.
    pub shows_events: bool,
    /// Print what is done, on standard error.
    pub verbose: bool,
}

/// A member of a consumer group.
#[derive(Debug, Clone)]
pub struct MemberSettings {
    /// The group.
    pub group: String,
    /// How its members agree.
    pub protocol: Protocol,
    /// Who gets what; `None` = the broker's choice.
    pub assignor: Option<String>,
    /// A name that outlives restarts.
    pub instance: Option<String>,
    /// Time until a silent member counts as dead.
    pub session_timeout: Duration,
    /// Time that the group waits for a member that does not ask for records.
    pub max_poll_interval: Duration,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Where the group is; with nothing committed, with the next record.
    Committed,
    /// Where the group is; with nothing committed, with the first record.
    Beginning,
    /// The first record of this CreateTime or later, in milliseconds.
    Time(i64),
    /// This offset in each partition.
    Offset(i64),
}
