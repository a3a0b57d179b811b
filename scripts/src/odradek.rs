//! Our broker as a child process: the release build, one node, loopback.

use crate::kafka::ready;
use crate::process::Background;
use crate::{Doing, Failed, Outcome, paths, process};
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// How to start a node.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The node's folder; made if it is new.
    pub dir: PathBuf,
    /// Port on loopback.
    pub port: u16,
    /// Number of shards; the broker decides when `None`.
    pub shards: Option<u32>,
}

/// A running node; killed when dropped.
pub struct Odradek {
    process: Background,
    /// Where clients connect, `host:port`.
    pub bootstrap: String,
}

/// Builds the release binary; quick when nothing changed.
///
/// # Errors
/// When it does not compile.
pub fn build() -> Outcome {
    process::run(
        Command::new("cargo")
            .args(["build", "--quiet", "--release", "--package", "node"])
            .current_dir(paths::root()),
    )
}

impl Odradek {
    /// Starts a node and waits until it lists itself.
    ///
    /// # Errors
    /// When the port is taken or the node ends instead of getting ready.
    pub fn start(spec: &Spec) -> Outcome<Odradek> {
        Odradek::start_with(spec, &[])
    }

    /// The same, with further arguments of the broker.
    ///
    /// # Errors
    /// As [`Odradek::start`].
    pub fn start_with(spec: &Spec, arguments: &[String]) -> Outcome<Odradek> {
        let bootstrap = format!("127.0.0.1:{}", spec.port);
        let trace_path = spec.dir.with_extension("trace.txt");
        let trace = append(&trace_path)?;
        let mut command = Command::new(paths::release_binary("broker"));
        command
            .arg("--data")
            .arg(&spec.dir)
            .args(["--set", &format!("listeners=PLAINTEXT://{bootstrap}")])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(append(&trace_path)?)
            .stderr(trace);
        if let Some(shards) = spec.shards {
            // One shard for each CPU that is named.
            command.args(["--cpus", &format!("0-{}", shards.saturating_sub(1))]);
        }
        let mut process = Background::start(&mut command)?;
        process::wait_until("the broker is ready", START_PATIENCE, || {
            if !process.is_running()? {
                let lines = process::tail(&trace_path, 20);
                return Err(Failed(format!("the broker ended while starting:\n{lines}")));
            }
            Ok(ready::listed_brokers(&bootstrap) == Some(1))
        })?;
        Ok(Odradek { process, bootstrap })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Asks for a clean stop and waits for it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(self) -> Outcome {
        self.process.stop(STOP_PATIENCE)
    }

    /// Kills it without warning.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(self) -> Outcome {
        self.process.kill()
    }
}

fn append(path: &std::path::Path) -> Outcome<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).doing(|| folder.display().to_string())?;
    }
    OpenOptions::new().create(true).append(true).open(path).doing(|| path.display().to_string())
}
