use std::path::Path;

use millrace_core::Result;
use millrace_core::access::{Access, Credentials};
use millrace_core::registry::Registry;
use millrace_core::secret::Secret;

use super::Options;
use super::resolve::Check;

impl Check<'_> {
    /// The registry that was said, with who asks and whom to trust.
    pub(super) fn registry(&self, said: &Options) -> Result<Registry> {
        let access = self.access(
            ("schema_registry_auth", said.schema_registry_auth.as_ref()),
            ("schema_registry_ca", said.schema_registry_ca.as_deref()),
        )?;
        let url = said.schema_registry_url.as_deref().unwrap_or_default();
        Registry::new(url, access, self.origin("schema_registry_url"))
    }

    /// What the keys say, each given with its name.
    pub(super) fn access(
        &self,
        (auth, login): (&str, Option<&Secret>),
        (ca, file): (&str, Option<&str>),
    ) -> Result<Access> {
        let login = login.map(|login| Credentials::parse(login, self.origin(auth))).transpose()?;
        Access::new(login, file.map(Path::new), self.origin(ca))
    }
}
