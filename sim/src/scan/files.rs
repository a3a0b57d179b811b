//! The files of one partition's directory, by name and content.

use model::Offset;
use std::collections::BTreeMap;

use super::{LogScan, OffsetEntry, SegmentScan, TimeEntry, batch};

/// The files of one segment. `None`: there is no such file.
#[derive(Debug, Clone, Default)]
pub struct SegmentFiles {
    pub log: Vec<u8>,
    pub index: Option<Vec<u8>>,
    pub time_index: Option<Vec<u8>>,
}

/// Sorts the files of a partition's directory into segments, by the base offset in their names
/// (`00000000000000000042.log`). Other files are left out, also index files without a log.
#[must_use]
pub fn segments_of(
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Vec<(Offset, SegmentFiles)> {
    let mut segments: BTreeMap<Offset, (bool, SegmentFiles)> = BTreeMap::new();
    for (name, bytes) in files {
        let Some((base, suffix)) = name.split_once('.') else { continue };
        let digits = base.len() == 20 && base.bytes().all(|it| it.is_ascii_digit());
        let Some(base) = digits.then(|| base.parse().ok()).flatten() else { continue };
        let (has_log, segment) = segments.entry(Offset(base)).or_default();
        match suffix {
            "log" => (*has_log, segment.log) = (true, bytes),
            "index" => segment.index = Some(bytes),
            "timeindex" => segment.time_index = Some(bytes),
            _ => {}
        }
    }
    let with_log = segments.into_iter().filter(|(_, (has_log, _))| *has_log);
    with_log.map(|(base, (_, segment))| (base, segment)).collect()
}

impl LogScan {
    /// Reads a partition's segments, ascending. `log_start_offset` is what the directory's checkpoint
    /// says, if that is known.
    #[must_use]
    pub fn read(segments: &[(Offset, SegmentFiles)], log_start_offset: Option<Offset>) -> Self {
        let scans: Vec<_> =
            segments.iter().map(|(base, files)| SegmentScan::read(*base, files)).collect();
        let first = scans.first().map_or(Offset::ZERO, |segment| segment.base_offset);
        let end = |segment: &SegmentScan| {
            let last = segment.batches.last();
            last.map_or(segment.base_offset, |last| last.batch.last_offset.after(1))
        };
        let log_start_offset = log_start_offset.unwrap_or(first).max(first);
        Self {
            log_start_offset,
            log_end_offset: scans.last().map_or(first, end).max(log_start_offset),
            segments: scans,
        }
    }
}

impl SegmentScan {
    /// Reads one segment from its first byte to its last whole batch.
    #[must_use]
    pub fn read(base_offset: Offset, files: &SegmentFiles) -> Self {
        let mut batches = Vec::new();
        let (mut position, mut torn) = (0, None);
        while position < files.log.len() && torn.is_none() {
            match batch::read(&files.log, position) {
                Ok(placed) => {
                    position += usize::try_from(placed.size_bytes).expect("read from memory");
                    batches.push(placed);
                }
                Err(why) => torn = Some(why),
            }
        }
        Self {
            base_offset,
            batches,
            torn,
            offset_index: files.index.as_deref().map(|bytes| offset_entries(base_offset, bytes)),
            time_index: files.time_index.as_deref().map(|bytes| time_entries(base_offset, bytes)),
        }
    }
}

/// 4 bytes offset from the base, 4 bytes position.
fn offset_entries(base: Offset, bytes: &[u8]) -> Vec<OffsetEntry> {
    let entries = unpadded::<8>(bytes).iter().map(|entry| {
        let [a, b, c, d, position @ ..] = *entry;
        OffsetEntry {
            offset: base.after(u32::from_be_bytes([a, b, c, d])),
            position_bytes: u32::from_be_bytes(position).into(),
        }
    });
    entries.collect()
}

/// 8 bytes timestamp, 4 bytes offset from the base.
fn time_entries(base: Offset, bytes: &[u8]) -> Vec<TimeEntry> {
    let entries = unpadded::<12>(bytes).iter().map(|entry| {
        let [a, b, c, d, e, f, g, h, delta @ ..] = *entry;
        TimeEntry {
            timestamp_ms: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            offset: base.after(u32::from_be_bytes(delta)),
        }
    });
    entries.collect()
}

/// Whole entries without the zeros of a file that was made longer ahead of its use.
fn unpadded<const N: usize>(bytes: &[u8]) -> &[[u8; N]] {
    let (entries, _) = bytes.as_chunks::<N>();
    let used = entries.iter().rposition(|entry| entry.iter().any(|byte| *byte != 0));
    &entries[..used.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers::event::{RecordContent, digest};
    use model::{LeaderEpoch, ProducerEpoch, ProducerId};
    use wire::batch::{BatchBuilder, BatchProducer, BatchStamp};

    /// Key, value and timestamp.
    type Written<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, i64);

    /// A batch as the broker stores it.
    fn stored(base: i64, records: &[Written<'_>]) -> Vec<u8> {
        let mut builder = BatchBuilder::new(Vec::new());
        for (key, value, timestamp_ms) in records {
            builder.append(*timestamp_ms, *key, *value, &[]);
        }
        let (id, epoch) = (ProducerId(7), ProducerEpoch(1));
        let producer = Some(BatchProducer { id, epoch, base_sequence: 5 });
        builder.finish(&BatchStamp {
            base_offset: Offset(base),
            partition_leader_epoch: Some(LeaderEpoch(3)),
            producer,
            ..BatchStamp::default()
        })
    }

    #[test]
    fn what_the_wire_crate_writes_is_read_alike() {
        let first = stored(40, &[(Some(b"k"), Some(b"v"), 100), (None, None, 90)]);
        let second = stored(42, &[(None, Some(b"w"), 110)]);
        let log = [first.clone(), second].concat();
        let name = "00000000000000000040";
        let files = [
            (format!("{name}.log"), log),
            (format!("{name}.index"), [0, 0, 0, 2, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0].to_vec()),
            ("leader-epoch-checkpoint".to_owned(), vec![1]),
        ];
        let scan = LogScan::read(&segments_of(files), Some(Offset(41)));
        assert_eq!((scan.log_start_offset, scan.log_end_offset), (Offset(41), Offset(43)));
        let segment = &scan.segments[0];
        assert_eq!(segment.torn, None);
        let [a, b] = &segment.batches[..] else { panic!("two batches") };
        assert_eq!((a.max_timestamp_ms, b.position_bytes), (100, first.len() as u64));
        assert_eq!((a.batch.base_offset, a.batch.last_offset), (Offset(40), Offset(41)));
        assert_eq!(a.batch.leader_epoch, Some(LeaderEpoch(3)));
        assert_eq!(a.batch.producer.map(|it| it.base_sequence), Some(5));
        let contents: Vec<_> = a.batch.records.iter().map(|record| record.content).collect();
        let first =
            RecordContent { key: Some(digest(b"k")), value: Some(digest(b"v")), timestamp_ms: 100 };
        assert_eq!(contents, [first, RecordContent { key: None, value: None, timestamp_ms: 90 }]);
        assert_eq!(
            segment.offset_index,
            Some(vec![OffsetEntry { offset: Offset(42), position_bytes: 77 }])
        );
        assert_eq!(segment.time_index, None);
    }

    #[test]
    fn reading_stops_where_bytes_make_no_sense() {
        let whole = stored(0, &[(None, Some(b"v"), 1)]);
        let size = whole.len();
        for (tail, why) in [
            (vec![0; 100], "a batch length of 0"),
            (whole[..30].to_vec(), "30 of the"),
            (vec![1, 2, 3], "3 bytes are no batch"),
        ] {
            let log = [whole.clone(), tail].concat();
            let scan = SegmentScan::read(Offset(0), &SegmentFiles { log, ..Default::default() });
            let torn = scan.torn.expect("a torn tail");
            assert_eq!((scan.batches.len(), torn.position_bytes), (1, size as u64));
            assert!(torn.why.starts_with(why), "{}", torn.why);
        }
        let mut flipped = whole;
        flipped[size - 1] ^= 1;
        let files = SegmentFiles { log: flipped, ..Default::default() };
        let torn = SegmentScan::read(Offset(0), &files).torn.expect("a wrong checksum");
        assert!(torn.why.starts_with("checksum"), "{}", torn.why);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = stored(0, &[(Some(b"k"), Some(b"v"), 1), (None, Some(b"w"), 2)]);
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut log = whole.clone();
                log[at] ^= flip;
                // A right checksum over wrong bytes, so that the records are looked at.
                let crc = super::super::crc32c::crc32c(&log[21..]).to_be_bytes();
                log[17..21].copy_from_slice(&crc);
                let files = SegmentFiles { log, ..Default::default() };
                let _ = SegmentScan::read(Offset(0), &files);
            }
        }
    }
}
