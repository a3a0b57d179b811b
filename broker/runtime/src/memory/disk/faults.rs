//! Errors that a test plants in a disk.

use std::path::Path;

use crate::{Error, Result};

/// The kinds of operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskVerb {
    Open,
    Append,
    Read,
    SyncData,
    SetLen,
    Allocate,
    /// `create_dir`, `rename`, `link`, `remove`.
    Names,
    SyncDir,
    List,
}

/// Makes some operations answer with an error.
///
/// A failing append leaves a drawn prefix of its bytes in the file. A failing sync makes the dirty
/// sectors clean although they were not written; it is reported once and the next sync succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFault {
    pub verb: DiskVerb,
    /// Only operations whose path contains this text; for files, the path at `open`.
    pub path_part: String,
    /// Operations that pass before the first one fails.
    pub skip_count: u64,
    /// Operations that then fail; `u64::MAX` for all.
    pub fail_count: u64,
    pub error: Error,
}

impl DiskFault {
    /// The next operation of this kind on such a path fails with EIO.
    #[must_use]
    pub fn next(verb: DiskVerb, path_part: &str) -> Self {
        const EIO: i32 = 5;
        let error = Error::Failed(EIO);
        Self { verb, path_part: path_part.to_owned(), skip_count: 0, fail_count: 1, error }
    }
}

#[derive(Default)]
pub(in crate::memory) struct Faults(Vec<DiskFault>);

impl Faults {
    pub(in crate::memory) fn add(&mut self, fault: DiskFault) {
        self.0.push(fault);
    }

    pub(in crate::memory) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts the operation against every fault that it matches; the first due one wins.
    pub(super) fn check(&mut self, verb: DiskVerb, path: &Path) -> Result<()> {
        let mut result = Ok(());
        for fault in &mut self.0 {
            let matches = path.to_str().is_some_and(|path| path.contains(&fault.path_part));
            if fault.verb != verb || !matches {
                continue;
            }
            if fault.skip_count > 0 {
                fault.skip_count -= 1;
            } else if fault.fail_count > 0 && result.is_ok() {
                fault.fail_count -= 1;
                result = Err(fault.error);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_fails_and_is_used_up() {
        let mut faults = Faults::default();
        let once = DiskFault::next(DiskVerb::SyncData, "journal");
        faults.add(DiskFault { skip_count: 1, fail_count: 2, ..once });
        let mut sync = |path: &str| faults.check(DiskVerb::SyncData, Path::new(path)).is_ok();
        assert!(sync("/data/other"));
        let answers: Vec<bool> = (0..5).map(|_| sync("/data/journal-0")).collect();
        assert_eq!(answers, [true, false, false, true, true]);
    }
}
