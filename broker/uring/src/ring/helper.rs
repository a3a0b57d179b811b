//! Side threads of the fallback: blocking file operations, answered as completions.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::intent::{Completion, Intent, Token};
use crate::sys::{self, Errno, Fd, Sys};

/// Answers on their way back to the shard.
pub(super) struct Finished {
    completions: Mutex<Vec<Completion>>,
    bell: Fd,
}

impl Finished {
    pub(super) fn new(bell: Fd) -> Self {
        Self { completions: Mutex::new(Vec::new()), bell }
    }

    pub(super) fn take(&self, out: &mut Vec<Completion>) {
        out.append(&mut self.completions.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn add(&self, completion: Completion) {
        self.completions.lock().unwrap_or_else(PoisonError::into_inner).push(completion);
        self.bell.ring_bell();
    }
}

/// An intent on its way to the thread.
struct Job(Intent);

// SAFETY: the memory and the descriptors that an intent names are kept by the core until its
// completion comes back, and the core does not touch them meanwhile.
unsafe impl Send for Job {}

/// One thread that takes its jobs in order. Bounded by the core's operation slab.
pub(super) struct Helper {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    /// The thread stays on `cpus`, or on its parent's when there are none.
    pub(super) fn start(name: &str, cpus: &[usize], finished: Arc<Finished>) -> Sys<Self> {
        let (jobs, inbox) = channel();
        let cpus = cpus.to_vec();
        let run = move || {
            if !cpus.is_empty() {
                // A refusal leaves it on its shard's processor: slower, not wrong.
                let _ = sys::stay_on(&cpus);
            }
            serve(&inbox, &finished);
        };
        let thread = Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) fn submit(&self, intent: Intent) {
        let jobs = self.jobs.as_ref().expect("open until dropped");
        jobs.send(Job(intent)).expect("the thread runs until the sender is dropped");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(inbox: &Receiver<Job>, finished: &Finished) {
    while let Ok(Job(intent)) = inbox.recv() {
        let (token, result) = carry_out(intent);
        let result = result.map(|count| count as u32);
        finished.add(Completion { token, result, more: false, buffer: None });
    }
}

fn carry_out(intent: Intent) -> (Token, Result<usize, Errno>) {
    match intent {
        Intent::Sync { token, fd } => (token, sys::sync_data(fd.raw).map(|()| 0)),
        Intent::Read { token, fd, at, to, count } => {
            // SAFETY: the core keeps the memory until this operation's completion.
            (token, unsafe { sys::read_at_raw(fd.raw, at, to, count as usize) })
        }
        Intent::Write { token, fd, at, list, count } => {
            // SAFETY: as above, for the list and all that it names.
            (token, unsafe { sys::write_vectored_raw(fd.raw, at, list, count as usize) })
        }
        Intent::Splice { token, file, at, pipe, count } => {
            (token, sys::splice_from_file(file.raw, at, pipe.raw, count as usize))
        }
        Intent::Poll { .. }
        | Intent::ReceiveMany { .. }
        | Intent::ReceiveOnce { .. }
        | Intent::ReceiveExact { .. }
        | Intent::Cancel { .. }
        | Intent::Provide { .. } => unreachable!("sockets stay with the shard"),
    }
}
