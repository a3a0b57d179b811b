//! The history of a run: what clients asked and what they were given, one entry per batch.
//!
//! ```text
//! file     header, then entries of 64 bytes, then one end entry; all numbers little-endian
//! header   8 "odrahist" | 2 version = 2 | 2 entry size = 64 | 4 topic count | topics | 4 sum
//! topic    16 id | 1 rules | 4 partition count | 2 name length | name
//! entry    at size                         at size
//!           0   1  kind 1 produced, 2 consumed, 3 end
//!           1   1  flags                   26   8  base offset, -1 not known
//!           2   2  connection              34   8  hash
//!           4   4  place                   42   6  time, ns since the start of the run
//!           8   8  producer id, -1 none    48   6  produced: operation     consumed: poll
//!          16   2  producer epoch          54   6            invoked ns    4 last offset delta,
//!          18   4  base sequence           60   2            attempt         4 high watermark delta
//!          22   4  count                   62   2            error code
//! ```
//! A place is a partition's number when the partitions of all topics are counted in the header's
//! order. The end entry has the number of entries before it at byte 8, of those that found no room
//! at byte 26, a sum at byte 34, and flag 1 when every consumer had read everything. A file without
//! one was cut short. Sums are CRC-32C: of all bytes of the header before it, and of all entries with
//! the end entry, whose own sum counts as zero.
//!
//! Promises: at most 64 bytes per batch, whatever its records; writing never waits (entries that
//! find no room are counted); reading never panics, stops at a torn end, and tells a whole file with
//! other bytes than were written from a history. Does not promise that of a file that was cut: what
//! would tell is the end entry.
//! Does not: keep records, or judge (`sim check` does).

mod checksum;
mod entry;
mod header;
mod reader;
mod writer;

pub use entry::{ConsumedEntry, End, Entry, ProducedEntry, ProducedOutcome};
pub use header::{Header, Rules, TopicEntry};
pub use reader::{HistoryError, Reader};
pub use writer::{Ring, Writer, encode};

/// Size of an entry in the file.
pub const ENTRY_BYTES: usize = 64;
