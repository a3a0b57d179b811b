//! Consumer groups: members that join, stay, and commit.
//!
//! Requests are of one version and one shape for every broker; a client library would add its own
//! waiting to what is measured.

pub(crate) mod commits;
pub(crate) mod join;
pub(crate) mod members;
pub(crate) mod reload;

mod classic;

use crate::peer::Peer;
use crate::{Outcome, Target, topics};
use model::ErrorCode;
use std::time::{Duration, Instant};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};

/// The newest version that names one group.
const FIND_VERSION: i16 = 3;
/// The same.
const OFFSET_FETCH_VERSION: i16 = 7;
/// A coordinator that has to load, or whose topic has to be created first, takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);

/// Repeats a request until its coordinator is there and has loaded; the last error code.
fn once_ready(mut ask: impl FnMut() -> Outcome<i16>) -> Outcome<()> {
    let too_early = [
        ErrorCode::CoordinatorNotAvailable,
        ErrorCode::CoordinatorLoadInProgress,
        ErrorCode::NotCoordinator,
    ]
    .map(ErrorCode::code);
    let start = Instant::now();
    loop {
        match ask()? {
            0 => return Ok(()),
            code if too_early.contains(&code) && start.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            code => return Err(format!("the coordinator says error code {code}")),
        }
    }
}

/// Asks for the coordinator of a group, which also makes the internal topic appear.
fn find(peer: &mut Peer, group: &str) -> Outcome<()> {
    let request = FindCoordinatorRequest { key: group.to_owned(), ..Default::default() };
    once_ready(|| Ok(peer.call(&request, FIND_VERSION)?.error_code))
}

/// The committed offset of a group in the first partition; -1 when there is none.
fn committed_offset(peer: &mut Peer, group: &str, topic: &str) -> Outcome<i64> {
    let asked = OffsetFetchRequestTopic { name: topic.to_owned(), partition_indexes: vec![0] };
    let request = OffsetFetchRequest {
        group_id: group.to_owned(),
        topics: Some(vec![asked]),
        ..OffsetFetchRequest::default()
    };
    let mut offset = None;
    once_ready(|| {
        let response = peer.call(&request, OFFSET_FETCH_VERSION)?;
        let partition = response.topics.iter().flat_map(|topic| &topic.partitions).next();
        offset = partition.map(|it| it.committed_offset);
        let code = partition.map_or(0, |it| it.error_code);
        Ok(if response.error_code == 0 { code } else { response.error_code })
    })?;
    offset.ok_or_else(|| "OffsetFetch: the answer leaves out the partition".to_owned())
}

fn topic_id(peer: &mut Peer, target: &Target) -> Outcome<model::TopicId> {
    let topic = topics::metadata(peer, &target.topic)?;
    topic.map(|it| it.topic_id).ok_or_else(|| "no such topic".to_owned())
}

/// The value below which `percent` of 100 lie; milliseconds. Sorts.
fn percentile_ms(latencies: &mut [Duration], percent: usize) -> f64 {
    latencies.sort_unstable();
    let index = latencies.len() * percent / 100;
    let found = latencies.get(index.min(latencies.len().saturating_sub(1)));
    found.map_or(f64::NAN, |it| it.as_secs_f64() * 1e3)
}
