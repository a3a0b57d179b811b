//! CreateTopics.
//!
//! Source: Kafka `ReplicationControlManager.createTopics`, KIP-4, KIP-464, KIP-525.

use std::collections::BTreeSet;

use model::{ErrorCode, NodeId, TopicId};
use wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};
use wire::metadata::{MetadataRecord, TopicRecord};

use super::{Decision, View, names, placement, repeated};
use crate::config::{ConfigError, Layers, Values, topic_key, validate_topic};
use crate::{AdminResponse, BATCH_RECORDS_MAX, ConfigResource, Refusal};

/// A topic that passed every check.
struct NewTopic {
    records: Vec<MetadataRecord>,
    partition_count: usize,
    replication_factor: usize,
    configs: Values,
}

pub(super) fn create(
    view: View<'_>,
    request: &CreateTopicsRequest,
    topic_ids: &[TopicId],
) -> Decision {
    assert_eq!(request.topics.len(), topic_ids.len(), "one id per topic of the request");
    let mut records = Vec::new();
    let mut results = Vec::new();
    let mut draft = Draft::default();
    let repeated = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
    let mut answered = BTreeSet::new();
    for (topic, id) in request.topics.iter().zip(topic_ids) {
        let is_repeated = repeated.contains(topic.name.as_str());
        if is_repeated && !answered.insert(topic.name.as_str()) {
            continue;
        }
        let created = if is_repeated {
            let why = "the request names this topic more than once";
            Err(Refusal::new(ErrorCode::InvalidRequest, why))
        } else {
            new_topic(view, topic, *id, &mut draft)
        };
        results.push(match created {
            Ok(created) => {
                let result = success(view, topic, *id, &created);
                records.extend(created.records);
                result
            }
            Err(refusal) => failure(topic, refusal),
        });
    }
    if request.validate_only {
        records.clear();
    }
    let response = CreateTopicsResponse { topics: results, ..Default::default() };
    Decision { records, response: AdminResponse::CreateTopics(response) }
}

/// What this request has used up so far.
#[derive(Default)]
struct Draft {
    /// Names with `.` as `_`.
    merged_names: BTreeSet<String>,
    topic_count: usize,
    partition_count: usize,
    record_count: usize,
}

fn new_topic(
    view: View<'_>,
    topic: &CreatableTopic,
    id: TopicId,
    draft: &mut Draft,
) -> Result<NewTopic, Refusal> {
    check_name(view, &topic.name, draft)?;
    let configs = check_configs(topic)?;
    let assignments = assign(view, topic, id, draft)?;
    let partition_count = assignments.len();
    check_room(view, draft, partition_count)?;
    let replication_factor = assignments.first().map_or(0, Vec::len);

    let mut records = vec![TopicRecord { name: topic.name.clone(), topic_id: id }.into()];
    let resource = ConfigResource::topic(&topic.name);
    records.extend(configs.iter().map(|(name, value)| {
        MetadataRecord::from(resource.record(name.clone(), Some(value.clone())))
    }));
    for (replicas, index) in assignments.into_iter().zip(0..) {
        records.push(placement::first_row(view.image, replicas)?.record(id, index).into());
    }
    if draft.record_count + records.len() > BATCH_RECORDS_MAX {
        return Err(too_many_records());
    }
    draft.record_count += records.len();
    draft.topic_count += 1;
    draft.partition_count += partition_count;
    draft.merged_names.insert(topic.name.replace('.', "_"));
    Ok(NewTopic { records, partition_count, replication_factor, configs })
}

fn check_name(view: View<'_>, name: &str, draft: &Draft) -> Result<(), Refusal> {
    names::check(name)?;
    if view.image.topic_by_name(name).is_some() {
        let why = format!("topic {name} exists already");
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, why));
    }
    let collides = |other: &str| {
        let why =
            format!("{name} differs from {other} only in '.' and '_', which metric names mix");
        Err(Refusal::new(ErrorCode::InvalidTopicException, why))
    };
    if let Some(other) = view.image.colliding_topic(name) {
        return collides(&other.name);
    }
    if draft.merged_names.contains(&name.replace('.', "_")) {
        return collides("another topic of the request");
    }
    Ok(())
}

fn check_configs(topic: &CreatableTopic) -> Result<Values, Refusal> {
    let refuse = |error: ConfigError| Refusal::new(ErrorCode::InvalidConfig, error.to_string());
    let mut configs = Values::new();
    for config in &topic.configs {
        let Some(value) = &config.value else {
            return Err(refuse(ConfigError::Null { name: config.name.clone() }));
        };
        configs.insert(config.name.clone(), value.clone());
    }
    validate_topic(&configs).map_err(refuse)?;
    Ok(configs)
}

fn assign(
    view: View<'_>,
    topic: &CreatableTopic,
    id: TopicId,
    draft: &Draft,
) -> Result<Vec<Vec<NodeId>>, Refusal> {
    if !topic.assignments.is_empty() {
        return assign_by_hand(view, topic);
    }
    let layers = view.config(None);
    let partitions = match topic.num_partitions {
        -1 => layers.broker_number("num.partitions").unwrap_or(1),
        given => given.into(),
    };
    let factor = match topic.replication_factor {
        -1 => layers.broker_number("default.replication.factor").unwrap_or(1),
        given => given.into(),
    };
    if partitions < 1 {
        let why = format!("a topic has at least one partition, not {partitions}");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, why));
    }
    if factor < 1 {
        let why = format!("a partition has at least one replica, not {factor}");
        return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, why));
    }
    // Checked before anything is sized by it, against what the request has left.
    let partitions = usize::try_from(partitions).unwrap_or(usize::MAX);
    if partitions > BATCH_RECORDS_MAX - draft.record_count {
        return Err(too_many_records());
    }
    placement::place(view, id, 0, partitions, usize::try_from(factor).unwrap_or(usize::MAX))
}

fn assign_by_hand(view: View<'_>, topic: &CreatableTopic) -> Result<Vec<Vec<NodeId>>, Refusal> {
    if topic.replication_factor != -1 || topic.num_partitions != -1 {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "with an assignment, partition count and replication factor must both be -1",
        ));
    }
    let refuse = |why: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, why));
    let mut sorted: Vec<_> = topic.assignments.iter().collect();
    sorted.sort_by_key(|assignment| assignment.partition_index);
    let mut replica_sets: Vec<Vec<NodeId>> = Vec::new();
    for (assignment, expected) in sorted.into_iter().zip(0..) {
        let index = assignment.partition_index;
        if index != expected {
            return refuse(format!("partitions are numbered from 0 without gaps, not {index}"));
        }
        let replicas = placement::check_manual(view, &assignment.broker_ids)?;
        if replica_sets.first().is_some_and(|first| first.len() != replicas.len()) {
            return refuse(format!("partition {index} has another number of replicas"));
        }
        replica_sets.push(replicas);
    }
    Ok(replica_sets)
}

fn check_room(view: View<'_>, draft: &Draft, partition_count: usize) -> Result<(), Refusal> {
    let refuse = |why| Err(Refusal::new(ErrorCode::PolicyViolation, why));
    let requested = draft.partition_count + partition_count;
    if view.image.topic_count() + draft.topic_count >= view.settings.topics_max {
        return refuse(format!("the cluster holds at most {} topics", view.settings.topics_max));
    }
    let partitions_max = view.settings.partitions_max;
    if view.image.partition_count() + requested > partitions_max {
        return refuse(format!("the cluster holds at most {partitions_max} partitions"));
    }
    Ok(())
}

/// A topic must not be half created: a request that creates has to fit into one batch.
pub(super) fn too_many_records() -> Refusal {
    let why = format!("one request writes at most {BATCH_RECORDS_MAX} metadata records");
    Refusal::new(ErrorCode::PolicyViolation, why)
}

fn success(
    view: View<'_>,
    topic: &CreatableTopic,
    id: TopicId,
    created: &NewTopic,
) -> CreatableTopicResult {
    let layers = Layers { topic: &created.configs, ..view.config(None) };
    let configs = layers.topic_values().map(|effective| CreatableTopicConfigs {
        name: effective.key.to_owned(),
        value: effective.value,
        read_only: false,
        config_source: effective.source.code(),
        is_sensitive: topic_key(effective.key).is_some_and(|key| key.kind.is_sensitive()),
    });
    CreatableTopicResult {
        name: topic.name.clone(),
        topic_id: id,
        num_partitions: i32::try_from(created.partition_count).expect("bounded per request"),
        replication_factor: i16::try_from(created.replication_factor).unwrap_or(i16::MAX),
        configs: Some(configs.collect()),
        ..Default::default()
    }
}

fn failure(topic: &CreatableTopic, refusal: Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name: topic.name.clone(),
        error_code: refusal.code.code(),
        error_message: Some(refusal.message),
        ..Default::default()
    }
}
