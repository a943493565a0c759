//! A folder to work in, with the programs on the PATH and with Kafka, a registry and a web API at hand.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use millrace_tests::Lab;
use tempfile::TempDir;

use super::api::Api;

/// Where the documents expect what the workshop has elsewhere.
const KAFKA: &str = "localhost:9092";
const REGISTRY: &str = "http://localhost:8081";
/// Files of the top folder that the documents name.
const FILES: [&str; 2] = ["config/streaming_config.yaml", SCHEMA];
const SCHEMA: &str = "schemas/sensor_reading/1.avsc";
const API: &str = "localhost:8000";

pub struct Workshop<'a> {
    folder: TempDir,
    pub lab: &'a Lab,
    pub api: Api,
}

impl<'a> Workshop<'a> {
    pub fn new(lab: &'a Lab) -> std::io::Result<Self> {
        let workshop = Self { folder: tempfile::tempdir()?, lab, api: Api::start()? };
        for folder in ["bin", "home/.cache", "config", "data", "schemas/sensor_reading"] {
            fs::create_dir_all(workshop.path(folder))?;
        }
        for file in FILES {
            fs::copy(root().join(file), workshop.path(file))?;
        }
        fs::write(workshop.path("new.avsc"), schema_with_a_field()?)?;
        workshop.programs()?;
        if let Some(cache) = std::env::home_dir().map(|home| home.join(".cache/millrace")) {
            symlink(cache, workshop.path("home/.cache/millrace"))?;
        }
        Ok(workshop)
    }

    /// The programs, under the names that people type. Most are in the one that cargo made for these
    /// tests; `detector` lies beside it, where the whole workspace is built.
    fn programs(&self) -> std::io::Result<()> {
        let lab = Path::new(env!("CARGO_BIN_EXE_lab"));
        self.program("lab", &lab.display().to_string())?;
        for name in ["producer", "consumer"] {
            self.program(name, &format!("{} {name}", lab.display()))?;
        }
        let detector = lab.with_file_name("detector");
        if detector.exists() {
            self.program("detector", &detector.display().to_string())?;
        }
        match std::env::var("MILLRACE_PYTHON") {
            Ok(python) => self.program("python3", &python),
            Err(_) => Ok(()),
        }
    }

    fn program(&self, name: &str, command: &str) -> std::io::Result<()> {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nexec {command} \"$@\"\n"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    }

    /// Whether the workshop has a program of this name.
    pub fn has(&self, program: &str) -> bool {
        self.path("bin").join(program).exists()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A text of the documents with the addresses of this workshop.
    pub fn here(&self, text: &str) -> String {
        text.replace(REGISTRY, &self.lab.registry_url())
            .replace(KAFKA, self.lab.cluster.bootstrap_server())
            .replace(API, &self.api.address.to_string())
    }

    /// A line as a shell runs it. The shell outlives Ctrl-C, so that the exit code is the program's.
    pub fn line(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("trap : INT\n{}", self.here(line))]);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.env("HOME", self.path("home")).env_remove("XDG_STATE_HOME");
        command.env("KAFKA_BROKERS", self.lab.cluster.bootstrap_server());
        command.env("SCHEMA_REGISTRY_URL", self.lab.registry_url());
        command.current_dir(self.folder.path());
        command
    }
}

/// A schema that someone wants to have instead of ours.
fn schema_with_a_field() -> std::io::Result<String> {
    let field = r#"{"name": "line", "type": ["null", "string"], "default": null}"#;
    let ours = fs::read_to_string(root().join(SCHEMA))?;
    Ok(ours.replacen("\"fields\": [", &format!("\"fields\": [{field}, "), 1))
}

/// The top folder of the sources.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
