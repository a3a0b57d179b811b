//! The clients, and how their drivers are installed under the build folder.
//!
//! Versions are pinned by the files next to each driver in `scripts/compat/`.

use crate::kafka::jars;
use crate::{Doing, Failed, Outcome, paths, process};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One client of the matrix.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) language: Language,
}

#[derive(Clone, Copy)]
pub(crate) enum Language {
    Python,
    /// kcat, by way of the Python driver that calls it.
    Kcat,
    Node,
    Go,
    Java(&'static str),
    Rust,
}

pub(crate) const ALL: &[Client] = &[
    Client { name: "librdkafka", language: Language::Python },
    Client { name: "kafka-python", language: Language::Python },
    Client { name: "aiokafka", language: Language::Python },
    Client { name: "kcat", language: Language::Kcat },
    Client { name: "kafkajs", language: Language::Node },
    Client { name: "franz-go", language: Language::Go },
    Client { name: "sarama", language: Language::Go },
    Client { name: "kafka-go", language: Language::Go },
    Client { name: "java-4.3", language: Language::Java("4.3") },
    Client { name: "java-2.8", language: Language::Java("2.8") },
    Client { name: "rskafka", language: Language::Rust },
];

/// Stands in where a client lacks a call; its producer is idempotent.
pub(crate) const STAND_IN: &Client = &ALL[0];

/// A driver's command line, to which the client's name and the broker's address are added.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) command: Vec<OsString>,
}

/// Installs what drivers of this language need, unless it is there; cheap when it is.
///
/// # Errors
/// When a tool is missing or a package cannot be had: the client is then skipped.
pub(crate) fn install(language: Language) -> Outcome<Program> {
    let command = match language {
        Language::Python => python()?,
        Language::Kcat => {
            need("kcat")?;
            python()?
        }
        Language::Node => node()?,
        Language::Go => vec![go()?.into()],
        Language::Java(version) => java(version)?,
        Language::Rust => vec![rust()?.into()],
    };
    Ok(Program { command })
}

fn python() -> Outcome<Vec<OsString>> {
    need("python3")?;
    let sources = sources("python");
    let home = fresh_folder("python", &sources.join("requirements.txt"))?;
    let interpreter = home.join("bin/python");
    unless_complete(&home, || {
        process::capture(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        process::capture(
            Command::new(&interpreter)
                .args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"])
                .arg(sources.join("requirements.txt")),
        )?;
        Ok(())
    })?;
    Ok(vec![interpreter.into(), "-B".into(), sources.join("driver.py").into()])
}

fn node() -> Outcome<Vec<OsString>> {
    need("node")?;
    need("npm")?;
    let sources = sources("node");
    let home = fresh_folder("node", &sources.join("package.json"))?;
    unless_complete(&home, || {
        let manifest = home.join("package.json");
        std::fs::copy(sources.join("package.json"), &manifest)
            .doing(|| manifest.display().to_string())?;
        let mut npm = Command::new("npm");
        process::capture(npm.args(["install", "--silent"]).current_dir(&home))?;
        Ok(())
    })?;
    // Node looks for packages beside the script, so the script goes to them.
    let script = home.join("driver.js");
    std::fs::copy(sources.join("driver.js"), &script).doing(|| script.display().to_string())?;
    Ok(vec!["node".into(), script.into()])
}

fn go() -> Outcome<PathBuf> {
    need("go")?;
    let program = paths::target().join("compat/go-driver");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(".").current_dir(sources("go"));
    process::capture(&mut build)?;
    Ok(program)
}

fn java(version: &str) -> Outcome<Vec<OsString>> {
    need("javac")?;
    let sources = sources("java");
    let jars = jars::fetch_pom(
        &format!("clients-{version}"),
        &sources.join(format!("clients-{version}.xml")),
    )?;
    let classes = paths::target().join(format!("compat/java-{version}"));
    process::capture(
        Command::new("javac")
            .args(["-nowarn", "-cp"])
            .arg(jars::class_path(&jars))
            .arg("-d")
            .arg(&classes)
            .arg(sources.join("Driver.java")),
    )?;
    let class_path = format!("{}:{}", classes.display(), jars::class_path(&jars));
    let options = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"];
    let mut command: Vec<OsString> = options.iter().map(OsString::from).collect();
    command.extend([class_path.into(), "Driver".into()]);
    Ok(command)
}

fn rust() -> Outcome<PathBuf> {
    let folder = paths::target().join("compat/rust");
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(&folder)
        .current_dir(sources("rust"));
    process::capture(&mut build)?;
    Ok(folder.join("debug/driver"))
}

fn need(program: &str) -> Outcome {
    if process::is_installed(program) {
        return Ok(());
    }
    Err(Failed(format!("{program} is not installed")))
}

fn sources(language: &str) -> PathBuf {
    paths::root().join("scripts/compat").join(language)
}

/// Folder for what `pins` lists; emptied when the pins have changed since it was filled.
fn fresh_folder(name: &str, pins: &Path) -> Outcome<PathBuf> {
    let folder = paths::target().join("compat").join(name);
    let wanted = std::fs::read_to_string(pins).doing(|| pins.display().to_string())?;
    if std::fs::read_to_string(folder.join("pins")).ok().as_ref() != Some(&wanted) {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).doing(|| folder.display().to_string())?;
        }
        std::fs::create_dir_all(&folder).doing(|| folder.display().to_string())?;
        std::fs::write(folder.join("pins"), wanted).doing(|| folder.display().to_string())?;
    }
    Ok(folder)
}

/// Runs `fill` once per folder; an interrupted run is repeated.
fn unless_complete(folder: &Path, fill: impl FnOnce() -> Outcome) -> Outcome {
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(());
    }
    fill()?;
    std::fs::write(&complete, "").doing(|| complete.display().to_string())
}
