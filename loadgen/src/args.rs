//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wire::compression::{Codec, Compression};

use crate::child::Seat;
use crate::number;
use crate::plan::{Acks, Pace, Plan};
use crate::schedule::Shape;

/// Open-loop load generator for any Kafka-compatible broker.
///
/// Records are due on a schedule that never waits for the broker, and latency counts from the
/// moment a record was due. Without --bootstrap an embedded broker is started, measured and removed.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a broker at one rate and report (the default).
    Run(Box<RunArgs>),
}

#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Brokers to ask first, `host:port,…`. Without it an embedded broker is started.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub bootstrap: Vec<String>,
    /// Records per second, all lanes together.
    #[arg(long, value_parser = number::rate, default_value = "1M/s")]
    pub rate: f64,
    /// Size of each record's value, at least 16B.
    #[arg(long, value_parser = number::bytes, default_value = "100B")]
    pub size: usize,
    /// Partitions per topic.
    #[arg(long, default_value_t = 6)]
    pub partitions: u32,
    #[arg(long, default_value_t = 1)]
    pub topics: u32,
    /// Use this existing topic instead of creating and deleting one.
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    /// Replicas of new topics; the broker's default when absent.
    #[arg(long, value_name = "COUNT")]
    pub replication_factor: Option<i16>,
    /// Config of new topics, such as flush.messages=1; may be repeated.
    #[arg(long = "topic-config", value_name = "KEY=VALUE", value_parser = key_value)]
    pub topic_configs: Vec<(String, String)>,
    #[arg(long, value_enum, default_value_t = AcksArg::All)]
    pub acks: AcksArg,
    /// Idempotent producers (KIP-98).
    #[arg(long)]
    pub idempotent: bool,
    /// How long a batch waits for more records.
    #[arg(long, value_parser = number::duration, default_value = "0.5ms")]
    pub linger: Duration,
    /// Most bytes of one batch.
    #[arg(long, value_parser = number::bytes, default_value = "64KiB")]
    pub batch: usize,
    /// none, gzip, snappy, lz4 or zstd.
    #[arg(long, value_parser = codec, default_value = "none")]
    pub compression: Codec,
    /// Requests of one producer without an answer.
    #[arg(long, default_value_t = 5)]
    pub in_flight: usize,
    /// Connections that produce; partitions are dealt out among them.
    #[arg(long, default_value_t = 2)]
    pub producers: u32,
    /// Connections that consume; 0 measures acknowledgements only.
    #[arg(long, default_value_t = 2)]
    pub consumers: u32,
    #[arg(long, value_parser = number::duration, default_value = "500ms")]
    pub fetch_max_wait: Duration,
    #[arg(long, value_parser = number::bytes, default_value = "1B")]
    pub fetch_min_bytes: usize,
    /// How due times are spread.
    #[arg(long, value_enum, default_value_t = ScheduleArg::Constant)]
    pub schedule: ScheduleArg,
    /// Repeats a Poisson schedule.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Length of the measured window.
    #[arg(long, value_parser = number::duration, default_value = "30s")]
    pub duration: Duration,
    /// Load before the window that is not measured.
    #[arg(long, value_parser = number::duration, default_value = "5s")]
    pub warmup: Duration,
    /// How long to wait for the last answers.
    #[arg(long, value_parser = number::duration, default_value = "10s")]
    pub drain: Duration,
    /// Latency limits, `p99=2ms` or several with commas; end to end, or of the acknowledgement when
    /// nothing consumes.
    #[arg(long, value_parser = number::limits, value_name = "LIMITS")]
    pub target: Option<BTreeMap<String, u64>>,
    /// Compare every byte that comes back, and look for loss, duplicates and reordering.
    #[arg(long)]
    pub verify: bool,
    /// Write what every batch came to, 64 bytes each, for `sim check`.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Skip the 3 s against a broker that does nothing.
    #[arg(long)]
    pub no_floor: bool,
    /// Measure the generator's own work per record, without any broker, and exit.
    #[arg(long)]
    pub null: bool,
    /// I/O backend of the generator, the sink and an embedded broker.
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    pub io: IoArg,
    /// Who runs where on this machine.
    #[arg(long, value_enum, default_value_t = Placement::Split)]
    pub placement: Placement,
    /// CPU of the generator; the last one when absent.
    #[arg(long, value_parser = cpu_list, value_name = "LIST")]
    pub cpus: Option<CpuList>,
    /// CPUs of an embedded broker, one shard each; the first one when absent.
    #[arg(long, value_parser = cpu_list, value_name = "LIST")]
    pub broker_cpus: Option<CpuList>,
    /// A property of the embedded broker; may be repeated.
    #[arg(long = "broker-set", value_name = "KEY=VALUE")]
    pub broker_settings: Vec<String>,
    /// Name of the report.
    #[arg(long, default_value = "run")]
    pub name: String,
    /// Write the result as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the result as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the result as Markdown.
    #[arg(long, value_name = "FILE")]
    pub md: Option<PathBuf>,
}

/// A list in one argument: clap reads a plain `Vec` as an argument that may be repeated.
pub type CpuList = Box<[usize]>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AcksArg {
    #[value(name = "0")]
    None,
    #[value(name = "1")]
    Leader,
    #[value(name = "all", alias = "-1")]
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleArg {
    /// Equal gaps.
    Constant,
    /// Independent arrivals.
    Poisson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IoArg {
    Auto,
    Uring,
    Epoll,
}

impl IoArg {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Uring => "uring",
            Self::Epoll => "epoll",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Placement {
    /// Broker and generator on CPUs of their own.
    Split,
    /// Both may use every CPU; the scheduler decides.
    FreeForAll,
}

impl Placement {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::FreeForAll => "free-for-all",
        }
    }
}

/// The command line of the sink, which only this program writes.
#[derive(Debug, Parser)]
pub struct SinkCli {
    #[arg(long, value_parser = cpu_list)]
    cpus: CpuList,
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    io: IoArg,
    #[arg(long)]
    no_pin: bool,
}

impl SinkCli {
    /// One shard: the sink has no state to spread.
    #[must_use]
    pub fn seat(self) -> Seat {
        Seat { cpus: self.cpus[..1].to_vec(), pinned: !self.no_pin, gives_way: false, io: self.io }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not a setting: write key=value"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

fn cpu_list(text: &str) -> Result<CpuList, String> {
    number::cpus(text).map(Vec::into_boxed_slice)
}

fn codec(text: &str) -> Result<Codec, String> {
    Codec::from_name(text)
        .ok_or_else(|| format!("`{text}` is no compression: use none, gzip, snappy, lz4 or zstd"))
}

impl RunArgs {
    /// The run that is asked for, checked.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn plan(&self) -> Result<Plan, String> {
        let plan = Plan {
            rate_per_s: self.rate,
            shape: match self.schedule {
                ScheduleArg::Constant => Shape::Constant,
                ScheduleArg::Poisson => Shape::Poisson { seed: self.seed },
            },
            record_bytes: self.size,
            topics: self.topics,
            partitions: self.partitions,
            topic: self.topic.clone(),
            replication_factor: self.replication_factor,
            topic_configs: self.topic_configs.iter().cloned().collect(),
            acks: match self.acks {
                AcksArg::None => Acks::None,
                AcksArg::Leader => Acks::Leader,
                AcksArg::All => Acks::All,
            },
            idempotent: self.idempotent,
            linger: self.linger,
            batch_bytes: self.batch,
            compression: Compression { codec: self.compression, level: None },
            in_flight: self.in_flight,
            producers: self.producers,
            consumers: self.consumers,
            fetch_max_wait_ms: i32::try_from(self.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
            fetch_min_bytes: i32::try_from(self.fetch_min_bytes).unwrap_or(i32::MAX),
            warmup: self.warmup,
            duration: self.duration,
            drain: self.drain,
            limits: self.target.clone().unwrap_or_default(),
            verify: self.verify,
            history: self.history.clone(),
            pace: Pace::Spin,
        };
        plan.check()?;
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Plan, String> {
        let words = core::iter::once("loadgen").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        match cli.command {
            Some(Command::Run(run)) => run.plan(),
            None => cli.run.plan(),
        }
    }

    #[test]
    fn run_is_the_default_command() {
        let line = "--rate 200k/s --size 1kB --acks 1 --linger 1ms --target p99=2ms --cpus 0-1";
        let plan = parse(line).unwrap();
        assert_eq!(parse(&format!("run {line}")).unwrap(), plan);
        assert_eq!((plan.rate_per_s, plan.record_bytes, plan.acks), (2e5, 1_000, Acks::Leader));
        assert_eq!(plan.limits, BTreeMap::from([("p99_us".to_owned(), 2_000)]));
    }

    #[test]
    fn the_defaults_make_a_plan() {
        let plan = parse("").unwrap();
        assert_eq!((plan.rate_per_s, plan.partitions, plan.acks), (1e6, 6, Acks::All));
    }

    #[test]
    fn a_wrong_value_is_explained() {
        assert!(parse("--rate fast").unwrap_err().contains("200k/s"));
        assert!(parse("--compression brotli").unwrap_err().contains("lz4"));
        assert!(parse("--size 8B").unwrap_err().contains("at least 16B"));
    }
}
