//! Incremental fetch sessions (KIP-227): what a consumer wants and what it was last told.
//!
//! Promises: bounded in number and in partitions; a session that is not asked for the next epoch in
//! order is an error and never a guess.
//! Does not: read anything. Ids name the shard that keeps the session, so that another shard's
//! connection finds nothing.
//! Source: KIP-227, KIP-516; Kafka `FetchSession`, `FetchManager`.

use core::time::Duration;
use std::collections::BTreeMap;

use model::{ErrorCode, Instant, LeaderEpoch, TopicId};
use wire::messages::fetch::FetchRequest;

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

/// What a request turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begun {
    /// No session: everything is answered.
    Full(Vec<Wanted>),
    /// As [`Begun::Full`], and a session is opened with the answer.
    Opening(Vec<Wanted>),
    /// Only what changed is answered.
    Incremental { id: i32, epoch: i32, wanted: Vec<Wanted> },
}

/// The part of an answer that a session remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
    pub(crate) has_records: bool,
    /// An error or a diverging epoch: must be told again until it is gone.
    pub(crate) is_urgent: bool,
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
    /// In the order of serving: a partition that returned records goes to the end.
    entries: BTreeMap<u64, Entry>,
    places: BTreeMap<(TopicKey, i32), u64>,
    next_place: u64,
    last_used: Instant,
}

struct Entry {
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
    ) -> Result<Begun, ErrorCode> {
        let by_id = version >= 13;
        let wanted = wanted(request, by_id);
        if request.session_epoch == EPOCH_FINAL || request.session_epoch == EPOCH_INITIAL {
            self.remove(request.session_id);
            return Ok(match request.session_epoch {
                EPOCH_INITIAL => Begun::Opening(wanted),
                _ => Begun::Full(wanted),
            });
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
        wanted.into_iter().for_each(|wanted| session.want(wanted));
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
            let wanted = self.remove(id).map(|session| session.wanted()).unwrap_or_default();
            return Ok(Begun::Full(wanted));
        }
        let session = &self.open[&id];
        Ok(Begun::Incremental { id, epoch: session.epoch, wanted: session.wanted() })
    }

    /// Opens a session that has just been answered in full. 0 when there is no room.
    pub(crate) fn open(
        &mut self,
        id: i32,
        answered: impl ExactSizeIterator<Item = (Wanted, Told)>,
        by_id: bool,
        now: Instant,
    ) -> i32 {
        let count = answered.len();
        if count == 0 || self.open.contains_key(&id) {
            return 0;
        }
        if self.open.len() >= self.session_limit && !self.evict(now) {
            return 0;
        }
        if self.partition_count + count > self.partition_limit {
            return 0;
        }
        let mut session = Session {
            epoch: epoch_after(EPOCH_INITIAL),
            by_id,
            entries: BTreeMap::new(),
            places: BTreeMap::new(),
            next_place: 0,
            last_used: now,
        };
        for (wanted, told) in answered {
            let key = (wanted.topic.clone(), wanted.partition);
            session.want(wanted);
            session.told(&key, told);
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
        answers: impl Iterator<Item = ((TopicKey, i32), Told)>,
    ) -> Result<Vec<bool>, ErrorCode> {
        let session = self.open.get_mut(&id).filter(|session| session.epoch == epoch);
        let session = session.ok_or(ErrorCode::InvalidFetchSessionEpoch)?;
        Ok(answers.map(|(key, told)| session.told(&key, told)).collect())
    }

    /// Gives a session up before anybody asked for its room.
    pub(crate) fn lose(&mut self, id: i32) {
        self.remove(id);
    }

    /// The partition is forgotten although the consumer still counts on it: a planted bug.
    pub(crate) fn forget(&mut self, id: i32, wanted: &Wanted) {
        let Some(session) = self.open.get_mut(&id).filter(|it| it.entries.len() > 1) else {
            return;
        };
        session.forget(&wanted.topic, wanted.partition);
        self.partition_count -= 1;
    }

    fn remove(&mut self, id: i32) -> Option<Session> {
        let session = self.open.remove(&id)?;
        self.partition_count -= session.entries.len();
        Some(session)
    }

    /// Gives up the session that was not used for longest, if that is long enough.
    fn evict(&mut self, now: Instant) -> bool {
        let oldest = self.open.iter().min_by_key(|(id, session)| (session.last_used, **id));
        let Some((id, session)) = oldest else { return false };
        if now.since(session.last_used) < EVICTION_AGE {
            return false;
        }
        let id = *id;
        self.remove(id);
        self.evicted_count += 1;
        true
    }
}

impl Session {
    fn want(&mut self, wanted: Wanted) {
        let key = (wanted.topic.clone(), wanted.partition);
        let next = self.next_place;
        let place = *self.places.entry(key).or_insert(next);
        match self.entries.get_mut(&place) {
            Some(entry) => entry.wanted = wanted,
            None => {
                self.next_place += 1;
                self.entries.insert(place, Entry { wanted, told: None });
            }
        }
    }

    fn forget(&mut self, topic: &TopicKey, partition: i32) {
        if let Some(place) = self.places.remove(&(topic.clone(), partition)) {
            self.entries.remove(&place);
        }
    }

    /// Remembers an answer; true when it must be mentioned.
    fn told(&mut self, key: &(TopicKey, i32), told: Told) -> bool {
        let Some(place) = self.places.get_mut(key) else { return true };
        let entry = self.entries.get_mut(place).expect("a place has an entry");
        let news = Some((told.high_watermark, told.log_start_offset));
        let must = told.has_records || told.is_urgent || entry.told != news;
        entry.told = news.filter(|_| !told.is_urgent);
        if told.has_records {
            let entry = self.entries.remove(place).expect("looked up above");
            *place = self.next_place;
            self.entries.insert(self.next_place, entry);
            self.next_place += 1;
        }
        must
    }

    fn wanted(&self) -> Vec<Wanted> {
        self.entries.values().map(|entry| entry.wanted.clone()).collect()
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
