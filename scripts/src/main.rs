//! `cargo x <task>`: the command line of the automation.

mod codegen;
mod fuzz;

use clap::{Parser, Subcommand};
use scripts::{
    Failed, Outcome, abuse, baseline, ci, compat, crash, kafka, madsim, simulator, tidy, trace,
};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo x", about = "Automation of the repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the whole gate, or only the named steps; never edits
    Ci {
        /// Print the names of the steps instead
        #[arg(long)]
        list: bool,
        /// As --list prints them; all when none is named
        steps: Vec<String>,
    },
    /// Format, and apply what clippy can fix
    Fix,
    /// Check the shape of the repository, report its longest files and functions
    Tidy,
    /// Write broker/wire's message types from its schemas
    Codegen(codegen::Args),
    /// Run the fuzz bodies of broker/wire
    Fuzz(fuzz::Args),
    /// Run a real Apache Kafka, for comparison
    Kafka {
        #[command(subcommand)]
        action: kafka::cli::Action,
    },
    /// Measure our broker beside a real Kafka, turn by turn
    Baseline(baseline::Arguments),
    /// Watch what our broker asks of the kernel
    Trace {
        #[command(subcommand)]
        action: trace::Action,
    },
    /// Run unmodified Kafka clients against a broker
    Compat(compat::Arguments),
    /// Connect to our broker in bad ways, and watch its memory and its other clients
    Abuse(abuse::Arguments),
    /// Run the broker on madsim, the second simulated kernel
    Madsim(madsim::Arguments),
    /// Kill our broker under load, again and again, and look for every acknowledged record
    Crash(crash::Arguments),
    /// Run seeds of the simulator twice, in unlike processes and two builds, and compare every step
    Meta(simulator::MetaArguments),
    /// Run a large sweep of the simulator in parts
    Fleet(simulator::FleetArguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("error: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Outcome {
    match task {
        Task::Ci { list: true, .. } => {
            for step in ci::STEPS {
                println!("{}", step.name);
            }
            Ok(())
        }
        Task::Ci { list: false, steps } => ci::run(&steps),
        Task::Fix => ci::fix(),
        Task::Tidy => tidy::run(),
        Task::Codegen(arguments) => codegen::run(&arguments).map_err(Failed),
        Task::Fuzz(arguments) => fuzz::run(&arguments).map_err(Failed),
        Task::Kafka { action } => kafka::cli::run(action),
        Task::Baseline(arguments) => baseline::run(&arguments),
        Task::Trace { action } => trace::run(&action),
        Task::Compat(arguments) => compat::run(&arguments),
        Task::Abuse(arguments) => abuse::run(&arguments),
        Task::Madsim(arguments) => madsim::run(&arguments),
        Task::Crash(arguments) => crash::run(&arguments),
        Task::Meta(arguments) => simulator::meta(&arguments),
        Task::Fleet(arguments) => simulator::fleet(&arguments),
    }
}
