//! One slot: one row, one side, one run.

use super::node::{Node, Placement, Side};
use super::rows::{Row, Work};
use super::{Arguments, BUILD_PACKAGES};
use crate::{Doing, Failed, Outcome, paths, process};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Beyond the time that a slot is meant to take: start-up, floor run, drain.
const SLACK: Duration = Duration::from_secs(90);
/// Load before a request row is measured.
const REQUEST_WARMUP_S: f64 = 2.0;
/// Requests are counted over at most this long: at full speed each second writes a gigabyte.
const REQUEST_S_MAX: f64 = 8.0;
const IDLE: Duration = Duration::from_secs(20);
const CRASH_PARTITIONS: &str = "1000";
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
        Work::Latency { .. } => loadgen(node, row, args, None, json),
        Work::Lifecycle | Work::Crash => unreachable!("these start a node of their own"),
    }
}

/// Rows that start, stop or kill a node of their own, on every CPU.
pub(super) fn alone(side: Side, row: &Row, args: &Arguments, dir: &Path) -> Outcome<Value> {
    settle()?;
    let mut node = Node::fresh(side, Placement::Free, dir, &args.heap)?;
    match row.work {
        Work::Lifecycle => lifecycle(&mut node),
        _ => crash(&mut node, row, args),
    }
}

fn lifecycle(node: &mut Node) -> Outcome<Value> {
    let fresh_start_ms = node.start()?;
    let before_s = node.cpu_s()?;
    std::thread::sleep(IDLE);
    let idle_cpu_ratio = (node.cpu_s()? - before_s) / IDLE.as_secs_f64();
    let idle_rss_bytes = node.rss_bytes()?;
    let stop_ms = node.stop()?;
    let start_after_stop_ms = node.start()?;
    node.stop()?;
    Ok(json!({
        "fresh_start_ms": fresh_start_ms,
        "idle_s": IDLE.as_secs(),
        "idle_cpu_ratio": idle_cpu_ratio,
        "idle_rss_bytes": idle_rss_bytes,
        "stop_ms": stop_ms,
        "start_after_stop_ms": start_after_stop_ms,
    }))
}

fn crash(node: &mut Node, row: &Row, args: &Arguments) -> Outcome<Value> {
    node.start()?;
    let partitions = [("--partitions", CRASH_PARTITIONS.to_owned())];
    let create = drive("topic", node, row.name, args.duration, &partitions)?;
    let json = std::env::temp_dir().join(format!("crash-{}.json", std::process::id()));
    loadgen(node, row, args, Some(row.name), &json)?;
    let rss_bytes = node.rss_bytes()?;
    node.kill()?;
    let start_after_kill_ms = node.start()?;
    let again = drive("topic", node, row.name, args.duration, &partitions)?;
    node.stop()?;
    let led_again_ms = again["led_ms"].as_f64().map(|led| start_after_kill_ms + led);
    Ok(json!({
        "create": create,
        "rss_bytes": rss_bytes,
        "start_after_kill_ms": start_after_kill_ms,
        "led_again_ms": led_again_ms,
    }))
}

/// Brings a new JVM to its working speed; the same load for every product.
pub(super) fn warm_up(node: &Node, args: &Arguments) -> Outcome {
    if args.jvm_warmup.is_zero() {
        return Ok(());
    }
    let json = std::env::temp_dir().join(format!("warm-up-{}.json", std::process::id()));
    let warm = Arguments { duration: args.jvm_warmup, ..args.clone() };
    let row = Row {
        name: "warm-up",
        title: "warm-up",
        work: Work::Latency { rate: 200_000, size: 100, producers: 2, partitions: 6 },
        quick: false,
        goals: &[],
    };
    let warmed = loadgen(node, &row, &warm, None, &json);
    let _ = std::fs::remove_file(json);
    warmed.map(|_| ())
}

fn drive(
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

/// `topic` is an existing one; a new one is made and deleted when it is `None`.
fn loadgen(
    node: &Node,
    row: &Row,
    args: &Arguments,
    topic: Option<&str>,
    json: &Path,
) -> Outcome<Value> {
    let (rate, size, producers, partitions) = match row.work {
        Work::Latency { rate, size, producers, partitions } => (rate, size, producers, partitions),
        _ => (50_000, 100, 2, 1_000),
    };
    let program = paths::release_binary("loadgen");
    let mut command = bounded(args.duration + args.warmup + SLACK);
    command
        .arg(&program)
        .args(["run", "--bootstrap", &node.bootstrap(), "--name", row.name])
        .args(["--rate", &rate.to_string(), "--size", &format!("{size}B")])
        .args(["--partitions", &partitions.to_string(), "--producers", &producers.to_string()])
        .args(["--consumers", "2", "--acks", "all", "--linger", "0.5ms", "--cpus", "1"])
        .args(["--duration", &format!("{}ms", args.duration.as_millis())])
        .args(["--warmup", &format!("{}ms", args.warmup.as_millis())])
        .arg("--json")
        .arg(json.file_name().unwrap_or(json.as_os_str()));
    // The report quotes its command line, which must not name this machine's folders.
    if let Some(folder) = json.parent() {
        command.current_dir(folder);
    }
    if let Some(topic) = topic {
        command.args(["--topic", topic]);
    }
    if args.no_floor {
        command.arg("--no-floor");
    }
    // Its exit code is its verdict; the report says why, so a run with a report is a run.
    let output = command.stdin(Stdio::null()).output().doing(|| "start loadgen".into())?;
    let Ok(text) = std::fs::read_to_string(json) else {
        let printed = String::from_utf8_lossy(&output.stderr);
        let last = printed.lines().last().unwrap_or("no report");
        return Err(Failed(format!("loadgen: {}: {last}", output.status)));
    };
    std::fs::remove_file(json).doing(|| json.display().to_string())?;
    serde_json::from_str(&text).doing(|| json.display().to_string())
}

/// Stops what follows when it takes longer than `limit`.
fn bounded(limit: Duration) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", &limit.as_secs().to_string()]);
    command
}

fn settle() -> Outcome {
    process::run(&mut Command::new("sync"))?;
    std::thread::sleep(SETTLE);
    Ok(())
}
