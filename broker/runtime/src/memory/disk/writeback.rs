//! Errors of a file's writeback, and which open handles have heard of them.
//!
//! As Linux does since 4.13 (`errseq_t`): every handle that was open when a writeback failed is told
//! once, by its next sync. A handle that is opened later is told only when nobody was before it, and
//! not at all once the kernel has dropped the file from its memory.

use crate::Error;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WritebackErrors {
    raised: u64,
    /// How many of them somebody was told of.
    told: u64,
    last: Option<Error>,
}

impl WritebackErrors {
    pub(super) fn raise(&mut self, error: Error) {
        self.raised += 1;
        self.last = Some(error);
    }

    pub(super) fn any(&self) -> bool {
        self.raised > 0
    }

    /// Where a handle that is opened now begins.
    pub(super) fn at_open(&self) -> u64 {
        self.told
    }

    /// What a handle that has heard `heard` errors is told by its sync, and what it has heard then.
    pub(super) fn tell(&mut self, heard: u64) -> (u64, Option<Error>) {
        if heard == self.raised {
            return (heard, None);
        }
        self.told = self.raised;
        (self.raised, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIO: Error = Error::Failed(5);

    #[test]
    fn every_open_handle_is_told_once() {
        let mut errors = WritebackErrors::default();
        let (one, two) = (errors.at_open(), errors.at_open());
        errors.raise(EIO);
        let (one, told) = errors.tell(one);
        assert_eq!(told, Some(EIO));
        assert_eq!(errors.tell(one).1, None);
        assert_eq!(errors.tell(two).1, Some(EIO));
    }

    #[test]
    fn a_later_handle_is_told_only_of_what_nobody_has_heard() {
        let mut errors = WritebackErrors::default();
        let early = errors.at_open();
        errors.raise(EIO);
        let late = errors.at_open();
        assert_eq!(errors.tell(late).1, Some(EIO));
        let later = errors.at_open();
        assert_eq!(errors.tell(later).1, None);
        assert_eq!(errors.tell(early).1, Some(EIO));
    }
}
