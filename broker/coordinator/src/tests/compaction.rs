//! What the log cleaner leaves of `__consumer_offsets`.

use std::collections::BTreeMap;

use crate::consumer::ConsumerRecord;
use crate::{GroupId, Record};

/// The last record of each key, tombstones included.
pub(crate) fn compacted<'a>(log: impl IntoIterator<Item = &'a Record>) -> Vec<Record> {
    let mut last: BTreeMap<(GroupId, String), (usize, Record)> = BTreeMap::new();
    for (at, record) in log.into_iter().enumerate() {
        let key = match record {
            Record::OffsetCommit { at, .. } => format!("offset {at:?}"),
            Record::GroupMetadata { .. } => "classic".to_owned(),
            Record::ConsumerGroup { record, .. } => key_of(record),
        };
        last.insert((record.group().clone(), key), (at, record.clone()));
    }
    let mut kept: Vec<_> = last.into_values().collect();
    kept.sort_by_key(|(at, _)| *at);
    kept.into_iter().map(|(_, record)| record).collect()
}

fn key_of(record: &ConsumerRecord) -> String {
    match record {
        ConsumerRecord::Group(_) => "group".to_owned(),
        ConsumerRecord::Member { member_id, .. } => format!("member {member_id}"),
        ConsumerRecord::TargetEpoch(_) => "target".to_owned(),
        ConsumerRecord::TargetMember { member_id, .. } => format!("target {member_id}"),
        ConsumerRecord::CurrentMember { member_id, .. } => format!("current {member_id}"),
        ConsumerRecord::Regex { pattern, .. } => format!("regex {pattern}"),
    }
}
