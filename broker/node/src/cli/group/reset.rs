//! `broker group reset`.

mod plan;

use client::{Committer, NamedPartition, Positions};
use core::time::Duration;
use model::Offset;
use runtime::Clock;
use serde::Serialize;
use std::collections::BTreeSet;

use self::plan::{Bounds, Move, Plan, To, plan};
use super::facts::group;
use super::scope::{TopicScope, existing};
use crate::cli::consume::offsets;
use crate::cli::duration::duration;
use crate::cli::failure::Failure;
use crate::cli::instant::instant_ms;
use crate::cli::output::{Format, complain};
use crate::cli::session::Session;
use crate::cli::table::{Table, or_dash};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    group: String,
    /// A topic, or some of its partitions; may be repeated.
    #[arg(
        long = "topic",
        short = 't',
        value_name = "TOPIC[:0,1]",
        required_unless_present = "all_topics"
    )]
    topics: Vec<TopicScope>,
    /// Every partition that the group has committed.
    #[arg(long, conflicts_with = "topics")]
    all_topics: bool,
    #[command(flatten)]
    to: ToArgs,
    /// Make the change.
    #[arg(long)]
    execute: bool,
    /// Only show the change; this is the default.
    #[arg(long, conflicts_with = "execute")]
    dry_run: bool,
}

/// Exactly one of them.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
struct ToArgs {
    /// To the oldest record.
    #[arg(long)]
    to_earliest: bool,
    /// To the end.
    #[arg(long)]
    to_latest: bool,
    /// To where it is, which begins at the end where nothing is committed.
    #[arg(long)]
    to_current: bool,
    /// To an offset.
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    to_offset: Option<i64>,
    /// So many records forward, or back when negative.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    shift_by: Option<i64>,
    /// To the first record at or after a time, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = instant_ms)]
    to_datetime: Option<i64>,
    /// To the first record that is at most so old.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    by_duration: Option<Duration>,
}

impl ToArgs {
    fn to(&self, now_ms: i64) -> To {
        if self.to_earliest {
            return To::Earliest;
        }
        if self.to_latest {
            return To::Latest;
        }
        if let Some(offset) = self.to_offset {
            return To::Offset(offset);
        }
        if let Some(count) = self.shift_by {
            return To::Shift(count);
        }
        if let Some(at_ms) = self.to_datetime {
            return To::Time(at_ms);
        }
        if let Some(age) = self.by_duration {
            return To::Time(
                now_ms.saturating_sub_unsigned(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            );
        }
        To::Current
    }
}

#[derive(Debug, Serialize)]
struct Report {
    group: String,
    executed: bool,
    moves: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    topic: String,
    partition: i32,
    from: Option<i64>,
    to: i64,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    refuse_active(session, &args.group).await?;
    let router = &session.router;
    let committed = router.committed_offsets(&args.group, None, session.limit).await?;
    let committed: Positions = committed.into_iter().map(|(at, it)| (at, it.offset)).collect();
    let partitions: BTreeSet<NamedPartition> = if args.all_topics {
        committed.keys().cloned().collect()
    } else {
        existing(session, &args.topics).await?
    };
    if partitions.is_empty() {
        return Err(Failure::Other(format!("group {} has committed nothing", args.group)));
    }
    let to = args.to.to(session.rt.now_exact().wall_ms);
    let bounds = bounds(session, &partitions, to).await?;
    let Plan { moves, brought_back, left_out } = plan(&partitions, to, &committed, &bounds);
    brought_back.iter().chain(&left_out).for_each(|note| complain(note));
    if args.execute {
        let positions: Positions = moves.iter().map(|it| (it.at.clone(), it.to)).collect();
        router.commit_offsets(&args.group, &Committer::Tool, &positions, session.limit).await?;
    }
    let report = report(&args.group, args.execute, moves);
    session.format.print(&report, table);
    if !args.execute && session.format == Format::Table {
        complain("nothing is changed yet: --execute makes the change");
    }
    if left_out.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

/// Members would go on from where they are, and commit over what is set here.
async fn refuse_active(session: &Session, name: &str) -> Result<(), Failure> {
    match group(session, name).await? {
        Some(group) if group.is_active() => Err(Failure::Other(format!(
            "group {name} is active ({}, members: {})\n  stop them first: `broker group describe {name} --members` lists them",
            group.state,
            group.members.len(),
        ))),
        Some(_) | None => Ok(()),
    }
}

async fn bounds(
    session: &Session,
    partitions: &BTreeSet<NamedPartition>,
    to: To,
) -> Result<Bounds, Failure> {
    let partitions: Vec<NamedPartition> = partitions.iter().cloned().collect();
    let at_time = match to {
        To::Time(at_ms) => {
            offsets(session, &partitions, client::OffsetSpec::Timestamp(at_ms)).await?
        }
        _ => Positions::new(),
    };
    Ok(Bounds {
        starts: offsets(session, &partitions, client::OffsetSpec::Earliest).await?,
        ends: offsets(session, &partitions, client::OffsetSpec::Latest).await?,
        at_time,
    })
}

fn report(group: &str, executed: bool, moves: Vec<Move>) -> Report {
    let row = |it: Move| Row {
        topic: it.at.topic.to_string(),
        partition: it.at.partition.0,
        from: it.from.map(|Offset(from)| from),
        to: it.to.0,
    };
    Report { group: group.to_owned(), executed, moves: moves.into_iter().map(row).collect() }
}

fn table(report: &Report) -> Table<5> {
    let mut table = Table::new(["TOPIC", "PARTITION", "FROM", "TO", "BY"]);
    for row in &report.moves {
        table.row([
            row.topic.clone(),
            row.partition.to_string(),
            or_dash(row.from),
            row.to.to_string(),
            or_dash(row.from.map(|from| row.to - from)),
        ]);
    }
    table
}
