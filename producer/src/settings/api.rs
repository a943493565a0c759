use std::path::PathBuf;

use millrace_core::Result;
use millrace_core::access::Access;

use super::resolve::Check;
use super::{ApiOutput, Format, Options};

/// Requests at once by default: enough to hide a network's delay, few enough for a student's server.
const DEFAULT_LANES: usize = 8;
const MAX_LANES: usize = 256;
/// An array of these is about 4 MB, more than most servers take.
const MAX_BATCH: usize = 10_000;

impl Check<'_> {
    pub(super) fn api(&self, said: Options, machines: usize) -> Result<ApiOutput> {
        if said.data_format.is_some_and(|format| format != Format::Json) {
            return self
                .refuse("data_format", "--mode api posts json only; take that, or leave it out".into());
        }
        if said.api_batch.is_some() {
            let problem = "a corrupt reading would spoil its whole array; leave corrupt or --batch out";
            self.uncorrupted(&said, problem)?;
        }
        let Some(url) = said.api_url else {
            return self
                .refuse("output_mode", "api needs --url, as in --url http://localhost:8000/api/data".into());
        };
        let batch = said.api_batch.map(|n| self.count("api_batch", n, MAX_BATCH)).transpose()?;
        let wanted = said.api_concurrency.map(|n| self.count("api_concurrency", n, MAX_LANES)).transpose()?;
        // Unless told otherwise no more than fill their arrays.
        let full = machines.div_ceil(batch.unwrap_or(1)).min(DEFAULT_LANES);
        let mut access = Access::of_options(
            self.origins,
            ("api_auth", said.api_auth.as_ref()),
            ("api_ca", said.api_ca.as_deref()),
        )?;
        Ok(ApiOutput {
            url: access.take_from(&url, self.origin("api_url"))?,
            access,
            batch,
            lanes: wanted.unwrap_or(full).min(machines),
            rejects: said.api_rejects.map(PathBuf::from),
        })
    }

    fn count(&self, key: &str, count: usize, most: usize) -> Result<usize> {
        if (1..=most).contains(&count) {
            return Ok(count);
        }
        self.refuse(key, format!("{count} is not between 1 and {most}"))
    }
}
