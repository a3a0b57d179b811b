//! How handles talk to the world without touching it.
//!
//! Wakers, files and detached connections must be `Send`, while the world is one single-threaded
//! structure; and a destructor may run while the world is borrowed. So all of them post a note, and
//! the world reads the notes between two steps, in the order in which they were written.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use super::disk::FileClosed;
use super::events::Key;
use super::executor::TaskId;
use super::net::Endpoint;
use super::state::Process;

pub(super) enum Note {
    Woken(TaskId),
    /// Nobody waits for this timer any more.
    TimerDropped(Key),
    FileClosed(FileClosed),
    LockDropped {
        process: Process,
        inode: u64,
    },
    ConnDropped(Endpoint),
    ListenerDropped {
        process: Process,
        port: u16,
    },
    StopAsked {
        node: usize,
    },
}

#[expect(clippy::disallowed_types, reason = "wakers are `Send`; nobody ever waits for this lock")]
type Notes = std::sync::Mutex<Vec<Note>>;

#[derive(Default)]
struct Letterbox {
    /// Spares the reader the lock while there is nothing to read.
    filled: AtomicBool,
    notes: Notes,
}

/// Bounded by what posts: a task posts once until it is polled, everything else once in its life.
#[derive(Clone, Default)]
pub(super) struct Post(Arc<Letterbox>);

impl Post {
    /// Handles may outlive their world; then nobody reads, and nothing is lost by that.
    pub(super) fn put(&self, note: Note) {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        self.0.filled.store(true, Ordering::Release);
    }

    pub(super) fn is_filled(&self) -> bool {
        self.0.filled.load(Ordering::Acquire)
    }

    /// Exchanges the notes with an empty list; false when there are none.
    pub(super) fn take(&self, into: &mut Vec<Note>) -> bool {
        assert!(into.is_empty(), "the notes of the last time were read");
        if !self.is_filled() {
            return false;
        }
        self.0.filled.store(false, Ordering::Release);
        let mut notes = self.0.notes.lock().unwrap_or_else(PoisonError::into_inner);
        core::mem::swap(&mut *notes, into);
        !into.is_empty()
    }
}
