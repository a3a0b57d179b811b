//! Reads on the home shard.
//!
//! Promises: whole batches only; the first partition with anything to read returns at least one
//! batch, however large (KIP-74); nothing at or above the visible end. What is watched and has no news
//! costs nothing until it has.
//! Does not: copy records. The tail of a log is planned from memory, without I/O.

use model::{Bug, ErrorCode, LeaderEpoch, Offset, ShardId, Slot, TopicPartition};
use runtime::{Disk, Runtime};
use storage::ReadSpec;

use crate::net::FileRange;
use crate::partition::{Visible, Watch};
use crate::shard::Shard;

/// One partition's part of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) at: TopicPartition,
    pub(crate) from: i64,
    pub(crate) bytes_max: usize,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) last_fetched_epoch: Option<LeaderEpoch>,
    /// What the reader calls this partition in [`Watch::part`].
    pub(crate) part: u64,
}

/// Who is woken by news of a partition that is read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watcher {
    /// A fetch that waits for more: watches everything while all together is not enough.
    Fetch { shard: ShardId, token: Slot },
    /// A session: watches each partition of which there is nothing more to read now.
    Session { shard: ShardId, token: Slot },
}

impl Watcher {
    fn watch(self, part: u64) -> Watch {
        let (Self::Fetch { shard, token } | Self::Session { shard, token }) = self;
        Watch { shard, token, part }
    }
}

/// What one shard reads for one fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadGroup {
    /// In the order of the request.
    pub(crate) reads: Vec<Read>,
    pub(crate) bytes_max: usize,
    /// Below this many bytes, and without an error, a fetch waits.
    pub(crate) bytes_min: usize,
    /// Up to the last stable offset instead of the high watermark.
    pub(crate) committed_only: bool,
    pub(crate) watcher: Option<Watcher>,
}

/// What one partition answers. Offsets are the wire's: -1 is unknown.
pub(crate) struct ReadResult<F> {
    pub(crate) error: ErrorCode,
    pub(crate) high_watermark: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) log_start_offset: i64,
    /// The requester's log left ours: the epoch it shares with us and where that ends (KIP-595).
    pub(crate) diverging: Option<(LeaderEpoch, Offset)>,
    pub(crate) records: Vec<FileRange<F>>,
    pub(crate) size_bytes: u32,
    /// Nothing more can be read now.
    pub(crate) at_end: bool,
    /// News of this partition wake the session.
    pub(crate) is_watched: bool,
}

impl<F> ReadResult<F> {
    pub(crate) fn error(error: ErrorCode) -> Self {
        Self {
            error,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging: None,
            records: Vec::new(),
            size_bytes: 0,
            at_end: false,
            is_watched: false,
        }
    }

    /// Ends the wait for more bytes.
    pub(crate) fn is_urgent(&self) -> bool {
        self.error != ErrorCode::None || self.diverging.is_some()
    }
}

type Results<R> = Vec<ReadResult<<R as Disk>::File>>;

/// Reads this shard's part of a fetch.
pub(crate) async fn read_group<R: Runtime>(shard: &Shard<R>, group: &ReadGroup) -> Results<R> {
    let mut results = Vec::with_capacity(group.reads.len());
    let mut seen = Vec::with_capacity(group.reads.len());
    let mut size_bytes = 0;
    for read in &group.reads {
        let budget = Budget {
            bytes_max: read.bytes_max.min(group.bytes_max.saturating_sub(size_bytes)),
            at_least_one_batch: size_bytes == 0,
        };
        let (result, visible) = match read_one(shard, read, group.committed_only, budget).await {
            Ok((result, visible)) => (result, Some(visible)),
            Err(error) => (ReadResult::error(error), None),
        };
        size_bytes += result.size_bytes as usize;
        results.push(result);
        seen.push(visible);
    }
    let enough = size_bytes >= group.bytes_min || results.iter().any(ReadResult::is_urgent);
    if let Some(watcher) = group.watcher {
        let is_session = matches!(watcher, Watcher::Session { .. });
        for ((read, seen), result) in group.reads.iter().zip(seen).zip(&mut results) {
            let watches = if is_session { result.at_end } else { !enough };
            if let Some(partition) = shard.partition(read.at).filter(|_| watches) {
                partition.watch(shard, watcher.watch(read.part), seen);
                result.is_watched = is_session;
            }
        }
        shard.wakes.send(shard);
    }
    results
}

#[derive(Debug, Clone, Copy)]
struct Budget {
    bytes_max: usize,
    at_least_one_batch: bool,
}

async fn read_one<R: Runtime>(
    shard: &Shard<R>,
    read: &Read,
    committed_only: bool,
    budget: Budget,
) -> Result<(ReadResult<<R as Disk>::File>, Visible), ErrorCode> {
    let partition = shard.replica(read.at)?;
    let visible = partition.visible(read.leader_epoch).map_err(|error| error.code())?;
    let ends = visible.ends;
    let mut result = ReadResult {
        error: ErrorCode::None,
        high_watermark: ends.high_watermark.0,
        last_stable_offset: visible.last_stable_offset.0,
        log_start_offset: ends.log_start_offset.0,
        diverging: None,
        records: Vec::new(),
        size_bytes: 0,
        at_end: false,
        is_watched: false,
    };
    if let Some(fetched) = read.last_fetched_epoch {
        let (epoch, end) =
            partition.leader_epoch_end(fetched).ok_or(ErrorCode::OffsetOutOfRange)?;
        if epoch < fetched || end.0 < read.from {
            result.diverging = Some((epoch, end));
            return Ok((result, visible));
        }
    }
    if read.from < ends.log_start_offset.0 || read.from > ends.log_end_offset.0 {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let visible_end = if committed_only { visible.last_stable_offset } else { ends.high_watermark };
    let exhausted = budget.bytes_max == 0 && !budget.at_least_one_batch;
    if read.from >= visible_end.0 || exhausted {
        result.at_end = read.from >= visible_end.0;
        return Ok((result, visible));
    }
    let spec = ReadSpec {
        from: Offset(read.from),
        bytes_max: budget.bytes_max,
        visible_end,
        at_least_one_batch: budget.at_least_one_batch,
    };
    if shard.planted(Bug::PlaceboPlanTwice) {
        drop(partition.log.plan(spec).await);
    }
    let plan = partition.log.plan(spec).await.map_err(|_| ErrorCode::KafkaStorageError)?;
    result.size_bytes = u32::try_from(plan.size_bytes).map_err(|_| ErrorCode::KafkaStorageError)?;
    result.records = plan
        .pieces
        .into_iter()
        .map(|piece| FileRange { file: piece.file, range: piece.range, heat: piece.heat })
        .collect();
    Ok((result, visible))
}
