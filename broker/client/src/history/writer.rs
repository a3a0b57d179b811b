//! Writes a history while a run goes on: a bounded ring in memory, emptied to a file.

use core::cell::RefCell;
use model::Buf;
use runtime::{Disk, Open};
use std::path::Path;
use std::rc::Rc;

use super::checksum::Sum;
use super::{ENTRY_BYTES, End, Entry, Header};

/// Entries that wait for the file. Pushing never waits: what finds no room is counted and missing.
#[derive(Debug, Clone)]
pub struct Ring(Rc<RefCell<Waiting>>);

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    bytes_max: usize,
    entry_count: u64,
    dropped_count: u64,
    /// Of all entries that found room.
    sum: Sum,
}

impl Ring {
    /// A ring with room for this many entries.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        Self(Rc::new(RefCell::new(Waiting {
            bytes: Vec::new(),
            bytes_max: entries_max * ENTRY_BYTES,
            entry_count: 0,
            dropped_count: 0,
            sum: Sum::default(),
        })))
    }

    pub fn push(&self, entry: &Entry) {
        let mut waiting = self.0.borrow_mut();
        if waiting.bytes.len() >= waiting.bytes_max {
            waiting.dropped_count += 1;
            return;
        }
        let bytes = entry.encode();
        waiting.entry_count += 1;
        waiting.sum.add(&bytes);
        waiting.bytes.extend(bytes);
    }

    /// Entries that found no room.
    #[must_use]
    pub fn dropped_count(&self) -> u64 {
        self.0.borrow().dropped_count
    }

    fn take(&self) -> Vec<u8> {
        core::mem::take(&mut self.0.borrow_mut().bytes)
    }

    /// What the end entry says of what was pushed so far, and its bytes.
    fn end(&self, caught_up: bool) -> (End, [u8; ENTRY_BYTES]) {
        let waiting = self.0.borrow();
        let (entry_count, dropped_count) = (waiting.entry_count, waiting.dropped_count);
        let end = End { entry_count, dropped_count, caught_up };
        (end, waiting.sum.clone().seal(end))
    }
}

/// The bytes of a whole history, for one that is in memory.
#[must_use]
pub fn encode(header: &Header, entries: &[Entry], dropped_count: u64, caught_up: bool) -> Vec<u8> {
    let ring = Ring::new(entries.len());
    entries.iter().for_each(|entry| ring.push(entry));
    ring.0.borrow_mut().dropped_count = dropped_count;
    let (_, end) = ring.end(caught_up);
    [header.encode(), ring.take(), end.to_vec()].concat()
}

/// The file behind a [`Ring`].
#[derive(Debug)]
pub struct Writer<D: Disk> {
    disk: D,
    file: D::File,
    size_bytes: u64,
    ring: Ring,
}

impl<D: Disk> Writer<D> {
    /// Begins a history. An older file of the same name is replaced.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn create(
        disk: D,
        path: &Path,
        header: &Header,
        ring: Ring,
    ) -> runtime::Result<Self> {
        let file = disk.open(path, Open::Create).await?;
        disk.set_len(&file, 0).await?;
        let mut writer = Self { disk, file, size_bytes: 0, ring };
        writer.append(header.encode()).await?;
        Ok(writer)
    }

    /// Writes what waits in the ring.
    ///
    /// # Errors
    /// What the disk says; the history is of no use then.
    pub async fn flush(&mut self) -> runtime::Result<()> {
        let bytes = self.ring.take();
        if bytes.is_empty() { Ok(()) } else { self.append(bytes).await }
    }

    /// Writes what is left and the end entry, and makes the file durable. `caught_up`: every
    /// consumer has read all there is.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn finish(mut self, caught_up: bool) -> runtime::Result<End> {
        self.flush().await?;
        let (end, bytes) = self.ring.end(caught_up);
        self.append(bytes.to_vec()).await?;
        self.disk.sync_data(&self.file).await?;
        Ok(end)
    }

    async fn append(&mut self, bytes: Vec<u8>) -> runtime::Result<()> {
        let at = self.size_bytes;
        self.size_bytes += bytes.len() as u64;
        self.disk.append(&self.file, at, vec![Buf::from(bytes)]).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConsumedEntry, Reader};
    use super::*;
    use model::Offset;
    use runtime::memory::World;

    fn consumed(base: i64) -> Entry {
        Entry::Consumed(ConsumedEntry {
            poll: 1,
            connection: 2,
            place: 0,
            producer: None,
            count: 3,
            hash: Some(4),
            base_offset: Offset(base),
            last_offset: Offset(base).after(2),
            high_watermark: Some(Offset(base).after(9)),
            at_ns: 5,
            control: false,
            transactional: false,
            sought: false,
        })
    }

    #[test]
    fn a_history_is_written_and_read_and_counts_what_found_no_room() {
        let mut world = World::new(1);
        let rt = world.client();
        let disk = rt.clone();
        let bytes = world.block_on(&rt, async move {
            let path = Path::new("/history");
            let mut header = Header::default();
            header.topics.push(super::super::TopicEntry {
                id: model::TopicId([1; 16]),
                name: "t".to_owned(),
                partition_count: 1,
                rules: super::super::Rules::default(),
            });
            let ring = Ring::new(2);
            let mut writer =
                Writer::create(disk.clone(), path, &header, ring.clone()).await.unwrap();
            ring.push(&consumed(0));
            ring.push(&consumed(3));
            ring.push(&consumed(6));
            writer.flush().await.unwrap();
            ring.push(&consumed(9));
            let end = writer.finish(true).await.unwrap();
            assert_eq!(end, End { entry_count: 3, dropped_count: 1, caught_up: true });
            let file = disk.open(path, Open::Read).await.unwrap();
            let len = usize::try_from(disk.len(&file).await.unwrap()).unwrap();
            let (read, bytes) = disk.read(&file, 0, Vec::with_capacity(len), len).await;
            read.unwrap();
            bytes
        });
        let mut reader = Reader::open(&bytes[..]).unwrap();
        for base in [0, 3, 9] {
            assert_eq!(reader.next_entry(), Ok(Some(consumed(base))));
        }
        assert_eq!(reader.next_entry(), Ok(None));
        assert_eq!(reader.end().map(|end| end.dropped_count), Some(1));
    }
}
