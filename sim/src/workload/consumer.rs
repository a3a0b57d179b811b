//! A consumer: fetches from a cursor per partition, with a session or without, and looks offsets up.

use std::collections::BTreeMap;

use client::{FetchLimits, FetchSession};
use model::{Buf, ErrorCode, Offset, TopicPartition};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use super::channel::Channel;
use super::{KnownTopic, Seat};
use crate::checkers::Fact;
use crate::checkers::event::{Consumed, OffsetListed, OffsetQuery};
use crate::fetched::batches_seen;
use crate::history::Complaint;
use crate::plan::{ConsumerPlan, Through};

/// Where a consumer reads next.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    offset: Offset,
    /// It was put there on purpose; nothing before it was skipped.
    sought: bool,
}

/// One partition of one answer, whoever decoded it.
struct Answer {
    at: TopicPartition,
    error_code: i16,
    high_watermark: Option<Offset>,
    last_stable_offset: Option<Offset>,
    log_start_offset: Option<Offset>,
    records: Buf,
}

pub(super) struct Consumer {
    plan: ConsumerPlan,
    channel: Channel,
    cursors: BTreeMap<TopicPartition, Cursor>,
    session: Option<FetchSession>,
    /// The last answer was of a session that was open before, so that it may leave partitions out.
    in_session: bool,
    poll: u64,
    /// Answers that told of a partition without an error.
    answers: u64,
}

pub(super) async fn consume(mut seat: Seat, plan: ConsumerPlan) {
    let channel = Channel::new(plan.through, &mut seat);
    let pause_us = plan.pause_us;
    let mut fetches_left = plan.rounds_max.unwrap_or(u64::MAX);
    if fetches_left == 0 || !seat.wait(plan.starts_us).await {
        return;
    }
    let mut consumer = Consumer {
        plan,
        channel,
        cursors: BTreeMap::new(),
        session: None,
        in_session: false,
        poll: 0,
        answers: 0,
    };
    while fetches_left > 0 && seat.pause(pause_us).await {
        fetches_left -= 1;
        let Some(topic) = seat.shared.topic(&consumer.plan.topic) else { continue };
        consumer.meet(topic);
        consumer.wander(&mut seat, topic).await;
        seat.performs();
        consumer.poll(&mut seat, topic).await;
    }
}

impl Consumer {
    /// Starts at the beginning of partitions that are new.
    fn meet(&mut self, topic: KnownTopic) {
        for at in topic.partitions() {
            self.cursors.entry(at).or_insert_with(|| {
                self.session = None;
                Cursor { offset: Offset(0), sought: true }
            });
        }
    }

    /// Looks an offset up now and then, and sometimes goes on from there.
    async fn wander(&mut self, seat: &mut Seat, topic: KnownTopic) {
        let chance = |seat: &mut Seat, every: u16| every > 0 && seat.dice.one_in(every.into());
        let seek = chance(seat, self.plan.seek_every);
        if !seek && !chance(seat, self.plan.look_up_every) {
            return;
        }
        seat.performs();
        let number = u16::try_from(seat.dice.index(topic.partitions.into())).expect("below a u16");
        let at = topic.partition(number);
        let wall_ms = runtime::Clock::now(&seat.rt).wall_ms;
        let age_ms = i64::try_from(seat.dice.log_uniform(1..=100_000)).expect("a small number");
        let query = seat.dice.pick(&[
            OffsetQuery::Earliest,
            OffsetQuery::Latest,
            OffsetQuery::AtOrAfter { timestamp_ms: wall_ms - age_ms },
            OffsetQuery::MaxTimestamp,
        ]);
        let found = list_offset(seat, &mut self.channel, &self.plan.topic, at, query).await;
        if let (true, Ok(Some((offset, _)))) = (seek, found) {
            self.cursors.insert(at, Cursor { offset, sought: true });
        }
    }

    /// One that reads from where it is told to, and nothing until then.
    pub(super) fn reader(topic: String, max_bytes: u32, channel: Channel) -> Self {
        let plan = ConsumerPlan {
            through: Through::Frames,
            topic,
            sessions: false,
            max_wait_ms: 0,
            max_bytes,
            pause_us: 0,
            seek_every: 0,
            look_up_every: 0,
            starts_us: 0,
            rounds_max: None,
        };
        let cursors = BTreeMap::new();
        Self { plan, channel, cursors, session: None, in_session: false, poll: 0, answers: 0 }
    }

    /// Goes on here in this partition.
    pub(super) fn seek(&mut self, at: TopicPartition, offset: Offset) {
        self.cursors.insert(at, Cursor { offset, sought: true });
    }

    /// Reads no other partitions than these any more.
    pub(super) fn retain(&mut self, keeps: impl Fn(TopicPartition) -> bool) {
        self.cursors.retain(|at, _| keeps(*at));
    }

    /// Reads each partition by itself until a fetch brings nothing more, in at most so many fetches:
    /// in one request the first partition with much to read would be the only one.
    pub(super) async fn poll_each(&mut self, seat: &mut Seat, topic: KnownTopic, polls_max: u32) {
        let mut read = BTreeMap::new();
        for (at, cursor) in core::mem::take(&mut self.cursors) {
            self.cursors.insert(at, cursor);
            for _ in 0..polls_max {
                let before = self.cursors[&at].offset;
                self.poll(seat, topic).await;
                if self.cursors[&at].offset == before {
                    break;
                }
            }
            read.append(&mut self.cursors);
        }
        self.cursors = read;
    }

    /// The next offset of every partition.
    pub(super) fn positions(&self) -> BTreeMap<TopicPartition, Offset> {
        self.cursors.iter().map(|(at, cursor)| (*at, cursor.offset)).collect()
    }

    pub(super) async fn poll(&mut self, seat: &mut Seat, topic: KnownTopic) {
        self.poll += 1;
        let asked = self.cursors.clone();
        let Ok(answers) = self.fetch(seat, topic).await else {
            self.session = None;
            return;
        };
        if self.plan.sessions {
            self.tell_silent(seat, &asked, &answers);
        }
        for answer in answers {
            let Some(cursor) = asked.get(&answer.at).copied() else { continue };
            match ErrorCode::from_code(answer.error_code) {
                Some(ErrorCode::None) => self.take(seat, &answer, cursor),
                Some(ErrorCode::OffsetOutOfRange) => {
                    let query = OffsetQuery::Earliest;
                    let name = self.plan.topic.clone();
                    let found = list_offset(seat, &mut self.channel, &name, answer.at, query).await;
                    if let Ok(Some((offset, _))) = found {
                        self.cursors.insert(answer.at, Cursor { offset, sought: true });
                    }
                }
                // Another answer comes with the next poll.
                _ => {}
            }
        }
    }

    /// Partitions that the session's answer says nothing of. An answer that opens a session or refuses
    /// one starts anew: the order of turns does.
    fn tell_silent(
        &self,
        seat: &Seat,
        asked: &BTreeMap<TopicPartition, Cursor>,
        answers: &[Answer],
    ) {
        let is_told = |at| {
            let of = |it: &&Answer| it.at == at && (it.error_code != 0 || !it.records.is_empty());
            answers.iter().find(of).is_some()
        };
        let silent = asked.iter().filter(|(at, _)| self.in_session && !is_told(**at));
        let silent = silent.map(|(at, cursor)| (*at, cursor.offset)).collect();
        seat.shared.history.tell(Fact::SessionAnswered { consumer: seat.number, silent });
    }

    fn take(&mut self, seat: &Seat, answer: &Answer, cursor: Cursor) {
        self.answers += 1;
        let batches = match batches_seen(&answer.records) {
            Ok(batches) => batches,
            Err(wrong) => return self.complain(seat, answer.at, wrong),
        };
        // A fetch may begin with the batch that holds the offset.
        let offset = batches.last().map_or(cursor.offset, |batch| batch.last_offset.after(1));
        let next = offset.max(cursor.offset);
        // Until the first records come, nobody can tell a jump from a skip.
        let sought = cursor.sought && batches.is_empty();
        self.cursors.insert(answer.at, Cursor { offset: next, sought });
        seat.shared.history.tell(Fact::Consumed(Consumed {
            consumer: seat.number,
            poll: self.poll,
            at: answer.at,
            from: cursor.offset,
            sought: cursor.sought,
            read_committed: false,
            high_watermark: answer.high_watermark,
            last_stable_offset: answer.last_stable_offset,
            log_start_offset: answer.log_start_offset,
            leader_epoch: None,
            batches,
        }));
    }

    fn complain(&self, seat: &Seat, at: TopicPartition, text: String) {
        let read_from = Some(format!("{}-{}", self.plan.topic, at.partition));
        seat.shared.history.complain(Complaint { kind: "fetched-bytes", at, text, read_from });
    }

    async fn fetch(&mut self, seat: &Seat, topic: KnownTopic) -> Result<Vec<Answer>, ()> {
        match self.plan.through {
            Through::Client if self.plan.sessions => self.fetch_in_session(seat).await,
            Through::Client | Through::Frames => {
                let request = full_request(&self.plan, topic, &self.cursors);
                fetch_all(seat, &mut self.channel, topic, &request).await
            }
        }
    }

    async fn fetch_in_session(&mut self, seat: &Seat) -> Result<Vec<Answer>, ()> {
        let plan = &self.plan;
        let cursors = &self.cursors;
        let session = self.session.get_or_insert_with(|| {
            let limits = FetchLimits {
                max_wait_ms: i32::try_from(plan.max_wait_ms).unwrap_or(i32::MAX),
                min_bytes: 1,
                max_bytes: i32::try_from(plan.max_bytes).unwrap_or(i32::MAX),
                partition_max_bytes: i32::try_from(plan.max_bytes).unwrap_or(i32::MAX),
            };
            let mut session = FetchSession::new(limits);
            for (at, cursor) in cursors {
                session.add(at.topic, &plan.topic, at.partition, cursor.offset);
            }
            session
        });
        for (at, cursor) in cursors {
            session.advance(at.topic, at.partition, cursor.offset);
        }
        let request = session.request();
        let response = self.channel.call(seat, &request).await.map_err(|_| ())?;
        self.in_session = request.session_epoch > 0 && response.error_code == 0;
        let fetched = session.absorb(response).map_err(|_| ())?;
        let answer = |it: client::Fetched| Answer {
            at: TopicPartition { topic: it.topic, partition: it.partition },
            error_code: it.error_code,
            high_watermark: Some(it.high_watermark),
            last_stable_offset: None,
            log_start_offset: None,
            records: it.records,
        };
        Ok(fetched.into_iter().map(answer).collect())
    }
}

/// A request without a session for every cursor.
fn full_request(
    plan: &ConsumerPlan,
    topic: KnownTopic,
    cursors: &BTreeMap<TopicPartition, Cursor>,
) -> FetchRequest {
    let max_bytes = i32::try_from(plan.max_bytes).unwrap_or(i32::MAX);
    let partition = |(at, cursor): (&TopicPartition, &Cursor)| FetchPartition {
        partition: at.partition.0,
        fetch_offset: cursor.offset.0,
        partition_max_bytes: max_bytes,
        ..FetchPartition::default()
    };
    FetchRequest {
        max_wait_ms: i32::try_from(plan.max_wait_ms).unwrap_or(i32::MAX),
        min_bytes: 1,
        max_bytes,
        topics: vec![FetchTopic {
            topic: plan.topic.clone(),
            topic_id: topic.id,
            partitions: cursors.iter().map(partition).collect(),
        }],
        ..FetchRequest::default()
    }
}

async fn fetch_all(
    seat: &Seat,
    channel: &mut Channel,
    topic: KnownTopic,
    request: &FetchRequest,
) -> Result<Vec<Answer>, ()> {
    let response = channel.call(seat, request).await.map_err(|_| ())?;
    if response.error_code != 0 {
        return Err(());
    }
    let known = |offset: i64| (offset >= 0).then_some(Offset(offset));
    let partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
    let answer = |it: wire::messages::fetch::PartitionData| Answer {
        at: TopicPartition {
            topic: topic.id,
            partition: model::PartitionIndex(it.partition_index),
        },
        error_code: it.error_code,
        high_watermark: known(it.high_watermark),
        last_stable_offset: known(it.last_stable_offset),
        log_start_offset: known(it.log_start_offset),
        records: it.records.unwrap_or_default(),
    };
    Ok(partitions.map(answer).collect())
}

/// What ListOffsets says about one partition; tells the history.
///
/// # Errors
/// The code, or none without an answer.
pub(super) async fn list_offset(
    seat: &Seat,
    channel: &mut Channel,
    topic: &str,
    at: TopicPartition,
    query: OffsetQuery,
) -> Result<Option<(Offset, i64)>, Option<ErrorCode>> {
    let timestamp = match query {
        OffsetQuery::Latest => -1,
        OffsetQuery::Earliest => -2,
        OffsetQuery::MaxTimestamp => -3,
        OffsetQuery::AtOrAfter { timestamp_ms } => timestamp_ms,
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: topic.to_owned(),
            partitions: vec![ListOffsetsPartition {
                partition_index: at.partition.0,
                timestamp,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    let invoked_ns = seat.now_ns();
    let response = channel.call(seat, &request).await.map_err(|_| None)?;
    let answer = response.topics.into_iter().flat_map(|topic| topic.partitions).next();
    let answer = answer.ok_or(None)?;
    match ErrorCode::from_code(answer.error_code) {
        Some(ErrorCode::None) => {}
        code => return Err(code),
    }
    let found = (answer.offset >= 0).then_some((Offset(answer.offset), answer.timestamp));
    let listed = OffsetListed { at, query, invoked_ns, answer: found };
    seat.shared.history.tell(Fact::OffsetListed(listed));
    Ok(found)
}

/// Reads one partition from its start until a fetch brings nothing more, in as many fetches as it
/// takes; true when that end lies at `end_min` or behind it, which the history is told.
pub(crate) async fn read_to_end(
    seat: &mut Seat,
    name: &str,
    at: TopicPartition,
    end_min: Offset,
) -> bool {
    const SILENT_FETCHES_MAX: u32 = 50;
    let Some(topic) = seat.shared.topic(name) else { return true };
    let mut channel = Channel::new(Through::Frames, seat);
    let Ok(Some((start, _))) =
        list_offset(seat, &mut channel, name, at, OffsetQuery::Earliest).await
    else {
        return false;
    };
    let mut reader = Consumer::reader(name.to_owned(), 256 << 10, channel);
    reader.seek(at, start);
    let mut silent = 0;
    while silent < SILENT_FETCHES_MAX {
        let (before, answers) = (reader.cursors[&at], reader.answers);
        reader.poll(seat, topic).await;
        let after = reader.cursors[&at];
        if reader.answers == answers {
            // No answer: try again a little later.
            silent += 1;
            seat.sleep(core::time::Duration::from_millis(100)).await;
        } else if after.offset == before.offset {
            let is_end = after.offset >= end_min;
            if is_end {
                seat.shared.history.tell(Fact::CaughtUp { at });
            }
            return is_end;
        }
    }
    false
}
