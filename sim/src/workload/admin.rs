//! Clients that create, change and delete topics.
//!
//! Promises: what weakens a guarantee is told before it is asked for, since a lost answer does not
//! undo it; a topic is told and given to other clients only after its id was learned.

use core::time::Duration;
use std::collections::BTreeMap;

use model::{Offset, TopicId};
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

use super::channel::Channel;
use super::consumer::list_offset;
use super::{KnownTopic, Seat};
use crate::checkers::Fact;
use crate::checkers::event::{OffsetQuery, TopicRules};
use crate::plan::{AdminOperation, AdminPlan, Clocks, Through, TopicPlan};

/// Kafka's resource type of a topic.
const RESOURCE_TOPIC: i8 = 2;
/// Kafka's `AlterConfigOp.OpType.SET`.
const SET: i8 = 0;
const TIMEOUT_MS: i32 = 5_000;

pub(super) async fn administer(mut seat: Seat, plan: AdminPlan) {
    let mut channel = Channel::new(Through::Client, &mut seat);
    let began = runtime::Clock::now(&seat.rt).mono;
    for operation in plan.operations {
        let due = began + Duration::from_micros(operation.at_us());
        if !seat.pause_until(due).await {
            return;
        }
        seat.performs();
        carry_out(&seat, &mut channel, operation).await;
    }
}

async fn carry_out(seat: &Seat, channel: &mut Channel, operation: AdminOperation) {
    match operation {
        AdminOperation::Create { topic, partitions, .. } => {
            let plan = TopicPlan { name: topic, partitions, configs: BTreeMap::new() };
            create_with(seat, channel, &plan).await;
        }
        AdminOperation::Delete { topic, .. } => delete(seat, channel, &topic).await,
        AdminOperation::Set { topic, name, value, .. } => {
            set(seat, channel, topic, name, value).await;
        }
        AdminOperation::DeleteRecords { topic, partition, percent, .. } => {
            delete_records(seat, channel, &topic, partition, percent).await;
        }
        AdminOperation::Grow { topic, partitions, .. } => {
            grow(seat, channel, &topic, partitions).await;
        }
    }
}

/// Creates a topic and waits until its id is known; false when that failed.
pub(crate) async fn create_topic(mut seat: Seat, plan: TopicPlan) -> bool {
    let mut channel = Channel::new(Through::Client, &mut seat);
    for _ in 0..50 {
        if create_with(&seat, &mut channel, &plan).await {
            return true;
        }
        seat.sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn create_with(seat: &Seat, channel: &mut Channel, plan: &TopicPlan) -> bool {
    let config = |(name, value): (&String, &String)| CreatableTopicConfig {
        name: name.clone(),
        value: Some(value.clone()),
    };
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: plan.name.clone(),
            num_partitions: plan.partitions.into(),
            replication_factor: -1,
            assignments: vec![],
            configs: plan.configs.iter().map(config).collect(),
        }],
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    };
    // Without an answer the topic may exist all the same: the metadata decides.
    let _ = channel.call(seat, &request).await;
    let Some((topic, partitions)) = look_at(seat, channel, &plan.name).await else { return false };
    let known = KnownTopic { id: topic, partitions };
    if seat.shared.topics.borrow_mut().insert(plan.name.clone(), known) != Some(known) {
        let rules = rules_of(&plan.configs, seat.shared.clocks);
        let name = plan.name.clone();
        seat.shared.history.tell(Fact::TopicCreated { topic, name, rules });
    }
    true
}

/// The id and the number of partitions of a topic that exists.
async fn look_at(seat: &Seat, channel: &mut Channel, name: &str) -> Option<(TopicId, u16)> {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            topic_id: TopicId::ZERO,
            name: Some(name.to_owned()),
        }]),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let response = channel.call(seat, &request).await.ok()?;
    let topic = response.topics.into_iter().find(|topic| topic.error_code == 0)?;
    let partitions = u16::try_from(topic.partitions.len()).ok()?;
    (partitions > 0).then_some((topic.topic_id, partitions))
}

async fn delete(seat: &Seat, channel: &mut Channel, name: &str) {
    let Some(known) = seat.shared.topics.borrow_mut().remove(name) else { return };
    seat.shared.history.tell(Fact::TopicDeleted { topic: known.id });
    let request = DeleteTopicsRequest {
        topics: vec![DeleteTopicState { name: Some(name.to_owned()), ..Default::default() }],
        timeout_ms: TIMEOUT_MS,
        ..DeleteTopicsRequest::default()
    };
    let _ = channel.call(seat, &request).await;
}

async fn set(seat: &Seat, channel: &mut Channel, topic: String, name: String, value: String) {
    let Some(known) = seat.shared.topic(&topic) else { return };
    let change = BTreeMap::from([(name.clone(), value.clone())]);
    let rules = rules_of(&change, seat.shared.clocks);
    if rules != TopicRules::default() {
        seat.shared.history.tell(Fact::RulesChanged { topic: known.id, rules });
    }
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: RESOURCE_TOPIC,
            resource_name: topic,
            configs: vec![AlterableConfig { name, config_operation: SET, value: Some(value) }],
        }],
        validate_only: false,
    };
    let _ = channel.call(seat, &request).await;
}

async fn delete_records(
    seat: &Seat,
    channel: &mut Channel,
    topic: &str,
    partition: u16,
    percent: u8,
) {
    let Some(known) = seat.shared.topic(topic) else { return };
    let at = known.partition(partition);
    let query = OffsetQuery::Latest;
    let Ok(Some((end, _))) = list_offset(seat, channel, topic, at, query).await else { return };
    let before = Offset(end.0 * i64::from(percent) / 100);
    seat.shared.history.tell(Fact::RecordsDeleted { at, before });
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: partition.into(),
                offset: before.0,
            }],
        }],
        timeout_ms: TIMEOUT_MS,
    };
    let _ = channel.call(seat, &request).await;
}

async fn grow(seat: &Seat, channel: &mut Channel, topic: &str, partitions: u16) {
    let Some(known) = seat.shared.topic(topic) else { return };
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: topic.to_owned(),
            count: partitions.into(),
            assignments: None,
        }],
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    };
    let _ = channel.call(seat, &request).await;
    if let Some((id, partitions)) = look_at(seat, channel, topic).await
        && id == known.id
    {
        let known = KnownTopic { id, partitions };
        seat.shared.topics.borrow_mut().insert(topic.to_owned(), known);
    }
}

/// What a configuration and the run's clocks say about missing records. Values that the broker
/// refuses say nothing.
fn rules_of(configs: &BTreeMap<String, String>, clocks: Clocks) -> TopicRules {
    let value = |name: &str| configs.get(name).map_or("", String::as_str);
    let limited = |name: &str| value(name).parse::<i64>().is_ok_and(|limit| limit >= 0);
    let policy = value("cleanup.policy");
    let deletes = policy.is_empty() || policy.contains("delete");
    TopicRules {
        compacted: policy.contains("compact"),
        retained_for_a_while: deletes && (limited("retention.ms") || limited("retention.bytes")),
        delete_retention_ms: match clocks.step {
            true => 0,
            false => value("delete.retention.ms").parse().unwrap_or(86_400_000),
        },
        append_time: value("message.timestamp.type") == "LogAppendTime",
        producers_expire: clocks.producers_expire,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_follow_the_configuration() {
        let rules = |pairs: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            rules_of(&pairs.iter().map(own).collect(), Clocks::default())
        };
        assert!(!rules(&[]).compacted && !rules(&[]).retained_for_a_while);
        assert!(rules(&[("retention.ms", "5")]).retained_for_a_while);
        assert!(!rules(&[("retention.ms", "-1")]).retained_for_a_while);
        let compacted = rules(&[("cleanup.policy", "compact"), ("retention.ms", "5")]);
        assert!(compacted.compacted && !compacted.retained_for_a_while);
        assert!(rules(&[("cleanup.policy", "compact,delete"), ("retention.ms", "5")]).compacted);
    }

    #[test]
    fn a_clock_that_is_set_leaves_no_time_to_a_tombstone() {
        let configs = BTreeMap::from([("delete.retention.ms".to_owned(), "5".to_owned())]);
        assert_eq!(rules_of(&configs, Clocks::default()).delete_retention_ms, 5);
        let clocks = Clocks { step: true, ..Clocks::default() };
        assert_eq!(rules_of(&configs, clocks).delete_retention_ms, 0);
    }
}
