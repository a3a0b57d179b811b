//! Bytes of the journal: superblock, commit header, frame heads.
//!
//! Promises: what decodes was written whole by the same incarnation; decoders never panic.

use crc_fast::{CrcAlgorithm, Digest};
use model::{Buf, Bufs, Offset, PartitionIndex, TopicId, TopicPartition};

use super::BLOCK_BYTES;

const SUPERBLOCK_MAGIC: [u8; 8] = *b"ODRJRNL1";
const COMMIT_MAGIC: [u8; 8] = *b"ODRCMMT1";
pub(super) const COMMIT_HEADER_BYTES: usize = 52;
pub(super) const FRAME_HEAD_BYTES: usize = 49;
/// More than one commit ever holds; a larger count on disk is not ours.
pub(super) const FRAMES_MAX: usize = 65_536;

static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Bytes at a position of a segment.
    Append,
    /// The log ends at a position of a segment; everything after it is void.
    Truncate,
    /// Segments below this one were deleted.
    StartAt,
    /// Segments below this one were synced and then rewritten: no earlier append to them counts, and no
    /// earlier truncation.
    Compacted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) at: TopicPartition,
    pub(crate) kind: FrameKind,
    /// Base offset of the segment.
    pub(crate) segment: Offset,
    pub(crate) position: u64,
    /// End of the log after this frame.
    pub(crate) end: Offset,
    pub(crate) size_bytes: u32,
}

impl FrameHead {
    fn encode(&self, into: &mut Vec<u8>) {
        let kind = match self.kind {
            FrameKind::Append => 0,
            FrameKind::Truncate => 1,
            FrameKind::StartAt => 2,
            FrameKind::Compacted => 3,
        };
        put(into, self.at.topic.0);
        put(into, self.at.partition.0.to_be_bytes());
        put(into, [kind]);
        put(into, self.segment.0.to_be_bytes());
        put(into, self.position.to_be_bytes());
        put(into, self.end.0.to_be_bytes());
        put(into, self.size_bytes.to_be_bytes());
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let topic = TopicId(fields.next()?);
        let partition = PartitionIndex(i32::from_be_bytes(fields.next()?));
        let kind = match fields.next()? {
            [0] => FrameKind::Append,
            [1] => FrameKind::Truncate,
            [2] => FrameKind::StartAt,
            [3] => FrameKind::Compacted,
            _ => return None,
        };
        Some(Self {
            at: TopicPartition { topic, partition },
            kind,
            segment: Offset(i64::from_be_bytes(fields.next()?)),
            position: u64::from_be_bytes(fields.next()?),
            end: Offset(i64::from_be_bytes(fields.next()?)),
            size_bytes: u32::from_be_bytes(fields.next()?),
        })
    }
}

/// What a commit says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommitHeader {
    pub(super) incarnation: u64,
    pub(super) sequence: u64,
    /// Commits below this one were in their segments when this one was written.
    pub(super) oldest_needed: u64,
    pub(super) frame_count: u32,
    /// Frame heads and bytes, without header and padding.
    pub(super) body_bytes: u64,
    crc: u32,
}

/// Size of a commit on disk, padding included.
pub(super) fn commit_bytes(frame_count: usize, payload_bytes: usize) -> usize {
    (COMMIT_HEADER_BYTES + frame_count * FRAME_HEAD_BYTES + payload_bytes)
        .next_multiple_of(BLOCK_BYTES)
}

/// One commit, ready to be written: a small owned head, the frames' own bytes, zeros up to the block.
pub(super) fn encode_commit(
    incarnation: u64,
    sequence: u64,
    oldest_needed: u64,
    frames: &[(FrameHead, Bufs)],
) -> Bufs {
    let mut heads = Vec::with_capacity(frames.len() * FRAME_HEAD_BYTES);
    frames.iter().for_each(|(head, _)| head.encode(&mut heads));
    let payload = || frames.iter().flat_map(|(_, pieces)| pieces);
    let payload_bytes: usize = payload().map(|piece| piece.len()).sum();

    let mut header = Vec::with_capacity(COMMIT_HEADER_BYTES + heads.len());
    put(&mut header, COMMIT_MAGIC);
    put(&mut header, incarnation.to_be_bytes());
    put(&mut header, sequence.to_be_bytes());
    put(&mut header, oldest_needed.to_be_bytes());
    put(&mut header, u32::try_from(frames.len()).expect("bounded").to_be_bytes());
    put(&mut header, ((heads.len() + payload_bytes) as u64).to_be_bytes());
    put(&mut header, [0; 4]);
    let crc = checksum(&header, &heads, payload().map(|piece| &**piece));
    put(&mut header, crc.to_be_bytes());
    debug_assert_eq!(header.len(), COMMIT_HEADER_BYTES);
    header.append(&mut heads);

    let used_bytes = header.len() + payload_bytes;
    let mut pieces = vec![Buf::from(header)];
    pieces.extend(payload().cloned());
    let padding_bytes = used_bytes.next_multiple_of(BLOCK_BYTES) - used_bytes;
    if padding_bytes > 0 {
        pieces.push(Buf::from_static(&ZEROS).slice(..padding_bytes));
    }
    pieces
}

pub(super) fn decode_commit_header(block: &[u8], incarnation: u64) -> Option<CommitHeader> {
    let mut fields = Fields(block);
    if fields.next()? != COMMIT_MAGIC {
        return None;
    }
    let header = CommitHeader {
        incarnation: u64::from_be_bytes(fields.next()?),
        sequence: u64::from_be_bytes(fields.next()?),
        oldest_needed: u64::from_be_bytes(fields.next()?),
        frame_count: u32::from_be_bytes(fields.next()?),
        body_bytes: u64::from_be_bytes(fields.next()?),
        crc: {
            let [_, _, _, _] = fields.next()?;
            u32::from_be_bytes(fields.next()?)
        },
    };
    let plausible = header.incarnation == incarnation
        && header.frame_count as usize <= FRAMES_MAX
        && header.body_bytes >= u64::from(header.frame_count) * FRAME_HEAD_BYTES as u64
        && header.oldest_needed <= header.sequence;
    plausible.then_some(header)
}

/// The frames of a commit whose bytes from the header on are `bytes`; `None` unless the checksum holds.
pub(super) fn decode_commit(header: &CommitHeader, bytes: &Buf) -> Option<Vec<(FrameHead, Buf)>> {
    let checked = bytes.get(..COMMIT_HEADER_BYTES - 4)?;
    let body_end = COMMIT_HEADER_BYTES.checked_add(usize::try_from(header.body_bytes).ok()?)?;
    let body = bytes.get(COMMIT_HEADER_BYTES..body_end)?;
    if checksum(&checked, &[], core::iter::once(&*body)) != header.crc {
        return None;
    }
    let mut fields = Fields(&body);
    let mut at = header.frame_count as usize * FRAME_HEAD_BYTES;
    let mut frames = Vec::with_capacity(header.frame_count as usize);
    for _ in 0..header.frame_count {
        let head = FrameHead::decode(&mut fields)?;
        let end = at.checked_add(head.size_bytes as usize)?;
        frames.push((head, body.get(at..end)?));
        at = end;
    }
    Some(frames)
}

pub(super) fn encode_superblock(incarnation: u64) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    put(&mut block, SUPERBLOCK_MAGIC);
    put(&mut block, incarnation.to_be_bytes());
    let crc = checksum(&block, &[], core::iter::empty());
    put(&mut block, crc.to_be_bytes());
    block.resize(BLOCK_BYTES, 0);
    block
}

/// The incarnation; `None` when the block is not a superblock of ours.
pub(super) fn decode_superblock(block: &[u8]) -> Option<u64> {
    let mut fields = Fields(block);
    if fields.next()? != SUPERBLOCK_MAGIC {
        return None;
    }
    let incarnation = u64::from_be_bytes(fields.next()?);
    let crc = u32::from_be_bytes(fields.next()?);
    (checksum(block.get(..16)?, &[], core::iter::empty()) == crc).then_some(incarnation)
}

fn checksum<'a>(header: &[u8], heads: &[u8], payload: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(header);
    digest.update(heads);
    payload.for_each(|piece| digest.update(piece));
    u32::try_from(digest.finalize()).expect("a 32-bit checksum")
}

fn put<const N: usize>(into: &mut Vec<u8>, bytes: [u8; N]) {
    into.extend(bytes);
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(size_bytes: u32) -> FrameHead {
        FrameHead {
            at: TopicPartition { topic: TopicId::METADATA, partition: PartitionIndex(3) },
            kind: FrameKind::Append,
            segment: Offset(100),
            position: 7,
            end: Offset(109),
            size_bytes,
        }
    }

    fn written(frames: &[(FrameHead, Bufs)]) -> Buf {
        let pieces = encode_commit(5, 9, 8, frames);
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let payload = frames.iter().map(|(head, _)| head.size_bytes as usize).sum();
        assert_eq!(bytes.len(), commit_bytes(frames.len(), payload));
        Buf::from(bytes)
    }

    #[test]
    fn a_commit_reads_back_whole_or_not_at_all() {
        let payload = Buf::from_static(b"hello journal");
        let frames =
            [(frame(13), vec![payload.slice(..5), payload.slice(5..)]), (frame(0), vec![])];
        let bytes = written(&frames);
        let header = decode_commit_header(&bytes, 5).unwrap();
        assert_eq!((header.sequence, header.oldest_needed), (9, 8));
        let read = decode_commit(&header, &bytes).unwrap();
        assert_eq!(read, vec![(frame(13), payload), (frame(0), Buf::EMPTY)]);

        assert_eq!(decode_commit_header(&bytes, 6), None, "another incarnation");
        for torn in [60, 130, 162] {
            let mut changed = bytes.to_vec();
            changed[torn] ^= 1;
            assert_eq!(decode_commit(&header, &Buf::from(changed)), None, "byte {torn}");
        }
    }

    #[test]
    fn a_superblock_reads_back_and_zeros_are_none() {
        assert_eq!(decode_superblock(&encode_superblock(77)), Some(77));
        assert_eq!(decode_superblock(&[0; BLOCK_BYTES]), None);
    }
}
