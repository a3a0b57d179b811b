//! A fetch session of one connection (KIP-227), as far as this load generator uses it.

use model::{Offset, TopicId};
use std::collections::BTreeMap;
use wire::messages::fetch::{FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData};

use super::Topic;

const SESSION_ID: i32 = 1;

/// What the client reads, and from where.
#[derive(Default)]
pub(super) struct Session {
    cursors: BTreeMap<(TopicId, i32), Cursor>,
}

#[derive(Clone, Copy)]
struct Cursor {
    offset: Offset,
    bytes_max: usize,
}

impl Session {
    /// Notes what a request names.
    pub(super) fn take(&mut self, request: &FetchRequest) {
        for topic in &request.topics {
            for partition in &topic.partitions {
                let cursor = Cursor {
                    offset: Offset(partition.fetch_offset),
                    bytes_max: usize::try_from(partition.partition_max_bytes).unwrap_or(0),
                };
                self.cursors.insert((topic.topic_id, partition.partition), cursor);
            }
        }
    }

    /// Whether anything can be served now.
    pub(super) fn has_records(&self, topics: &BTreeMap<TopicId, Topic>) -> bool {
        self.cursors.iter().any(|((topic, partition), cursor)| {
            let log = topics.get(topic).and_then(|topic| topic.log(*partition));
            log.is_some_and(|log| log.end() > cursor.offset)
        })
    }

    /// Every partition that has something new.
    pub(super) fn response(&self, topics: &BTreeMap<TopicId, Topic>) -> FetchResponse {
        let mut responses: Vec<FetchableTopicResponse> = Vec::new();
        for ((topic_id, partition), cursor) in &self.cursors {
            let log = topics.get(topic_id).and_then(|topic| topic.log(*partition));
            let Some(log) = log.filter(|log| log.end() > cursor.offset) else { continue };
            let data = PartitionData {
                partition_index: *partition,
                high_watermark: log.end().0,
                last_stable_offset: log.end().0,
                log_start_offset: 0,
                records: Some(log.read(cursor.offset, cursor.bytes_max)),
                ..PartitionData::default()
            };
            match responses.last_mut() {
                Some(last) if last.topic_id == *topic_id => last.partitions.push(data),
                _ => responses.push(FetchableTopicResponse {
                    topic: topics[topic_id].name.clone(),
                    topic_id: *topic_id,
                    partitions: vec![data],
                }),
            }
        }
        FetchResponse { session_id: SESSION_ID, responses, ..FetchResponse::default() }
    }
}
