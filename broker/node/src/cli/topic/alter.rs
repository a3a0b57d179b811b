//! `broker topic alter`.

use crate::cli::cluster::configs::{Change, Resource, alter};
use crate::cli::config_args::{ConfigValue, config_value};
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// Sets a config, may be repeated.
    #[arg(long = "config", short = 'c', value_name = "KEY=VALUE", value_parser = config_value)]
    set: Vec<ConfigValue>,
    /// Removes a config, so that the cluster's default counts again; may be repeated.
    #[arg(long = "delete-config", value_name = "KEY")]
    delete: Vec<String>,
    /// Only say whether the change would be accepted.
    #[arg(long)]
    validate_only: bool,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let changes = Change::list(&args.set, &args.delete)?;
    session
        .each(&args.topics, async |topic| {
            let resource = Resource::Topic(topic.clone());
            alter(session, &resource, &changes, args.validate_only).await
        })
        .await
}
