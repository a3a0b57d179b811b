//! `broker topic create`.

use client::ClientError;
use model::ErrorCode;
use serde::Serialize;
use wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreatableTopicResult, CreateTopicsRequest,
};

use crate::cli::config_args::{ConfigValue, config_value};
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    topic: String,
    /// Default: the cluster's `num.partitions`.
    #[arg(long, short = 'p', value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// Default: the cluster's `default.replication.factor`.
    #[arg(long, short = 'r', value_name = "COUNT", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A config of the topic, may be repeated.
    #[arg(long = "config", short = 'c', value_name = "KEY=VALUE", value_parser = config_value)]
    configs: Vec<ConfigValue>,
    /// A topic that exists already is left as it is, and that is a success.
    #[arg(long)]
    if_not_exists: bool,
    /// Only say whether it could be created.
    #[arg(long)]
    validate_only: bool,
}

#[derive(Debug, Serialize)]
struct Created {
    topic: String,
    topic_id: String,
    /// -1: an old broker does not say.
    partitions: i32,
    replication_factor: i16,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let request = request(args, i32::try_from(session.limit.as_millis()).unwrap_or(i32::MAX));
    let router = &session.router;
    let what = format!("creating topic {}", args.topic);
    let created = router.retry(session.limit, async || {
        let response = router.any().await?.call(&request, session.limit).await?;
        let topic = response.topics.into_iter().next().unwrap_or_default();
        ClientError::check(&what, topic.error_code, topic.error_message.as_ref())?;
        Ok(topic)
    });
    match created.await {
        Ok(topic) => {
            let created = row(topic);
            session.format.print(&created, |it| line(it, args.validate_only));
            Ok(())
        }
        Err(error) if args.if_not_exists && error.code() == Some(ErrorCode::TopicAlreadyExists) => {
            session.format.done(&format!("topic {} exists already", args.topic));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn request(args: &Args, timeout_ms: i32) -> CreateTopicsRequest {
    let config = |it: &ConfigValue| CreatableTopicConfig {
        name: it.key.clone(),
        value: Some(it.value.clone()),
    };
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: args.topic.clone(),
            num_partitions: args.partitions.unwrap_or(-1),
            replication_factor: args.replication_factor.unwrap_or(-1),
            assignments: Vec::new(),
            configs: args.configs.iter().map(config).collect(),
        }],
        timeout_ms,
        validate_only: args.validate_only,
    }
}

fn row(topic: CreatableTopicResult) -> Created {
    Created {
        topic: topic.name,
        topic_id: topic.topic_id.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
    }
}

fn line(created: &Created, validate_only: bool) -> String {
    let Created { topic, partitions, replication_factor, .. } = created;
    let done = if validate_only { "could be created" } else { "created" };
    format!(
        "topic {topic} {done}: {partitions} partitions, replication factor {replication_factor}\n"
    )
}
