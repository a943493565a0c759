//! Kafka's jars: from `KAFKA_HOME`, or fetched once by Maven.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use millrace_core::{Error, Result};

/// The Kafka that Maven fetches.
const VERSION: &str = "4.3.1";

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
pub(super) struct Jars {
    folder: PathBuf,
    /// Kafka's version.
    pub(super) version: String,
}

impl Jars {
    /// The jars, fetched when they are not here yet.
    pub(super) fn get() -> Result<Self> {
        match Self::at_hand()? {
            Some(jars) => Ok(jars),
            None => fetch(&cache()?),
        }
    }

    /// The jars that are on this machine already.
    pub(super) fn at_hand() -> Result<Option<Self>> {
        let home = std::env::var_os("KAFKA_HOME").filter(|home| !home.is_empty());
        match home {
            Some(home) => Self::within(Path::new(&home).join("libs")).map(Some),
            None => Ok(Some(cache()?.join("libs")).filter(|libs| libs.is_dir()).map(Self::fetched)),
        }
    }

    /// Whether [`get`](Self::get) has a chance, without fetching anything.
    pub(super) fn can_be_had() -> Result<()> {
        if Self::at_hand()?.is_some() || on_path("mvn") { Ok(()) } else { Err(no_maven()) }
    }

    /// What `java -cp` takes.
    pub(super) fn classpath(&self) -> String {
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
        Ok(Self { folder, version })
    }
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
fn fetch(cache: &Path) -> Result<Jars> {
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
    maven(part.path())?;
    match std::fs::rename(part.path().join("libs"), &libs) {
        // Another process was faster; its jars are as good as ours.
        Err(e) if !libs.is_dir() => Err(cannot(e)),
        _ => Ok(Jars::fetched(libs)),
    }
}

fn maven(folder: &Path) -> Result<()> {
    let run = Command::new("mvn")
        .args(["-q", "-B", "-f", "pom.xml", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", folder.join("libs").display()))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let output = run.map_err(|_| no_maven())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let reason = said.lines().find(|line| line.contains("ERROR")).unwrap_or("it does not say why");
    Err(Error::failed(format!(
        "Maven (`mvn`) cannot fetch Apache Kafka {VERSION}: {}; set KAFKA_HOME to an unpacked Kafka instead",
        reason.trim_start_matches("[ERROR]").trim()
    )))
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
    fn the_pom_asks_for_the_version_we_name() {
        assert_eq!(POM.matches(&format!("<version>{VERSION}</version>")).count(), 2);
    }
}
