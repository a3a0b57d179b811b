//! Faults of single operations that a test or a schedule plants in a disk.
//!
//! Promises: whether an operation fails depends on that operation and the fault alone, never on how
//! many other operations there were (but for `skip_count` and `fail_count`, which count).
//! Does not: harm what lies on the medium; that is `damage.rs`.

use core::ops::Range;
use model::Instant;
use std::path::Path;

use crate::Error;
use crate::memory::random::{Concern, Random};

/// The kinds of operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskVerb {
    /// Each of the following.
    Any,
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

/// What a fault does to an operation that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskEffect {
    /// It answers with this error. A failing append leaves a drawn prefix of its bytes in the file.
    /// A failing sync makes the dirty sectors clean although they were not written; every handle
    /// open then is told once, and the next sync succeeds.
    Error(Error),
    /// `SyncData`, `SyncDir`: success, and nothing is durable. No broker can survive that.
    Lie,
    /// `SyncData`: success, but one sector lands on another place of the device.
    Misdirect,
    /// `Read`: one bit of the answer is flipped; the next read is right again.
    Corrupt,
}

/// Makes some operations go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFault {
    pub verb: DiskVerb,
    /// Only operations whose path contains this text; for files, the path at `open`.
    pub path_part: String,
    /// Only appends and reads that touch these bytes of the file.
    pub range: Range<u64>,
    /// Each operation that matches so far is hit with a chance of 1 in so many, by its own draw.
    pub one_in: u64,
    /// Operations that pass before the first one is hit.
    pub skip_count: u64,
    /// Operations that are then hit; `u64::MAX` for all.
    pub fail_count: u64,
    /// The fault ends here.
    pub until: Instant,
    pub effect: DiskEffect,
}

impl DiskFault {
    /// The next operation of this kind on such a path fails with EIO.
    #[must_use]
    pub fn next(verb: DiskVerb, path_part: &str) -> Self {
        const EIO: i32 = 5;
        Self {
            verb,
            path_part: path_part.to_owned(),
            range: 0..u64::MAX,
            one_in: 1,
            skip_count: 0,
            fail_count: 1,
            until: Instant::FAR,
            effect: DiskEffect::Error(Error::Failed(EIO)),
        }
    }

    fn is_possible(&self) -> bool {
        match self.effect {
            DiskEffect::Error(_) => true,
            DiskEffect::Lie => matches!(self.verb, DiskVerb::SyncData | DiskVerb::SyncDir),
            DiskEffect::Misdirect => self.verb == DiskVerb::SyncData,
            DiskEffect::Corrupt => self.verb == DiskVerb::Read,
        }
    }
}

/// An operation as faults see it.
pub(super) struct Attempt<'a> {
    pub(super) verb: DiskVerb,
    pub(super) path: &'a Path,
    /// Empty for operations that are not about bytes.
    pub(super) range: Range<u64>,
    pub(super) now: Instant,
}

#[derive(Default)]
pub(in crate::memory) struct Faults(Vec<DiskFault>);

impl Faults {
    pub(in crate::memory) fn add(&mut self, fault: DiskFault) {
        assert!(fault.is_possible(), "no {:?} can suffer a {:?}", fault.verb, fault.effect);
        assert!(fault.one_in > 0, "a chance of 1 in 0");
        self.0.push(fault);
    }

    pub(in crate::memory) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts the operation against every fault that it matches; the first due one wins.
    pub(super) fn check(&mut self, attempt: &Attempt<'_>, random: Random) -> Option<DiskEffect> {
        if self.0.is_empty() {
            return None;
        }
        self.0.retain(|fault| fault.until > attempt.now && fault.fail_count > 0);
        let Range { start, end } = attempt.range;
        let mut hit = None;
        for fault in &mut self.0 {
            let path = attempt.path.to_str().is_some_and(|path| path.contains(&fault.path_part));
            let verb = fault.verb == DiskVerb::Any || fault.verb == attempt.verb;
            let touches = start == end || start < fault.range.end && end > fault.range.start;
            let key = [attempt.verb as u64, start, end, attempt.now.0 / 1_000_000];
            if !path || !verb || !touches || !random.one_in(fault.one_in, Concern::FaultHit, &key) {
                continue;
            }
            if fault.skip_count > 0 {
                fault.skip_count -= 1;
            } else if hit.is_none() {
                fault.fail_count = match fault.fail_count {
                    u64::MAX => u64::MAX,
                    count => count - 1,
                };
                hit = Some(fault.effect);
            }
        }
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(fault: DiskFault, attempts: &[(&str, Range<u64>, u64)]) -> Vec<bool> {
        let mut faults = Faults::default();
        let verb = fault.verb;
        faults.add(fault);
        let attempt = |(path, range, now): &(&str, Range<u64>, u64)| {
            let (path, range, now) = (Path::new(path), range.clone(), Instant(*now));
            faults.check(&Attempt { verb, path, range, now }, Random::new(1)).is_some()
        };
        attempts.iter().map(attempt).collect()
    }

    #[test]
    fn a_fault_skips_fails_and_is_used_up() {
        let once = DiskFault::next(DiskVerb::SyncData, "journal");
        let fault = DiskFault { skip_count: 1, fail_count: 2, ..once };
        let mut attempts = vec![("/data/other", 0..0, 1)];
        attempts.extend(core::iter::repeat_n(("/data/journal-0", 0..0, 1), 5));
        assert_eq!(hits(fault, &attempts), [false, false, true, true, false, false]);
    }

    #[test]
    fn a_fault_has_a_range_and_an_end() {
        let until = Instant(10);
        let fault = DiskFault { range: 100..200, fail_count: u64::MAX, until, ..read_fault() };
        let attempts =
            [("/f", 0..100, 1), ("/f", 0..101, 1), ("/f", 199..300, 9), ("/f", 150..160, 10)];
        assert_eq!(hits(fault, &attempts), [false, true, true, false]);
    }

    #[test]
    fn a_chance_is_drawn_for_each_operation() {
        let fault = DiskFault { one_in: 4, fail_count: u64::MAX, ..read_fault() };
        let attempts: Vec<_> = (0..400).map(|at| ("/f", at..at + 1, 1)).collect();
        let count = hits(fault, &attempts).into_iter().filter(|hit| *hit).count();
        assert!((50..150).contains(&count), "{count} of 400");
    }

    fn read_fault() -> DiskFault {
        DiskFault::next(DiskVerb::Read, "")
    }

    #[test]
    #[should_panic(expected = "no Append can suffer a Lie")]
    fn an_effect_that_makes_no_sense_is_refused() {
        let fault = DiskFault { effect: DiskEffect::Lie, ..DiskFault::next(DiskVerb::Append, "") };
        Faults::default().add(fault);
    }
}
