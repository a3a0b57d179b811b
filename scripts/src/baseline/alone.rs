//! Rows that start, stop or kill a node of their own.

use super::measure::{self, Load};
use super::node::{Node, Placement, Product, Side, Tenancy};
use super::rows::{Row, Work};
use super::{Arguments, groups};
use crate::{Doing, Failed, Outcome};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const IDLE: Duration = Duration::from_secs(20);
const CRASH_PARTITIONS: u32 = 1_000;
/// 10 GB within a minute, over 100 partitions.
const RESTART: Load<'static> = Load {
    name: "restart",
    rate: 170_000,
    size: 1_000,
    producers: 2,
    partitions: 100,
    topic: Some("restart"),
    target: None,
    placement: Placement::Split,
};
const RESTART_WRITES: Duration = Duration::from_secs(60);
const LOAD_ENDS: Duration = Duration::from_secs(10);

/// Runs the row on a node that is new and ends with it.
pub(super) fn run(side: Side, row: &Row, args: &Arguments, dir: &Path) -> Outcome<Value> {
    measure::settle()?;
    let placement = match row.work {
        Work::Restart | Work::Groups(_) => Placement::Split,
        _ => Placement::Free,
    };
    let mut node = Node::fresh(side, placement, Tenancy::OneRow, dir, &args.heap)?;
    match row.work {
        Work::Lifecycle => lifecycle(&mut node),
        Work::FreeForAll { rate, size } => {
            node.start()?;
            if side.product == Product::Kafka {
                measure::warm_up(&node, args)?;
            }
            let load = Load { size, placement, ..Load::of_100_bytes(row.name, rate) };
            measure::loadgen(&node, load, args, &json_beside(dir))
        }
        Work::Restart => restart(&mut node, args, dir),
        Work::Groups(_) => groups::reload(&mut node, row, args),
        _ => crash(&mut node, row, args, dir),
    }
}

/// Where a generator may put its report: next to the node's folder, not in it.
fn json_beside(dir: &Path) -> PathBuf {
    dir.with_extension("json")
}

fn lifecycle(node: &mut Node) -> Outcome<Value> {
    let fresh_start_ms = node.start()?;
    // Includes what a first start leaves for later, such as our journal's growth.
    let idle_cpu_ratio = idle(node)?;
    let idle_rss_bytes = node.rss_bytes()?;
    let stop_ms = node.stop()?;
    let start_after_stop_ms = node.start()?;
    let settled_idle_cpu_ratio = idle(node)?;
    node.stop()?;
    Ok(json!({
        "fresh_start_ms": fresh_start_ms,
        "idle_s": IDLE.as_secs(),
        "idle_cpu_ratio": idle_cpu_ratio,
        "idle_rss_bytes": idle_rss_bytes,
        "settled_idle_cpu_ratio": settled_idle_cpu_ratio,
        "stop_ms": stop_ms,
        "start_after_stop_ms": start_after_stop_ms,
    }))
}

/// CPU of a node that nobody asks anything, as a share of one core.
fn idle(node: &Node) -> Outcome<f64> {
    let before_s = node.cpu_s()?;
    std::thread::sleep(IDLE);
    Ok((node.cpu_s()? - before_s) / IDLE.as_secs_f64())
}

fn crash(node: &mut Node, row: &Row, args: &Arguments, dir: &Path) -> Outcome<Value> {
    node.start()?;
    let partitions = [("--partitions", CRASH_PARTITIONS.to_string())];
    let create = measure::drive("topic", node, row.name, args.duration, &partitions)?;
    let standard = Load::of_100_bytes(row.name, 50_000);
    let load = Load { partitions: CRASH_PARTITIONS, topic: Some(row.name), ..standard };
    measure::loadgen(node, load, args, &json_beside(dir))?;
    let rss_bytes = node.rss_bytes()?;
    node.kill()?;
    let start_after_kill_ms = node.start()?;
    let again = measure::drive("topic", node, row.name, args.duration, &partitions)?;
    node.stop()?;
    let led_again_ms = again["led_ms"].as_f64().map(|led| start_after_kill_ms + led);
    Ok(json!({
        "create": create,
        "rss_bytes": rss_bytes,
        "start_after_kill_ms": start_after_kill_ms,
        "led_again_ms": led_again_ms,
    }))
}

fn restart(node: &mut Node, args: &Arguments, dir: &Path) -> Outcome<Value> {
    node.start()?;
    let partitions = [("--partitions", RESTART.partitions.to_string())];
    measure::drive("topic", node, RESTART.name, args.duration, &partitions)?;
    // Longer than it is let live: the broker dies under load.
    let endless = Arguments {
        duration: RESTART_WRITES * 2,
        warmup: Duration::ZERO,
        no_floor: true,
        ..args.clone()
    };
    let json = json_beside(dir);
    let begin = Instant::now();
    let mut command = measure::loadgen_command(node, RESTART, &endless, &json);
    let load = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let load = crate::process::Background::start(load)?;
    std::thread::sleep(RESTART_WRITES);
    node.kill()?;
    let written_s = begin.elapsed().as_secs_f64();
    // Gently: `timeout` passes SIGTERM on to the generator, and a SIGKILL would leave that behind.
    load.stop(LOAD_ENDS)?;
    let _ = std::fs::remove_file(&json);
    let written_gb = log_bytes(dir)? as f64 / 1e9;
    drop_page_cache()?;
    let start = Instant::now();
    let ready_ms = node.start()?;
    // One record to every partition: the last log to open decides.
    let produce = [
        ("--partitions", RESTART.partitions.to_string()),
        ("--connections", RESTART.partitions.to_string()),
        ("--records", "1".to_owned()),
        ("--warmup-s", "0".to_owned()),
        ("--duration-s", "0.1".to_owned()),
    ];
    let ack = measure::drive("produce", node, RESTART.name, args.duration, &produce)?;
    let until_now_ms = start.elapsed().as_secs_f64() * 1e3;
    let measured_ms = ack["elapsed_s"].as_f64().unwrap_or_default() * 1e3;
    node.stop()?;
    Ok(json!({
        "written_gb": written_gb,
        "written_s": written_s,
        "ready_ms": ready_ms,
        // The drive starts as a process and then produces for a while: not part of the wait.
        "first_ack_ms": until_now_ms - measured_ms,
        "ack": ack,
    }))
}

/// Bytes in the segments under a folder.
fn log_bytes(dir: &Path) -> Outcome<u64> {
    let what = || dir.display().to_string();
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).doing(what)? {
        let path = entry.doing(what)?.path();
        if path.is_dir() {
            bytes += log_bytes(&path)?;
        } else if path.extension().is_some_and(|it| it == "log") {
            bytes += path.metadata().doing(what)?.len();
        }
    }
    Ok(bytes)
}

/// What was written is written out, then no page of any file stays in memory.
pub(super) fn drop_page_cache() -> Outcome {
    const SWITCH: &str = "/proc/sys/vm/drop_caches";
    measure::settle()?;
    std::fs::write(SWITCH, "1")
        .map_err(|error| Failed(format!("{SWITCH}: {error}; a cold page cache needs root")))
}
