//! Unmodified clients and Kafka's own tools against a broker: every client, every scenario, one line
//! each.
//!
//! Promises: a client that cannot be installed, or that lacks a call, is `skipped` with its reason
//! and never `ok`; the exit code fails when any line says `FAIL`.
//! Does not: use transactions.

pub(crate) mod clients;
pub(crate) mod driver;

mod context;
mod groups;
mod outcomes;
mod scenarios;
mod subject;
mod tools;

pub mod files;

use crate::kafka::ready;
use crate::{Failed, Outcome};
use clients::{Client, Program, Protocol};
use context::{About, Context, Scenario, Verdict};
use driver::Driver;
use outcomes::Outcomes;
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
    /// Write the outcomes of groups down as Kafka's, instead of comparing with them
    #[arg(long, requires = "against")]
    record: bool,
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
    let clients = clients::ALL.iter().map(|client| client.name);
    check_names("client", &arguments.clients, clients.chain([tools::NAME]))?;
    let tools = tools::ALL.iter().map(|it| it.name);
    check_names("scenario", &arguments.scenarios, scenarios().map(|it| it.name).chain(tools))?;
    let used_to = match (arguments.record, arguments.against) {
        (false, _) => outcomes::Use::Compare,
        (true, subject::Kind::Kafka) => outcomes::Use::Record,
        (true, subject::Kind::Odradek) => {
            return Err(Failed("only Kafka's outcomes are recorded".to_string()));
        }
    };
    let mut outcomes = Outcomes::load(used_to)?;
    let subject = match &arguments.bootstrap {
        Some(bootstrap) => Subject::running(bootstrap),
        None => Subject::start(arguments.against, "compat", arguments.shards)?,
    };
    let mut tally = Tally::default();
    for client in clients::ALL {
        if chosen(&arguments.clients, client.name) {
            let outcomes = &mut outcomes;
            let mut turn = Turn { client, subject: &subject, outcomes, driver: None };
            turn.run(&arguments.scenarios, &mut tally);
        }
    }
    if chosen(&arguments.clients, tools::NAME) {
        run_tools(&subject.bootstrap, &arguments.scenarios, &mut outcomes, &mut tally);
    }
    subject.stop()?;
    outcomes.save()?;
    println!("{} ok, {} failed, {} skipped", tally.ok, tally.failed, tally.skipped);
    if tally.failed == 0 { Ok(()) } else { Err(Failed("a client failed".to_string())) }
}

/// All scenarios: those with records first, then those of groups.
fn scenarios() -> impl Iterator<Item = &'static Scenario> + Clone {
    scenarios::ALL.iter().chain(groups::ALL)
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
        println!("{client:<19} {scenario:<17} {took_ms:>6} ms  {}", text.trim_end());
    }
}

/// One client's turn.
struct Turn<'a> {
    client: &'a Client,
    subject: &'a Subject,
    outcomes: &'a mut Outcomes,
    /// From one scenario to the next; a driver that broke is not kept, so that one failure does not
    /// hide another.
    driver: Option<Driver>,
}

impl Turn<'_> {
    fn run(&mut self, only: &[String], tally: &mut Tally) {
        let program = clients::install(self.client.language);
        for scenario in scenarios().filter(|scenario| chosen(only, scenario.name)) {
            if scenario.about == About::Records && !self.client.records {
                continue;
            }
            let begin = Instant::now();
            let verdict = match &program {
                Ok(program) => {
                    self.verdict(scenario, program).unwrap_or_else(|it| Verdict::Failed(it.0))
                }
                Err(failed) => Verdict::Skipped(failed.0.replace('\n', " ")),
            };
            tally.add(self.client.name, scenario.name, &verdict, begin.elapsed().as_millis());
        }
    }

    fn verdict(&mut self, scenario: &Scenario, program: &Program) -> Outcome<Verdict> {
        if scenario.about == About::Groups
            && let Some(reason) = self.lacks_groups()
        {
            return Ok(Verdict::Skipped(reason));
        }
        let (client, subject) = (self.client, self.subject);
        let driver = match self.driver.take() {
            Some(driver) => driver,
            None => Driver::start(program, client, &subject.bootstrap)?,
        };
        let mut context = Context::new(driver, program, client, subject, scenario.name);
        let verdict = context::verdict((scenario.run)(&mut context));
        if !matches!(verdict, Verdict::Failed(_)) {
            self.driver = Some(context.driver);
        }
        Ok(match verdict {
            Verdict::Ok(outcome) if scenario.about == About::Groups => {
                self.outcomes.judge(client.name, scenario.name, outcome)
            }
            other => other,
        })
    }

    /// Why groups cannot be tried, if so.
    fn lacks_groups(&self) -> Option<String> {
        match self.client.groups {
            None => Some("the client has no groups".to_string()),
            Some(protocol) => lacks(&self.subject.bootstrap, protocol),
        }
    }
}

fn run_tools(bootstrap: &str, only: &[String], outcomes: &mut Outcomes, tally: &mut Tally) {
    for scenario in tools::ALL.iter().filter(|scenario| chosen(only, scenario.name)) {
        let begin = Instant::now();
        let verdict = match lacks(bootstrap, Protocol::Classic) {
            Some(reason) => Verdict::Skipped(reason),
            None => match scenario.run(bootstrap) {
                Ok(outcome) => outcomes.judge(tools::NAME, scenario.name, outcome),
                Err(failed) => Verdict::Failed(failed.0),
            },
        };
        tally.add(tools::NAME, scenario.name, &verdict, begin.elapsed().as_millis());
    }
}

/// Why groups of this protocol cannot be tried against the broker, if so.
fn lacks(bootstrap: &str, protocol: Protocol) -> Option<String> {
    let (api_key, api) = match protocol {
        Protocol::Classic => (11, "JoinGroup"),
        Protocol::Consumer => (68, "ConsumerGroupHeartbeat"),
    };
    let is_listed = ready::lists_api(bootstrap, api_key) == Some(true);
    (!is_listed).then(|| format!("the broker does not serve {api}"))
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
