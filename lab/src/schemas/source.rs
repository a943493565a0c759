use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use apache_avro::Schema;
use millrace_core::access::{Access, Credentials};
use millrace_core::registry::{self, RegistryClient, Version};
use millrace_core::secret::Secret;
use millrace_core::{Error, Result};

/// Where schemas are looked up.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Registry {
    /// The schema registry; SCHEMA_REGISTRY_URL says so too [default: http://localhost:8081]
    #[arg(long = "schema-registry-url", value_name = "URL")]
    pub(super) url: Option<String>,
    /// Who asks: USER:PASSWORD or bearer:TOKEN, or env:NAME or file:PATH that holds one;
    /// MILLRACE_SCHEMA_REGISTRY_AUTH says so too
    #[arg(long = "schema-registry-auth", value_name = "LOGIN")]
    pub(super) auth: Option<Secret>,
    /// Certificates (PEM) to trust it by, instead of the system's; MILLRACE_SCHEMA_REGISTRY_CA says so too
    #[arg(long = "schema-registry-ca", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

impl Registry {
    pub(super) fn client(&self) -> Result<RegistryClient> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let login = self.auth.clone().or_else(|| set("MILLRACE_SCHEMA_REGISTRY_AUTH").map(Secret::from));
        let login = login.map(|login| Credentials::parse(&login, "--schema-registry-auth")).transpose()?;
        let ca = self.ca.clone().or_else(|| set("MILLRACE_SCHEMA_REGISTRY_CA").map(PathBuf::from));
        let access = Access::new(login, ca.as_deref(), "--schema-registry-ca")?;
        let url = self.url.clone().or_else(|| set("SCHEMA_REGISTRY_URL"));
        let url = url.as_deref().unwrap_or("http://localhost:8081");
        registry::Registry::new(url, access, "--schema-registry-url")?.client()
    }
}

/// A file, or a subject of the registry.
#[derive(Debug, Clone)]
pub enum Source {
    File(PathBuf),
    Subject(String),
}

/// A schema and what people call it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) schema: Schema,
}

impl FromStr for Source {
    type Err = Infallible;

    /// What is a file, or looks like one, is a file: a mistyped file name is no subject.
    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        let is_file = text.contains('/') || text.ends_with(".avsc") || Path::new(text).is_file();
        Ok(if is_file { Self::File(text.into()) } else { Self::Subject(text.to_owned()) })
    }
}

impl Source {
    pub(super) fn load(&self, registry: &Registry) -> Result<Named> {
        match self {
            Self::File(file) => from_file(file),
            Self::Subject(subject) => {
                let newest = registry.client()?.versions(subject)?.pop();
                let newest = newest.ok_or_else(|| {
                    Error::failed(format!("{subject} has no version in the registry; name another subject"))
                })?;
                from_version(subject, &newest)
            }
        }
    }
}

pub(super) fn from_file(file: &Path) -> Result<Named> {
    let name = file.display().to_string();
    parse(&read(file)?, name)
}

pub(super) fn from_version(subject: &str, version: &Version) -> Result<Named> {
    parse(&version.schema, format!("version {} of {subject}", version.number))
}

pub(super) fn parse(json: &str, name: String) -> Result<Named> {
    match Schema::parse_str(json) {
        Ok(schema) => Ok(Named { name, schema }),
        Err(e) => Err(Error::failed(format!("{name} is no Avro schema: {e}; correct it"))),
    }
}

pub(super) fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| {
        let file = file.display();
        Error::failed(format!("the schema {file} cannot be read: {e}; name a file with an Avro schema"))
    })
}
