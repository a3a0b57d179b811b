//! The command line of `broker`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

use crate::cli::{ClusterArgs, ConsumeArgs, GroupArgs, ProduceArgs, TopicArgs};

/// A Kafka-wire-compatible broker: thread per core, durable before it acknowledges.
///
/// `broker --data DIR` needs no ceremony: an empty directory is formatted and served on 127.0.0.1:9092.
#[derive(Debug, Parser)]
#[command(name = "broker", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look after a data directory while no broker runs on it.
    #[command(subcommand)]
    Storage(Storage),
    /// Create, look at and change topics.
    Topic(TopicArgs),
    /// Look at consumer groups and their lag, move and delete their offsets.
    Group(GroupArgs),
    /// Look at a cluster, and change the configuration of its brokers.
    Cluster(ClusterArgs),
    /// Write records from standard input, one for each line.
    Produce(ProduceArgs),
    /// Read records to standard output, until interrupted or told when to end.
    Consume(ConsumeArgs),
    /// Print a script that completes commands and options in a shell.
    Completions {
        /// bash, zsh or fish, among others.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Which kernel interface to use; `auto` takes io_uring where the kernel allows it.
    #[arg(long, value_enum, default_value_t = Io::Auto)]
    pub(crate) io: Io,
    /// CPUs to run on, one shard each, such as `0-3,8`. Default: all that affinity and the cgroup's cpu limit allow.
    #[arg(long, value_name = "LIST")]
    pub(crate) cpus: Option<String>,
    /// Leave the placement of threads to the kernel.
    #[arg(long)]
    pub(crate) no_pin: bool,
    /// How much to say: error, warn, info, debug or trace.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,
    /// Print one line `ready listeners=… ` on standard output once requests are answered; the log goes to standard error.
    #[arg(long)]
    pub(crate) ready_line: bool,
}

/// Where the configuration comes from; later sources win: file, then `--data`, then `--set`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// A Kafka `server.properties` file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory: short for `--set log.dirs=DIR`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// One property, may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Refuse unknown properties instead of warning.
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Storage {
    /// Write `meta.properties` into empty log directories.
    Format {
        #[command(flatten)]
        config: ConfigArgs,
        /// Cluster id as 22 characters of base64; drawn when absent.
        #[arg(long, short = 't', value_name = "ID")]
        cluster_id: Option<String>,
        /// Leave directories alone that are already formatted.
        #[arg(long, short = 'g')]
        ignore_formatted: bool,
    },
    /// Show what the log directories hold; changes nothing.
    Info {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Recover the directories as a start would, check every batch, and mark them clean: a broker or a Kafka then starts
    /// on them without recovery.
    Fsck {
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Io {
    Auto,
    Uring,
    Epoll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Whether a command line is accepted, its program's name left out.
    fn parses(line: &str) -> bool {
        Cli::try_parse_from(["broker"].into_iter().chain(line.split(' '))).is_ok()
    }

    #[test]
    fn the_declarations_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_that_commands_share_stand_anywhere() {
        assert!(parses("topic list --bootstrap a:1,b:2 --json"));
        assert!(parses("topic -b a:1 --json list"));
        assert!(parses("group describe --all --timeout 5s"));
        assert!(!parses("topic list --timeout 5"));
    }

    #[test]
    fn a_reset_goes_to_exactly_one_place() {
        assert!(parses("group reset g --all-topics --to-earliest"));
        assert!(parses("group reset g -t orders:0,1 --shift-by -5 --execute"));
        assert!(!parses("group reset g --all-topics"));
        assert!(!parses("group reset g --to-earliest"));
        assert!(!parses("group reset g --all-topics --to-earliest --to-latest"));
        assert!(!parses("group reset g --all-topics --to-earliest --execute --dry-run"));
    }

    #[test]
    fn a_group_chooses_partitions_and_offsets_itself() {
        assert!(parses("consume orders -g billing --from-beginning -n 5"));
        assert!(!parses("consume orders -g billing --offset 5"));
        assert!(!parses("consume orders -g billing --partition 0"));
        assert!(!parses("consume orders --instance a"));
        assert!(parses("consume orders -o -5 -p 0,2"));
    }

    #[test]
    fn json_lines_say_everything_themselves() {
        assert!(parses("produce orders --json --partition 1 --acks 0 --compression zstd"));
        assert!(!parses("produce orders --json --key-separator :"));
        assert!(!parses("consume orders --json --keys"));
    }

    #[test]
    fn a_broker_runs_without_a_command() {
        assert!(parses("--data /tmp/x --set a=b"));
        assert!(!parses("--data /tmp/x topic list"));
    }
}
