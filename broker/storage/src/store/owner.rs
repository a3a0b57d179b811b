//! Whose frames a journal holds, and until when it must.

use std::rc::Rc;

use model::Offset;
use runtime::Disk;

use crate::log::LogShared;

/// Who waits for a journal frame.
pub(crate) struct Owner<R: Disk> {
    pub(crate) log: Rc<LogShared<R>>,
    pub(crate) op: u64,
    pub(crate) end: Offset,
    pub(crate) size_bytes: usize,
}

impl<R: Disk> Clone for Owner<R> {
    fn clone(&self) -> Self {
        Self { log: self.log.clone(), ..*self }
    }
}

impl<R: Disk> Owner<R> {
    /// The segment holds it durably: the journal need not.
    pub(crate) fn is_safe(&self) -> bool {
        self.log.state.borrow().ops_synced >= self.op
    }

    /// Its log failed before it was in the segment: it was never reported.
    pub(crate) fn is_forgotten(&self) -> bool {
        let state = self.log.state.borrow();
        state.offline.is_some() && self.op > state.ops_written
    }

    /// It may have been reported, and its log will never sync it: only a replay can.
    pub(crate) fn is_needed_for_good(&self) -> bool {
        let state = self.log.state.borrow();
        state.is_given_up() && self.op > state.ops_synced && self.op <= state.ops_written
    }
}
