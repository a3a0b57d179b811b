//! How handles talk to the world without touching it.
//!
//! Wakers, files and detached connections must be `Send`, while the world is one single-threaded
//! structure; and a destructor may run while the world is borrowed. So all of them post a note, and
//! the world reads the notes between two steps, in the order in which they were written.

use std::sync::mpsc::{Receiver, Sender, channel};

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

/// Bounded by what posts: a task posts once until it is polled, everything else once in its life.
#[derive(Clone)]
pub(super) struct Post(Sender<Note>);

impl Post {
    pub(super) fn open() -> (Self, Receiver<Note>) {
        let (sender, receiver) = channel();
        (Self(sender), receiver)
    }

    /// Handles may outlive their world; then nobody reads, and nothing is lost by that.
    pub(super) fn put(&self, note: Note) {
        let _ = self.0.send(note);
    }
}
