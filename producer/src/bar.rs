//! A bar that shows how far a run of known length is.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::settings::{Output, Settings};

const TEMPLATE: &str = "{wide_bar} {percent:>3} %  {human_pos} of {human_len}  {per_sec}  {eta} left";
/// Enough for the eye, and cheap.
const DRAWS_PER_SECOND: u8 = 10;

/// A bar on standard error, where it is a terminal, the output a file and the end known.
pub(crate) fn begin(settings: &Settings) -> Option<ProgressBar> {
    let is_file = matches!(settings.output, Output::File { .. } | Output::Dataset(_));
    if !settings.verbose || !is_file || !std::io::stderr().is_terminal() {
        return None;
    }
    let readings = settings.ticks? * settings.machines.len() as u64;
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    // A template that cannot be read is a defect that the test below finds.
    let style = ProgressStyle::with_template(TEMPLATE).ok()?;
    let bar = ProgressBar::with_draw_target(Some(readings), target).with_finish(ProgressFinish::AndClear);
    Some(bar.with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_one() {
        ProgressStyle::with_template(TEMPLATE).expect("a template");
    }
}
