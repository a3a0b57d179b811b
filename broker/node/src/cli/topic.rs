//! `broker topic …`.

mod add_partitions;
mod alter;
mod create;
mod delete;
mod describe;
mod list;
mod offsets;

use clap::Subcommand;
use client::{ClientError, Cluster, NamedPartition};
use model::ErrorCode;
use std::process::ExitCode;
use std::rc::Rc;
use wire::messages::metadata::{MetadataResponse, MetadataResponseTopic};

use super::failure::Failure;
use super::session::{Interrupt, Session, Target, Wanted, on_a_shard};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TopicArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// List topics with their partitions.
    List(list::Args),
    /// Show topics in full: partitions with leader and replicas, configuration.
    Describe(describe::Args),
    /// Create a topic.
    Create(create::Args),
    /// Change the configuration of topics.
    Alter(alter::Args),
    /// Delete topics and their records.
    Delete(delete::Args),
    /// Raise the partition count of a topic.
    AddPartitions(add_partitions::Args),
    /// Show where the records of each partition start and end, or which offset a time has.
    Offsets(offsets::Args),
}

pub(crate) fn run(args: TopicArgs) -> ExitCode {
    on_a_shard(Interrupt::Ends, move |rt| {
        let args = args.clone();
        async move {
            let session = Session::open(rt, &args.target, args.wanted.format()).await?;
            match &args.task {
                Task::List(args) => list::run(&session, args).await,
                Task::Describe(args) => describe::run(&session, args).await,
                Task::Create(args) => create::run(&session, args).await,
                Task::Alter(args) => alter::run(&session, args).await,
                Task::Delete(args) => delete::run(&session, args).await,
                Task::AddPartitions(args) => add_partitions::run(&session, args).await,
                Task::Offsets(args) => offsets::run(&session, args).await,
            }
        }
    })
}

/// Metadata of the named topics, of all when there are no names, in the order of names.
///
/// A name that is not known is an error.
pub(crate) async fn metadata(
    session: &Session,
    names: &[String],
) -> Result<MetadataResponse, Failure> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let asked = (!names.is_empty()).then_some(&names[..]);
    let router = &session.router;
    let response = router.retry(session.limit, async || {
        let mut response = router.metadata(asked).await?;
        for topic in &response.topics {
            let what = format!("topic {}", name(topic));
            ClientError::check(&what, topic.error_code, None)?;
        }
        response.topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(response)
    });
    Ok(response.await?)
}

fn name(topic: &MetadataResponseTopic) -> &str {
    topic.name.as_deref().unwrap_or_default()
}

/// Metadata of a topic that must be there.
pub(crate) async fn one_topic(session: &Session, topic: &str) -> Result<MetadataResponse, Failure> {
    metadata(session, &[topic.to_owned()]).await
}

/// Every partition of these topics.
pub(crate) fn partitions_of(cluster: &Cluster) -> impl Iterator<Item = NamedPartition> + '_ {
    cluster.topics.iter().flat_map(|(name, topic)| {
        let name: Rc<str> = Rc::from(name.as_str());
        topic.partitions.keys().map(move |at| NamedPartition::new(&name, at.0))
    })
}

/// Whether a refusal says that there is no such topic.
fn is_unknown(failure: &Failure) -> bool {
    matches!(failure, Failure::Client(error)
        if error.code() == Some(ErrorCode::UnknownTopicOrPartition))
}
