//! `cargo x trace fetch`: a hot fetch reads no record into the broker's memory.
//!
//! Promises: two witnesses. The kernel's, `strace` on every thread while clients fetch: no read call
//! names a `.log` file, and some call that sends file pages does. The broker's own, its counters at
//! the end: reads through the ring, which `strace` cannot see, stay far below one per fetch.
//! Does not: measure; a traced broker is slow.

use crate::kafka::ready;
use crate::odradek::{Odradek, Spec};
use crate::process::Background;
use crate::{Doing, Failed, Outcome, paths, process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What can be traced.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Action {
    /// Fetch the newest records over and over
    Fetch {
        /// Bytes to fetch
        #[arg(long, default_value_t = 10_000_000_000)]
        bytes: u64,
        /// Bytes of the partition, all of them hot
        #[arg(long, default_value_t = 32 << 20)]
        load_bytes: u64,
        /// Most bytes of one fetch
        #[arg(long, default_value_t = 1 << 20)]
        max_bytes: u32,
    },
}

/// Calls that bring file bytes into a process. `mmap` of a log would be one more way.
const READS: &[&str] = &["read", "pread64", "readv", "preadv", "preadv2", "mmap"];
/// Calls that send file pages without bringing them in.
const SENDS: &[&str] = &["sendfile", "splice"];
const TOPIC: &str = "traced";
const ATTACH_PATIENCE: Duration = Duration::from_secs(20);

/// Runs the trace.
///
/// # Errors
/// When a record was read, nothing was seen at all, or a tool is missing.
pub fn run(action: &Action) -> Outcome {
    let Action::Fetch { bytes, load_bytes, max_bytes } = *action;
    if !process::is_installed("strace") {
        return Err(Failed("strace is not installed; it is a package of that name".to_owned()));
    }
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--release", "--package", "node", "--package", "benches"]);
    process::run(build.current_dir(paths::root()))?;

    let dir = paths::target().join("trace");
    let broker_text = dir.with_extension("trace.txt");
    let calls_path = dir.with_extension("calls.txt");
    for path in [&broker_text, &calls_path] {
        let _ = std::fs::remove_file(path);
    }
    if dir.exists() {
        std::fs::remove_dir_all(&dir).doing(|| dir.display().to_string())?;
    }
    let port = ready::free_port().ok_or_else(|| Failed("no free port".to_owned()))?;
    let arguments = ["--cpus", "0", "--log-level", "debug", "--set", "http.listener="];
    let spec = Spec { dir: dir.clone(), port, shards: None };
    let broker = Odradek::start_with(&spec, &arguments.map(str::to_owned))?;

    let fetch = |load: u64, total: u64| drive_fetch(&broker.bootstrap, load, total, max_bytes);
    fetch(load_bytes, 0)?;
    let strace = attach(broker.pid(), &calls_path)?;
    let fetched = fetch(0, bytes)?;
    // SIGTERM lets strace detach and write out what it has.
    strace.stop(ATTACH_PATIENCE)?;
    broker.stop()?;

    let fetches = fetched["requests"].as_u64().unwrap_or(0);
    let calls = std::fs::read_to_string(&calls_path).doing(|| calls_path.display().to_string())?;
    let on_logs = calls_on_logs(&calls);
    let counters = std::fs::read_to_string(&broker_text).unwrap_or_default();
    println!("{fetches} fetches, {} bytes", fetched["bytes"]);
    for (call, count) in &on_logs {
        println!("{count:>10} {call} on a .log");
    }
    let verdict = judge(fetches, &on_logs, reads_counted(&counters));
    std::fs::remove_dir_all(&dir).doing(|| dir.display().to_string())?;
    println!("{}", verdict?);
    Ok(())
}

/// The sentence of a trace that shows what it should.
fn judge(
    fetches: u64,
    on_logs: &BTreeMap<String, u64>,
    reads_counted: Option<u64>,
) -> Outcome<String> {
    let sum = |calls: &[&str]| -> u64 { calls.iter().filter_map(|it| on_logs.get(*it)).sum() };
    let (reads, sends) = (sum(READS), sum(SENDS));
    if reads > 0 {
        return Err(Failed(format!("{reads} calls read a .log during {fetches} hot fetches")));
    }
    let Some(counted) = reads_counted else {
        return Err(Failed("the broker did not print its counters when it stopped".to_owned()));
    };
    // Start-up and loading read a few: metadata, the journal's head.
    if counted > fetches / 100 {
        return Err(Failed(format!("the broker counts {counted} reads for {fetches} fetches")));
    }
    if sends == 0 {
        // A ring splice to a pipe names the log only inside the ring.
        return Ok(format!(
            "no read of a .log; {counted} reads in the broker's whole life; pages left by the ring"
        ));
    }
    Ok(format!(
        "no read of a .log; {counted} reads in the broker's whole life; {sends} sends of pages"
    ))
}

fn drive_fetch(bootstrap: &str, load: u64, total: u64, max_bytes: u32) -> Outcome<Value> {
    let mut command = Command::new(paths::release_binary("drive"));
    command
        .args(["fetch", "--keep", "--bootstrap", bootstrap, "--topic", TOPIC])
        .args(["--load-bytes", &load.to_string(), "--total-bytes", &total.to_string()])
        .args(["--max-bytes", &max_bytes.to_string()]);
    serde_json::from_str(&process::capture(&mut command)?).doing(|| "what drive printed".into())
}

/// `strace` on every thread that it may trace; kernel workers of the ring are not among them.
fn attach(pid: u32, calls: &Path) -> Outcome<Background> {
    let log = |name: &str| calls.with_extension(name);
    let said = log("strace.txt");
    let errors = std::fs::File::create(&said).doing(|| said.display().to_string())?;
    let traced = [READS, SENDS].concat().join(",");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-e", &format!("trace={traced}"), "-o"])
        .arg(calls)
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors);
    let mut strace = Background::start(&mut command)?;
    process::wait_until("strace has attached", ATTACH_PATIENCE, || {
        if !strace.is_running()? {
            return Err(Failed(format!("strace ended: {}", process::tail(&said, 3))));
        }
        Ok(std::fs::read_to_string(&said).is_ok_and(|text| text.contains("attached")))
    })?;
    Ok(strace)
}

/// How often each call named a `.log`, from lines such as `7 sendfile(9<socket>, 12</d/0.log>, …`.
fn calls_on_logs(calls: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for line in calls.lines().filter(|line| line.contains(".log>")) {
        let call = line.split('(').next().unwrap_or_default();
        let name = call.split_whitespace().last().unwrap_or_default();
        *found.entry(name.to_owned()).or_insert(0) += 1;
    }
    found
}

/// Reads of any file, from the line that the broker prints with `--log-level debug` when it stops.
fn reads_counted(text: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.contains("submitted_reads: "))?;
    let value = |name: &str| -> Option<u64> {
        let (_, rest) = line.split_once(&format!("{name}: "))?;
        rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
    };
    Some(value("submitted_reads")? + value("cached_reads")?)
}

#[cfg(test)]
mod tests {
    use super::{calls_on_logs, judge, reads_counted};

    const SENT: &str = "7 sendfile(9<socket:[1]>, 12</d/t-0/0.log>, [0] => [4096], 4096) = 4096\n\
                        7 read(5</d/t-0/0.index>, \"\", 8) = 8\n";
    const READ: &str = "8 pread64(12</d/t-0/0.log>, \"...\"..., 4096, 0) = 4096\n";

    #[test]
    fn only_calls_that_name_a_log_count() {
        let found = calls_on_logs(&format!("{SENT}{READ}"));
        let expected = [("pread64", 1), ("sendfile", 1)].map(|(name, count)| (name.into(), count));
        assert_eq!(found, expected.into());
    }

    #[test]
    fn one_read_of_a_log_is_too_many() {
        let failed = judge(1_000, &calls_on_logs(READ), Some(0)).unwrap_err();
        assert!(failed.to_string().contains("1 calls read a .log"), "{failed}");
        assert!(judge(1_000, &calls_on_logs(SENT), Some(10)).is_ok());
    }

    #[test]
    fn reads_through_the_ring_are_seen_in_the_counters() {
        let text =
            "DEBUG [0] Counters { turns: 1, submitted_reads: 40, sends: 2, cached_reads: 3 }";
        assert_eq!(reads_counted(text), Some(43));
        assert!(judge(1_000, &calls_on_logs(SENT), reads_counted(text)).is_err());
        assert!(judge(1_000, &calls_on_logs(SENT), None).is_err());
    }
}
