//! `broker completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;
use std::process::ExitCode;

use super::output::say;
use crate::args::Cli;

/// Prints the script that makes a shell complete `broker`'s commands and options.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    say(&script(shell));
    ExitCode::SUCCESS
}

fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "broker", &mut bytes);
    String::from_utf8(bytes).expect("clap writes text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }
}
