//! By when something must have happened after faults were healed.
//!
//! Does not: know what is waited for; a checker asks whenever it has seen an event.

use std::fmt;

/// Before the heal it means nothing: checkers wait for nothing then.
#[derive(Debug, Default)]
pub(super) struct Bound {
    healed_ns: u64,
    deadline_ns: u64,
    last_ns: u64,
}

impl Bound {
    pub(super) fn after_heal(healed_ns: u64, bound_ns: u64) -> Self {
        Self { healed_ns, deadline_ns: healed_ns + bound_ns, last_ns: healed_ns }
    }

    /// An event was seen; checkers have no other clock.
    pub(super) fn saw(&mut self, at_ns: u64) {
        self.last_ns = at_ns;
    }

    /// What was asked for at this time counts.
    pub(super) fn counts(&self, invoked_ns: u64) -> bool {
        invoked_ns >= self.healed_ns
    }

    /// The time of the last event, if that is too late.
    pub(super) fn overdue_ns(&self) -> Option<u64> {
        (self.last_ns > self.deadline_ns).then_some(self.last_ns)
    }
}

/// As violations put it: `within 10 ms after the heal`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "within {} ms after the heal", (self.deadline_ns - self.healed_ns) / 1_000_000)
    }
}
