//! `cargo x <task>`: one module per task.

mod codegen;
mod fuzz;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo x", about = "Automation of this repository")]
enum Task {
    /// Write broker/wire's message types from its schemas.
    Codegen(codegen::Args),
    /// Run the fuzz bodies of broker/wire.
    Fuzz(fuzz::Args),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Codegen(args) => codegen::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
