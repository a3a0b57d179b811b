//! Completion-driven I/O: a pure core and the rings that carry its intents out.

mod core;
#[cfg(test)]
mod fake;
mod helper;
mod inbound;
mod intent;
mod kernel;
mod operation;
mod soft;
#[cfg(test)]
mod tests;

pub(crate) use self::core::Core;
pub(crate) use inbound::ExactRequest;
pub(crate) use intent::{Completion, Intent, Token};
pub(crate) use kernel::{KernelRing, build as build_kernel_ring};
pub(crate) use operation::Returned;
pub(crate) use soft::SoftRing;

use ::core::time::Duration;

/// Special token: the shard's eventfd was written to.
pub(crate) const BELL: u32 = 0;
/// Special token: another shard's ring says that there is news.
pub(crate) const NUDGED: u32 = 1;
/// Special tokens from here on: a nudge towards shard (number - this) failed.
pub(crate) const NUDGE_FAILED: u32 = 2;

/// How long a ring may keep the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    No,
    Until(Duration),
    Forever,
}

/// What a ring counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) submissions: u64,
    pub(crate) enters: u64,
}

/// The ring of one shard. One branch per intent and per wait is all that the choice costs, and the
/// broker is compiled once.
pub(crate) enum Ring {
    Kernel(KernelRing),
    Soft(SoftRing),
}

impl Ring {
    pub(crate) fn push(&mut self, intent: Intent) {
        match self {
            Self::Kernel(ring) => ring.push(intent),
            Self::Soft(ring) => ring.push(intent),
        }
    }

    pub(crate) fn wait(&mut self, wait: Wait, out: &mut Vec<Completion>) {
        match self {
            Self::Kernel(ring) => ring.wait(wait, out),
            Self::Soft(ring) => ring.wait(wait, out),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        match self {
            Self::Kernel(ring) => ring.tally,
            Self::Soft(ring) => ring.tally,
        }
    }
}
