use millrace_core::Result;
use millrace_core::access::Access;
use millrace_core::registry::Registry;

use super::Options;
use super::resolve::Check;

impl Check<'_> {
    /// The registry that was said, with who asks and whom to trust.
    pub(super) fn registry(&self, said: &Options) -> Result<Registry> {
        let access = Access::of_options(
            self.origins,
            ("schema_registry_auth", said.schema_registry_auth.as_ref()),
            ("schema_registry_ca", said.schema_registry_ca.as_deref()),
        )?;
        let url = said.schema_registry_url.as_deref().unwrap_or_default();
        Registry::new(url, access, self.origin("schema_registry_url"))
    }
}
