//! Clients that behave badly: does the broker's memory stay bounded, and do the others notice?
//!
//! Each scene starts a fresh broker, measures well-behaved producers alone, then beside the bad clients,
//! then alone again, and samples the broker's resident memory meanwhile. What is asked for: idle
//! connections add at most 40 MiB in all; slow and stuck clients add no more than the budget that the
//! broker prints at start; the others' p99 at most doubles.
//! Does not: separate the broker's CPUs from the clients'. On a busy machine only memory counts.

mod clients;
mod frames;
mod probe;

use crate::baseline::record::{Machine, folder};
use crate::kafka::ready;
use crate::odradek::{self, Odradek, Spec};
use crate::{Doing, Failed, Outcome, paths, process};
use clients::Crowd;
use probe::Seen;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const IDLE_RSS_MIB_MAX: u64 = 40;
const P99_RATIO_MAX: f64 = 2.0;
/// Descriptors beside the bad clients' own.
const SPARE_DESCRIPTORS: u64 = 200;
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// What a start leaves behind is over by then.
const SETTLE: Duration = Duration::from_secs(2);

/// How many clients, and how long they are watched.
#[derive(clap::Args)]
pub struct Arguments {
    /// Connections that say nothing
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Clients that declare 100 MiB and send a byte a second
    #[arg(long, default_value_t = 1_000)]
    slow: usize,
    /// Consumers that never read what they asked for
    #[arg(long, default_value_t = 200)]
    stuck: usize,
    /// Seconds that well-behaved clients are watched, three times in each scene
    #[arg(long, default_value_t = 15)]
    window_s: u64,
    /// Records a second of the well-behaved producer
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Shards of our broker; it decides by itself when left out
    #[arg(long)]
    shards: Option<u32>,
    /// Where the run is kept
    #[arg(long, default_value = "reports/data/abuse")]
    out: PathBuf,
}

/// One kind of bad client, and what it did to the broker.
#[derive(Debug, Serialize)]
struct Scene {
    name: &'static str,
    clients: usize,
    budget_mib: u64,
    rss_before_kib: u64,
    /// Highest sample while they were there.
    rss_during_kib: u64,
    rss_after_kib: u64,
    rss_added_mib_max: u64,
    alone_before: Seen,
    /// `None` when a well-behaved client was refused, or not answered in time.
    beside: Option<Seen>,
    alone_after: Seen,
    /// Bad clients whose connection the broker ended.
    ended_by_broker: Option<u64>,
    findings: Vec<String>,
}

#[derive(Serialize)]
struct Run {
    schema: u32,
    machine: Machine,
    window_s: u64,
    rate_records_per_s: u32,
    scenes: Vec<Scene>,
}

/// Plays all scenes, prints a table and keeps the figures.
///
/// # Errors
/// When a bound is broken, or a broker or client cannot do its part.
pub fn run(arguments: &Arguments) -> Outcome {
    odradek::build()?;
    let most = arguments.idle.max(arguments.slow).max(arguments.stuck) as u64;
    allow_descriptors(most + SPARE_DESCRIPTORS)?;
    let mut machine = Machine::look("none")?;
    machine.placement = "broker and clients on the same CPUs".to_owned();
    type Gather = fn(&str, usize) -> Outcome<Crowd>;
    let scenes: [(&str, usize, Gather); 3] = [
        ("idle", arguments.idle, Crowd::idle),
        ("slow", arguments.slow, Crowd::slow),
        ("stuck", arguments.stuck, Crowd::stuck),
    ];
    let mut played = Vec::new();
    for (name, clients, gather) in scenes {
        println!("{name}: {clients} clients");
        played.push(play(name, clients, gather, arguments)?);
    }
    let run = Run {
        schema: 1,
        machine,
        window_s: arguments.window_s,
        rate_records_per_s: arguments.rate,
        scenes: played,
    };
    print(&run.scenes);
    let kept = keep(&run, &arguments.out)?;
    println!("kept in {}", kept.strip_prefix(paths::root()).unwrap_or(&kept).display());
    let findings: Vec<_> = run.scenes.iter().flat_map(|scene| &scene.findings).collect();
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = findings.iter().map(|finding| format!("- {finding}")).collect();
    Err(Failed(format!("bounds were broken:\n{}", lines.join("\n"))))
}

fn play(
    name: &'static str,
    clients: usize,
    gather: fn(&str, usize) -> Outcome<Crowd>,
    arguments: &Arguments,
) -> Outcome<Scene> {
    let dir = paths::target().join("abuse-data");
    let trace = dir.with_extension("trace.txt");
    for old in [&dir, &trace] {
        if old.is_dir() {
            std::fs::remove_dir_all(old).doing(|| old.display().to_string())?;
        } else if old.exists() {
            std::fs::remove_file(old).doing(|| old.display().to_string())?;
        }
    }
    let port = ready::free_port().ok_or_else(|| Failed("no free port".into()))?;
    let broker = Odradek::start(&Spec { dir, port, shards: arguments.shards })?;
    let (address, pid) = (broker.bootstrap.as_str(), broker.pid());
    let window = Duration::from_secs(arguments.window_s);
    let watch = || probe::watch(address, arguments.rate, window);

    probe::watch(address, arguments.rate, SETTLE)?;
    let alone_before = watch()?;
    let rss_before_kib = process::rss_kib(pid)?;
    let over = AtomicBool::new(false);
    let (beside, ended_by_broker, rss_during_kib) = std::thread::scope(|scope| {
        let samples = scope.spawn(|| highest_rss_kib(pid, &over));
        let watched = gather(address, clients).map(|crowd| {
            let beside = watch();
            (beside, crowd.ended())
        });
        over.store(true, Ordering::Relaxed);
        let highest = samples.join().map_err(|_| Failed("the sampler panicked".into()))??;
        watched.map(|(beside, ended)| (beside, ended, highest))
    })?;
    std::thread::sleep(SETTLE);
    let alone_after = watch()?;
    let rss_after_kib = process::rss_kib(pid)?;
    let budget_mib = printed_budget_mib(&trace)?;
    broker.stop()?;
    let rss_added_mib_max = if name == "idle" { IDLE_RSS_MIB_MAX } else { budget_mib };
    let mut scene = Scene {
        name,
        clients,
        budget_mib,
        rss_before_kib,
        rss_during_kib,
        rss_after_kib,
        rss_added_mib_max,
        alone_before,
        beside: beside.as_ref().ok().copied(),
        alone_after,
        ended_by_broker,
        findings: Vec::new(),
    };
    if let Err(Failed(why)) = beside {
        scene.findings.push(format!("{name}: a well-behaved client failed: {why}"));
    }
    scene.judge();
    Ok(scene)
}

impl Scene {
    fn rss_added_kib(&self) -> u64 {
        self.rss_during_kib.saturating_sub(self.rss_before_kib)
    }

    /// The p99 beside the bad clients, as a multiple of the worse one without them.
    fn p99_ratio(&self) -> Option<f64> {
        let alone = self.alone_before.small.p99_us.max(self.alone_after.small.p99_us);
        self.beside.map(|beside| beside.small.p99_us as f64 / alone.max(1) as f64)
    }

    fn judge(&mut self) {
        let (name, added_kib) = (self.name, self.rss_added_kib());
        if added_kib > self.rss_added_mib_max * 1024 {
            let (added, most) = (added_kib / 1024, self.rss_added_mib_max);
            self.findings.push(format!("{name}: {added} MiB more memory, at most {most} allowed"));
        }
        if let Some(ratio) = self.p99_ratio().filter(|ratio| *ratio > P99_RATIO_MAX) {
            self.findings.push(format!("{name}: the others' p99 is {ratio:.1} times its own"));
        }
    }
}

fn print(scenes: &[Scene]) {
    println!(
        "scene   clients  MiB before  MiB added  allowed  p99 alone    beside  ratio  large max"
    );
    for scene in scenes {
        let us = |us: Option<u64>| us.map_or_else(|| "failed".to_owned(), |us| format!("{us} us"));
        let beside = scene.beside;
        println!(
            "{:<6} {:>8} {:>11} {:>10.1} {:>8} {:>10} {:>9} {:>6} {:>10}",
            scene.name,
            scene.clients,
            scene.rss_before_kib / 1024,
            scene.rss_added_kib() as f64 / 1024.0,
            scene.rss_added_mib_max,
            us(Some(scene.alone_before.small.p99_us.max(scene.alone_after.small.p99_us))),
            us(beside.map(|seen| seen.small.p99_us)),
            scene.p99_ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            us(beside.map(|seen| seen.large.max_us)),
        );
    }
}

/// Writes the run under a new number.
fn keep(run: &Run, out: &Path) -> Outcome<PathBuf> {
    let folder = folder(out)?;
    let text = serde_json::to_string_pretty(run).doing(|| "encode the run".into())?;
    for number in 1..1_000 {
        let path = folder.join(format!("{number:03}.json"));
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, text.as_bytes())
                    .doing(|| path.display().to_string())?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failed(format!("{}: {error}", path.display()))),
        }
    }
    Err(Failed(format!("{} is full", folder.display())))
}

/// Raises our own limit of open files; the broker inherits it.
fn allow_descriptors(needed: u64) -> Outcome {
    let limits = std::fs::read_to_string("/proc/self/limits").doing(|| "limits".into())?;
    let (soft, hard) = open_files(&limits).ok_or_else(|| Failed("unreadable limits".into()))?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        return Err(Failed(format!(
            "{needed} open files are needed and the hard limit is {hard}: raise it (ulimit -Hn, or \
             LimitNOFILE of the service), or ask for fewer clients (--idle, --slow, --stuck)"
        )));
    }
    let pid = std::process::id().to_string();
    process::run(Command::new("prlimit").args([
        "--pid",
        &pid,
        &format!("--nofile={needed}:{hard}"),
    ]))
}

/// Soft and hard limit of open files.
fn open_files(limits: &str) -> Option<(u64, u64)> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut fields = line.split_whitespace();
    let number =
        |field: &str| if field == "unlimited" { Some(u64::MAX) } else { field.parse().ok() };
    Some((number(fields.next()?)?, number(fields.next()?)?))
}

fn highest_rss_kib(pid: u32, over: &AtomicBool) -> Outcome<u64> {
    let mut highest = 0;
    while !over.load(Ordering::Relaxed) {
        highest = highest.max(process::rss_kib(pid)?);
        std::thread::sleep(SAMPLE_EVERY);
    }
    Ok(highest)
}

/// What the broker's start line says that its buffers may take.
fn printed_budget_mib(trace: &Path) -> Outcome<u64> {
    let line = process::matching(trace, &["budget="], 1);
    let budget =
        line.split_once("budget=").and_then(|(_, rest)| rest.split_once("MiB")?.0.parse().ok());
    budget.ok_or_else(|| Failed("the broker printed no budget".into()))
}

#[cfg(test)]
mod tests {
    use super::open_files;

    #[test]
    fn limits_are_read_as_the_kernel_prints_them() {
        let limits = "Limit Soft Hard Units\nMax open files            1024                 unlimited            files\n";
        assert_eq!(open_files(limits), Some((1024, u64::MAX)));
    }
}
