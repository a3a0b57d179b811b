//! Unmodified third-party clients against a broker: every client, every scenario, one line each.
//!
//! Promises: a client that cannot be installed, or that lacks a call, is `skipped` with its reason
//! and never `ok`; the exit code fails when any line says `FAIL`.
//! Does not: use consumer groups or transactions.

pub(crate) mod clients;
pub(crate) mod driver;
mod scenarios;
mod subject;

pub mod files;

use crate::{Failed, Outcome};
use driver::Driver;
use scenarios::{Context, Verdict};
use std::time::Instant;
use subject::Subject;

/// What to run; everything when nothing is named.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which broker to start
    #[arg(long, default_value = "odradek")]
    against: subject::Kind,
    /// Use a broker that already runs, instead of starting one
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Only this client; may be given several times
    #[arg(long = "client")]
    clients: Vec<String>,
    /// Only this scenario; may be given several times
    #[arg(long = "scenario")]
    scenarios: Vec<String>,
    /// Shards of our broker; it decides by itself when left out
    #[arg(long)]
    shards: Option<u32>,
    /// Compare log directories with Kafka's instead: read by its tools, taken over in both ways
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(clap::Subcommand)]
enum Part {
    /// Log directories: Kafka's dump tool reads ours, each broker opens the other's
    Files,
}

/// Runs the scenarios.
///
/// # Errors
/// When a line says `FAIL`, a name is unknown, or the broker does not start.
pub fn run(arguments: &Arguments) -> Outcome {
    if let Some(Part::Files) = arguments.part {
        return files::run();
    }
    check_names("client", &arguments.clients, clients::ALL.iter().map(|client| client.name))?;
    check_names("scenario", &arguments.scenarios, scenarios::ALL.iter().map(|it| it.name))?;
    let subject = match &arguments.bootstrap {
        Some(bootstrap) => Subject::running(bootstrap),
        None => Subject::start(arguments.against, "compat", arguments.shards)?,
    };
    let mut tally = Tally::default();
    for client in clients::ALL {
        if chosen(&arguments.clients, client.name) {
            run_client(client, &subject.bootstrap, &arguments.scenarios, &mut tally);
        }
    }
    subject.stop()?;
    println!("{} ok, {} failed, {} skipped", tally.ok, tally.failed, tally.skipped);
    if tally.failed == 0 { Ok(()) } else { Err(Failed("a client failed".to_string())) }
}

#[derive(Default)]
struct Tally {
    ok: u32,
    failed: u32,
    skipped: u32,
}

impl Tally {
    fn add(&mut self, client: &str, scenario: &str, verdict: &Verdict, took_ms: u128) {
        let text = match verdict {
            Verdict::Ok(note) => {
                self.ok += 1;
                format!("ok {note}")
            }
            Verdict::Failed(reason) => {
                self.failed += 1;
                format!("FAIL {reason}")
            }
            Verdict::Skipped(reason) => {
                self.skipped += 1;
                format!("skipped {reason}")
            }
        };
        println!("{client:<14} {scenario:<15} {took_ms:>6} ms  {}", text.trim_end());
    }
}

fn run_client(client: &clients::Client, bootstrap: &str, only: &[String], tally: &mut Tally) {
    let chosen: Vec<_> = scenarios::ALL.iter().filter(|it| chosen(only, it.name)).collect();
    let program = match clients::install(client.language) {
        Ok(program) => program,
        Err(failed) => {
            let reason = failed.0.replace('\n', " ");
            for scenario in chosen {
                tally.add(client.name, scenario.name, &Verdict::Skipped(reason.clone()), 0);
            }
            return;
        }
    };
    let mut driver = None;
    for scenario in chosen {
        let begin = Instant::now();
        // A driver that broke is started again, so that one failure does not hide the next.
        let verdict =
            match driver.take().map_or_else(|| Driver::start(&program, client, bootstrap), Ok) {
                Ok(started) => {
                    let mut context =
                        Context::new(started, &program, client, bootstrap, scenario.name);
                    let verdict = scenarios::verdict((scenario.run)(&mut context));
                    if !matches!(verdict, Verdict::Failed(_)) {
                        driver = Some(context.driver);
                    }
                    verdict
                }
                Err(failed) => Verdict::Failed(failed.0),
            };
        tally.add(client.name, scenario.name, &verdict, begin.elapsed().as_millis());
    }
}

fn chosen(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|chosen| chosen == name)
}

fn check_names<'a>(
    what: &str,
    given: &[String],
    known: impl Iterator<Item = &'a str> + Clone,
) -> Outcome {
    for name in given {
        if !known.clone().any(|known| known == name) {
            let all: Vec<&str> = known.collect();
            return Err(Failed(format!("no {what} {name}; there are {}", all.join(", "))));
        }
    }
    Ok(())
}
