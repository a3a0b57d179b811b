//! The rules of completion-driven I/O, without a system call: intents out, completions in.
//!
//! Promises:
//! - memory of an operation stays in the slab until its last completion, also when nobody waits for
//!   it any more;
//! - every provided buffer is in exactly one hand and comes home exactly once;
//! - the bytes of a connection arrive in order and without a gap, however its receive calls are
//!   mixed, dropped or cancelled (`inbound.rs`).
//!
//! Does not: talk to a kernel. A ring (kernel, fallback or the tests' fake) carries the intents out.

use core::task::{Context, Poll, Waker};
use model::{Buf, Bufs, Slot, Slots};
use runtime::{Error, Result};
use std::collections::VecDeque;
use std::sync::Arc;

use super::inbound::{Inbound, ReceiveKind};
use super::intent::{Completion, Intent, Token};
use super::operation::{Operation, Returned, Work};
use crate::arena::{Arena, Lent};
use crate::sys::{Errno, Fd, skip_written};

/// Bytes moved by one operation at most; the kernel's own limit is a little above.
const TRANSFER_BYTES_MAX: usize = 1 << 30;

pub(crate) struct Core {
    pub(super) operations: Slots<Operation>,
    pub(super) connections: Slots<Inbound>,
    pub(super) intents: VecDeque<Intent>,
    /// Connections that wait for a provided buffer, oldest first.
    pub(super) starved: VecDeque<Slot>,
    pub(super) arena: Arc<Arena>,
    /// Provided buffers in the ring's hand.
    pub(super) with_ring: u16,
    pub(crate) starvations: u64,
}

impl Core {
    pub(crate) fn new(operations: usize, connections: usize, arena: Arc<Arena>) -> Self {
        let operations = operations.min(Token::OPERATIONS_MAX);
        let mut core = Self {
            operations: Slots::new(operations),
            connections: Slots::new(connections),
            intents: VecDeque::new(),
            starved: VecDeque::new(),
            with_ring: 0,
            starvations: 0,
            arena,
        };
        for buffer in 0..core.arena.count() {
            core.provide(buffer);
        }
        core
    }

    pub(crate) fn next_intent(&mut self) -> Option<Intent> {
        self.intents.pop_front()
    }

    /// Operations in a ring's hands or waiting to get there.
    pub(crate) fn operations_len(&self) -> usize {
        self.operations.len()
    }

    pub(super) fn insert(&mut self, fd: &Fd, work: Work) -> Result<Slot> {
        let operation = Operation {
            fd: fd.clone(),
            work,
            waker: None,
            answer: None,
            abandoned: false,
            cancel_sent: false,
        };
        self.operations.insert(operation).map_err(|_| Error::Full)
    }

    pub(crate) fn poll_for(&mut self, fd: &Fd, events: u32) -> Result<Slot> {
        let slot = self.insert(fd, Work::Poll)?;
        self.intents.push_back(Intent::Poll {
            token: Token::operation(slot),
            fd: fd.get(),
            events,
        });
        Ok(slot)
    }

    pub(crate) fn sync(&mut self, fd: &Fd) -> Result<Slot> {
        let slot = self.insert(fd, Work::Sync)?;
        self.intents.push_back(Intent::Sync { token: Token::operation(slot), fd: fd.get() });
        Ok(slot)
    }

    pub(crate) fn splice(&mut self, file: &Fd, at: u64, pipe: &Fd, count: usize) -> Result<Slot> {
        let slot = self.insert(file, Work::Splice { _pipe: pipe.clone() })?;
        self.intents.push_back(Intent::Splice {
            token: Token::operation(slot),
            file: file.get(),
            at,
            pipe: pipe.get(),
            count: bounded(count),
        });
        Ok(slot)
    }

    /// Appends up to `want` bytes to `into`, fewer only at the end of the file. On `Full` the memory
    /// comes back at once.
    pub(crate) fn read(
        &mut self,
        fd: &Fd,
        at: u64,
        into: Vec<u8>,
        want: usize,
    ) -> core::result::Result<Slot, Vec<u8>> {
        assert!(into.capacity() - into.len() >= want, "no room for {want} bytes");
        if self.operations.is_full() {
            return Err(into);
        }
        let work = Work::Read { into, at, want, done: 0 };
        let slot = self.insert(fd, work).expect("checked for room above");
        self.resume(slot);
        Ok(slot)
    }

    /// Writes all pieces, the first byte at `at`.
    pub(crate) fn write(&mut self, fd: &Fd, at: u64, pieces: Bufs) -> Result<Slot> {
        let list = crate::sys::iovecs(&pieces);
        let slot = self.insert(fd, Work::Write { _pieces: pieces, list, next: 0, at })?;
        self.resume(slot);
        Ok(slot)
    }

    /// Queues the next step of an operation that may need several.
    pub(super) fn resume(&mut self, slot: Slot) {
        let token = Token::operation(slot);
        let operation = self.operations.get_mut(slot).expect("a live operation");
        let fd = operation.fd.get();
        let intent = match &mut operation.work {
            Work::Read { into, at, want, done } => {
                let to = into.spare_capacity_mut()[*done..].as_mut_ptr().cast();
                Intent::Read {
                    token,
                    fd,
                    at: *at + *done as u64,
                    to,
                    count: bounded(*want - *done),
                }
            }
            Work::Write { list, next, at, .. } => {
                let rest = &list[*next..];
                let count = rest.len().min(libc::UIO_MAXIOV as usize) as u32;
                Intent::Write { token, fd, at: *at, list: rest.as_ptr(), count }
            }
            Work::ReceiveExact { into, want, done, .. } => {
                let to = into.spare_capacity_mut()[*done..].as_mut_ptr().cast();
                Intent::ReceiveExact { token, fd, to, count: bounded(*want - *done) }
            }
            Work::Poll | Work::Sync | Work::Splice { .. } | Work::Receive { .. } => {
                unreachable!("operations of one step are not resumed")
            }
        };
        self.intents.push_back(intent);
    }

    /// The answer of an operation, which then is gone; or registers the waker.
    pub(crate) fn poll_answer(
        &mut self,
        slot: Slot,
        context: &mut Context<'_>,
    ) -> Poll<(core::result::Result<u32, Errno>, Returned)> {
        let operation = self.operations.get_mut(slot).expect("polled after completion");
        let Some(answer) = operation.answer else {
            store(&mut operation.waker, context);
            return Poll::Pending;
        };
        let operation = self.operations.remove(slot).expect("found above");
        Poll::Ready(match operation.work {
            Work::Read { mut into, done, .. } => {
                // SAFETY: completions reported `done` bytes written behind the vector's end, inside
                // its capacity (`resume` sliced them from it).
                unsafe { into.set_len(into.len() + done) };
                let answer = if done > 0 { Ok(done as u32) } else { answer };
                (answer, Returned::Memory(into))
            }
            Work::Poll
            | Work::Sync
            | Work::Splice { .. }
            | Work::Write { .. }
            | Work::Receive { .. }
            | Work::ReceiveExact { .. } => (answer, Returned::Nothing),
        })
    }

    /// Nobody waits for the operation any more. It runs to its end; only waiting for readiness is
    /// cancelled, since it may never end by itself.
    pub(crate) fn abandon(&mut self, slot: Slot) {
        let Some(operation) = self.operations.get_mut(slot) else { return };
        if operation.answer.is_some() {
            self.operations.remove(slot);
            return;
        }
        operation.abandoned = true;
        operation.waker = None;
        if matches!(operation.work, Work::Poll) {
            self.cancel(slot);
        }
    }

    /// Asks the ring, once, to end an operation early.
    pub(super) fn cancel(&mut self, slot: Slot) {
        let Some(operation) = self.operations.get_mut(slot) else { return };
        if !operation.cancel_sent {
            operation.cancel_sent = true;
            self.intents.push_back(Intent::Cancel { target: Token::operation(slot) });
        }
    }

    /// Takes one completion in. Unknown tokens are late answers to cancels and are ignored, but a
    /// buffer that comes along always goes home.
    pub(crate) fn complete(&mut self, completion: Completion) {
        let slot = completion.token.slot();
        if completion.token.is_cancel() {
            return self.cancel_answered(slot, completion.result);
        }
        if completion.buffer.is_some() {
            assert!(self.with_ring > 0, "a buffer left an empty ring");
            self.with_ring -= 1;
        }
        let Some(operation) = self.operations.get_mut(slot) else {
            panic!("a completion for no operation: {completion:?}");
        };
        match &mut operation.work {
            Work::Receive { connection } => {
                let connection = *connection;
                self.received(slot, connection, completion);
            }
            Work::ReceiveExact { connection, want, done, .. } => {
                let connection = *connection;
                *done += completion.result.map_or(0, |count| count as usize);
                assert!(*done <= *want, "received {done} of {want} bytes");
                let short = *done < *want && completion.result.is_ok_and(|count| count > 0);
                if short && !operation.cancel_sent {
                    return self.resume(slot);
                }
                operation.answer = Some(completion.result);
                self.received_exact(slot, connection);
            }
            Work::Read { want, done, .. } => {
                *done += completion.result.map_or(0, |count| count as usize);
                assert!(*done <= *want, "read {done} of {want} bytes");
                if *done < *want && completion.result.is_ok_and(|count| count > 0) {
                    return self.resume(slot);
                }
                self.answer(slot, completion.result);
            }
            Work::Write { list, next, at, .. } => {
                let Ok(count) = completion.result else {
                    return self.answer(slot, completion.result);
                };
                *at += u64::from(count);
                let rest = skip_written(&mut list[*next..], count as usize).len();
                *next = list.len() - rest;
                match (rest, count) {
                    (0, _) => self.answer(slot, Ok(0)),
                    // A file that takes nothing will not take more the next time.
                    (_, 0) => self.answer(slot, Err(Errno(libc::EIO))),
                    _ => self.resume(slot),
                }
            }
            Work::Poll | Work::Sync | Work::Splice { .. } => self.answer(slot, completion.result),
        }
    }

    fn answer(&mut self, slot: Slot, result: core::result::Result<u32, Errno>) {
        let operation = self.operations.get_mut(slot).expect("a live operation");
        if operation.abandoned {
            self.operations.remove(slot);
            return;
        }
        operation.answer = Some(result);
        if let Some(waker) = operation.waker.take() {
            waker.wake();
        }
    }

    /// A cancel that came too early (the operation was just running) may be sent again; in all other
    /// cases the operation completes by itself.
    fn cancel_answered(&mut self, target: Slot, result: core::result::Result<u32, Errno>) {
        if result != Err(Errno(libc::EALREADY)) {
            return;
        }
        let Some(operation) = self.operations.get_mut(target) else { return };
        operation.cancel_sent = false;
        match operation.work {
            Work::Receive { connection } | Work::ReceiveExact { connection, .. } => {
                self.wake_connection(connection);
            }
            Work::Poll if operation.abandoned => self.cancel(target),
            _ => {}
        }
    }

    pub(super) fn provide(&mut self, buffer: u16) {
        self.with_ring += 1;
        assert!(self.with_ring <= self.arena.count(), "buffer {buffer} is in two hands");
        self.intents.push_back(Intent::Provide { buffer });
    }

    /// Takes in the buffers that the program has dropped, and re-arms who waited for one.
    pub(crate) fn collect_buffers(&mut self) {
        let arena = Arc::clone(&self.arena);
        arena.collect(|buffer| self.provide(buffer));
        if self.starved.is_empty() {
            return;
        }
        // As many as there are buffers: arming more would only starve them again.
        for _ in 0..self.with_ring {
            let Some(connection) = self.starved.pop_front() else { break };
            if let Some(inbound) = self.connections.get_mut(connection) {
                inbound.starved = false;
                self.wake_connection(connection);
            }
        }
        self.arena.set_starved(!self.starved.is_empty());
    }

    /// A connection waits for a buffer and one is there.
    pub(crate) fn buffers_wanted(&self) -> bool {
        !self.starved.is_empty() && (self.with_ring > 0 || self.arena.any_returned())
    }

    /// Wraps a filled buffer, or copies it out and sends it home at once when that is cheaper or
    /// when few are left: a connection that waits for the rest of its frame cannot hold the last.
    pub(super) fn take_filled(&mut self, buffer: u16, len: usize) -> Buf {
        let scarce = self.with_ring < self.arena.count() / 4;
        if scarce || len <= self.arena.buffer_bytes() / 4 {
            // SAFETY: the ring just handed the buffer over, and it is provided again only below.
            let bytes = unsafe { self.arena.filled(buffer, len) }.to_vec();
            self.provide(buffer);
            return Buf::from(bytes);
        }
        // SAFETY: the ring just handed the buffer over; its completion is consumed here, once.
        Buf::from_owner(unsafe { Lent::new(Arc::clone(&self.arena), buffer, len) })
    }

    pub(super) fn arm(&mut self, connection: Slot, fd: &Fd, kind: ReceiveKind) -> Result<Slot> {
        let slot = self.insert(fd, Work::Receive { connection })?;
        let (token, fd) = (Token::operation(slot), fd.get());
        self.intents.push_back(match kind {
            ReceiveKind::Many => Intent::ReceiveMany { token, fd },
            ReceiveKind::Once => Intent::ReceiveOnce { token, fd },
        });
        Ok(slot)
    }
}

fn bounded(count: usize) -> u32 {
    count.min(TRANSFER_BYTES_MAX) as u32
}

/// Keeps the newest waker of whoever waits.
pub(super) fn store(place: &mut Option<Waker>, context: &Context<'_>) {
    match place {
        Some(stored) if stored.will_wake(context.waker()) => {}
        _ => *place = Some(context.waker().clone()),
    }
}
