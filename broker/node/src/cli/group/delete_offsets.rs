//! `broker group delete-offsets`.

use client::{ClientError, NamedPartition};
use std::collections::BTreeSet;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};

use super::scope::TopicScope;
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    group: String,
    /// A topic, or some of its partitions; may be repeated. It need not exist any more.
    #[arg(long = "topic", short = 't', required = true, value_name = "TOPIC[:0,1]")]
    topics: Vec<TopicScope>,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let router = &session.router;
    let committed = router.committed_offsets(&args.group, None, session.limit).await?;
    let chosen: BTreeSet<NamedPartition> = committed
        .into_keys()
        .filter(|at| args.topics.iter().any(|scope| scope.includes(at)))
        .collect();
    if chosen.is_empty() {
        return Err(Failure::Other(format!("group {} has committed nothing there", args.group)));
    }
    delete(session, &args.group, &chosen).await?;
    let count = chosen.len();
    session.format.done(&format!("group {}: {count} committed offsets deleted", args.group));
    Ok(())
}

async fn delete(
    session: &Session,
    group: &str,
    partitions: &BTreeSet<NamedPartition>,
) -> Result<(), ClientError> {
    let mut topics: Vec<OffsetDeleteRequestTopic> = Vec::new();
    for at in partitions {
        let partition = OffsetDeleteRequestPartition { partition_index: at.partition.0 };
        match topics.last_mut() {
            Some(topic) if *topic.name == *at.topic => topic.partitions.push(partition),
            _ => topics.push(OffsetDeleteRequestTopic {
                name: at.topic.to_string(),
                partitions: vec![partition],
            }),
        }
    }
    let request = OffsetDeleteRequest { group_id: group.to_owned(), topics };
    let what = format!("deleting offsets of group {group}");
    let router = &session.router;
    let deleted = router.retry(session.limit, async || {
        let connection = router.on_coordinator(group).await?;
        let response = connection.call(&request, session.limit).await?;
        ClientError::check(&what, response.error_code, None)?;
        for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
            ClientError::check(&what, partition.error_code, None)?;
        }
        Ok(())
    });
    deleted.await
}
