//! Kafka's jars: from `KAFKA_HOME`, or fetched once by Maven.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::super::supervisor::{Program, Status, Supervisor};

/// The Kafka that Maven fetches.
pub(in crate::cluster) const VERSION: &str = "4.3.1";
/// The oldest that does what we rely on: KIP-848 groups, event time in the future refused by default.
const OLDEST: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.3</version></dependency>
  </dependencies>
</project>
"#;

/// A folder of jars that run Kafka.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Jars {
    folder: PathBuf,
    /// Kafka's version.
    pub(in crate::cluster) version: String,
}

impl Jars {
    /// The jars, fetched when they are not here yet.
    pub(in crate::cluster) fn get(shutdown: &Shutdown) -> Result<Self> {
        match Self::at_hand()? {
            Some(jars) => Ok(jars),
            None if on_path("mvn") => fetch(&cache()?, shutdown),
            None => Err(no_maven()),
        }
    }

    /// The jars that are on this machine already.
    pub(in crate::cluster) fn at_hand() -> Result<Option<Self>> {
        let home = std::env::var_os("KAFKA_HOME").filter(|home| !home.is_empty());
        match home {
            // Made absolute because the broker runs in another folder.
            Some(home) => Self::within(absolute(Path::new(&home)).join("libs")).map(Some),
            None => Ok(Some(cache()?.join("libs")).filter(|libs| libs.is_dir()).map(Self::fetched)),
        }
    }

    /// What `java -cp` takes.
    pub(in crate::cluster) fn classpath(&self) -> String {
        format!("{}/*", self.folder.display())
    }

    fn fetched(folder: PathBuf) -> Self {
        Self { folder, version: VERSION.to_owned() }
    }

    fn within(folder: PathBuf) -> Result<Self> {
        let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let version = names.filter_map(|entry| version(entry.file_name().to_str()?)).next();
        let version = version.ok_or_else(|| {
            Error::failed(format!(
                "{} holds no Kafka jars; correct KAFKA_HOME, or unset it to have them fetched",
                folder.display()
            ))
        })?;
        let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
        if major < OLDEST {
            return Err(Error::failed(format!(
                "{} holds Kafka {version}, which is older than {OLDEST}.0; set KAFKA_HOME to a newer one, or unset it to have \
                 Kafka {VERSION} fetched",
                folder.display()
            )));
        }
        Ok(Self { folder, version })
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The version in the name of the jar that holds the broker: 4.3.1 of `kafka_2.13-4.3.1.jar`.
fn version(jar: &str) -> Option<String> {
    let (_, version) = jar.strip_prefix("kafka_")?.strip_suffix(".jar")?.split_once('-')?;
    version.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| version.to_owned())
}

/// Where fetched jars are kept.
fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or_else(|| {
        Error::failed("no place to keep Kafka's jars: neither XDG_CACHE_HOME nor HOME is set; set one")
    })?;
    Ok(base.join("millrace").join(format!("kafka-{VERSION}")))
}

/// Fetches beside the final place and renames, so that nobody ever sees half of the jars.
fn fetch(cache: &Path, shutdown: &Shutdown) -> Result<Jars> {
    let libs = cache.join("libs");
    let cannot = |e: std::io::Error| {
        let place = cache.display();
        Error::failed(format!(
            "cannot keep Kafka's jars in {place} ({e}); set XDG_CACHE_HOME to another folder"
        ))
    };
    eprintln!("fetching Apache Kafka {VERSION} into {} (54 MB, once)", libs.display());
    std::fs::create_dir_all(cache).map_err(cannot)?;
    let part = tempfile::Builder::new().prefix(".part-").tempdir_in(cache).map_err(cannot)?;
    std::fs::write(part.path().join("pom.xml"), POM).map_err(cannot)?;
    let mut maven = Supervisor::spawn(Program::Command, part.path(), &maven())?;
    // The supervisor removes it from here on, which works even when we are killed.
    let part = part.keep();
    wait_for(&mut maven, shutdown)?;
    match std::fs::rename(part.join("libs"), &libs) {
        // Another process was faster; its jars are as good as ours.
        Err(e) if !libs.is_dir() => Err(cannot(e)),
        _ => Ok(Jars::fetched(libs)),
    }
}

/// Run in the folder of the pom.
fn maven() -> Command {
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f", "pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=libs"]);
    maven
}

fn wait_for(maven: &mut Supervisor, shutdown: &Shutdown) -> Result<()> {
    maven.start()?;
    loop {
        match maven.status()? {
            Status::Ended(0) => return Ok(()),
            Status::Alive => {}
            _ => return Err(not_fetched(&maven.log())),
        }
        if shutdown.wait(BETWEEN_LOOKS) {
            return Err(Error::failed(
                "interrupted while Maven fetched Apache Kafka; start the command again",
            ));
        }
    }
}

fn not_fetched(log: &str) -> Error {
    let reason = log.lines().find(|line| line.contains("ERROR")).unwrap_or("it does not say why");
    Error::failed(format!(
        "Maven (`mvn`) cannot fetch Apache Kafka {VERSION}: {}; set KAFKA_HOME to an unpacked Kafka instead",
        reason.trim_start_matches("[ERROR]").trim().trim_end_matches(['.', ' '])
    ))
}

fn no_maven() -> Error {
    Error::failed(format!(
        "Apache Kafka {VERSION} is not on this machine and Maven (`mvn`) to fetch it is not on PATH; \
         install Maven, or set KAFKA_HOME to an unpacked Kafka"
    ))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_brokers_jar_alone() {
        assert_eq!(version("kafka_2.13-4.3.1.jar").as_deref(), Some("4.3.1"));
        assert_eq!(version("kafka_2.13-4.3.1-sources.jar"), None);
        assert_eq!(version("kafka-clients-4.3.1.jar"), None);
    }

    #[test]
    fn a_folder_without_jars_is_refused_by_name() {
        let error = Jars::within("/nowhere/libs".into()).expect_err("no jars");
        assert!(error.to_string().contains("/nowhere/libs"));
    }

    #[test]
    fn a_kafka_that_is_too_old_is_refused_by_version() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("kafka_2.13-3.9.0.jar"), "").expect("a file");
        let error = Jars::within(folder.path().into()).expect_err("too old").to_string();
        assert!(error.contains("3.9.0") && error.contains("KAFKA_HOME"), "{error}");
    }

    #[test]
    fn the_pom_asks_for_the_version_we_name() {
        assert_eq!(POM.matches(&format!("<version>{VERSION}</version>")).count(), 2);
    }
}
