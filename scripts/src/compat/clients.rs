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
    /// Whether it runs the scenarios without groups; they are the same under either protocol.
    pub(crate) records: bool,
    /// The protocol of its groups, if it has groups.
    pub(crate) groups: Option<Protocol>,
}

/// How a group comes to its assignment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Members join and a leader among them assigns.
    Classic,
    /// The broker assigns (KIP-848).
    Consumer,
}

#[derive(Clone, Copy)]
pub(crate) enum Language {
    Python,
    /// kcat, by way of the Python driver that calls it.
    Kcat,
    Node,
    Go,
    Java(&'static str),
    /// A crate in the folder of this name.
    Rust(&'static str),
}

impl Protocol {
    /// As clients call it in `group.protocol`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Classic => "classic",
            Protocol::Consumer => "consumer",
        }
    }
}

pub(crate) const ALL: &[Client] = &[
    classic("librdkafka", Language::Python),
    consumer("librdkafka-consumer", Language::Python),
    classic("kafka-python", Language::Python),
    classic("aiokafka", Language::Python),
    no_groups("kcat", Language::Kcat),
    classic("kafkajs", Language::Node),
    classic("franz-go", Language::Go),
    classic("sarama", Language::Go),
    classic("kafka-go", Language::Go),
    classic("java-4.3", Language::Java("4.3")),
    consumer("java-4.3-consumer", Language::Java("4.3")),
    classic("java-2.8", Language::Java("2.8")),
    classic("rdkafka", Language::Rust("rdkafka")),
    no_groups("rskafka", Language::Rust("rskafka")),
];

const fn classic(name: &'static str, language: Language) -> Client {
    Client { name, language, records: true, groups: Some(Protocol::Classic) }
}

/// The client under another name, for its groups of the other protocol.
const fn consumer(name: &'static str, language: Language) -> Client {
    Client { name, language, records: false, groups: Some(Protocol::Consumer) }
}

const fn no_groups(name: &'static str, language: Language) -> Client {
    Client { name, language, records: true, groups: None }
}

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
        Language::Rust(folder) => vec![rust(folder)?.into()],
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
    // Node looks for packages beside the script, so the scripts go to them.
    for script in ["driver.js", "member.js"] {
        std::fs::copy(sources.join(script), home.join(script)).doing(|| script.to_string())?;
    }
    Ok(vec!["node".into(), home.join("driver.js").into()])
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
            .args([sources.join("Driver.java"), sources.join("GroupMember.java")]),
    )?;
    let class_path = format!("{}:{}", classes.display(), jars::class_path(&jars));
    let options = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"];
    let mut command: Vec<OsString> = options.iter().map(OsString::from).collect();
    command.extend([class_path.into(), "Driver".into()]);
    Ok(command)
}

fn rust(name: &str) -> Outcome<PathBuf> {
    let folder = paths::target().join("compat").join(name);
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(&folder)
        .current_dir(sources(name));
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
