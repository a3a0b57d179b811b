//! Checks of a heartbeat that need no group.
//!
//! Source: Kafka `GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid`.

use model::ErrorCode;

use super::{
    Assignor, ConsumerHeartbeat, ConsumerSettings, JOIN_EPOCH, LEAVE_EPOCH, Partitions, Refusal,
    STATIC_LEAVE_EPOCH,
};
use crate::TopicName;

pub(crate) fn validate(
    heartbeat: &ConsumerHeartbeat,
    settings: &ConsumerSettings,
) -> Result<(), Refusal> {
    let blank = |text: &str| text.trim().is_empty();
    let joins = heartbeat.member_epoch == JOIN_EPOCH;
    let rules = [
        (blank(heartbeat.group.as_str()), "GroupId can't be empty."),
        (blank(heartbeat.member_id.as_str()), "MemberId can't be empty."),
        (
            heartbeat.instance_id.as_ref().is_some_and(|it| blank(it.as_str())),
            "InstanceId can't be empty.",
        ),
        (heartbeat.rack_id.as_ref().is_some_and(|it| blank(it)), "RackId can't be empty."),
        (heartbeat.member_epoch < STATIC_LEAVE_EPOCH, "MemberEpoch is invalid."),
        (
            heartbeat.member_epoch == STATIC_LEAVE_EPOCH && heartbeat.instance_id.is_none(),
            "InstanceId can't be null.",
        ),
        (
            joins && heartbeat.rebalance_timeout.is_none(),
            "RebalanceTimeoutMs must be provided in first request.",
        ),
        (
            joins && heartbeat.owned.as_ref().is_none_or(|it| !it.is_empty()),
            "TopicPartitions must be empty when (re-)joining.",
        ),
        (
            joins && heartbeat.topic_names.is_none() && heartbeat.topic_regex.is_none(),
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        ),
        (bytes(heartbeat) > settings.member_bytes_max, "The member's subscription is too large."),
    ];
    if let Some((_, message)) = rules.into_iter().find(|(broken, _)| *broken) {
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    if let Some(name) = &heartbeat.server_assignor
        && heartbeat.member_epoch != LEAVE_EPOCH
        && Assignor::from_name(name).is_none()
    {
        let known: Vec<&str> = Assignor::ALL.iter().map(|it| it.name()).collect();
        let known = known.join(", ");
        let message =
            format!("ServerAssignor {name} is not supported. Supported assignors: {known}.");
        return Err(Refusal::new(ErrorCode::UnsupportedAssignor, message));
    }
    Ok(())
}

/// What the group would have to remember of the request; the owned partitions are only compared.
fn bytes(heartbeat: &ConsumerHeartbeat) -> usize {
    let names = heartbeat.topic_names.iter().flatten().map(|it: &TopicName| it.len());
    names.sum::<usize>()
        + heartbeat.member_id.as_str().len()
        + heartbeat.instance_id.as_ref().map_or(0, |it| it.as_str().len())
        + heartbeat.rack_id.as_ref().map_or(0, |it| it.len())
        + heartbeat.client.id.len()
        + heartbeat.client.host.len()
        + heartbeat.topic_regex.as_ref().map_or(0, |it| it.len())
}

/// Whether every partition that the member names is one that it was given.
pub(super) fn is_part_of(owned: Option<&Partitions>, assigned: &Partitions) -> bool {
    owned.is_some_and(|owned| owned.is_subset(assigned))
}
