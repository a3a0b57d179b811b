//! `broker consume`: records to standard output.
//!
//! Promises: the records of a partition come in order and without a gap, through restarts of brokers; in a group, what
//! is committed was printed before. An interrupt commits and leaves the group.

mod limits;
mod print;
mod printer;
mod source;
mod start;

use client::{Arrival, Chunk, ClientError, Cluster, NamedPartition, OffsetSpec};
use model::Offset;
use runtime::sync::{First, race};
use runtime::{Clock, Spawn};
use std::process::ExitCode;

use self::limits::Limits;
use self::print::{Parts, RecordFormat};
use self::printer::{Printer, Reader};
use self::source::{GroupArgs, News, Source};
pub(crate) use self::start::offsets;
use self::start::{Start, chosen, positions};
use super::failure::Failure;
use super::output::{Format, complain};
use super::session::{Interrupt, Session, Target, on_a_shard};
use super::topic::one_topic;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConsumeArgs {
    topic: String,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    group: GroupArgs,
    /// Begin with the oldest records. Default: with what comes from now on. In a group only where nothing is committed.
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,
    /// Begin at earliest, latest, an offset (123), so many before the end (-10), or a time (@2026-01-31T12:00Z).
    #[arg(
        long,
        short = 'o',
        value_name = "PLACE",
        allow_hyphen_values = true,
        conflicts_with = "group"
    )]
    offset: Option<Start>,
    /// Read these partitions only.
    #[arg(
        long,
        short = 'p',
        value_name = "NUMBER",
        value_delimiter = ',',
        conflicts_with = "group"
    )]
    partition: Vec<i32>,
    /// End after so many records.
    #[arg(long, short = 'n', value_name = "COUNT")]
    max_messages: Option<u64>,
    /// End when no record came for so long.
    #[arg(long, value_name = "MILLISECONDS")]
    timeout_ms: Option<u64>,
    /// End where the partitions end now.
    #[arg(long, short = 'e', conflicts_with = "group")]
    until_end: bool,
    /// Print each record as a JSON object in a line, as `broker produce --json` takes it.
    #[arg(long, conflicts_with_all = ["keys", "headers", "timestamps", "offsets", "key_separator"])]
    json: bool,
    /// Print keys.
    #[arg(long, short = 'k')]
    keys: bool,
    /// Between key and value; also prints keys. Default: a tab.
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
    /// Print headers, as `name:value,name:value`.
    #[arg(long)]
    headers: bool,
    /// Print timestamps.
    #[arg(long)]
    timestamps: bool,
    /// Print partitions and offsets.
    #[arg(long)]
    offsets: bool,
}

impl ConsumeArgs {
    fn start(&self) -> Start {
        let default = if self.from_beginning { Start::Earliest } else { Start::Latest };
        self.offset.unwrap_or(default)
    }

    fn format(&self) -> RecordFormat {
        if self.json {
            return RecordFormat::Json;
        }
        let default_separator = self.keys.then(|| "\t".to_owned());
        RecordFormat::Text(Parts {
            timestamp: self.timestamps,
            place: self.offsets,
            headers: self.headers,
            key_separator: self.key_separator.clone().or(default_separator),
        })
    }
}

pub(crate) fn run(args: ConsumeArgs) -> ExitCode {
    on_a_shard(Interrupt::IsHeard, move |rt| {
        let args = args.clone();
        async move {
            let session = Session::open(rt, &args.target, Format::Table).await?;
            Box::pin(consume(&session, &args)).await
        }
    })
}

async fn consume(session: &Session, args: &ConsumeArgs) -> Result<(), Failure> {
    let cluster = Cluster::of(&one_topic(session, &args.topic).await?);
    let mut limits = Limits::new(args);
    let source = match &args.group.group {
        Some(group) => Source::group(session, args, group),
        None => {
            let partitions = chosen(&cluster, &args.topic, &args.partition)?;
            let starts = positions(session, &partitions, args.start()).await?;
            if args.until_end {
                limits.end_at(offsets(session, &partitions, OffsetSpec::Latest).await?, &starts);
            }
            Source::alone(session, starts)
        }
    };
    let printer = Printer::new(args.format());
    Consume { session, source, printer, limits, trouble: None }.all().await
}

/// One run of the command.
struct Consume<'a> {
    session: &'a Session,
    source: Source,
    printer: Printer,
    limits: Limits,
    /// The last one that was told, so that it is told once.
    trouble: Option<ClientError>,
}

impl Consume<'_> {
    async fn all(mut self) -> Result<(), Failure> {
        let outcome = self.read().await;
        let closed = self.source.close().await;
        outcome?;
        closed.map_err(|error| {
            Failure::Other(format!("not everything printed is committed: {error}"))
        })
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let rt = &self.session.rt;
        let mut waits_since = rt.now().mono;
        while !self.limits.are_reached() {
            let deadline = self.limits.deadline(waits_since);
            let news = race(self.source.next(), rt.sleep_until(deadline));
            let news = match race(news, rt.signal()).await {
                First::Left(First::Left(news)) => news?,
                First::Left(First::Right(())) | First::Right(_) => break,
            };
            match news {
                News::Read(Arrival::Records(chunk)) => {
                    self.trouble = None;
                    if self.print(&chunk).await? == Reader::Gone {
                        break;
                    }
                    waits_since = rt.now().mono;
                }
                News::Read(Arrival::Trouble(error)) => self.tell(error),
                News::Read(Arrival::Moved { at, from, to }) => complain(&moved(&at, from, to)),
                News::Membership(text) => complain(&text),
            }
        }
        Ok(())
    }

    async fn print(&mut self, chunk: &Chunk) -> Result<Reader, Failure> {
        let next = self.printer.collect(chunk, &mut self.limits)?;
        let reader = self.printer.flush(&self.session.rt).await?;
        if reader == Reader::There {
            self.limits.reached(&chunk.at, next);
            self.source.processed(&chunk.at, next);
        }
        Ok(reader)
    }

    fn tell(&mut self, error: ClientError) {
        if self.trouble.as_ref() != Some(&error) {
            complain(&format!("{error}, trying again"));
            self.trouble = Some(error);
        }
    }
}

fn moved(at: &NamedPartition, from: Offset, to: Offset) -> String {
    if to > from {
        format!("{at}: records from {from} to {to} are gone, going on at {to}")
    } else {
        format!("{at} ends at {to}, before {from}: going on at {to}")
    }
}
