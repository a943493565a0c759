use millrace_core::Result;
use millrace_core::registry::Registry;

use super::Options;
use super::resolve::Check;

const DEFAULT_TOPIC: &str = "sensor-control";

/// Where commands come from, and where they are answered.
#[derive(Debug, Clone)]
pub struct Control {
    /// The topic of the commands; the answers' and the rejected records' are named after it.
    pub topic: String,
    /// The registry that knows the schemas of the commands.
    pub schema_registry: Registry,
}

impl Control {
    /// The topic of the answers.
    pub fn replies(&self) -> String {
        replies_to(&self.topic)
    }

    /// The topic of what is no command.
    pub fn dead_letters(&self) -> String {
        format!("{}.dlq", self.topic)
    }
}

/// The topic of the answers to the commands of a topic.
pub(crate) fn replies_to(topic: &str) -> String {
    format!("{topic}-replies")
}

impl Check<'_> {
    pub(super) fn control(&self, said: &Options) -> Result<Option<Control>> {
        let topic = said.control_topic.as_deref().unwrap_or(DEFAULT_TOPIC);
        self.topic_name("control_topic", topic)?;
        if said.control == Some(false) {
            if said.interactive_mode == Some(true) {
                let why = "what is typed is kept with the replies of the control topic, for --resume";
                return self.refuse("control", format!("{why}; leave it out, or --interactive"));
            }
            return Ok(None);
        }
        Ok(Some(Control { topic: topic.to_owned(), schema_registry: self.registry(said)? }))
    }
}
