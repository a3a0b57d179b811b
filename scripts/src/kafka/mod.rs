//! A real Apache Kafka on this machine: one node, broker and controller in one process.
//!
//! Promises: the version is the one pinned in `scripts/kafka/pom.xml`; the jars are fetched once,
//! on demand; a folder keeps its data and settings from one start to the next.
//! Does not: run several nodes, or touch anything outside its folder and the build folder.
//! Source: KIP-853 (`StorageTool format --standalone`).

pub mod cli;
pub mod jars;
pub mod ready;

use crate::process::Background;
use crate::{Doing, Failed, Outcome, process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A cold JVM on a busy machine took up to 15 s here.
const START_PATIENCE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// How to start a node.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Holds `server.properties`, `data/`, the trace and the process id.
    pub dir: PathBuf,
    /// Port for clients on loopback; the controller takes the next one.
    pub port: u16,
    /// Fixed JVM heap as Java writes it, for example `512m`.
    pub heap: String,
    /// More lines of `server.properties`; they count only when the folder is new.
    pub properties: Vec<String>,
    /// A formatted data directory to open as it is, instead of an own one.
    pub existing_data: Option<PathBuf>,
}

/// Whose end also ends a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lifetime {
    /// The task's: an interrupt reaches both.
    Task,
    /// Its own: it is to be detached.
    Own,
}

/// A running node; killed when dropped.
pub struct Kafka {
    process: Background,
    /// Where clients connect, `host:port`.
    pub bootstrap: String,
}

impl Kafka {
    /// Starts a node, formats its folder first if that is new, and waits until it lists itself.
    ///
    /// # Errors
    /// When the jars cannot be had, the port is taken, or the node ends instead of getting ready.
    pub fn start(spec: &Spec) -> Outcome<Kafka> {
        Kafka::launch(spec, None, Lifetime::Task)
    }

    /// The same, bound to a list of CPUs such as `0-1`; the JVM then counts only these.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_on(spec: &Spec, cpus: Option<&str>) -> Outcome<Kafka> {
        Kafka::launch(spec, cpus, Lifetime::Task)
    }

    /// The same, for a node that is to be detached: an interrupt of the task does not reach it.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_apart(spec: &Spec) -> Outcome<Kafka> {
        Kafka::launch(spec, None, Lifetime::Own)
    }

    fn launch(spec: &Spec, cpus: Option<&str>, lifetime: Lifetime) -> Outcome<Kafka> {
        let jars = jars::fetch()?;
        let bootstrap = format!("127.0.0.1:{}", spec.port);
        if ready::is_taken(&bootstrap) {
            return Err(Failed(format!("{bootstrap} is taken by another process")));
        }
        format(spec)?;
        let trace_path = spec.dir.join("trace.txt");
        let trace = File::create(&trace_path).doing(|| trace_path.display().to_string())?;
        let errors = trace.try_clone().doing(|| trace_path.display().to_string())?;
        let mut command = match cpus {
            Some(cpus) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cpus, "java"]);
                command
            }
            None => Command::new("java"),
        };
        // The collector settings of Kafka's own start script.
        command
            .args([format!("-Xms{}", spec.heap), format!("-Xmx{}", spec.heap)])
            .args(["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"])
            .args(["-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"])
            .args(["-Djava.awt.headless=true", "-Dlog4j2.configurationFile=log4j2.properties"])
            .arg("-cp")
            .arg(jars::class_path(&jars))
            .args(["kafka.Kafka", "server.properties"])
            .current_dir(&spec.dir)
            .stdin(Stdio::null())
            .stdout(trace)
            .stderr(errors);
        if lifetime == Lifetime::Own {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let mut process = Background::start(&mut command)?;
        process::wait_until("Kafka is ready", START_PATIENCE, || {
            if !process.is_running()? {
                let lines = process::matching(&trace_path, &[" ERROR ", "Exception"], 5);
                return Err(Failed(format!("Kafka ended while starting:\n{lines}")));
            }
            Ok(ready::listed_brokers(&bootstrap) == Some(1))
        })?;
        Ok(Kafka { process, bootstrap })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills it without warning.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(self) -> Outcome {
        self.process.kill()
    }

    /// Asks for a clean stop and waits for it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(self) -> Outcome {
        self.process.stop(STOP_PATIENCE)
    }

    /// Leaves it running; returns the process id.
    pub fn detach(self) -> u32 {
        self.process.detach()
    }
}

/// Makes a node's folder ready to start, unless it is.
///
/// # Errors
/// When the jars cannot be had or the folder cannot be written.
pub fn format(spec: &Spec) -> Outcome {
    if spec.dir.join("server.properties").exists() {
        return Ok(());
    }
    prepare(spec, &jars::fetch()?)
}

/// Writes the settings of a new node and formats its storage, unless that exists.
fn prepare(spec: &Spec, jars: &Path) -> Outcome {
    let in_dir = |name: &str| spec.dir.join(name);
    std::fs::create_dir_all(&spec.dir).doing(|| spec.dir.display().to_string())?;
    std::fs::write(in_dir("log4j2.properties"), LOG4J).doing(|| "log4j2.properties".into())?;
    if let Some(data) = &spec.existing_data {
        let settings = settings(spec, &node_id(data)?);
        return std::fs::write(in_dir("server.properties"), settings)
            .doing(|| "server.properties".into());
    }
    let id = capture_tool(spec, jars, &["random-uuid"])?;
    // The settings come last: a folder that has them has been formatted.
    std::fs::write(in_dir("new.properties"), settings(spec, "1"))
        .doing(|| "server.properties".into())?;
    capture_tool(spec, jars, &["format", "--standalone", "-t", id.trim(), "-c", "new.properties"])?;
    std::fs::rename(in_dir("new.properties"), in_dir("server.properties"))
        .doing(|| "server.properties".into())
}

fn capture_tool(spec: &Spec, jars: &Path, arguments: &[&str]) -> Outcome<String> {
    let mut tool = jars::tool(jars, "kafka.tools.StorageTool");
    let output = process::capture(tool.args(arguments).current_dir(&spec.dir))?;
    Ok(output)
}

/// The node id that a formatted data directory belongs to.
fn node_id(data: &Path) -> Outcome<String> {
    let path = data.join("meta.properties");
    let text = std::fs::read_to_string(&path).doing(|| path.display().to_string())?;
    let id = text.lines().find_map(|line| line.strip_prefix("node.id="));
    id.map(str::to_string).ok_or_else(|| Failed(format!("{}: no node.id", path.display())))
}

fn settings(spec: &Spec, node_id: &str) -> String {
    let data = spec.existing_data.as_ref().map_or("data".into(), |dir| dir.display().to_string());
    let (port, controller) = (spec.port, spec.port + 1);
    // A directory of ours names no voters in its metadata log: the quorum is static (KIP-595), not
    // the dynamic one that `--standalone` formats (KIP-853).
    let quorum = match spec.existing_data {
        Some(_) => format!("controller.quorum.voters={node_id}@127.0.0.1:{controller}"),
        None => format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
    };
    let mut text = format!(
        "process.roles=broker,controller
node.id={node_id}
{quorum}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"
    );
    for property in &spec.properties {
        text.push_str(property);
        text.push('\n');
    }
    text
}

const LOG4J: &str = "rootLogger.level=info
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
";
