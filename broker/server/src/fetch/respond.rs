//! From results to a Fetch response whose records stay in files.

use model::ErrorCode;
use runtime::{Disk, Runtime};
use wire::messages::fetch::{AbortedTransaction, EpochEndOffset, PartitionData};
use wire::{FetchResponseEncoder, FetchResponseHead, Writer};

use super::read::ReadResult;
use super::session::{TopicKey, Wanted};
use crate::net::{Close, FileRange, Outgoing, RequestContext};

/// Room for everything but the records.
const HEAD_BYTES_MAX: usize = 16 << 20;

/// One partition of the response.
pub(crate) struct Answer<'w, F> {
    pub(crate) wanted: &'w Wanted,
    pub(crate) result: ReadResult<F>,
}

/// The fields of the whole response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) error: ErrorCode,
    pub(crate) session_id: i32,
    /// For `read_committed` the list of aborted transactions is empty instead of null.
    pub(crate) committed_only: bool,
}

/// Encodes the response; neighbours of one topic share its entry.
pub(crate) fn respond<R: Runtime>(
    context: &RequestContext<'_>,
    whole: Whole,
    answers: Vec<Answer<'_, <R as Disk>::File>>,
) -> Result<Outgoing<R>, Close> {
    let records_bytes: usize = answers.iter().map(|it| it.result.size_bytes as usize).sum();
    let topics: Vec<&[Answer<'_, _>]> =
        answers.chunk_by(|a, b| a.wanted.topic == b.wanted.topic).collect();
    let head = FetchResponseHead {
        correlation_id: context.correlation_id,
        throttle_time_ms: 0,
        error_code: whole.error.code(),
        session_id: whole.session_id,
        topic_count: topics.len(),
    };
    let encode = || {
        let writer = Writer::new(HEAD_BYTES_MAX + records_bytes);
        let mut encoder = FetchResponseEncoder::new(writer, context.version, &head)?;
        for answers in &topics {
            match &answers[0].wanted.topic {
                TopicKey::Name(name) => encoder.topic(name, Default::default(), answers.len())?,
                TopicKey::Id(id) => encoder.topic("", *id, answers.len())?,
            }
            for answer in *answers {
                let data = partition_data(answer, whole.committed_only);
                encoder.partition(&data, answer.result.size_bytes)?;
            }
        }
        encoder.finish(&[])
    };
    let frame = encode().map_err(|error| Close::Unencodable { api: "Fetch", error })?;
    let records: Vec<Vec<FileRange<_>>> =
        answers.into_iter().map(|answer| answer.result.records).collect();
    Ok(Outgoing::with_records(frame, records))
}

fn partition_data<F>(answer: &Answer<'_, F>, committed_only: bool) -> PartitionData {
    let result = &answer.result;
    let diverging_epoch =
        result.diverging.map(|(epoch, end)| EpochEndOffset { epoch: epoch.0, end_offset: end.0 });
    PartitionData {
        partition_index: answer.wanted.partition,
        error_code: result.error.code(),
        high_watermark: result.high_watermark,
        last_stable_offset: result.last_stable_offset,
        log_start_offset: result.log_start_offset,
        diverging_epoch: diverging_epoch.unwrap_or_default(),
        aborted_transactions: committed_only.then(Vec::<AbortedTransaction>::new),
        ..PartitionData::default()
    }
}
