use chrono::{DateTime, SecondsFormat};
use millrace_schemas::{ControlCommand, ControlReply, ControlStatus, MachineState};

/// What an accepted command does, in a line; states in one more for each machine.
pub(super) fn accepted(reply: &ControlReply) -> String {
    let said = reply.command.clone().unwrap_or_default();
    let sequence = reply.sequence.unwrap_or_default();
    let from = format!("from {} on (sequence {sequence})", time(reply.timestamp));
    if said.action == "show_states" {
        let states: String = reply.states.iter().map(state).collect();
        return format!("accepted: states {from}{states}");
    }
    format!("accepted: {} {from}", deed(&said))
}

/// Why a command has no effect.
pub(super) fn not_accepted(reply: &ControlReply, status: ControlStatus) -> String {
    let status = match status {
        ControlStatus::Expired => "expired",
        _ => "refused",
    };
    format!("{status}: {}", reply.reason.as_deref().unwrap_or("no reason is given"))
}

fn deed(said: &ControlCommand) -> String {
    let machine = said.machine_id.as_deref().unwrap_or("every machine");
    match said.action.as_str() {
        "inject" => {
            let failure = said.failure.as_deref().unwrap_or("a failure");
            let course = match (said.severity, said.hours) {
                (Some(severity), _) => format!("at severity {severity}"),
                (None, hours) => format!("growing over {} h", hours.unwrap_or_default()),
            };
            format!("{failure} on {machine}, {course},")
        }
        "clear" => format!("{machine} cleared"),
        "maintain" => format!("{machine} in maintenance for {} min", said.minutes.unwrap_or_default()),
        "set_rate" => format!("rate {}", said.rate.unwrap_or_default()),
        "set_speed" => format!("speed {}", said.speed.as_deref().unwrap_or_default()),
        other => other.to_owned(),
    }
}

fn state(state: &MachineState) -> String {
    let doing = if state.in_maintenance { "maintenance" } else { "operational" };
    let health = state
        .failure
        .as_ref()
        .map_or("normal".to_owned(), |failure| format!("{failure} at severity {:.2}", state.severity));
    format!("\n{}: {doing}, {health}", state.machine_id)
}

fn time(timestamp: Option<i64>) -> String {
    let time = timestamp.and_then(DateTime::from_timestamp_millis);
    time.map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}
