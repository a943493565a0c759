//! What is said to a run while it goes on: by records of a topic, or by letters from the keyboard.
//!
//! Both are the same [`ControlCommand`]. The `listener` (a thread) hears
//! the topic, the `console` (another) the keyboard; the `desk`, in the run's own loop, decides, turns what
//! it accepts into what is ordered next, and answers through the `outbox` once that is on its way.

pub mod call;
mod command;
mod console;
mod dead_letters;
mod desk;
mod letters;
mod listener;
mod outbox;
mod reader;
mod voice;

pub use command::{Command, Wish};
pub(crate) use console::{Console, KEYBOARD};
pub(crate) use desk::{Answer, Asked, Desk, Moment, producer};
pub(crate) use listener::Listener;
pub(crate) use outbox::{Outbox, Replies};
pub(crate) use reader::Records;
pub(crate) use voice::{Screen, Voice};

use millrace_schemas::ControlCommand;

/// A command that has arrived.
#[derive(Debug)]
pub(crate) struct Request {
    /// As it was said.
    pub said: ControlCommand,
    /// By whom.
    pub from: Origin,
    /// It lay there before the run began.
    pub is_old: bool,
}

/// Where a command comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The control topic.
    Topic,
    /// The keyboard.
    Keyboard,
}
