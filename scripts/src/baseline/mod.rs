//! `cargo x baseline`: Odradek beside a real Kafka, on the same CPUs, under the same load.
//!
//! Promises: sides take turns on every row, forwards and backwards, and the others are paused
//! meanwhile; the client's command line is the same for all; both products run with both flush
//! policies; every slot leaves a raw file, also one that failed; nothing measured is ever replaced.
//! Does not: repeat until a figure looks good, or compare across runs: ratios are within one run.
//!
//! Reading order: `rows` (what), `node` (against what), `measure` (how; `alone`, `beside`, `ceiling`
//! and `groups` are the rows that are more than one call), `record`, `render`.

mod alone;
mod beside;
mod ceiling;
mod groups;
mod measure;
mod node;
pub(crate) mod record;
mod render;
mod rows;

use crate::{Doing, Failed, Outcome, paths};
use node::{Node, Placement, SIDES, Side, Tenancy};
use record::{Machine, Raw, Turn};
use rows::{ROWS, Row};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The broker, the open-loop generator and the closed-loop drive.
const BUILD_PACKAGES: &[&str] = &["node", "loadgen", "benches"];

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Which rows
    #[arg(long, value_enum, default_value_t = Rows::Quick)]
    rows: Rows,
    /// Only these rows, by name; see --list
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these sides: odradek-sync, odradek-nosync, kafka-nosync, kafka-sync
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    sides: Vec<String>,
    /// How often each row is measured on each side
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Length of each measured window
    #[arg(long, value_parser = seconds, default_value = "20s")]
    duration: Duration,
    /// Load before each window that is not measured
    #[arg(long, value_parser = seconds, default_value = "5s")]
    warmup: Duration,
    /// Load after a Kafka was started, before its first row
    #[arg(long, value_parser = seconds, default_value = "60s")]
    jvm_warmup: Duration,
    /// Bytes that each fetch row reads
    #[arg(long, default_value_t = 10_000_000_000)]
    fetch_bytes: u64,
    /// Kafka's heap
    #[arg(long, default_value = "1g")]
    heap: String,
    /// Skip loadgen's 3 s against a broker that does nothing
    #[arg(long)]
    no_floor: bool,
    /// Where brokers keep their data meanwhile; the build folder when absent
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Folder of raw runs
    #[arg(long, default_value = "reports/data/baseline")]
    out: PathBuf,
    /// The report
    #[arg(long, default_value = "reports/rendered/baseline.md")]
    report: PathBuf,
    /// Measure nothing: render the report of this folder of raw runs again
    #[arg(long, value_name = "DIR")]
    render: Option<PathBuf>,
    /// Print the names of the rows instead
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Rows {
    Quick,
    Full,
}

/// Runs the task.
///
/// # Errors
/// When something cannot be built or written. A slot that fails is recorded, and the rest goes on.
pub fn run(args: &Arguments) -> Outcome {
    let rows = chosen_rows(args)?;
    if args.list {
        for row in rows {
            println!("{:<18} {}", row.name, row.title);
        }
        return Ok(());
    }
    if let Some(folder) = &args.render {
        return write_report(args, folder);
    }
    let sides = chosen_sides(args)?;
    let machine = Machine::look(&args.heap)?;
    measure::build()?;
    let folder = record::folder(&args.out)?;
    let scratch = args.scratch.clone().unwrap_or_else(|| paths::target().join("baseline"));
    std::fs::create_dir_all(&scratch).doing(|| scratch.display().to_string())?;
    let first = record::next_run(&folder)?;
    let mut session = Session { args, machine, folder, scratch, nodes: Vec::new() };
    for run in first..first + args.runs {
        for row in &rows {
            for (turn, side) in (0..).zip(in_turn(&sides, run)) {
                session.slot(row, side, Turn { run, turn })?;
            }
        }
        // After each run, so that a session that is cut short has its report.
        write_report(args, &session.folder)?;
    }
    Ok(())
}

/// Forwards in odd runs, backwards in even ones: no side always follows the same neighbour.
fn in_turn(sides: &[Side], run: u32) -> Vec<Side> {
    let mut order = sides.to_vec();
    if run.is_multiple_of(2) {
        order.reverse();
    }
    order
}

/// The brokers that are up, one per side at most, all paused but the one whose turn it is.
struct Session<'a> {
    args: &'a Arguments,
    machine: Machine,
    folder: PathBuf,
    scratch: PathBuf,
    nodes: Vec<(Side, Node)>,
}

impl Session<'_> {
    fn slot(&mut self, row: &Row, side: Side, turn: Turn) -> Outcome {
        let mut raw = Raw::begin(row.name, &side, turn, &self.machine)?;
        match self.measure(row, side, turn.run) {
            Ok(result) => raw.result = Some(result),
            Err(failed) => {
                raw.error = Some(failed.to_string());
                // Whatever state it is in: the next row gets a new one.
                self.nodes.retain(|(of, _)| *of != side);
            }
        }
        println!("run {} {:<18} {:<15} {}", turn.run, row.name, side.name, summary(row, &raw));
        record::keep(&self.folder, &raw)
    }

    fn measure(&mut self, row: &Row, side: Side, run: u32) -> Outcome<Value> {
        if row.work.starts_its_own_node() {
            let dir = self.scratch.join(format!("{}-{}", row.name, side.name));
            return alone::run(side, row, self.args, &dir);
        }
        let json = self.scratch.join(format!("{}-{}-{run}.json", row.name, side.name));
        let args = self.args;
        let node = self.resumed(side)?;
        let result = measure::on(node, row, run, args, &json);
        node.pause()?;
        result
    }

    /// The node of a side, started and warm, with the others paused.
    fn resumed(&mut self, side: Side) -> Outcome<&Node> {
        let known = self.nodes.iter().position(|(of, _)| *of == side);
        if let Some(index) = known {
            self.nodes[index].1.resume()?;
            return Ok(&self.nodes[index].1);
        }
        let dir = self.scratch.join(side.name);
        let mut node =
            Node::fresh(side, Placement::Split, Tenancy::InTurns, &dir, &self.args.heap)?;
        node.start()?;
        if side.product == node::Product::Kafka {
            measure::warm_up(&node, self.args)?;
        }
        self.nodes.push((side, node));
        Ok(&self.nodes[self.nodes.len() - 1].1)
    }
}

fn summary(row: &Row, raw: &Raw) -> String {
    let Some(result) = &raw.result else {
        let why = raw.error.as_deref().unwrap_or_default();
        return format!("no result: {}", why.lines().last().unwrap_or_default());
    };
    let shown = row.work.metrics().iter().filter_map(|metric| {
        Some(format!("{} {}", metric.name, render::digits(metric.of(result)?)))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn write_report(args: &Arguments, folder: &Path) -> Outcome {
    let report = paths::root().join(&args.report);
    if let Some(parent) = report.parent() {
        std::fs::create_dir_all(parent).doing(|| parent.display().to_string())?;
    }
    let text = render::report(folder, &record::read(folder)?);
    std::fs::write(&report, text).doing(|| report.display().to_string())?;
    println!("{}", report.display());
    Ok(())
}

fn chosen_rows(args: &Arguments) -> Outcome<Vec<Row>> {
    if let Some(unknown) = args.only.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        return Err(Failed(format!("no row {unknown}; `--rows full --list` names them")));
    }
    let chosen = |row: &&Row| match args.only.is_empty() {
        true => row.quick || args.rows == Rows::Full,
        false => args.only.iter().any(|name| name == row.name),
    };
    Ok(ROWS.iter().filter(chosen).copied().collect())
}

fn chosen_sides(args: &Arguments) -> Outcome<Vec<Side>> {
    let known = |name: &String| SIDES.iter().any(|side| side.name == name);
    if let Some(unknown) = args.sides.iter().find(|name| !known(name)) {
        let names = SIDES.map(|side| side.name).join(", ");
        return Err(Failed(format!("no side {unknown}; there are {names}")));
    }
    let chosen =
        |side: &&Side| args.sides.is_empty() || args.sides.iter().any(|name| name == side.name);
    Ok(SIDES.iter().filter(chosen).copied().collect())
}

/// `20s` or `1.5s`.
fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').and_then(|it| it.parse::<f64>().ok());
    number
        .filter(|it| (0.0..=3_600.0).contains(it))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("`{text}`: write seconds such as 20s"))
}
