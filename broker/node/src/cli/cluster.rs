//! `broker cluster …`.

mod brokers;
pub(crate) mod configs;
mod info;

use clap::Subcommand;
use client::ClientError;
use std::process::ExitCode;
use wire::messages::describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};

use super::failure::Failure;
use super::session::{Interrupt, Session, Target, Wanted, on_a_shard};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Show the cluster as a whole: id, controller, and whether every partition is well.
    Info,
    /// List the brokers.
    Brokers,
    /// Show or change the configuration of brokers.
    Configs(configs::Args),
}

pub(crate) fn run(args: ClusterArgs) -> ExitCode {
    on_a_shard(Interrupt::Ends, move |rt| {
        let args = args.clone();
        async move {
            let session = Session::open(rt, &args.target, args.wanted.format()).await?;
            match &args.task {
                Task::Info => info::run(&session).await,
                Task::Brokers => brokers::run(&session).await,
                Task::Configs(args) => configs::run(&session, args).await,
            }
        }
    })
}

/// From this version on a broker lists the fenced ones when asked to (KIP-1073).
const LISTS_FENCED: i16 = 2;
const ENDPOINTS_OF_BROKERS: i8 = 1;

async fn describe_cluster(session: &Session) -> Result<DescribeClusterResponse, Failure> {
    let router = &session.router;
    let described = router.retry(session.limit, async || {
        let connection = router.any().await?;
        let version = connection.versions().of_api(wire::ApiKey::DescribeCluster)?;
        let request = DescribeClusterRequest {
            include_cluster_authorized_operations: false,
            endpoint_type: ENDPOINTS_OF_BROKERS,
            include_fenced_brokers: version >= LISTS_FENCED,
        };
        let mut response = connection.call(&request, session.limit).await?;
        let message = response.error_message.as_ref();
        ClientError::check("DescribeCluster", response.error_code, message)?;
        response.brokers.sort_by_key(|broker| broker.broker_id);
        Ok(response)
    });
    Ok(described.await?)
}
