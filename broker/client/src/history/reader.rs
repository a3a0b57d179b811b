//! Reads a history from its first byte to its last whole entry.

use core::fmt;
use std::io::{self, BufRead, BufReader, Read};

use super::checksum::Sum;
use super::header::VERSION;
use super::{ConsumedEntry, ENTRY_BYTES, End, Entry, Header, ProducedEntry};

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Why a file cannot be read as a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryError {
    /// It has no bytes at all.
    Empty,
    /// It does not begin like one.
    NotAHistory,
    /// Written by another version of the program.
    Version { version: u16 },
    /// The topic table is cut off, makes no sense, or has another checksum.
    Header,
    /// Its bytes are not those that were written: no entry stands after so many, or the end entry's
    /// count or checksum is not theirs.
    Damaged { entry_count: u64 },
    /// What the system said.
    Read(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::NotAHistory => {
                f.write_str("this is no history: `loadgen --verify --history` writes one")
            }
            Self::Version { version } => write!(f, "history version {version}, known is {VERSION}"),
            Self::Header => f.write_str("the topic table of the history is damaged"),
            Self::Damaged { entry_count } => write!(
                f,
                "the history is damaged, found after {entry_count} entries: it is not what was \
                 written, so that it says nothing about the broker (`sim check --edited` judges it \
                 all the same)"
            ),
            Self::Read(why) => write!(f, "cannot read the history: {why}"),
        }
    }
}

impl core::error::Error for HistoryError {}

impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> Self {
        Self::Read(error.to_string())
    }
}

/// Gives the entries of a history in the order of their writing.
///
/// Ends at the end entry, or where the file does: a writer that was killed leaves a torn end, and
/// [`Reader::end`] then stays `None`.
///
/// ```
/// use client::history::{Header, Reader};
/// let file = Header::default().encode();
/// let mut reader = Reader::open(&file[..]).unwrap();
/// assert_eq!(reader.next_entry(), Ok(None));
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    from: BufReader<R>,
    header: Header,
    place_count: usize,
    entry_count: u64,
    /// Of the entries so far.
    sum: Sum,
    end: Option<End>,
    over: bool,
    /// Its count and checksum need not fit.
    is_edited: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`HistoryError`]: this is no history, or one of another version.
    pub fn open(from: R) -> Result<Self, HistoryError> {
        let mut from = BufReader::with_capacity(READ_BYTES, from);
        if from.fill_buf()?.is_empty() {
            return Err(HistoryError::Empty);
        }
        let header = Header::read(&mut from)?;
        let place_count = header.topics.iter().map(|topic| topic.partition_count as usize).sum();
        let (sum, end, over, is_edited) = (Sum::default(), None, false, false);
        Ok(Self { from, header, place_count, entry_count: 0, sum, end, over, is_edited })
    }

    /// Reads the header of a file whose entries somebody changed or took out on purpose: the count and
    /// the checksum of its end entry say nothing then.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_edited(from: R) -> Result<Self, HistoryError> {
        Ok(Self { is_edited: true, ..Self::open(from)? })
    }

    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the end entry says, once it was reached. `None` after the last entry: it is missing.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The next entry; `None` at the end. Places of entries are inside the header's table.
    ///
    /// # Errors
    /// [`HistoryError::Damaged`], [`HistoryError::Read`].
    pub fn next_entry(&mut self) -> Result<Option<Entry>, HistoryError> {
        if self.over {
            return Ok(None);
        }
        let bytes = self.read_bytes()?;
        self.over = bytes.is_none();
        let Some(bytes) = bytes else { return Ok(None) };
        let known = |place: u32| usize::try_from(place).is_ok_and(|it| it < self.place_count);
        match Entry::decode(&bytes) {
            Some(Entry::End(end)) => {
                let is_sealed = core::mem::take(&mut self.sum).matches(&bytes)
                    && end.entry_count == self.entry_count;
                let is_whole = (is_sealed || self.is_edited) && self.from.fill_buf()?.is_empty();
                (self.over, self.end) = (true, Some(end).filter(|_| is_whole));
                if is_whole { Ok(None) } else { Err(self.damaged()) }
            }
            Some(Entry::Produced(ProducedEntry { place, .. })) if !known(place) => {
                Err(self.damaged())
            }
            Some(Entry::Consumed(ConsumedEntry { place, .. })) if !known(place) => {
                Err(self.damaged())
            }
            Some(entry) => {
                self.sum.add(&bytes);
                self.entry_count += 1;
                Ok(Some(entry))
            }
            None => Err(self.damaged()),
        }
    }

    fn damaged(&mut self) -> HistoryError {
        self.over = true;
        HistoryError::Damaged { entry_count: self.entry_count }
    }

    /// The bytes of one entry; `None` where the file ends, in the middle of one or not.
    fn read_bytes(&mut self) -> Result<Option<[u8; ENTRY_BYTES]>, HistoryError> {
        let mut bytes = [0; ENTRY_BYTES];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::super::{Rules, TopicEntry, encode};
    use super::*;
    use model::TopicId;
    use proptest::prelude::*;

    fn header() -> Header {
        let topic = |id: u8, name: &str, partition_count| TopicEntry {
            id: TopicId([id; 16]),
            name: name.to_owned(),
            partition_count,
            rules: Rules { compacted: id == 1, ..Rules::default() },
        };
        Header { topics: vec![topic(1, "a", 2), topic(2, "b", u16::MAX.into())] }
    }

    fn inside(mut entry: Entry) -> Entry {
        match &mut entry {
            Entry::Produced(entry) => entry.place %= 1_000,
            Entry::Consumed(entry) => entry.place %= 1_000,
            Entry::End(_) => {}
        }
        entry
    }

    fn read_all(file: &[u8]) -> Result<(Vec<Entry>, Option<End>), HistoryError> {
        let mut reader = Reader::open(file)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry()? {
            entries.push(entry);
        }
        Ok((entries, reader.end()))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_a_torn_end_loses_only_the_last_entry(
            entries in proptest::collection::vec(entry().prop_map(inside), 0..20),
            cut in 0_usize..64,
        ) {
            let file = encode(&header(), &entries, 0, true);
            let entry_count = entries.len() as u64;
            let end = End { entry_count, dropped_count: 0, caught_up: true };
            let whole_bytes = file.len() - ENTRY_BYTES;
            prop_assert_eq!(read_all(&file), Ok((entries.clone(), Some(end))));
            // The end entry is torn: the rest is there.
            prop_assert_eq!(read_all(&file[..whole_bytes + cut]), Ok((entries.clone(), None)));
            if let Some((_, but_last)) = entries.split_last() {
                let torn = read_all(&file[..whole_bytes - 1 - cut]).unwrap();
                prop_assert_eq!(torn, (but_last.to_vec(), None));
            }
        }

        #[test]
        fn a_file_with_a_flipped_bit_never_passes_for_whole(
            entries in proptest::collection::vec(entry().prop_map(inside), 0..5),
            place in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let mut file = encode(&header(), &entries, 0, false);
            let place = place.index(file.len());
            file[place] ^= 1 << bit;
            let is_whole = read_all(&file).is_ok_and(|(_, end)| end.is_some());
            prop_assert!(!is_whole, "byte {place}");
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_all(&bytes);
            let _ = read_all(&[header().encode(), bytes.clone()].concat());
            let _ = read_all(&[&b"odrahist\x02\x00\x40\x00"[..], &bytes].concat());
        }
    }

    #[test]
    fn other_files_and_other_versions_are_refused() {
        assert_eq!(read_all(b"something else"), Err(HistoryError::NotAHistory));
        let mut file = header().encode();
        file[8] = 9;
        assert_eq!(read_all(&file), Err(HistoryError::Version { version: 9 }));
        assert_eq!(read_all(&header().encode()[..30]), Err(HistoryError::Header));
        assert_eq!(read_all(b"odra"), Err(HistoryError::NotAHistory));
        assert_eq!(read_all(b""), Err(HistoryError::Empty));
    }

    #[test]
    fn a_file_that_goes_on_after_its_end_is_damaged() {
        let file = [encode(&header(), &[], 0, true), vec![0]].concat();
        assert_eq!(read_all(&file), Err(HistoryError::Damaged { entry_count: 0 }));
    }

    #[test]
    fn partitions_are_numbered_through_all_topics() {
        let header = header();
        assert_eq!(header.place(TopicId([2; 16]), model::PartitionIndex(3)), Some(5));
        assert_eq!(header.place(TopicId([1; 16]), model::PartitionIndex(2)), None);
        assert_eq!(header.places()[5].partition.0, 3);
    }
}
