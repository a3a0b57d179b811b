//! Sealed segments whose files and indexes are in memory, so that their number and size stay bounded.
//!
//! Promises: no more than `open_segments` files and `index_bytes` of indexes stay open, except those that cannot be closed
//! yet (unsynced bytes, a name that is not durable): they are looked at again with each later one.
//! Does not: count active segments. Each has one file, and indexes up to its `segment.index.bytes`.

use std::collections::VecDeque;
use std::rc::Rc;

use model::{Limits, Offset};
use runtime::Disk;

use crate::log::LogShared;

/// In the order they were opened.
pub(crate) struct OpenSegments<R: Disk> {
    queue: VecDeque<OpenSegment<R>>,
    index_bytes: usize,
}

struct OpenSegment<R: Disk> {
    log: Rc<LogShared<R>>,
    base: Offset,
    index_bytes: usize,
}

/// What became of an attempt to close a segment.
enum Closing {
    /// Or it was closed or removed before.
    Closed,
    NotYet,
}

impl<R: Disk> OpenSegments<R> {
    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::new(), index_bytes: 0 }
    }

    /// Notes a segment that was opened or sealed; closes the oldest when there are too many.
    pub(crate) fn add(&mut self, log: &Rc<LogShared<R>>, base: Offset, limits: &Limits) {
        let indexes = {
            let mut state = log.state.borrow_mut();
            let segment = state.segment_mut(base);
            segment.map_or(0, |segment| segment.index_bytes())
        };
        let index_bytes = 2 * indexes;
        self.index_bytes += index_bytes;
        self.queue.push_back(OpenSegment { log: log.clone(), base, index_bytes });
        // Two for each one that comes: those that could not be closed at first do not pile up.
        for _ in 0..2 {
            let fits =
                self.queue.len() <= limits.open_segments && self.index_bytes <= limits.index_bytes;
            if fits || self.queue.len() == 1 {
                return;
            }
            self.close_oldest();
        }
    }

    pub(crate) fn close_oldest(&mut self) {
        let Some(oldest) = self.queue.pop_front() else { return };
        match oldest.close() {
            Closing::Closed => self.index_bytes -= oldest.index_bytes,
            Closing::NotYet => self.queue.push_back(oldest),
        }
    }

    /// Lets go of a log whose place another one takes.
    pub(crate) fn forget(&mut self, log: &Rc<LogShared<R>>) {
        let (gone, kept) = self.queue.drain(..).partition(|open| Rc::ptr_eq(&open.log, log));
        self.queue = kept;
        let gone: VecDeque<OpenSegment<R>> = gone;
        self.index_bytes -= gone.iter().map(|open| open.index_bytes).sum::<usize>();
    }

    pub(crate) fn count(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn index_bytes(&self) -> usize {
        self.index_bytes
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.index_bytes = 0;
    }
}

impl<R: Disk> OpenSegment<R> {
    fn close(&self) -> Closing {
        let mut state = self.log.state.borrow_mut();
        if state.segments.last().is_some_and(|active| active.base == self.base) {
            return Closing::Closed;
        }
        match state.segment_mut(self.base) {
            Some(segment) if segment.dirty || !segment.named => Closing::NotYet,
            Some(segment) => {
                (segment.file, segment.indexes) = (None, None);
                Closing::Closed
            }
            None => Closing::Closed,
        }
    }
}
