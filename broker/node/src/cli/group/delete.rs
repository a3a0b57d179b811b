//! `broker group delete`.

use client::ClientError;
use wire::messages::delete_groups::DeleteGroupsRequest;

use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "GROUP")]
    groups: Vec<String>,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    session
        .each(&args.groups, async |group| {
            delete(session, group).await?;
            session.format.done(&format!("group {group} deleted"));
            Ok(())
        })
        .await
}

async fn delete(session: &Session, group: &str) -> Result<(), ClientError> {
    let router = &session.router;
    let request = DeleteGroupsRequest { groups_names: vec![group.to_owned()] };
    let deleted = router.retry(session.limit, async || {
        let connection = router.on_coordinator(group).await?;
        let response = connection.call(&request, session.limit).await?;
        for result in &response.results {
            ClientError::check(&format!("deleting group {group}"), result.error_code, None)?;
        }
        Ok(())
    });
    deleted.await
}
