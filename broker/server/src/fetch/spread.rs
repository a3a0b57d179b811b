//! One fetch over all shards that own its partitions.
//!
//! Promises: results come in the order of the request and within its byte limit; other shards read
//! while this one does.

use model::{ErrorCode, ShardId};
use runtime::{Disk, Runtime};

use super::read::{Read, ReadGroup, ReadResult, read_group};
use crate::mesh::{Reply, Request};
use crate::shard::Shard;

/// Reads every partition on its home shard. `group.reads` pairs with `homes`.
pub(crate) async fn read_everywhere<R: Runtime>(
    shard: &Shard<R>,
    group: &ReadGroup,
    homes: &[ShardId],
) -> Vec<ReadResult<<R as Disk>::File>> {
    if homes.iter().all(|home| *home == shard.id) {
        return read_group(shard, group).await;
    }
    let part = |home: ShardId| {
        let mine = |(read, it): (&Read, &ShardId)| (*it == home).then(|| read.clone());
        let reads: Vec<_> = group.reads.iter().zip(homes).filter_map(mine).collect();
        ReadGroup { reads, ..group.clone() }
    };
    let mut asked = Vec::new();
    for home in shard.shards().filter(|home| *home != shard.id && homes.contains(home)) {
        let request = Request::Fetch(Box::new(part(home)));
        asked.push((home, shard.mesh.submit(home, request).await));
    }
    let mut parts = vec![(shard.id, read_group(shard, &part(shard.id)).await.into_iter())];
    for (home, reply) in asked {
        let results = match reply {
            Some(reply) => match reply.await {
                Some(Reply::Fetched(results)) => results,
                _ => Vec::new(),
            },
            None => Vec::new(),
        };
        parts.push((home, results.into_iter()));
    }
    let mut left = group.bytes_max;
    let mut got_any = false;
    homes
        .iter()
        .map(|home| {
            let results = parts.iter_mut().find(|(it, _)| it == home);
            // A shard that could not be asked answers like one that no longer leads.
            let result = results.and_then(|(_, results)| results.next());
            let mut result =
                result.unwrap_or_else(|| ReadResult::error(ErrorCode::NotLeaderOrFollower));
            let size_bytes = result.size_bytes as usize;
            // Each shard had the whole limit: what exceeds it together waits for the next fetch.
            if size_bytes > left && got_any {
                result.records.clear();
                result.size_bytes = 0;
            } else {
                left = left.saturating_sub(size_bytes);
                got_any |= size_bytes > 0;
            }
            result
        })
        .collect()
}
