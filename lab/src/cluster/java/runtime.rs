//! Finding a Java that can run Kafka.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What Kafka 4 brokers need.
const OLDEST: u32 = 17;

/// A Java that is new enough.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Java {
    /// The `java` program.
    pub(in crate::cluster) program: PathBuf,
    /// Its feature release, such as 17.
    pub(in crate::cluster) release: u32,
}

impl Java {
    /// Looks in `JAVA_HOME`, then on `PATH`; the error says what was found there.
    pub(in crate::cluster) fn find() -> Result<Self, String> {
        let at_home = match std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
            // Made absolute because the broker runs in another folder.
            Some(home) => match std::path::absolute(Path::new(&home).join("bin/java")) {
                Ok(program) => Self::at("JAVA_HOME", program.as_os_str()),
                Err(_) => Err("JAVA_HOME is no path".to_owned()),
            },
            None => Err("JAVA_HOME is not set".to_owned()),
        };
        at_home.or_else(|home| {
            Self::at("PATH", OsStr::new("java"))
                .map_err(|path| format!("Java {OLDEST} or later was not found ({home}, {path})"))
        })
    }

    fn at(place: &str, program: &OsStr) -> Result<Self, String> {
        let output = Command::new(program).arg("-version").stdin(Stdio::null()).output();
        let output = output.map_err(|_| format!("{place} has no `{}` that runs", program.display()))?;
        match release(&String::from_utf8_lossy(&output.stderr)) {
            Some(release) if release >= OLDEST => Ok(Self { program: program.into(), release }),
            Some(release) => Err(format!("`{}` from {place} is Java {release}", program.display())),
            None => Err(format!("`{}` from {place} does not tell its version", program.display())),
        }
    }

    /// Java on this class path, with only errors (or what `level` says) logged, to its standard output.
    pub(in crate::cluster) fn on(&self, classpath: &str, level: &str) -> Command {
        let mut command = Command::new(&self.program);
        // Kafka's jars bring no log4j configuration, and log4j complains about that.
        command.args(["-Dlog4j2.statusLoggerLevel=OFF", &format!("-Dlog4j2.level={level}")]);
        command.args(["-cp", classpath]);
        command
    }
}

/// The feature release in the output of `java -version`: 17 of `"17.0.15"`, 8 of `"1.8.0_392"`.
fn release(said: &str) -> Option<u32> {
    let version = said.split('"').nth(1)?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse().ok());
    match numbers.next()? {
        1 => numbers.next(),
        release => Some(release),
    }
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_are_read_from_old_and_new_versions() {
        assert_eq!(release("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK"), Some(17));
        assert_eq!(release("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(release("openjdk version \"24-ea\" 2025-03-18"), Some(24));
        assert_eq!(release("java version \"1.8.0_392\""), Some(8));
        assert_eq!(release("The operation couldn't be completed."), None);
    }
}
