//! Fetch: read record batches from many partitions at once.
//!
//! Promises: waits up to `max_wait_ms` for `min_bytes` without polling; answers at once when
//! anything is wrong; never leaves a request unanswered.
//! Does not: serve followers (one replica per partition).
//! Source: KIP-74 (limits), KIP-227 (sessions), KIP-320 (epochs), KIP-516 (topic ids).

use core::time::Duration;

use model::{Bug, Buggify, ErrorCode, Instant, ShardId, Site, Slot};
use runtime::sync::race;
use runtime::{Conn, Disk, Purpose, Runtime};
use wire::messages::fetch::FetchRequest;
use wire::{Message, Reader};

use crate::fetch::{
    Answer, Begun, Kind, Part, Read, ReadGroup, ReadResult, Told, TopicKey, Watcher, Whole,
    read_everywhere, respond,
};
use crate::net::{Close, Outgoing, RequestContext};
use crate::shard::Shard;

const READ_COMMITTED: i8 = 1;
/// Largest response, `fetch.max.bytes` of the broker.
const FETCH_BYTES_MAX: usize = 57_671_680;
/// A wait ends this early where a simulation wants a look that finds nothing new.
const EARLY_LIFE: Duration = Duration::from_millis(1);

type Results<R> = Vec<ReadResult<<R as Disk>::File>>;

pub(crate) async fn handle<R: Runtime>(
    shard: &Shard<R>,
    conn: &R::Conn,
    context: &RequestContext<'_>,
    mut reader: Reader<'_>,
) -> Result<Outgoing<R>, Close> {
    let request = FetchRequest::decode(&mut reader, context.version)?;
    shard.count(|stats| stats.fetch_requests += 1);
    let committed_only = request.isolation_level == READ_COMMITTED;
    let now = shard.rt.now().mono;
    if request.session_id != 0 && shard.buggify(Buggify::FetchSessionLost) {
        shard.sessions.borrow_mut().lose(request.session_id, &shard.wakes);
    }
    let begun = shard.sessions.borrow_mut().begin(&request, context.version, now, &shard.wakes);
    let refused = |error| {
        let whole = Whole { error, session_id: 0, committed_only };
        respond::<R>(context, whole, Vec::new())
    };
    let mut begun = match begun {
        Ok(begun) => begun,
        Err(error) => return refused(error),
    };
    let results = match read_until_enough(shard, conn, &request, &mut begun).await? {
        Ok(results) => results,
        Err(error) => return refused(error),
    };
    let size_bytes: u64 = results.iter().map(|it| u64::from(it.size_bytes)).sum();
    let failed = results.iter().filter(|it| it.error != ErrorCode::None).count() as u64;
    shard.count(|stats| {
        stats.fetch_bytes += size_bytes;
        stats.fetch_failures += failed;
    });
    let (whole, mentioned) = conclude(shard, context, &begun, &results, committed_only);
    let answers = begun
        .parts
        .iter()
        .zip(results)
        .zip(mentioned)
        .filter(|(_, mentioned)| *mentioned)
        .map(|((part, result), _)| Answer { wanted: &part.wanted, result })
        .collect();
    respond::<R>(context, whole, answers)
}

/// Lets the session remember the answer, and says which partitions it mentions.
fn conclude<R: Runtime>(
    shard: &Shard<R>,
    context: &RequestContext<'_>,
    begun: &Begun,
    results: &Results<R>,
    committed_only: bool,
) -> (Whole, Vec<bool>) {
    let now = shard.rt.now().mono;
    let mut sessions = shard.sessions.borrow_mut();
    let whole = |session_id| Whole { error: ErrorCode::None, session_id, committed_only };
    let everything = vec![true; results.len()];
    let outcome = match begun.kind {
        Kind::Full => (whole(0), everything),
        Kind::Opening => {
            let id = session_id(shard);
            let wanted = begun.parts.iter().map(|part| part.wanted.clone());
            let answered: Vec<_> = wanted.zip(results.iter().map(told)).collect();
            let by_id = context.version >= 13;
            let evicted_count = sessions.evicted_count();
            let id = match shard.buggify(Buggify::FetchSessionRefused) {
                true => 0,
                false => sessions.open(id, answered.into_iter(), by_id, now, &shard.wakes),
            };
            if sessions.evicted_count() > evicted_count {
                shard.sometimes(Site::FetchSessionEvicted);
            }
            if id == 0 {
                shard.sometimes(Site::FetchSessionRefused);
            }
            (whole(if context.version >= 7 { id } else { 0 }), everything)
        }
        Kind::Incremental { id, epoch, .. } => {
            let ids = begun.parts.iter().map(|part| part.id);
            match sessions.answer(id, epoch, ids.zip(results.iter().map(told))) {
                Ok(mentioned) => {
                    let idle = begun.parts.iter().zip(results).find(|(_, it)| it.size_bytes == 0);
                    if let Some((idle, _)) = idle
                        && shard.planted(Bug::FetchSessionLosesPartition)
                    {
                        sessions.forget(id, &idle.wanted);
                    }
                    (whole(id), mentioned)
                }
                Err(error) => (Whole { error, ..whole(0) }, vec![false; results.len()]),
            }
        }
    };
    let open = sessions.len() as u64;
    shard.count(|stats| stats.fetch_sessions = open);
    outcome
}

fn told<F>(result: &ReadResult<F>) -> Told {
    Told {
        high_watermark: result.high_watermark,
        log_start_offset: result.log_start_offset,
        has_records: result.size_bytes > 0,
        is_urgent: result.is_urgent(),
        is_watched: result.is_watched,
    }
}

/// A random id of this shard: its remainder by the shard count is the shard. Not 0.
fn session_id<R: Runtime>(shard: &Shard<R>) -> i32 {
    let count = u64::from(shard.shard_count);
    let range = (i32::MAX as u64 - count) / count;
    let random = shard.rt.random(Purpose::FetchSessionId) % range + 1;
    i32::try_from(random * count + u64::from(shard.id.0)).expect("the range was chosen to fit")
}

/// Reads, and waits for more while there is less than `min_bytes`. The inner error is for the whole
/// response: the session ended meanwhile.
async fn read_until_enough<R: Runtime>(
    shard: &Shard<R>,
    conn: &R::Conn,
    request: &FetchRequest,
    begun: &mut Begun,
) -> Result<Result<Results<R>, ErrorCode>, Close> {
    let is_follower = request.replica_id >= 0 || request.replica_state.replica_id >= 0;
    if is_follower {
        // Not a member of any replica set here.
        let refused = |_: &Part| ReadResult::error(ErrorCode::NotLeaderOrFollower);
        return Ok(Ok(begun.parts.iter().map(refused).collect()));
    }
    let max_wait_ms = u64::try_from(request.max_wait_ms).unwrap_or(0);
    let deadline = shard.rt.now().mono + Duration::from_millis(max_wait_ms);
    let mut group = ReadGroup {
        reads: Vec::new(),
        bytes_max: usize::try_from(request.max_bytes).unwrap_or(0).min(FETCH_BYTES_MAX),
        bytes_min: usize::try_from(request.min_bytes).unwrap_or(0).min(FETCH_BYTES_MAX),
        committed_only: request.isolation_level == READ_COMMITTED,
        watcher: None,
    };
    let mut parked: Option<Parked<'_, R>> = None;
    loop {
        let (homes, found) = resolve(shard, &begun.parts, &mut group.reads);
        let unresolved = found.iter().any(Result::is_err);
        let is_session = matches!(begun.kind, Kind::Incremental { .. });
        let may_wait = max_wait_ms > 0 && !unresolved && (is_session || !group.reads.is_empty());
        if parked.is_none() {
            parked = Parked::begin(shard, begun.kind, may_wait);
        }
        let is_woken_early = parked.is_some() && shard.buggify(Buggify::FetchWokenEarly);
        let life = shard.rt.now().mono + EARLY_LIFE;
        let life = if is_woken_early { life.min(deadline) } else { deadline };
        group.watcher = parked.as_ref().map(Parked::watcher);
        let mut read = read_everywhere(shard, &group, &homes).await.into_iter();
        let results: Results<R> = found
            .into_iter()
            .map(|found| match found {
                Ok(()) => read.next().expect("one result per read"),
                Err(code) => ReadResult::error(code),
            })
            .collect();
        let size_bytes: usize = results.iter().map(|it| it.size_bytes as usize).sum();
        let enough = size_bytes >= group.bytes_min || results.iter().any(ReadResult::is_urgent);
        let Some(parked) = parked.as_ref().filter(|_| !enough && may_wait) else {
            return Ok(Ok(results));
        };
        if shard.rt.now().mono >= deadline || shard.stopping.get() {
            return Ok(Ok(results));
        }
        drop(results);
        parked.wait(conn, life).await?;
        if let Kind::Incremental { id, epoch, .. } = begun.kind {
            match shard.sessions.borrow_mut().due(id, epoch, &shard.wakes) {
                Ok(parts) => begun.parts = parts,
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

/// Where each wanted partition lives; the reads of those that exist go to `reads`.
fn resolve<R: Runtime>(
    shard: &Shard<R>,
    parts: &[Part],
    reads: &mut Vec<Read>,
) -> (Vec<ShardId>, Vec<Result<(), ErrorCode>>) {
    reads.clear();
    let mut homes = Vec::with_capacity(parts.len());
    let mut found = Vec::with_capacity(parts.len());
    let topics = shard.topics.borrow();
    for Part { id, wanted: it } in parts {
        let topic = match &it.topic {
            TopicKey::Name(name) => topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition),
            TopicKey::Id(id) => topics.by_id(*id).ok_or(ErrorCode::UnknownTopicId),
        };
        let place = topic.and_then(|topic| topic.partition(it.partition, shard.shard_count));
        found.push(place.map(|(at, home)| {
            homes.push(home);
            reads.push(Read {
                at,
                from: it.fetch_offset,
                bytes_max: it.bytes_max,
                leader_epoch: it.leader_epoch,
                last_fetched_epoch: it.last_fetched_epoch,
                part: *id,
            });
        }));
    }
    (homes, found)
}

/// Where a fetch is woken: at its session's place, or at one of its own that ends with it.
struct Parked<'s, R: Runtime> {
    shard: &'s Shard<R>,
    token: Slot,
    is_session: bool,
}

impl<'s, R: Runtime> Parked<'s, R> {
    /// `None` for a fetch without a session that need not wait, or when too many wait already: it is
    /// answered with what there is.
    fn begin(shard: &'s Shard<R>, kind: Kind, may_wait: bool) -> Option<Self> {
        if let Kind::Incremental { token, .. } = kind {
            return Some(Self { shard, token, is_session: true });
        }
        if !may_wait {
            return None;
        }
        let token = match shard.buggify(Buggify::FetchNotParked) {
            true => None,
            false => shard.wakes.begin(),
        };
        if token.is_none() {
            shard.sometimes(Site::FetchNotParked);
        }
        token.map(|token| Self { shard, token, is_session: false })
    }

    fn watcher(&self) -> Watcher {
        let (shard, token) = (self.shard.id, self.token);
        if self.is_session {
            Watcher::Session { shard, token }
        } else {
            Watcher::Fetch { shard, token }
        }
    }

    /// Waits for a change, the time, or the end of the connection.
    async fn wait(&self, conn: &R::Conn, until: Instant) -> Result<(), Close> {
        self.shard.count(|stats| stats.fetches_parked += 1);
        self.shard.sometimes(Site::FetchParked);
        let changed = race(self.shard.wakes.woken(self.token), self.shard.rt.sleep_until(until));
        let over = race(changed, self.shard.stop_asked.notified());
        match race(over, conn.wait_closed()).await {
            runtime::sync::First::Left(_) => Ok(()),
            runtime::sync::First::Right(()) => Err(Close::Gone),
        }
    }
}

impl<R: Runtime> Drop for Parked<'_, R> {
    fn drop(&mut self) {
        if !self.is_session {
            self.shard.wakes.end(self.token);
        }
    }
}
