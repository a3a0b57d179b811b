//! One slot: one row, one side, one run.

use super::node::{Node, Placement};
use super::rows::{Row, Work};
use super::{Arguments, BUILD_PACKAGES, beside, ceiling, groups};
use crate::{Doing, Failed, Outcome, paths, process};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Beyond the time that a slot is meant to take: start-up, floor run, drain.
const SLACK: Duration = Duration::from_secs(90);
/// Load before a request row is measured.
const REQUEST_WARMUP_S: f64 = 2.0;
/// Requests are counted over at most this long: at full speed each second writes a gigabyte.
const REQUEST_S_MAX: f64 = 8.0;
/// Writeback of the slot before ends before the next one starts.
const SETTLE: Duration = Duration::from_secs(1);

/// Builds what is measured and what measures.
pub(super) fn build() -> Outcome {
    println!("building {}", BUILD_PACKAGES.join(", "));
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet", "--release"]).current_dir(paths::root());
    for package in BUILD_PACKAGES {
        command.args(["--package", package]);
    }
    process::run(&mut command)
}

/// Runs the row against a started node that has the machine to itself.
pub(super) fn on(
    node: &Node,
    row: &Row,
    run: u32,
    args: &Arguments,
    json: &Path,
) -> Outcome<Value> {
    settle()?;
    let topic = format!("{}-{run}", row.name);
    match row.work {
        Work::Requests { records, size } => {
            let duration_s = args.duration.as_secs_f64().min(REQUEST_S_MAX);
            drive(
                "produce",
                node,
                &topic,
                args.duration,
                &[
                    ("--records", records.to_string()),
                    ("--size", size.to_string()),
                    ("--warmup-s", REQUEST_WARMUP_S.to_string()),
                    ("--duration-s", duration_s.to_string()),
                ],
            )
        }
        Work::Fetch { max_bytes, load_bytes } => drive(
            "fetch",
            node,
            &topic,
            args.duration,
            &[
                ("--max-bytes", max_bytes.to_string()),
                ("--load-bytes", load_bytes.to_string()),
                ("--total-bytes", args.fetch_bytes.to_string()),
            ],
        ),
        Work::Latency { rate, size, producers, partitions } => {
            let standard = Load::of_100_bytes(row.name, rate);
            loadgen(node, Load { size, producers, partitions, ..standard }, args, json)
        }
        Work::Ceiling { from, producers } => {
            let load = Load { producers, ..Load::of_100_bytes(row.name, from) };
            ceiling::find(load, args, |load, args| loadgen(node, load, args, json))
        }
        Work::Beside(disturbance) => beside::run(node, row, disturbance, args, json),
        Work::Groups(work) => groups::on(node, row, work, &topic, args, json),
        Work::Lifecycle | Work::Crash | Work::FreeForAll { .. } | Work::Restart => {
            unreachable!("these start a node of their own")
        }
    }
}

/// Brings a new JVM to its working speed; the same load for every product.
pub(super) fn warm_up(node: &Node, args: &Arguments) -> Outcome {
    if args.jvm_warmup.is_zero() {
        return Ok(());
    }
    let json = std::env::temp_dir().join(format!("warm-up-{}.json", std::process::id()));
    let warm = Arguments { duration: args.jvm_warmup, ..args.clone() };
    let warmed = loadgen(node, Load::of_100_bytes("warm-up", 200_000), &warm, &json);
    let _ = std::fs::remove_file(json);
    warmed.map(|_| ())
}

/// Runs the closed-loop drive on the client's CPU.
pub(super) fn drive(
    command: &str,
    node: &Node,
    topic: &str,
    duration: Duration,
    options: &[(&str, String)],
) -> Outcome<Value> {
    let mut arguments = vec![command.to_owned()];
    arguments.extend(["--bootstrap".to_owned(), node.bootstrap()]);
    arguments.extend(["--topic".to_owned(), topic.to_owned()]);
    arguments.extend(["--broker-pid".to_owned(), node.pid().to_string()]);
    arguments.extend(options.iter().flat_map(|(key, value)| [(*key).to_owned(), value.clone()]));
    let program = paths::release_binary("drive");
    // On the client's CPU; the generator finds its own place.
    let mut command = bounded(duration + SLACK);
    command.args(["taskset", "-c", "1"]).arg(&program);
    let text = process::capture(command.args(&arguments))?;
    let mut result: Value = serde_json::from_str(&text).doing(|| "what drive printed".into())?;
    result["command"] = format!("drive {}", arguments.join(" ")).into();
    Ok(result)
}

/// What the open-loop generator offers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) name: &'a str,
    pub(super) rate: u32,
    pub(super) size: u32,
    pub(super) producers: u32,
    pub(super) partitions: u32,
    /// An existing one; a new one is made and deleted when it is `None`.
    pub(super) topic: Option<&'a str>,
    /// As `--target` takes it.
    pub(super) target: Option<&'a str>,
    /// Where the generator runs.
    pub(super) placement: Placement,
}

impl<'a> Load<'a> {
    /// The standard load: 2 producers, 6 partitions, the client on its own CPU.
    pub(super) fn of_100_bytes(name: &'a str, rate: u32) -> Self {
        Self {
            name,
            rate,
            size: 100,
            producers: 2,
            partitions: 6,
            topic: None,
            target: None,
            placement: Placement::Split,
        }
    }
}

/// Runs loadgen; `json` is where it may put its report meanwhile.
pub(super) fn loadgen(
    node: &Node,
    load: Load<'_>,
    args: &Arguments,
    json: &Path,
) -> Outcome<Value> {
    let output = loadgen_command(node, load, args, json).output();
    // Its exit code is its verdict; the report says why, so a run with a report is a run.
    let output = output.doing(|| "start loadgen".into())?;
    let Ok(text) = std::fs::read_to_string(json) else {
        let printed = String::from_utf8_lossy(&output.stderr);
        let last = printed.lines().last().unwrap_or("no report");
        return Err(Failed(format!("loadgen: {}: {last}", output.status)));
    };
    std::fs::remove_file(json).doing(|| json.display().to_string())?;
    serde_json::from_str(&text).doing(|| json.display().to_string())
}

/// The end-to-end p99 in a report of loadgen.
pub(super) fn p99_us(report: &Value) -> Outcome<f64> {
    let p99_us = report.pointer("/e2e/p99_us").and_then(Value::as_f64);
    p99_us.ok_or_else(|| Failed("a run without a p99".to_owned()))
}

/// The generator as a command that is not started yet.
pub(super) fn loadgen_command(
    node: &Node,
    load: Load<'_>,
    args: &Arguments,
    json: &Path,
) -> Command {
    let mut command = bounded(args.duration + args.warmup + SLACK);
    command
        .arg(paths::release_binary("loadgen"))
        .args(["run", "--bootstrap", &node.bootstrap(), "--name", load.name])
        .args(["--rate", &load.rate.to_string(), "--size", &format!("{}B", load.size)])
        .args(["--partitions", &load.partitions.to_string()])
        .args(["--producers", &load.producers.to_string()])
        .args(["--consumers", "2", "--acks", "all", "--linger", "0.5ms"])
        .args(["--duration", &format!("{}ms", args.duration.as_millis())])
        .args(["--warmup", &format!("{}ms", args.warmup.as_millis())])
        .arg("--json")
        .arg(json.file_name().unwrap_or(json.as_os_str()))
        .stdin(Stdio::null());
    // The report quotes its command line, which must not name this machine's folders.
    if let Some(folder) = json.parent() {
        command.current_dir(folder);
    }
    match load.placement {
        Placement::Split => command.args(["--cpus", "1"]),
        Placement::Free => command.args(["--placement", "free-for-all"]),
    };
    if let Some(topic) = load.topic {
        command.args(["--topic", topic]);
    }
    if let Some(target) = load.target {
        command.args(["--target", target]);
    }
    if args.no_floor {
        command.arg("--no-floor");
    }
    command
}

/// Stops what follows when it takes longer than `limit`.
pub(super) fn bounded(limit: Duration) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", &limit.as_secs().to_string()]);
    command
}

/// Writes out what earlier slots left behind.
pub(super) fn settle() -> Outcome {
    process::run(&mut Command::new("sync"))?;
    std::thread::sleep(SETTLE);
    Ok(())
}
