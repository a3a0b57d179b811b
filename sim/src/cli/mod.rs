//! The command line: one file per command.

#[macro_use]
mod out;

mod canary;
mod check;
mod crash_points;
mod fleet;
mod list_faults;
mod list_sites;
mod meta;
mod mutants;
mod perf;
mod replay;
mod run;
mod show;
mod shrink;
mod sweep;
mod timeline;
mod worker;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::mpsc::channel;

use clap::{Parser, Subcommand};

use model::Bug;

use crate::mutants::{MUTANTS, Mutant};
use crate::names::nearest;
use crate::plan::{Plan, SEED_MAX};
use crate::run::{Options, Report};

/// The commit of this build; `+dirty` when the tree had changes.
pub const COMMIT: &str = env!("SIM_COMMIT");

/// Runs the broker in one deterministic process, under simulated faults.
///
/// A run is decided by its seed and the commit. A failure prints the one line that replays it.
#[derive(Debug, Parser)]
#[command(name = "sim", version = COMMIT)]
struct Cli {
    /// List the kinds of fault and what counts as their effect.
    #[arg(long, exclusive = true)]
    list_faults: bool,
    /// List the rare states and the places of rare choices.
    #[arg(long, exclusive = true)]
    list_sites: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one seed.
    Run(run::Args),
    /// Run a failure again, from its seed or from a schedule in a file.
    Replay(replay::Args),
    /// Run many fresh seeds in child processes and add up what they reached.
    Sweep(sweep::Args),
    /// Make a failure small: few faults, few requests, the same broken property.
    Shrink(shrink::Args),
    /// Write a run as one HTML page: nodes, faults, watermarks, clients, what broke.
    Timeline(timeline::Args),
    /// Print the plan of a seed.
    Plan(run::PlanArgs),
    /// Crash the storage at every disk operation of its workloads, and recover from each.
    CrashPoints(crash_points::Args),
    /// Plant each known bug and see who notices.
    Mutants(mutants::Args),
    /// Judge a history that `loadgen --verify --history` wrote against a real broker.
    Check(check::Args),
    /// Run every seed twice, in processes as unlike as can be, and compare every step.
    Meta(meta::Args),
    /// Plant one bug and look for it: what does not find it proves nothing about the rest.
    Canary(canary::Args),
    /// Run one part of a fleet's seeds, or put the parts together.
    Fleet(fleet::Args),
    /// Count what fixed workloads cost, in whole numbers, and compare with the committed file.
    Perf(perf::Args),
    /// Run the seeds of the standard input, for a sweep.
    #[command(hide = true)]
    Worker(worker::Args),
    /// Run the seeds of the standard input and tell every step's hash, for `meta`.
    #[command(hide = true)]
    Fingerprint(meta::FingerprintArgs),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.list_faults {
        return list_faults::list();
    }
    if cli.list_sites {
        return list_sites::list();
    }
    match cli.command {
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Replay(args)) => replay::replay(&args),
        Some(Command::Sweep(args)) => sweep::sweep(&args),
        Some(Command::Worker(args)) => worker::work(&args),
        Some(Command::CrashPoints(args)) => crash_points::crash_points(&args),
        Some(Command::Mutants(args)) => mutants::mutants(&args),
        Some(Command::Meta(args)) => meta::meta(&args),
        Some(Command::Canary(args)) => canary::canary(&args),
        Some(Command::Perf(args)) => perf::perf(&args),
        Some(Command::Fleet(args)) => fleet::fleet(&args),
        Some(Command::Fingerprint(args)) => meta::fingerprint(&args),
        Some(Command::Shrink(args)) => shrink::shrink(&args),
        Some(Command::Timeline(args)) => timeline::timeline(&args),
        Some(Command::Plan(args)) => run::print_plan(&args),
        Some(Command::Check(args)) => check::check(&args),
        None => refuse("say what to do: `sim run --seed 1`, `sim sweep`, `sim --help`"),
    }
}

/// Which run a command is about.
#[derive(Debug, clap::Args)]
struct Subject {
    /// The seed of the plan; with --schedule one that takes the place of the file's.
    #[arg(long, value_parser = seed)]
    seed: Option<u64>,
    /// A plan to run instead of the seed's own.
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// Plant this bug in the broker; `sim mutants --list` names them.
    #[arg(long, value_name = "NAME", value_parser = bug)]
    bug: Vec<Bug>,
}

impl Subject {
    /// # Errors
    /// Neither a seed nor a file that holds a plan.
    fn plan(&self) -> Result<Plan, String> {
        match (&self.schedule, self.seed) {
            (Some(path), seed) => {
                let plan = read_plan(path)?;
                Ok(Plan { seed: seed.unwrap_or(plan.seed), ..plan })
            }
            (None, Some(seed)) => Ok(Plan::from_seed(seed)),
            (None, None) => Err("give --seed, or --schedule, or both".to_owned()),
        }
    }

    fn bugs(&self) -> BTreeSet<Bug> {
        self.bug.iter().copied().collect()
    }

    fn options(&self, options: Options) -> Options {
        Options { bugs: self.bugs(), ..options }
    }
}

fn bug(text: &str) -> Result<Bug, String> {
    mutant(text).map(|mutant| mutant.bug)
}

/// A planted bug by its name.
fn mutant(name: &str) -> Result<&'static Mutant, String> {
    let names: Vec<String> = MUTANTS.iter().map(Mutant::name).collect();
    let known = MUTANTS.iter().find(|mutant| mutant.name() == name);
    known
        .ok_or_else(|| format!("{}; `sim mutants --list` names them", unknown("bug", name, &names)))
}

/// Says that there is no such thing, and what may have been meant.
fn unknown(what: &str, name: &str, names: &[String]) -> String {
    let meant = nearest(name, names.iter().map(String::as_str));
    let meant = meant.map(|it| format!(" (did you mean `{it}`?)")).unwrap_or_default();
    format!("there is no {what} `{name}`{meant}")
}

/// The exit code of what a command line cannot do, or cannot answer.
const REFUSED: u8 = 2;

/// What a command line cannot do.
fn refuse(reason: &str) -> ExitCode {
    eprintln!("sim: {reason}");
    ExitCode::from(REFUSED)
}

/// A seed as people write it.
fn seed(text: &str) -> Result<u64, String> {
    let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !is_number {
        return Err(format!("`{text}` is no number"));
    }
    // One of more digits than fit is too large too.
    let seed = text.parse().ok().filter(|seed| *seed <= SEED_MAX);
    seed.ok_or_else(|| format!("a seed is at most {SEED_MAX}"))
}

/// Lets a panic of a simulated node be known by its place, and prints none: the run's report tells.
fn quiet_panics() -> Options {
    let (tell, panics) = channel();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        // Nobody listens any more when the program ends.
        drop(tell.send(place));
    }));
    Options { panics: Some(Rc::new(panics)), ..Options::default() }
}

/// Runs a plan. A panic outside of every simulated node is the simulator's own mistake.
fn run_plan(plan: &Plan, options: &Options) -> Result<Report, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| crate::run::run(plan, options)));
    outcome.unwrap_or_else(|payload| {
        let place = options.panics.as_ref().and_then(|panics| panics.try_iter().last());
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        Err(format!("the simulator panicked at {}: {text}", place.unwrap_or_default()))
    })
}

/// Reads a plan from a file.
#[expect(clippy::disallowed_methods, reason = "the command line reads what it is given")]
fn read_plan(path: &Path) -> Result<Plan, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    Plan::from_toml(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a file can be written there, asked before the work that it is to hold. Leaves nothing behind.
#[expect(clippy::disallowed_types, reason = "the command line looks where it is told to write")]
fn check_place(path: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.exists() {
        return std::fs::OpenOptions::new().append(true).open(path).map(drop).map_err(told);
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = std::fs::metadata(above.unwrap_or(Path::new("."))).map_err(told)?;
    if above.is_dir() && !above.permissions().readonly() {
        return Ok(());
    }
    Err(format!("{}: nothing can be written there", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "the command line writes where it is told to")]
fn write_file(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_number_that_fits() {
        assert_eq!(seed("42"), Ok(42));
        for text in ["", "-1", "+1", "1.5", "seven"] {
            assert_eq!(seed(text), Err(format!("`{text}` is no number")));
        }
        for text in ["9223372036854775808", "12345678901234567890123"] {
            assert_eq!(seed(text), Err(format!("a seed is at most {SEED_MAX}")));
        }
    }

    #[test]
    fn an_unknown_bug_is_told_with_the_nearest_one() {
        assert_eq!(bug("ack-before-sync"), Ok(Bug::AckBeforeSync));
        let told = bug("ack-before-synch").unwrap_err();
        assert_eq!(
            told,
            "there is no bug `ack-before-synch` (did you mean `ack-before-sync`?); \
             `sim mutants --list` names them"
        );
        assert!(!bug("x").unwrap_err().contains("did you mean"));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_known_before_the_work() {
        let directory = std::env::temp_dir();
        assert!(check_place(&directory).is_err(), "it is a directory");
        assert!(check_place(&directory.join("no such directory/plan.toml")).is_err());
    }
}
