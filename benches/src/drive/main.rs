//! The drive: closed-loop requests of one exact shape against any Kafka-compatible broker.
//!
//! Promises: every request of a run has the same bytes but its correlation id, so that CPU per
//! request is a property of the broker and not of how a client happened to batch; each answer is
//! checked; the broker's CPU is read at the start and the end of the measured part, by process.
//! Does not: measure latency (a closed loop hides it; `loadgen` does that), or choose conclusions.
//!
//! One JSON object goes to standard output. Called by `cargo x baseline` and `cargo x trace`.

mod fetch;
mod groups;
mod peer;
mod produce;
mod readers;
mod topics;
mod usage;

use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "drive", about = "Closed-loop requests of one exact shape")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Produce equal batches as fast as answers allow
    Produce(produce::ProduceArgs),
    /// Load a partition, then fetch it over and over
    Fetch(fetch::FetchArgs),
    /// Read old records at a steady pace, each reader its own partition
    Readers(readers::ReadersArgs),
    /// Delete a topic
    Delete(Target),
    /// Create a topic, which stays, and wait until every partition has a leader
    Topic(topics::TopicArgs),
    /// Join new groups, one after the other, up to the first record
    Join(groups::join::JoinArgs),
    /// Join many groups and stay
    Members(groups::members::MembersArgs),
    /// Commit offsets
    Commits(groups::commits::CommitsArgs),
    /// After a start, wait for offsets that `commits` left
    Reload(groups::reload::ReloadArgs),
}

/// Whom to load.
#[derive(Debug, Clone, Args)]
struct Target {
    /// Broker, `host:port`.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: String,
    /// Topic; created when it does not exist.
    #[arg(long, value_name = "NAME")]
    topic: String,
    /// Process of the broker, for its CPU.
    #[arg(long, value_name = "PID")]
    broker_pid: Option<u32>,
    /// Leave the topic behind.
    #[arg(long)]
    keep: bool,
}

/// What went wrong, as one sentence.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Produce(args) => {
            produce::run(&args).and_then(|it| leave(&args.target).map(|()| text(&it)))
        }
        Command::Fetch(args) => {
            fetch::run(&args).and_then(|it| leave(&args.target).map(|()| text(&it)))
        }
        Command::Readers(args) => readers::run(&args).map(|it| text(&it)),
        Command::Delete(target) => topics::delete(&target).map(|()| "{}".to_owned()),
        Command::Topic(args) => topics::run(&args).map(|it| text(&it)),
        Command::Join(args) => groups::join::run(&args).map(|it| text(&it)),
        Command::Members(args) => groups::members::run(&args).map(|it| text(&it)),
        Command::Commits(args) => groups::commits::run(&args).map(|it| text(&it)),
        Command::Reload(args) => groups::reload::run(&args).map(|it| text(&it)),
    };
    match result {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("drive: {why}");
            ExitCode::FAILURE
        }
    }
}

fn leave(target: &Target) -> Outcome<()> {
    if target.keep { Ok(()) } else { topics::delete(target) }
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain fields")
}
