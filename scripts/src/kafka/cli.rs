//! `cargo x kafka start|stop|fetch`.

use super::{Kafka, Spec, jars};
use crate::{Doing, Outcome, process};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// What to do with a real Kafka.
#[derive(clap::Subcommand)]
pub enum Action {
    /// Start a single node and leave it running
    Start {
        /// Folder of the node; made and formatted if it is new
        dir: PathBuf,
        /// Port for clients on loopback; the controller takes the next one
        #[arg(long, default_value_t = 9092)]
        port: u16,
        /// Fixed JVM heap
        #[arg(long, default_value = "512m")]
        heap: String,
        /// A line of server.properties, for a new folder
        #[arg(long = "set", value_name = "KEY=VALUE")]
        properties: Vec<String>,
    },
    /// Stop the node of a folder cleanly
    Stop {
        /// Folder of the node
        dir: PathBuf,
    },
    /// Only fetch the jars
    Fetch,
}

/// Runs one action.
///
/// # Errors
/// What [`Kafka::start`] says, or that there is no such node.
pub fn run(action: Action) -> Outcome {
    match action {
        Action::Start { dir, port, heap, properties } => {
            start(&Spec { dir, port, heap, properties, existing_data: None })
        }
        Action::Stop { dir } => stop(&dir.join("pid")),
        Action::Fetch => {
            println!("{}", jars::fetch()?.display());
            Ok(())
        }
    }
}

fn start(spec: &Spec) -> Outcome {
    let begin = Instant::now();
    let kafka = Kafka::start_apart(spec)?;
    let bootstrap = kafka.bootstrap.clone();
    let pid = kafka.detach();
    std::fs::write(spec.dir.join("pid"), pid.to_string()).doing(|| "note the process id".into())?;
    println!("{bootstrap} pid {pid} ready after {} ms", begin.elapsed().as_millis());
    Ok(())
}

fn stop(pid_file: &std::path::Path) -> Outcome {
    let text = std::fs::read_to_string(pid_file).doing(|| pid_file.display().to_string())?;
    let pid: u32 = text.trim().parse().doing(|| pid_file.display().to_string())?;
    process::signal(pid, "TERM")?;
    process::wait_until("stop Kafka", Duration::from_secs(60), || {
        let alive = Command::new("kill").args(["-0", text.trim()]).output();
        Ok(!alive.is_ok_and(|output| output.status.success()))
    })?;
    std::fs::remove_file(pid_file).doing(|| pid_file.display().to_string())
}
