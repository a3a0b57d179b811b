//! The range assignor: each topic is cut into contiguous, nearly equal pieces, in member order.
//!
//! Promises: within a topic two subscribers differ by at most one partition.
//! Does not: keep earlier assignments; the order of the members alone makes it stable.

use std::collections::BTreeMap;

use model::{PartitionIndex, TopicPartition};

use super::AssignorInput;
use crate::MemberId;
use crate::consumer::record::Partitions;

pub(super) fn assign(input: &AssignorInput<'_>) -> BTreeMap<MemberId, Partitions> {
    let mut assignment: BTreeMap<MemberId, Partitions> =
        input.members.keys().map(|it| (it.clone(), Partitions::new())).collect();
    // Static members by instance id, so that a restart under another member id moves nothing.
    let mut order: Vec<_> = input.members.iter().collect();
    order.sort_by_key(|(id, member)| (member.instance_id.is_none(), member.instance_id, *id));

    for (topic, partition_count) in &input.topics {
        let subscribers: Vec<&MemberId> = order
            .iter()
            .filter(|(_, member)| member.topics.contains(topic))
            .map(|(id, _)| *id)
            .collect();
        let Ok(subscriber_count @ 1..) = i32::try_from(subscribers.len()) else { continue };
        let (share, extra) =
            (partition_count / subscriber_count, partition_count % subscriber_count);
        let mut start = 0;
        for (id, place) in subscribers.into_iter().zip(0..) {
            let end = start + share + i32::from(place < extra);
            let range = (start..end).map(PartitionIndex);
            let mine = assignment.get_mut(id).expect("every member has a set");
            mine.extend(range.map(|partition| TopicPartition { topic: *topic, partition }));
            start = end;
        }
    }
    assignment
}
