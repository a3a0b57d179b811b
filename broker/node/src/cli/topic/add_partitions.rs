//! `broker topic add-partitions`.

use client::ClientError;
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};

use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    topic: String,
    /// How many partitions the topic has afterwards. Keys may move to other partitions.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    to: i32,
    /// Only say whether the change would be accepted.
    #[arg(long)]
    validate_only: bool,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: args.topic.clone(),
            count: args.to,
            assignments: None,
        }],
        timeout_ms: i32::try_from(session.limit.as_millis()).unwrap_or(i32::MAX),
        validate_only: args.validate_only,
    };
    let what = format!("adding partitions to {}", args.topic);
    let router = &session.router;
    let added = router.retry(session.limit, async || {
        let response = router.any().await?.call(&request, session.limit).await?;
        for result in &response.results {
            ClientError::check(&what, result.error_code, result.error_message.as_ref())?;
        }
        Ok(())
    });
    added.await?;
    let has = if args.validate_only { "can have" } else { "has" };
    session.format.done(&format!("topic {} {has} {} partitions", args.topic, args.to));
    Ok(())
}
