//! What the core asks a ring to do, and what a ring answers.

use crate::sys::{Errno, FdRef};
use model::Slot;

/// Names one operation in both directions; opaque to rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token(pub(crate) u64);

/// Marks the answer to a `Cancel`; the rest of the token names its target.
const CANCEL_BIT: u64 = 1 << 31;

impl Token {
    /// Largest number of operations that tokens can tell apart.
    pub(crate) const OPERATIONS_MAX: usize = 1 << 30;

    pub(crate) fn operation(slot: Slot) -> Self {
        debug_assert!((slot.index as usize) < Self::OPERATIONS_MAX, "slot {}", slot.index);
        Self(u64::from(slot.generation) << 32 | u64::from(slot.index))
    }

    pub(crate) fn answer_to_cancel(self) -> Self {
        Self(self.0 | CANCEL_BIT)
    }

    pub(crate) fn slot(self) -> Slot {
        let index = (self.0 & (CANCEL_BIT - 1)) as u32;
        Slot { index, generation: (self.0 >> 32) as u32 }
    }

    /// A token of the shard itself: never an operation, since no slot has this index.
    pub(crate) fn special(number: u32) -> Self {
        Self(u64::from(number) << 32 | (CANCEL_BIT - 1))
    }

    /// The number of a special token.
    pub(crate) fn as_special(self) -> Option<u32> {
        (self.0 & (CANCEL_BIT * 2 - 1) == CANCEL_BIT - 1).then_some((self.0 >> 32) as u32)
    }

    pub(crate) fn is_cancel(self) -> bool {
        self.0 & CANCEL_BIT != 0
    }
}

/// One thing for the kernel to do. Pointers stay valid until the operation's last completion: the
/// core owns the memory in its slab, whatever becomes of the future.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Intent {
    /// Completes once with the events that came true.
    Poll {
        token: Token,
        fd: FdRef,
        events: u32,
    },
    /// Receives into provided buffers, one completion each, until one comes without `more`.
    ReceiveMany {
        token: Token,
        fd: FdRef,
    },
    /// Receives once into a provided buffer.
    ReceiveOnce {
        token: Token,
        fd: FdRef,
    },
    /// Receives all `count` bytes unless the stream ends; may still answer fewer.
    ReceiveExact {
        token: Token,
        fd: FdRef,
        to: *mut u8,
        count: u32,
    },
    Read {
        token: Token,
        fd: FdRef,
        at: u64,
        to: *mut u8,
        count: u32,
    },
    Write {
        token: Token,
        fd: FdRef,
        at: u64,
        list: *const libc::iovec,
        count: u32,
    },
    Sync {
        token: Token,
        fd: FdRef,
    },
    /// Moves file pages into a pipe.
    Splice {
        token: Token,
        file: FdRef,
        at: u64,
        pipe: FdRef,
        count: u32,
    },
    /// Ends another operation early; it still completes by itself, whatever this one answers.
    Cancel {
        target: Token,
    },
    /// Puts a buffer into the ring's hand.
    Provide {
        buffer: u16,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) token: Token,
    pub(crate) result: Result<u32, Errno>,
    /// More completions of the same operation follow.
    pub(crate) more: bool,
    /// The provided buffer that leaves the ring's hand with this completion.
    pub(crate) buffer: Option<u16>,
}
