//! `broker produce`: records from standard input.
//!
//! Promises: a success means that the cluster has every line, each once (with `--acks all`); after a failure the
//! number of lines that it has is told; an interrupt delivers what was read.

mod batches;
mod line;
mod lines;
mod progress;

use clap::ValueEnum;
use client::{Acks, Cluster, Producer, ProducerOptions};
use core::time::Duration;
use runtime::sync::{First, race};
use runtime::{Clock, Purpose, Spawn};
use std::process::ExitCode;
use wire::compression::{Codec, Compression};

use self::batches::Batches;
use self::line::LineFormat;
use self::lines::Lines;
use self::progress::Progress;
use super::failure::{Failure, explained};
use super::instant::instant_ms;
use super::output::Format;
use super::session::{Interrupt, Session, Target, on_a_shard};
use super::stdin::Stdin;
use super::topic::one_topic;

/// Open batches of all partitions together.
const OPEN_BYTES: usize = 16 << 20;
/// A longer line is refused: it would not fit any topic.
const LINE_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ProduceArgs {
    topic: String,
    #[command(flatten)]
    target: Target,
    /// Each line is `KEY SEPARATOR VALUE`. Without it lines are values, and records have no key.
    #[arg(long, short = 'k', value_name = "TEXT", conflicts_with = "json", value_parser = separator)]
    key_separator: Option<String>,
    /// Each line begins with headers, `name:value,name:value`, and a tab.
    #[arg(long, conflicts_with = "json")]
    headers: bool,
    /// A key, value or header value of exactly this text is null: a null value deletes a key from a compacted topic.
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    null_marker: Option<String>,
    /// Each line is a JSON object with any of `key`, `value`, `headers`, `partition`, `timestamp`, as `broker consume
    /// --json` prints it.
    #[arg(long)]
    json: bool,
    /// Partition of all records that do not name one. Default: by key as Kafka's producer does, else in turn.
    #[arg(long, short = 'p', value_name = "NUMBER")]
    partition: Option<i32>,
    /// Timestamp of all records that do not have one. Default: now.
    #[arg(long, value_name = "TIME", value_parser = instant_ms)]
    timestamp: Option<i64>,
    /// What an acknowledgement means.
    #[arg(long, value_enum, default_value_t = AcksArg::All)]
    acks: AcksArg,
    #[arg(long, value_enum, default_value_t = CodecArg::None)]
    compression: CodecArg,
    /// Largest batch, before compression; a single record may be larger.
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 10, value_parser = clap::value_parser!(u32).range(1..=16 << 20))]
    batch_bytes: u32,
    /// Say nothing about progress and success.
    #[arg(long, short = 'q')]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AcksArg {
    /// Nothing: the broker does not answer.
    #[value(name = "0")]
    None,
    /// The leader has the record.
    #[value(name = "1")]
    Leader,
    /// All replicas in sync have it; retries make no duplicates.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CodecArg {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

fn separator(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it cannot be empty".to_owned()),
        "\\t" => Ok("\t".to_owned()),
        text => Ok(text.to_owned()),
    }
}

impl ProduceArgs {
    fn line_format(&self) -> LineFormat {
        if self.json {
            return LineFormat::Json;
        }
        LineFormat::Text {
            headers: self.headers,
            key_separator: self.key_separator.clone(),
            null_marker: self.null_marker.clone(),
        }
    }

    fn options(&self) -> ProducerOptions {
        let codec = match self.compression {
            CodecArg::None => Codec::None,
            CodecArg::Gzip => Codec::Gzip,
            CodecArg::Snappy => Codec::Snappy,
            CodecArg::Lz4 => Codec::Lz4,
            CodecArg::Zstd => Codec::Zstd,
        };
        ProducerOptions {
            acks: match self.acks {
                AcksArg::None => Acks::None,
                AcksArg::Leader => Acks::Leader,
                AcksArg::All => Acks::All,
            },
            compression: Compression::from(codec),
            limit: self.target.timeout.max(Duration::from_millis(1)),
        }
    }
}

pub(crate) fn run(args: ProduceArgs) -> ExitCode {
    on_a_shard(Interrupt::IsHeard, move |rt| {
        let args = args.clone();
        async move {
            let session = Session::open(rt, &args.target, Format::Table).await?;
            Produce::begin(&session, &args).await?.all().await
        }
    })
}

/// One run of the command.
struct Produce<'a> {
    session: &'a Session,
    args: &'a ProduceArgs,
    format: LineFormat,
    producer: Producer<uring::Live>,
    batches: Batches,
    lines: Lines,
    line_count: u64,
    progress: Progress,
}

impl<'a> Produce<'a> {
    async fn begin(session: &'a Session, args: &'a ProduceArgs) -> Result<Self, Failure> {
        let cluster = Cluster::of(&one_topic(session, &args.topic).await?);
        let partitions = cluster.topics.get(&args.topic).map_or(0, |topic| topic.partitions.len());
        let partition_count = u32::try_from(partitions).unwrap_or(0).max(1);
        let first = session.rt.random(Purpose::Workload);
        Ok(Self {
            session,
            args,
            format: args.line_format(),
            producer: Producer::open(session.router.clone(), args.options()).await?,
            batches: Batches::new(&args.topic, partition_count, first),
            lines: Lines::default(),
            line_count: 0,
            progress: Progress::new(session.rt.now_exact().mono, args.quiet),
        })
    }

    async fn all(mut self) -> Result<(), Failure> {
        let mut outcome = self.read_all().await;
        if let Err(Failure::Usage(_)) = &outcome {
            // The lines before the one that is none: a corrected input can go on from there.
            outcome = self.deliver().await.and(outcome);
        }
        let now = self.session.rt.now_exact().mono;
        self.progress.finish(&self.args.topic, now, outcome.is_ok());
        outcome
    }

    async fn read_all(&mut self) -> Result<(), Failure> {
        let no_input = |error| Failure::Other(format!("cannot read standard input: {error}"));
        let mut stdin = Stdin::open().map_err(no_input)?;
        loop {
            // Whoever types wants each line sent; a full pipe is read until a batch is full.
            if !stdin.is_ready() {
                self.deliver().await?;
            }
            let chunk = match race(stdin.next(), self.session.rt.signal()).await {
                First::Left(chunk) => chunk,
                First::Right(_) => return self.deliver().await,
            };
            match chunk {
                Some(chunk) => self.lines.push(&chunk.map_err(no_input)?),
                None => break,
            }
            self.take_lines().await?;
        }
        if let Some(line) = self.lines.rest().map(<[u8]>::to_vec) {
            self.add(&line)?;
        }
        self.deliver().await
    }

    /// Every whole line that has come.
    async fn take_lines(&mut self) -> Result<(), Failure> {
        while let Some(line) = self.lines.next() {
            let line = line.to_vec();
            self.add(&line)?;
            let batch_bytes = usize::try_from(self.args.batch_bytes).expect("32 bits");
            if self.batches.are_full(batch_bytes, OPEN_BYTES) {
                self.deliver().await?;
            }
        }
        if self.lines.unfinished_bytes() > LINE_BYTES_MAX {
            let at = self.line_count + 1;
            return Err(Failure::Other(format!("line {at} is longer than {LINE_BYTES_MAX} bytes")));
        }
        Ok(())
    }

    fn add(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.line_count += 1;
        let at = self.line_count;
        let wrong = |why: String| Failure::Usage(format!("line {at}: {why}"));
        let mut record = self.format.read(line).map_err(wrong)?;
        record.partition = record.partition.or(self.args.partition);
        let now_ms = || self.session.rt.now().wall_ms;
        let timestamp_ms = record.timestamp_ms.or(self.args.timestamp).unwrap_or_else(now_ms);
        self.batches.add(&record, timestamp_ms).map_err(wrong)
    }

    async fn deliver(&mut self) -> Result<(), Failure> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let (records, bytes) = (self.batches.record_count(), self.batches.size_bytes());
        match self.producer.deliver(self.batches.take()).await {
            Ok(_) => {
                self.progress.delivered(records, bytes, self.session.rt.now_exact().mono);
                Ok(())
            }
            Err(error) => Err(Failure::Other(explained(&error))),
        }
    }
}
