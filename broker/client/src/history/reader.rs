//! Reads a history from its first byte to its last whole entry.

use core::fmt;
use std::io::{self, BufReader, Read};

use super::{ENTRY_BYTES, End, Entry, Header};

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Why a file cannot be read as a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryError {
    /// It does not begin like one.
    NotAHistory,
    /// Written by another version of the program.
    Version { version: u16 },
    /// The topic table is cut off or makes no sense.
    Header,
    /// What the system said.
    Read(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAHistory => {
                f.write_str("this is no history: `loadgen --verify --history` writes one")
            }
            Self::Version { version } => write!(f, "history version {version}, known is 1"),
            Self::Header => f.write_str("the topic table of the history is damaged"),
            Self::Read(why) => write!(f, "cannot read the history: {why}"),
        }
    }
}

impl core::error::Error for HistoryError {}

/// Gives the entries of a history in the order of their writing.
///
/// Ends at the end entry, or at the first bytes that are no entry: a writer that was killed leaves a
/// torn end, and [`Reader::end`] then stays `None`.
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
    end: Option<End>,
    over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`HistoryError`]: this is no history, or one of another version.
    pub fn open(from: R) -> Result<Self, HistoryError> {
        let mut from = BufReader::with_capacity(READ_BYTES, from);
        let header = Header::read(&mut from)?;
        let place_count = header.topics.iter().map(|topic| topic.partition_count as usize).sum();
        Ok(Self { from, header, place_count, entry_count: 0, end: None, over: false })
    }

    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the end entry says, once it was reached. `None` after the last entry: it is missing, or
    /// its count is not that of the entries.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end.filter(|end| end.entry_count == self.entry_count)
    }

    /// The next entry; `None` at the end. Places of entries are inside the header's table.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn next_entry(&mut self) -> Result<Option<Entry>, HistoryError> {
        if self.over {
            return Ok(None);
        }
        let entry = self.read_entry()?;
        let known = |place: u32| usize::try_from(place).is_ok_and(|it| it < self.place_count);
        match entry {
            Some(Entry::Produced(entry)) if !known(entry.place) => self.over = true,
            Some(Entry::Consumed(entry)) if !known(entry.place) => self.over = true,
            Some(Entry::End(end)) => (self.over, self.end) = (true, Some(end)),
            Some(entry) => {
                self.entry_count += 1;
                return Ok(Some(entry));
            }
            None => self.over = true,
        }
        Ok(None)
    }

    fn read_entry(&mut self) -> Result<Option<Entry>, HistoryError> {
        let mut bytes = [0; ENTRY_BYTES];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => Ok(Entry::decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(HistoryError::Read(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::super::{Rules, TopicEntry};
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
            let count = entries.len() as u64;
            let end = End { entry_count: count, dropped_count: 0, caught_up: true };
            let mut file = header().encode();
            file.extend(entries.iter().flat_map(Entry::encode));
            let whole_bytes = file.len();
            file.extend(Entry::End(end).encode());
            prop_assert_eq!(read_all(&file), Ok((entries.clone(), Some(end))));
            // The end entry is torn: the rest is there.
            prop_assert_eq!(read_all(&file[..whole_bytes + cut]), Ok((entries.clone(), None)));
            if let Some((_, but_last)) = entries.split_last() {
                let torn = read_all(&file[..whole_bytes - 1 - cut]).unwrap();
                prop_assert_eq!(torn, (but_last.to_vec(), None));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_all(&bytes);
            let _ = read_all(&[header().encode(), bytes.clone()].concat());
            let _ = read_all(&[&b"odrahist\x01\x00\x40\x00"[..], &bytes].concat());
        }
    }

    #[test]
    fn other_files_and_other_versions_are_refused() {
        assert_eq!(read_all(b"something else"), Err(HistoryError::NotAHistory));
        let mut file = header().encode();
        file[8] = 9;
        assert_eq!(read_all(&file), Err(HistoryError::Version { version: 9 }));
        assert_eq!(read_all(&header().encode()[..30]), Err(HistoryError::Header));
    }

    #[test]
    fn partitions_are_numbered_through_all_topics() {
        let header = header();
        assert_eq!(header.place(TopicId([2; 16]), model::PartitionIndex(3)), Some(5));
        assert_eq!(header.place(TopicId([1; 16]), model::PartitionIndex(2)), None);
        assert_eq!(header.places()[5].partition.0, 3);
    }
}
