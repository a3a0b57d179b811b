//! The metadata log at start: read back into an image, and the data directories made to agree with it.

use std::collections::BTreeSet;

use controller::Image;
use model::{TopicId, TopicPartition};
use runtime::Runtime;
use storage::{Log, Ownership, ReadSpec};
use wire::batch::{BatchView, batches};
use wire::metadata::MetadataRecord;

use super::METADATA;
use crate::boot::Level;
use crate::shard::Shard;

/// One read of the log.
const READ_BYTES: usize = 1 << 20;

/// What the metadata log says.
#[derive(Default)]
pub(super) struct Replayed {
    pub(super) image: Image,
    /// Topics that were deleted. A crash may have come before their files were gone.
    pub(super) removed: BTreeSet<TopicId>,
}

/// Reads the whole log back.
pub(super) async fn replay<R: Runtime>(shard: &Shard<R>, log: &Log<R>) -> Result<Replayed, String> {
    let mut replayed = Replayed::default();
    let end = log.end_offset();
    let mut from = log.start_offset();
    while from < end {
        let spec =
            ReadSpec { from, bytes_max: READ_BYTES, visible_end: end, at_least_one_batch: true };
        let plan = log.plan(spec).await.map_err(|error| error.to_string())?;
        for piece in &plan.pieces {
            let size_bytes = usize::try_from(piece.range.end - piece.range.start)
                .map_err(|_| "a metadata segment is too large for this machine".to_owned())?;
            let into = Vec::with_capacity(size_bytes);
            let (read, bytes) =
                shard.rt.read(&piece.file, piece.range.start, into, size_bytes).await;
            read.map_err(|error| format!("reading the metadata log: {error}"))?;
            for batch in batches(&bytes) {
                let batch = batch.map_err(|error| format!("metadata log: {error}"))?;
                replay_batch(&mut replayed, &batch)?;
            }
        }
        if plan.next_offset <= from {
            return Err(format!("the metadata log cannot be read beyond offset {from}"));
        }
        from = plan.next_offset;
    }
    replayed.image.advance_to(end);
    Ok(replayed)
}

fn replay_batch(into: &mut Replayed, batch: &BatchView<'_>) -> Result<(), String> {
    batch.check_crc().map_err(|error| format!("metadata log: {error}"))?;
    let records = controller::decode_batch(batch.bytes()).map_err(|error| error.to_string())?;
    for (offset, record) in records {
        into.image.apply(&record).map_err(|error| format!("metadata record {offset}: {error}"))?;
        if let MetadataRecord::RemoveTopic(it) = record {
            into.removed.insert(it.topic_id);
        }
    }
    Ok(())
}

/// Frees the names of logs that are not in the image, before anything else is opened.
pub(super) async fn clear_unowned<R: Runtime>(shard: &Shard<R>, replayed: &Replayed) {
    let Replayed { image, removed } = replayed;
    let is_here = |at| {
        let partition = image.partition(at);
        at == METADATA || partition.is_some_and(|it| it.replicas.contains(&shard.boot.node_id))
    };
    let whose = |at: TopicPartition| match at {
        at if is_here(at) => Ownership::Owned,
        at if removed.contains(&at.topic) => Ownership::Deleted,
        _ => Ownership::Unknown,
    };
    let (strays, result) = shard.store().clear_unowned(whose).await;
    for path in strays {
        let path = path.display();
        shard.log(Level::Warn, format!("no topic of this cluster owns a log: moved to {path}"));
    }
    if let Err(error) = result {
        shard.log(Level::Error, format!("a log that no topic owns stays in the way: {error}"));
    }
}
