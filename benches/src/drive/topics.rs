//! Topics: created when missing, and timed until every partition has a leader.

use crate::peer::{Peer, accepted};
use crate::{Outcome, Target};
use clap::Args;
use model::ErrorCode;
use serde::Serialize;
use std::time::{Duration, Instant};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};

const CREATE_VERSION: i16 = 5;
/// Tells topic ids (KIP-516).
const METADATA_VERSION: i16 = 12;
const DELETE_VERSION: i16 = 5;
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Args)]
pub(crate) struct TopicArgs {
    #[command(flatten)]
    target: Target,
    #[arg(long, default_value_t = 1)]
    partitions: i32,
}

#[derive(Debug, Serialize)]
pub(crate) struct Created {
    partitions: i32,
    /// Until CreateTopics was answered.
    answered_ms: f64,
    /// Until Metadata gave every partition a leader.
    led_ms: f64,
}

pub(crate) fn run(args: &TopicArgs) -> Outcome<Created> {
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    let start = Instant::now();
    create(&mut peer, &args.target.topic, args.partitions)?;
    let answered_ms = start.elapsed().as_secs_f64() * 1e3;
    while !is_led(&mut peer, &args.target.topic, args.partitions)? {
        if start.elapsed() > PATIENCE {
            return Err(format!("no leaders within {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let led_ms = start.elapsed().as_secs_f64() * 1e3;
    Ok(Created { partitions: args.partitions, answered_ms, led_ms })
}

/// Makes sure that the topic exists and can be written to.
pub(crate) fn ensure(target: &Target, partitions: i32) -> Outcome<()> {
    run(&TopicArgs { target: target.clone(), partitions }).map(|_| ())
}

/// Gives the disk back; a topic that is gone already is fine.
pub(crate) fn delete(target: &Target) -> Outcome<()> {
    let mut peer = Peer::connect(&target.bootstrap)?;
    let request = DeleteTopicsRequest {
        topic_names: vec![target.topic.clone()],
        timeout_ms: 30_000,
        ..DeleteTopicsRequest::default()
    };
    let response = peer.call(&request, DELETE_VERSION)?;
    match response.responses.first().map_or(0, |topic| topic.error_code) {
        code if code == ErrorCode::UnknownTopicOrPartition.code() => Ok(()),
        code => accepted("DeleteTopics", code),
    }
}

fn create(peer: &mut Peer, name: &str, partitions: i32) -> Outcome<()> {
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() };
    let response = peer.call(&request, CREATE_VERSION)?;
    match response.topics.first().map_or(0, |topic| topic.error_code) {
        code if code == ErrorCode::TopicAlreadyExists.code() => Ok(()),
        code => accepted("CreateTopics", code),
    }
}

/// What Metadata says about a topic; `None` when it leaves it out.
pub(crate) fn metadata(peer: &mut Peer, name: &str) -> Outcome<Option<MetadataResponseTopic>> {
    let asked = MetadataRequestTopic { name: Some(name.to_owned()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![asked]), ..MetadataRequest::default() };
    let response = peer.call(&request, METADATA_VERSION)?;
    Ok(response.topics.into_iter().next())
}

fn is_led(peer: &mut Peer, name: &str, partitions: i32) -> Outcome<bool> {
    let Some(topic) = metadata(peer, name)? else { return Ok(false) };
    if i32::try_from(topic.partitions.len()).is_ok_and(|there| there > partitions) {
        let there = topic.partitions.len();
        return Err(format!("topic {name} has {there} partitions: say --partitions {there}"));
    }
    let led = topic.partitions.iter().filter(|it| it.error_code == 0 && it.leader_id >= 0).count();
    Ok(topic.error_code == 0 && i32::try_from(led) == Ok(partitions))
}
