//! Java's Avro, whose jars are fetched once by Maven.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use millrace_tests::{Verdict, passed, skipped};
use serde_json::Value as Json;

use super::pair;

/// The Avro that Maven fetches.
const VERSION: &str = "1.12.1";
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Evolution.java");
const REQUIRED: &str = "MILLRACE_REQUIRE_JDK";

pub fn agrees() -> Verdict {
    let jars = match jars() {
        Ok(jars) => jars,
        Err(reason) => return skipped(&reason, REQUIRED),
    };
    let Ok(output) = ask(&jars) else { return skipped("there is no Java on PATH", REQUIRED) };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("jdk.compiler") {
        return skipped("this Java is no JDK and runs no source files", REQUIRED);
    }
    assert!(output.status.success(), "{said}");
    let answers: Vec<Json> = serde_json::from_slice(&output.stdout)?;
    let file: Vec<Json> = serde_json::from_str(pair::FILE)?;
    assert_eq!(answers.len(), file.len(), "{said}");
    for (theirs, ours) in answers.iter().zip(&file) {
        for key in ["reasons", "bytes", "read"] {
            assert_eq!(theirs.get(key), ours.get(key), "{key} of {}; {said}", ours["name"]);
        }
    }
    passed()
}

fn ask(jars: &Path) -> std::io::Result<Output> {
    let mut java = Command::new("java");
    java.arg("-cp").arg(jars.join("*")).arg(SOURCE);
    let mut child = java.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // A program that ends early says why on its standard error, which is shown.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(pair::FILE.as_bytes()));
    child.wait_with_output()
}

/// The folder of jars, fetched when it is not here yet.
fn jars() -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let cache = base.ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("millrace");
    let libs = cache.join(format!("avro-{VERSION}"));
    if !libs.is_dir() {
        fetch(&cache, &libs)?;
    }
    Ok(libs)
}

/// Fetches beside the final place and renames, so that nobody ever sees half of the jars.
fn fetch(cache: &Path, libs: &Path) -> Result<(), String> {
    let cannot = |e: std::io::Error| format!("{} cannot be written: {e}", cache.display());
    std::fs::create_dir_all(cache).map_err(cannot)?;
    let part = tempfile::Builder::new().prefix(".part-").tempdir_in(cache).map_err(cannot)?;
    std::fs::write(part.path().join("pom.xml"), pom()).map_err(cannot)?;
    maven(part.path())?;
    match std::fs::rename(part.path().join("libs"), libs) {
        // Another process was faster; its jars are as good as ours.
        Err(e) if !libs.is_dir() => Err(cannot(e)),
        _ => Ok(()),
    }
}

fn maven(folder: &Path) -> Result<(), String> {
    let mut mvn = Command::new("mvn");
    mvn.args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"]).current_dir(folder);
    let output = mvn.stdin(Stdio::null()).output().map_err(|_| "Java's Avro is not here, nor is Maven")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let fetched = output.status.success();
    if fetched { Ok(()) } else { Err(format!("Maven cannot fetch Avro {VERSION}: {said}")) }
}

fn pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>"
        )
    };
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>millrace</groupId><artifactId>avro</artifactId><version>1</version>\
         <packaging>pom</packaging><dependencies>{}{}</dependencies></project>",
        dependency("org.apache.avro", "avro", VERSION),
        // Without a logger of its own, Avro's complains on standard error.
        dependency("org.slf4j", "slf4j-nop", "2.0.17"),
    )
}
