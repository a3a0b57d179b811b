//! `loadgen`, and the two programs that it runs itself as: the embedded broker and the sink.

use clap::Parser;
use loadgen::args::{Cli, Command, SinkCli};
use loadgen::{child, command, null};
use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words: Vec<OsString> = env::args_os().collect();
    let first = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    if first == child::BROKER {
        words.remove(1);
        child::end_with_parent(child::folder_in(&words));
        return node::main_from_args(words);
    }
    if first == child::SINK {
        words.remove(1);
        child::end_with_parent(None);
        return command::serve_sink(&SinkCli::parse_from(words).seat());
    }
    let cli = Cli::parse();
    let run = match cli.command {
        Some(Command::Run(run)) => *run,
        None => cli.run,
    };
    if run.null { null::run(&run) } else { command::run(&run) }
}
