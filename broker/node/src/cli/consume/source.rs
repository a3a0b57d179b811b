//! Where records come from: partitions of our own choice, or those that a group gives us.

use client::{
    Arrival, ClientError, FetchLimits, Fetcher, GroupArrival, GroupConsumer, GroupOptions,
    NamedPartition, NoOffset, Positions,
};
use core::time::Duration;
use model::Offset;
use std::collections::BTreeSet;
use uring::Live;

use super::super::duration::duration;
use super::super::session::Session;
use super::ConsumeArgs;

/// Of one answer of one broker: a tool has several of them in memory.
const FETCH_BYTES: i32 = 8 << 20;
/// A member whose reader takes nothing for so long gives its partitions to the others.
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(60);

/// Options that mean something in a group only.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct GroupArgs {
    /// Share the topic with the other members of this group, and go on where it has committed.
    #[arg(long, short = 'g', value_name = "NAME")]
    pub(super) group: Option<String>,
    /// A name that survives restarts: partitions are kept while the member is away for less than its session.
    #[arg(long, value_name = "NAME", requires = "group")]
    instance: Option<String>,
    /// Others take over when this member was not heard of for so long.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s", requires = "group")]
    session_timeout: Duration,
    /// How often to commit what was printed.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s", requires = "group")]
    commit_interval: Duration,
}

#[expect(clippy::large_enum_variant, reason = "there is one")]
pub(super) enum Source {
    Alone(Fetcher<Live>),
    Group(GroupConsumer<Live>),
}

/// What a source has to say.
pub(super) enum News {
    Read(Arrival),
    /// Of the group, as a sentence.
    Membership(String),
}

impl Source {
    pub(super) fn alone(session: &Session, starts: Positions) -> Self {
        let fetcher = Fetcher::new(session.router.clone(), fetch_limits());
        fetcher.assign(starts);
        Self::Alone(fetcher)
    }

    pub(super) fn group(session: &Session, args: &ConsumeArgs, group: &str) -> Self {
        let options = GroupOptions {
            group: group.to_owned(),
            topics: BTreeSet::from([args.topic.clone()]),
            instance_id: args.group.instance.clone(),
            session_timeout: args.group.session_timeout,
            rebalance_timeout: REBALANCE_TIMEOUT,
            commit_interval: args.group.commit_interval,
            no_offset: if args.from_beginning { NoOffset::Earliest } else { NoOffset::Latest },
            fetch: fetch_limits(),
        };
        Self::Group(GroupConsumer::join(session.router.clone(), options))
    }

    /// What comes next. May be dropped and called again without a loss.
    pub(super) async fn next(&mut self) -> Result<News, ClientError> {
        match self {
            Self::Alone(fetcher) => Ok(News::Read(fetcher.next().await)),
            Self::Group(consumer) => Ok(match consumer.next().await? {
                GroupArrival::Read(arrival) => News::Read(arrival),
                GroupArrival::Assigned(partitions) => News::Membership(assigned(&partitions)),
                GroupArrival::Revoked => News::Membership("rebalancing".to_owned()),
                GroupArrival::Lost => {
                    News::Membership("lost the partitions, joining again".to_owned())
                }
            }),
        }
    }

    /// Everything before `next` is printed.
    pub(super) fn processed(&mut self, at: &NamedPartition, next: Offset) {
        match self {
            Self::Alone(_) => {}
            Self::Group(consumer) => consumer.processed(at, next),
        }
    }

    pub(super) async fn close(self) -> Result<(), ClientError> {
        match self {
            Self::Alone(_) => Ok(()),
            Self::Group(consumer) => consumer.close().await,
        }
    }
}

fn fetch_limits() -> FetchLimits {
    FetchLimits { max_bytes: FETCH_BYTES, ..FetchLimits::default() }
}

fn assigned(partitions: &BTreeSet<NamedPartition>) -> String {
    if partitions.is_empty() {
        return "assigned no partition: other members have them all".to_owned();
    }
    let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
    format!("assigned {}", names.join(", "))
}
