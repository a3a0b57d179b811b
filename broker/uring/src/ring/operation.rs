//! What is in a ring's hands, with everything that the kernel may touch.

use ::core::result::Result;
use ::core::task::Waker;
use model::{Bufs, Slot};

use crate::sys::{Errno, Fd};

/// One operation in a ring's hands, with everything the kernel may touch.
pub(super) struct Operation {
    /// Keeps the descriptor open.
    pub(super) fd: Fd,
    pub(super) work: Work,
    pub(super) waker: Option<Waker>,
    /// The answer, once it came, for whoever waits.
    pub(super) answer: Option<Result<u32, Errno>>,
    /// Nobody waits any more: the last completion frees the slot.
    pub(super) abandoned: bool,
    pub(super) cancel_sent: bool,
}

pub(super) enum Work {
    Poll,
    Sync,
    Splice {
        _pipe: Fd,
    },
    /// Fills `into` behind its present end.
    Read {
        into: Vec<u8>,
        at: u64,
        want: usize,
        done: usize,
    },
    Write {
        _pieces: Bufs,
        list: Vec<libc::iovec>,
        next: usize,
        at: u64,
    },
    /// Into provided buffers, for a connection.
    Receive {
        connection: Slot,
    },
    ReceiveExact {
        connection: Slot,
        into: Vec<u8>,
        began: usize,
        want: usize,
        done: usize,
    },
}

/// What an operation gives back.
pub(crate) enum Returned {
    Nothing,
    Memory(Vec<u8>),
}
