//! Incremental fetch sessions (KIP-227): what a consumer wants and what it was last told.
//!
//! Promises: bounded in number and in partitions; a session that is not asked for the next epoch in
//! order is an error and never a guess. A request costs what it names and what has news, not what the
//! session holds: a partition that was read to its end leaves the queue, and its home shard keeps a
//! watch that puts it back ([`Wakes`]).
//! Does not: read anything. Ids name the shard that keeps the session, so that another shard's
//! connection finds nothing.
//! Source: KIP-227, KIP-516; Kafka `FetchSession`, `FetchManager`.

use core::time::Duration;
use std::collections::BTreeMap;

use model::{ErrorCode, Instant, LeaderEpoch, Slot, TopicId};
use wire::messages::fetch::FetchRequest;

use crate::wakes::Wakes;

/// A session that was used more recently is not given up for a new one
/// (`min.incremental.fetch.session.eviction.ms`).
const EVICTION_AGE: Duration = Duration::from_secs(120);
const EPOCH_FINAL: i32 = -1;
const EPOCH_INITIAL: i32 = 0;

/// How a request names a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TopicKey {
    Name(String),
    /// From version 13.
    Id(TopicId),
}

/// One partition that a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) topic: TopicKey,
    pub(crate) partition: i32,
    pub(crate) fetch_offset: i64,
    pub(crate) bytes_max: usize,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) last_fetched_epoch: Option<LeaderEpoch>,
}

/// One partition to read for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// What the session calls it; 0 without a session.
    pub(crate) id: u64,
    pub(crate) wanted: Wanted,
}

/// What a request turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) kind: Kind,
    /// What to read now.
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No session: everything is answered.
    Full,
    /// As [`Kind::Full`], and a session is opened with the answer.
    Opening,
    /// Only what changed is answered. While the request waits, [`Sessions::due`] says what to read.
    Incremental { id: i32, epoch: i32, token: Slot },
}

/// The part of an answer that a session remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
    pub(crate) has_records: bool,
    /// An error or a diverging epoch: must be told again until it is gone.
    pub(crate) is_urgent: bool,
    /// Read to its end; its home shard says when there is news.
    pub(crate) is_watched: bool,
}

pub(crate) struct Sessions {
    open: BTreeMap<i32, Session>,
    session_limit: usize,
    partition_limit: usize,
    partition_count: usize,
    evicted_count: u64,
}

struct Session {
    /// The epoch that the next request must carry, 1 to `i32::MAX`.
    epoch: i32,
    by_id: bool,
    /// Where news of watched partitions arrive.
    token: Slot,
    entries: BTreeMap<u64, Entry>,
    ids: BTreeMap<(TopicKey, i32), u64>,
    next_id: u64,
    /// Partitions to read at the next fetch, in the order of serving: one that returned records goes
    /// to the end.
    queue: BTreeMap<u64, u64>,
    next_turn: u64,
    last_used: Instant,
}

struct Entry {
    /// Its place in the queue; `None` while it is watched and has no news.
    turn: Option<u64>,
    wanted: Wanted,
    /// High watermark and log start as last told; `None` makes the next answer mention it.
    told: Option<(i64, i64)>,
}

impl Sessions {
    pub(crate) fn new(session_limit: usize, partition_limit: usize) -> Self {
        let (open, partition_count, evicted_count) = (BTreeMap::new(), 0, 0);
        Self { open, session_limit, partition_limit, partition_count, evicted_count }
    }

    /// Sessions that were given up for new ones.
    pub(crate) fn evicted_count(&self) -> u64 {
        self.evicted_count
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Finds out what a request asks for.
    ///
    /// # Errors
    /// FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or FETCH_SESSION_TOPIC_ID_ERROR, for
    /// the whole response.
    pub(crate) fn begin(
        &mut self,
        request: &FetchRequest,
        version: i16,
        now: Instant,
        wakes: &Wakes,
    ) -> Result<Begun, ErrorCode> {
        let by_id = version >= 13;
        let wanted = wanted(request, by_id);
        if request.session_epoch == EPOCH_FINAL || request.session_epoch == EPOCH_INITIAL {
            self.remove(request.session_id, wakes);
            let opens = request.session_epoch == EPOCH_INITIAL;
            let kind = if opens { Kind::Opening } else { Kind::Full };
            let parts = wanted.into_iter().map(|wanted| Part { id: 0, wanted }).collect();
            return Ok(Begun { kind, parts });
        }
        let id = request.session_id;
        let session = self.open.get_mut(&id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != request.session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        let count_before = session.entries.len();
        for wanted in wanted {
            session.want(wanted);
        }
        for topic in &request.forgotten_topics_data {
            let key = topic_key(&topic.topic, topic.topic_id, by_id);
            for partition in &topic.partitions {
                session.forget(&key, *partition);
            }
        }
        let count = session.entries.len();
        session.last_used = now;
        session.epoch = epoch_after(session.epoch);
        self.partition_count = self.partition_count - count_before + count;
        if count == 0 || self.partition_count > self.partition_limit {
            let session = self.remove(id, wakes).expect("looked up above");
            let all = session.entries.into_values();
            let parts = all.map(|entry| Part { id: 0, wanted: entry.wanted }).collect();
            return Ok(Begun { kind: Kind::Full, parts });
        }
        let (epoch, token) = (session.epoch, session.token);
        let parts = self.due(id, epoch, wakes)?;
        Ok(Begun { kind: Kind::Incremental { id, epoch, token }, parts })
    }

    /// What an incremental request must read now: what it named, what has news, and what was not
    /// read to its end.
    ///
    /// # Errors
    /// INVALID_FETCH_SESSION_EPOCH: the session was given up, or used by another connection.
    pub(crate) fn due(
        &mut self,
        id: i32,
        epoch: i32,
        wakes: &Wakes,
    ) -> Result<Vec<Part>, ErrorCode> {
        let session = self.at_epoch(id, epoch)?;
        for part in wakes.news(session.token) {
            session.enqueue(part);
        }
        let part = |id: &u64| Part { id: *id, wanted: session.entries[id].wanted.clone() };
        Ok(session.queue.values().map(part).collect())
    }

    fn at_epoch(&mut self, id: i32, epoch: i32) -> Result<&mut Session, ErrorCode> {
        let session = self.open.get_mut(&id).filter(|session| session.epoch == epoch);
        session.ok_or(ErrorCode::InvalidFetchSessionEpoch)
    }

    /// Opens a session that has just been answered in full. 0 when there is no room.
    pub(crate) fn open(
        &mut self,
        id: i32,
        answered: impl ExactSizeIterator<Item = (Wanted, Told)>,
        by_id: bool,
        now: Instant,
        wakes: &Wakes,
    ) -> i32 {
        let count = answered.len();
        if count == 0 || self.open.contains_key(&id) {
            return 0;
        }
        if self.open.len() >= self.session_limit && !self.evict(now, wakes) {
            return 0;
        }
        if self.partition_count + count > self.partition_limit {
            return 0;
        }
        let Some(token) = wakes.begin_session() else { return 0 };
        let mut session = Session {
            epoch: epoch_after(EPOCH_INITIAL),
            by_id,
            token,
            entries: BTreeMap::new(),
            ids: BTreeMap::new(),
            next_id: 0,
            queue: BTreeMap::new(),
            next_turn: 0,
            last_used: now,
        };
        for (wanted, told) in answered {
            let part = session.want(wanted);
            session.told(part, told);
        }
        self.partition_count += session.entries.len();
        self.open.insert(id, session);
        id
    }

    /// Says which partitions of an incremental answer must be mentioned, and remembers them as told.
    ///
    /// # Errors
    /// INVALID_FETCH_SESSION_EPOCH: another connection used the session meanwhile.
    pub(crate) fn answer(
        &mut self,
        id: i32,
        epoch: i32,
        answers: impl Iterator<Item = (u64, Told)>,
    ) -> Result<Vec<bool>, ErrorCode> {
        let session = self.at_epoch(id, epoch)?;
        Ok(answers.map(|(part, told)| session.told(part, told)).collect())
    }

    /// Gives a session up before anybody asked for its room.
    pub(crate) fn lose(&mut self, id: i32, wakes: &Wakes) {
        self.remove(id, wakes);
    }

    /// The partition is forgotten although the consumer still counts on it: a planted bug.
    pub(crate) fn forget(&mut self, id: i32, wanted: &Wanted) {
        let Some(session) = self.open.get_mut(&id).filter(|it| it.entries.len() > 1) else {
            return;
        };
        session.forget(&wanted.topic, wanted.partition);
        self.partition_count -= 1;
    }

    fn remove(&mut self, id: i32, wakes: &Wakes) -> Option<Session> {
        let session = self.open.remove(&id)?;
        wakes.end(session.token);
        self.partition_count -= session.entries.len();
        Some(session)
    }

    /// Gives up the session that was not used for longest, if that is long enough.
    fn evict(&mut self, now: Instant, wakes: &Wakes) -> bool {
        let oldest = self.open.iter().min_by_key(|(id, session)| (session.last_used, **id));
        let Some((id, session)) = oldest else { return false };
        if now.since(session.last_used) < EVICTION_AGE {
            return false;
        }
        let id = *id;
        self.remove(id, wakes);
        self.evicted_count += 1;
        true
    }
}

impl Session {
    /// Takes a partition in, or its new position; it is read next.
    fn want(&mut self, wanted: Wanted) -> u64 {
        let key = (wanted.topic.clone(), wanted.partition);
        let next = self.next_id;
        let id = *self.ids.entry(key).or_insert(next);
        match self.entries.get_mut(&id) {
            Some(entry) => entry.wanted = wanted,
            None => {
                self.next_id += 1;
                self.entries.insert(id, Entry { turn: None, wanted, told: None });
            }
        }
        self.enqueue(id);
        id
    }

    fn forget(&mut self, topic: &TopicKey, partition: i32) {
        if let Some(id) = self.ids.remove(&(topic.clone(), partition)) {
            let entry = self.entries.remove(&id).expect("a known partition has an entry");
            entry.turn.map(|turn| self.queue.remove(&turn));
        }
    }

    /// Puts a partition behind those that wait already. One that was forgotten is not there.
    fn enqueue(&mut self, id: u64) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.turn.is_none()) else {
            return;
        };
        entry.turn = Some(self.next_turn);
        self.queue.insert(self.next_turn, id);
        self.next_turn += 1;
    }

    /// Remembers an answer; true when it must be mentioned.
    fn told(&mut self, id: u64, told: Told) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return true };
        let news = Some((told.high_watermark, told.log_start_offset));
        let must = told.has_records || told.is_urgent || entry.told != news;
        entry.told = news.filter(|_| !told.is_urgent);
        if told.has_records || told.is_watched {
            entry.turn.take().map(|turn| self.queue.remove(&turn));
        }
        if told.has_records {
            self.enqueue(id);
        }
        must
    }
}

fn epoch_after(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

fn topic_key(name: &str, id: TopicId, by_id: bool) -> TopicKey {
    if by_id { TopicKey::Id(id) } else { TopicKey::Name(name.to_owned()) }
}

fn wanted(request: &FetchRequest, by_id: bool) -> Vec<Wanted> {
    let epoch = |epoch: i32| (epoch >= 0).then_some(LeaderEpoch(epoch));
    let mut all = Vec::new();
    for topic in &request.topics {
        for it in &topic.partitions {
            all.push(Wanted {
                topic: topic_key(&topic.topic, topic.topic_id, by_id),
                partition: it.partition,
                fetch_offset: it.fetch_offset,
                bytes_max: usize::try_from(it.partition_max_bytes).unwrap_or(0),
                leader_epoch: epoch(it.current_leader_epoch),
                last_fetched_epoch: epoch(it.last_fetched_epoch),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests;
