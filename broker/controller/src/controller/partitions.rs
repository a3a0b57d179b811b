//! CreatePartitions.
//!
//! Source: Kafka `ReplicationControlManager.createPartitions`, KIP-195.

use model::{ErrorCode, NodeId};
use wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};
use wire::metadata::MetadataRecord;

use super::topics::too_many_records;
use super::{Decision, View, placement, repeated};
use crate::image::TopicImage;
use crate::{AdminResponse, BATCH_RECORDS_MAX, Refusal};

pub(super) fn create(view: View<'_>, request: &CreatePartitionsRequest) -> Decision {
    let mut records = Vec::new();
    let mut results = Vec::new();
    let mut added = 0;
    let repeated = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
    for topic in &request.topics {
        let created = if repeated.contains(topic.name.as_str()) {
            let why = "the request names this topic more than once";
            Err(Refusal::new(ErrorCode::InvalidRequest, why))
        } else {
            more_partitions(view, topic, added)
        };
        let (code, message) = match created {
            Ok(created) => {
                added += created.len();
                records.extend(created);
                (ErrorCode::None, None)
            }
            Err(refusal) => (refusal.code, Some(refusal.message)),
        };
        results.push(CreatePartitionsTopicResult {
            name: topic.name.clone(),
            error_code: code.code(),
            error_message: message,
        });
    }
    if request.validate_only {
        records.clear();
    }
    let response = CreatePartitionsResponse { results, ..Default::default() };
    Decision { records, response: AdminResponse::CreatePartitions(response) }
}

/// The records of a topic's new partitions; `added` counts those of the request so far.
fn more_partitions(
    view: View<'_>,
    topic: &CreatePartitionsTopic,
    added: usize,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let name = &topic.name;
    let Some(existing) = view.image.topic_by_name(name) else {
        let why = format!("topic {name} does not exist");
        return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, why));
    };
    let current = existing.partitions.len();
    let wanted = usize::try_from(topic.count).unwrap_or(0);
    if wanted <= current {
        let why = format!("topic {name} has {current} partitions; only more can be asked for");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, why));
    }
    let count = wanted - current;
    if added + count > BATCH_RECORDS_MAX {
        return Err(too_many_records());
    }
    let partitions_max = view.settings.partitions_max;
    if view.image.partition_count() + added + count > partitions_max {
        let why = format!("the cluster holds at most {partitions_max} partitions");
        return Err(Refusal::new(ErrorCode::PolicyViolation, why));
    }
    let replica_sets = assign(view, topic, existing, count)?;
    let mut records = Vec::new();
    let first = i32::try_from(current).expect("bounded by the metadata limits");
    for (replicas, index) in replica_sets.into_iter().zip(first..) {
        let row = placement::first_row(view.image, replicas)?;
        records.push(row.record(existing.id, index).into());
    }
    Ok(records)
}

fn assign(
    view: View<'_>,
    topic: &CreatePartitionsTopic,
    existing: &TopicImage,
    count: usize,
) -> Result<Vec<Vec<NodeId>>, Refusal> {
    let factor = existing.partitions.first().map_or(1, |partition| partition.replicas.len());
    let Some(assignments) = &topic.assignments else {
        return placement::place(view, existing.id, existing.partitions.len(), count, factor);
    };
    let refuse = |why: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, why));
    if assignments.len() != count {
        let given = assignments.len();
        return refuse(format!("{count} new partitions need as many assignments, not {given}"));
    }
    let mut replica_sets = Vec::new();
    for assignment in assignments {
        let replicas = placement::check_manual(view, &assignment.broker_ids)?;
        if replicas.len() != factor {
            return refuse(format!("the topic's partitions have {factor} replicas each"));
        }
        replica_sets.push(replicas);
    }
    Ok(replica_sets)
}
