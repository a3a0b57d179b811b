//! `broker topic delete`.

use super::is_unknown;
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// A topic that does not exist is a success.
    #[arg(long)]
    if_exists: bool,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    session
        .each(&args.topics, async |topic| match delete(session, topic).await {
            Ok(()) => {
                session.format.done(&format!("topic {topic} deleted"));
                Ok(())
            }
            Err(failure) if args.if_exists && is_unknown(&failure) => {
                session.format.done(&format!("topic {topic} does not exist"));
                Ok(())
            }
            Err(failure) => Err(failure),
        })
        .await
}

async fn delete(session: &Session, topic: &str) -> Result<(), Failure> {
    let router = &session.router;
    let deleted =
        router.retry(session.limit, async || router.any().await?.delete_topic(topic).await);
    Ok(deleted.await?)
}
