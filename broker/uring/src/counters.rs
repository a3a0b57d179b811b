//! What a shard counts about itself: plain numbers for metrics and for the trace test.

use core::cell::Cell;

use crate::ring::Intent;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One reading; all values only grow.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        #[derive(Default)]
        pub(crate) struct Tallies {
            $(pub(crate) $name: Cell<u64>,)*
        }

        impl Tallies {
            pub(crate) fn read(&self) -> Counters {
                Counters { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Rounds of the loop.
    turns,
    /// Task polls.
    polls,
    /// Polls that took longer than 500 µs.
    long_polls,
    /// The longest poll, in nanoseconds.
    longest_poll_ns,
    /// Times the thread waited in the kernel.
    sleeps,
    /// Calls into the ring (`io_uring_enter`, or `epoll_pwait2` in the fallback).
    enters,
    /// Entries given to the ring, cancels and nudges included.
    submissions,
    /// Of those: waits for readiness.
    submitted_polls,
    /// Receives that stay armed.
    submitted_receives_many,
    /// Single receives into a provided buffer.
    submitted_receives_once,
    /// Receives straight into a frame.
    submitted_receives_exact,
    submitted_reads,
    submitted_writes,
    submitted_syncs,
    /// File pages to a pipe.
    submitted_splices,
    submitted_cancels,
    /// Answers of the ring.
    completions,
    /// Times a connection had to wait for a provided buffer.
    buffer_starvations,
    /// `sendmsg` calls.
    sends,
    /// `sendfile` calls.
    send_files,
    /// `splice` calls from a pipe to a socket.
    splices,
    /// Times a socket was full.
    socket_full,
    /// Inline `pwritev` calls.
    writes,
    /// Inline `preadv2` calls.
    cached_reads,
    /// Peers woken through their ring.
    nudges,
    /// Peers woken through their eventfd.
    bells,
}

impl Tallies {
    pub(crate) fn count_intent(&self, intent: &Intent) {
        let counter = match intent {
            Intent::Poll { .. } => &self.submitted_polls,
            Intent::ReceiveMany { .. } => &self.submitted_receives_many,
            Intent::ReceiveOnce { .. } => &self.submitted_receives_once,
            Intent::ReceiveExact { .. } => &self.submitted_receives_exact,
            Intent::Read { .. } => &self.submitted_reads,
            Intent::Write { .. } => &self.submitted_writes,
            Intent::Sync { .. } => &self.submitted_syncs,
            Intent::Splice { .. } => &self.submitted_splices,
            Intent::Cancel { .. } => &self.submitted_cancels,
            // Writes to memory that is shared with the kernel: nothing is submitted.
            Intent::Provide { .. } => return,
        };
        count(counter, 1);
    }
}

/// Adds to one counter.
pub(crate) fn count(counter: &Cell<u64>, by: u64) {
    counter.set(counter.get().wrapping_add(by));
}
