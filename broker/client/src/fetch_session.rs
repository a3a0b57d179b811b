//! Incremental fetch (KIP-227): what to ask of one broker next.
//!
//! Promises: a partition is named again only when its offset changed since it was last named; a
//! session that the broker forgot or confused starts over with a full request. Works with brokers
//! that refuse sessions: every request is full then.
//! Does not: send, or read records.

use model::{Buf, Offset, PartitionIndex, TopicId};
use std::collections::BTreeMap;
use wire::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse,
};

use crate::ClientError;

const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;
const INVALID_FETCH_SESSION_EPOCH: i16 = 71;

/// What each request may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    pub partition_max_bytes: i32,
}

impl Default for FetchLimits {
    /// The Java consumer's defaults.
    fn default() -> Self {
        Self { max_wait_ms: 500, min_bytes: 1, max_bytes: 50 << 20, partition_max_bytes: 1 << 20 }
    }
}

/// Records that arrived for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    pub topic: TopicId,
    pub partition: PartitionIndex,
    pub error_code: i16,
    pub high_watermark: Offset,
    /// Whole batches; the last one may be cut. Empty when there is an error.
    pub records: Buf,
}

/// Partitions of one leader, read through one connection.
#[derive(Debug)]
pub struct FetchSession {
    limits: FetchLimits,
    topics: BTreeMap<TopicId, TopicState>,
    session_id: i32,
    /// 0 asks for a new session.
    epoch: i32,
}

#[derive(Debug)]
struct TopicState {
    name: String,
    partitions: BTreeMap<PartitionIndex, Cursor>,
}

#[derive(Debug)]
struct Cursor {
    offset: Offset,
    /// The offset that the broker's session knows.
    named: Option<Offset>,
}

impl FetchSession {
    #[must_use]
    pub fn new(limits: FetchLimits) -> Self {
        Self { limits, topics: BTreeMap::new(), session_id: 0, epoch: 0 }
    }

    /// Reads a partition from `offset` on. Before the first request only.
    pub fn add(&mut self, topic: TopicId, name: &str, partition: PartitionIndex, offset: Offset) {
        assert!(self.session_id == 0, "partitions are added before the session opens");
        let state = self
            .topics
            .entry(topic)
            .or_insert_with(|| TopicState { name: name.to_owned(), partitions: BTreeMap::new() });
        state.partitions.insert(partition, Cursor { offset, named: None });
    }

    /// Moves a partition's cursor: the records before `offset` were read.
    ///
    /// # Panics
    /// When the partition was not added.
    pub fn advance(&mut self, topic: TopicId, partition: PartitionIndex, offset: Offset) {
        let topic = self.topics.get_mut(&topic).expect("an added topic");
        topic.partitions.get_mut(&partition).expect("an added partition").offset = offset;
    }

    /// The offset that is read next.
    ///
    /// # Panics
    /// When the partition was not added.
    #[must_use]
    pub fn offset(&self, topic: TopicId, partition: PartitionIndex) -> Offset {
        self.topics[&topic].partitions[&partition].offset
    }

    /// The next request: everything, or what changed since the last one.
    pub fn request(&mut self) -> FetchRequest {
        let full = self.epoch == 0;
        let limits = self.limits;
        let mut topics = Vec::new();
        for (id, state) in &mut self.topics {
            let mut partitions = Vec::new();
            for (partition, cursor) in &mut state.partitions {
                if full || cursor.named != Some(cursor.offset) {
                    cursor.named = Some(cursor.offset);
                    partitions.push(FetchPartition {
                        partition: partition.0,
                        fetch_offset: cursor.offset.0,
                        partition_max_bytes: limits.partition_max_bytes,
                        ..FetchPartition::default()
                    });
                }
            }
            if !partitions.is_empty() {
                topics.push(FetchTopic { topic: state.name.clone(), topic_id: *id, partitions });
            }
        }
        FetchRequest {
            max_wait_ms: limits.max_wait_ms,
            min_bytes: limits.min_bytes,
            max_bytes: limits.max_bytes,
            session_id: self.session_id,
            session_epoch: self.epoch,
            topics,
            ..FetchRequest::default()
        }
    }

    /// Takes an answer: the session moves on, the records are handed out.
    ///
    /// A session that the broker no longer knows gives nothing and starts over.
    ///
    /// # Errors
    /// Any other top-level error code.
    pub fn absorb(&mut self, response: FetchResponse) -> Result<Vec<Fetched>, ClientError> {
        match response.error_code {
            0 => {}
            FETCH_SESSION_ID_NOT_FOUND | INVALID_FETCH_SESSION_EPOCH => {
                self.session_id = 0;
                self.epoch = 0;
                return Ok(Vec::new());
            }
            code => return Err(ClientError::refused("Fetch", code, None)),
        }
        self.session_id = response.session_id;
        self.epoch = match (response.session_id, self.epoch) {
            (0, _) => 0,
            (_, i32::MAX) => 1,
            (_, epoch) => epoch + 1,
        };
        let mut fetched = Vec::new();
        for answer in response.responses {
            let Some(topic) = self.topic_of(&answer) else { continue };
            for partition in answer.partitions {
                fetched.push(Fetched {
                    topic,
                    partition: PartitionIndex(partition.partition_index),
                    error_code: partition.error_code,
                    high_watermark: Offset(partition.high_watermark),
                    records: partition.records.unwrap_or_default(),
                });
            }
        }
        Ok(fetched)
    }

    /// Below version 13 answers carry names, from then on ids.
    fn topic_of(&self, answer: &FetchableTopicResponse) -> Option<TopicId> {
        if self.topics.contains_key(&answer.topic_id) {
            return Some(answer.topic_id);
        }
        self.topics.iter().find(|(_, state)| state.name == answer.topic).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: TopicId = TopicId([7; 16]);

    fn session() -> FetchSession {
        let mut session = FetchSession::new(FetchLimits::default());
        session.add(TOPIC, "t", PartitionIndex(0), Offset(0));
        session.add(TOPIC, "t", PartitionIndex(1), Offset(5));
        session
    }

    fn named(request: &FetchRequest) -> Vec<(i32, i64)> {
        let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|it| (it.partition, it.fetch_offset)).collect()
    }

    fn answer(session_id: i32, error_code: i16) -> FetchResponse {
        FetchResponse { session_id, error_code, ..FetchResponse::default() }
    }

    #[test]
    fn only_what_moved_is_named_again() {
        let mut session = session();
        let first = session.request();
        assert_eq!((first.session_id, first.session_epoch), (0, 0));
        assert_eq!(named(&first), [(0, 0), (1, 5)]);
        session.absorb(answer(9, 0)).unwrap();
        session.advance(TOPIC, PartitionIndex(1), Offset(8));
        let second = session.request();
        assert_eq!((second.session_id, second.session_epoch), (9, 1));
        assert_eq!(named(&second), [(1, 8)]);
        session.absorb(answer(9, 0)).unwrap();
        assert_eq!(named(&session.request()), []);
    }

    #[test]
    fn a_forgotten_session_starts_over() {
        let mut session = session();
        let _ = session.request();
        session.absorb(answer(9, 0)).unwrap();
        session.absorb(answer(0, FETCH_SESSION_ID_NOT_FOUND)).unwrap();
        let again = session.request();
        assert_eq!((again.session_id, again.session_epoch), (0, 0));
        assert_eq!(named(&again), [(0, 0), (1, 5)]);
    }

    #[test]
    fn a_broker_without_sessions_gets_full_requests() {
        let mut session = session();
        let _ = session.request();
        session.absorb(answer(0, 0)).unwrap();
        let again = session.request();
        assert_eq!((again.session_id, again.session_epoch), (0, 0));
        assert_eq!(named(&again).len(), 2);
    }
}
