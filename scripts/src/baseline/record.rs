//! Raw runs: one JSON file per slot, written once and never changed.

use super::node::Side;
use crate::{Doing, Failed, Outcome, paths, process};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version of this layout; fields are added, never given a new meaning.
const SCHEMA: u32 = 1;

/// One slot, whatever became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Raw {
    pub(super) schema: u32,
    pub(super) row: String,
    pub(super) side: String,
    /// What an acknowledgement promised.
    pub(super) durability: String,
    /// From 1; runs of one number were measured one after the other.
    pub(super) run: u32,
    /// Place in its run, from 0: sides alternate forwards and backwards.
    pub(super) turn: u32,
    pub(super) started_at: String,
    pub(super) machine: Machine,
    /// What the slot printed, or `None`.
    pub(super) result: Option<Value>,
    /// Why there is no result.
    pub(super) error: Option<String>,
}

/// Where and with what it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(super) commit: String,
    pub(super) kernel: String,
    pub(super) cpu: String,
    pub(super) cpus: usize,
    pub(super) kafka_heap: String,
    /// Which client and which broker has which CPU, in words.
    pub(crate) placement: String,
}

impl Machine {
    pub(crate) fn look(kafka_heap: &str) -> Outcome<Self> {
        let cpus = std::thread::available_parallelism().doing(|| "count CPUs".into())?.get();
        if cpus < 2 {
            return Err(Failed("a baseline needs two CPUs: one each for broker and client".into()));
        }
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").doing(|| "/proc/cpuinfo".into())?;
        let cpu = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let cpu = cpu.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name);
        Ok(Self {
            commit: commit()?,
            kernel: printed("uname", &["-r"])?,
            cpu: cpu.to_owned(),
            cpus,
            kafka_heap: kafka_heap.to_owned(),
            placement:
                "broker on CPU 0 (one shard), client on CPU 1; start and crash rows: all CPUs"
                    .to_owned(),
        })
    }
}

/// The folder that this session adds to: a day and a commit.
pub(crate) fn folder(out: &Path) -> Outcome<PathBuf> {
    let day = printed("date", &["-u", "+%F"])?;
    let folder = paths::root().join(out).join(format!("{day}-{}", commit()?));
    std::fs::create_dir_all(&folder).doing(|| folder.display().to_string())?;
    Ok(folder)
}

/// The number of the next run: one more than any run in the folder.
pub(super) fn next_run(folder: &Path) -> Outcome<u32> {
    Ok(read(folder)?.iter().map(|raw| raw.run).max().unwrap_or(0) + 1)
}

impl Raw {
    /// A slot that starts now.
    pub(super) fn begin(row: &str, side: &Side, turn: Turn, machine: &Machine) -> Outcome<Self> {
        Ok(Self {
            schema: SCHEMA,
            row: row.to_owned(),
            side: side.name.to_owned(),
            durability: side.durability.to_owned(),
            run: turn.run,
            turn: turn.turn,
            started_at: printed("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])?,
            machine: machine.clone(),
            result: None,
            error: None,
        })
    }
}

/// When a side is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) run: u32,
    pub(super) turn: u32,
}

/// Keeps a slot.
pub(super) fn keep(folder: &Path, raw: &Raw) -> Outcome {
    let path = folder.join(format!("{:03}-{}-{}.json", raw.run, raw.row, raw.side));
    let text = serde_json::to_string_pretty(raw).doing(|| path.display().to_string())?;
    // Only a new name: what was measured once is not replaced by a nicer figure.
    let mut file = std::fs::File::create_new(&path).doing(|| path.display().to_string())?;
    std::io::Write::write_all(&mut file, text.as_bytes()).doing(|| path.display().to_string())
}

/// Every slot in a folder, in the order of their names.
pub(super) fn read(folder: &Path) -> Outcome<Vec<Raw>> {
    let what = || folder.display().to_string();
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).doing(what)? {
        names.push(entry.doing(what)?.path());
    }
    names.retain(|path| path.extension().is_some_and(|it| it == "json"));
    names.sort();
    let parse = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).doing(|| path.display().to_string())?;
        serde_json::from_str(&text).doing(|| path.display().to_string())
    };
    names.iter().map(parse).collect()
}

/// Short, and honest about changes that are not committed.
fn commit() -> Outcome<String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        process::capture(command.args(arguments).current_dir(paths::root()))
    };
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.trim().is_empty();
    let hash = git(&["rev-parse", "--short=10", "HEAD"])?;
    Ok(format!("{}{}", hash.trim(), if changed { "-changed" } else { "" }))
}

fn printed(program: &str, arguments: &[&str]) -> Outcome<String> {
    Ok(process::capture(Command::new(program).args(arguments))?.trim().to_owned())
}
