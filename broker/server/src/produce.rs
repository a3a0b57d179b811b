//! Appends of one request on one shard, from the checks to the answer.

mod check;
mod groups;

pub(crate) use check::check;
pub(crate) use groups::{Groups, Owner, Place, expire};

use model::{ErrorCode, Instant, Offset, Site, TopicPartition};
use replication::{Acks, AppendError};
use runtime::Runtime;
use wire::batch::{BatchError, RecordError};

use crate::partition::{Checked, Writer};
use crate::shard::Shard;

/// One batch on its way to its home shard.
pub(crate) struct Append {
    /// The batch's place in its request.
    pub(crate) place: u32,
    pub(crate) at: TopicPartition,
    pub(crate) batch: Checked,
}

/// What became of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) place: u32,
    pub(crate) result: Result<Placed, Refusal>,
}

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) base_offset: Offset,
    /// `None` under CreateTime.
    pub(crate) log_append_time_ms: Option<i64>,
    pub(crate) log_start_offset: Offset,
}

/// Why a batch was not appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: Option<String>,
    pub(crate) records: Vec<RecordError>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None, records: Vec::new() }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        Self { code: error.code(), message: Some(error.to_string()), records: Vec::new() }
    }
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        let (code, message) = (error.code(), Some(error.to_string()));
        let records = if let BatchError::Refused(records) = error { records } else { Vec::new() };
        Self { code, message, records }
    }
}

/// Appends batches whose home is this shard; `owner` hears the outcomes when all are known, or at the
/// deadline.
pub(crate) fn append_all<R: Runtime>(
    shard: &Shard<R>,
    appends: &[Append],
    acks: Acks,
    deadline: Option<Instant>,
    owner: Owner,
) {
    let group = match shard.groups.open(appends, owner, deadline) {
        Ok(group) => group,
        // Too many requests wait already. The code is retriable and says "try later".
        Err(owner) => {
            shard.sometimes(Site::WaitersExhausted);
            let refused = |append: &Append| Outcome {
                place: append.place,
                result: Err(ErrorCode::RequestTimedOut.into()),
            };
            return owner.tell(shard, appends.iter().map(refused).collect());
        }
    };
    for (append, item) in appends.iter().zip(0..) {
        let place = Place { group, item };
        match shard.replica(append.at) {
            Ok(partition) => {
                partition.append(shard, &append.batch, acks, Writer::Producer(place));
            }
            Err(code) => shard.groups.failed(place, code, shard),
        }
    }
    shard.groups.all_started(group, shard);
    shard.wakes.send(shard);
}
