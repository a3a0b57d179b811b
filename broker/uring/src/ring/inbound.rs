//! The receiving side of a connection.
//!
//! Idle or small: one multishot receive into provided buffers, so that an idle connection holds no
//! memory. Large: one receive of all missing bytes straight into the caller's memory. Between the
//! two the first is cancelled and drained to its last completion, or bytes would arrive out of order.
//! A connection that reads large frames arms single receives instead, which need no cancelling.

use core::task::{Context, Poll, Waker};
use model::{Buf, Slot};
use runtime::{Error, Result};
use std::collections::VecDeque;

use super::core::{Core, store};
use super::intent::Completion;
use super::operation::Work;
use crate::sys::{Errno, Fd};

/// Received and not yet taken, in buffers' sizes; past it the multishot receive is cancelled until
/// the reader has caught up, so that one connection cannot take all buffers.
const QUEUED_BUFFERS_MAX: usize = 4;

/// Small receives in a row after which a connection counts as small again.
const SMALL_AGAIN: u8 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReceiveKind {
    Many,
    Once,
}

pub(super) struct Inbound {
    fd: Fd,
    queue: VecDeque<Buf>,
    queued_bytes: usize,
    /// The receive into provided buffers that is under way.
    receive: Option<Slot>,
    /// The receive into the caller's memory that is under way or has its answer.
    exact: Option<Slot>,
    /// How the stream ended; told to every later call.
    end: Option<Result<()>>,
    waker: Option<Waker>,
    /// Among `Core::starved`.
    pub(super) starved: bool,
    /// Above zero: reads large frames.
    bulk: u8,
}

/// One `recv_exact` between polls.
pub(crate) struct ExactRequest {
    /// The caller's memory, while no operation has it.
    pub(crate) into: Vec<u8>,
    /// Bytes still missing, those of an operation under way included.
    pub(crate) missing: usize,
    /// Where this request's bytes begin in the memory.
    began: usize,
    operation: Option<Slot>,
}

impl ExactRequest {
    pub(crate) fn new(into: Vec<u8>, count: usize) -> Self {
        assert!(into.capacity() - into.len() >= count, "no room for {count} bytes");
        let began = into.len();
        Self { into, missing: count, began, operation: None }
    }
}

impl Core {
    /// Registers a connection; `leftover` was received elsewhere and comes first.
    ///
    /// # Errors
    /// `Full` when there are as many connections as the limit allows.
    pub(crate) fn connection_open(&mut self, fd: &Fd, leftover: Vec<Buf>) -> Result<Slot> {
        let inbound = Inbound {
            fd: fd.clone(),
            queued_bytes: leftover.iter().map(|buf| buf.len()).sum(),
            queue: leftover.into(),
            receive: None,
            exact: None,
            end: None,
            waker: None,
            starved: false,
            bulk: 0,
        };
        self.connections.insert(inbound).map_err(|_| Error::Full)
    }

    /// Forgets a connection; operations under way keep their memory and end by themselves.
    pub(crate) fn connection_close(&mut self, connection: Slot) -> Vec<Buf> {
        let Some(inbound) = self.connections.remove(connection) else { return Vec::new() };
        for slot in [inbound.receive, inbound.exact].into_iter().flatten() {
            self.abandon(slot);
            self.cancel(slot);
        }
        if inbound.starved {
            self.starved.retain(|starved| *starved != connection);
        }
        inbound.queue.into()
    }

    /// No receive is under way; asks for that when one is.
    pub(crate) fn connection_settled(&mut self, connection: Slot) -> bool {
        let Some(inbound) = self.connections.get(connection) else { return true };
        let under_way = [inbound.receive, inbound.exact];
        for slot in under_way.into_iter().flatten() {
            self.cancel(slot);
        }
        under_way == [None, None]
    }

    /// Ends the receiving side here: what waits, and every later call, gets `Closed`.
    pub(crate) fn connection_shut(&mut self, connection: Slot) {
        if let Some(inbound) = self.connections.get_mut(connection) {
            inbound.end = Some(Err(Error::Closed));
            inbound.queue.clear();
            inbound.queued_bytes = 0;
            self.wake_connection(connection);
        }
    }

    pub(super) fn wake_connection(&mut self, connection: Slot) {
        let waker = self.connections.get_mut(connection).and_then(|inbound| inbound.waker.take());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// `Conn::recv_any`.
    pub(crate) fn poll_receive_any(
        &mut self,
        connection: Slot,
        context: &mut Context<'_>,
    ) -> Poll<Result<Buf>> {
        let Some(inbound) = self.connections.get_mut(connection) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Some(buf) = inbound.queue.pop_front() {
            inbound.queued_bytes -= buf.len();
            return Poll::Ready(Ok(buf));
        }
        if let Some(left_behind) = inbound.exact {
            // A dropped `recv_exact`: what it got so far goes to the queue when it ends.
            store(&mut inbound.waker, context);
            self.cancel(left_behind);
            return Poll::Pending;
        }
        if let Some(end) = inbound.end {
            return Poll::Ready(end.map(|()| Buf::EMPTY));
        }
        store(&mut inbound.waker, context);
        self.arm_connection(connection)
            .map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending)
    }

    /// Starts a receive into provided buffers unless one is under way or has to wait for a buffer.
    fn arm_connection(&mut self, connection: Slot) -> Result<()> {
        let inbound = self.connections.get_mut(connection).expect("checked by the caller");
        if inbound.receive.is_some() || inbound.starved {
            return Ok(());
        }
        if self.with_ring == 0 {
            inbound.starved = true;
            self.starve(connection);
            return Ok(());
        }
        let kind = if inbound.bulk > 0 { ReceiveKind::Once } else { ReceiveKind::Many };
        let fd = inbound.fd.clone();
        let slot = self.arm(connection, &fd, kind)?;
        self.connections.get_mut(connection).expect("checked by the caller").receive = Some(slot);
        Ok(())
    }

    fn starve(&mut self, connection: Slot) {
        self.starvations += 1;
        self.starved.push_back(connection);
        self.arena.set_starved(true);
    }

    /// A completion of a receive into provided buffers.
    pub(super) fn received(&mut self, slot: Slot, connection: Slot, completion: Completion) {
        let count = completion.result.unwrap_or(0) as usize;
        let buf = match completion.buffer {
            Some(buffer) if count > 0 => Some(self.take_filled(buffer, count)),
            Some(buffer) => {
                self.provide(buffer);
                None
            }
            None => {
                assert!(count == 0, "received {count} bytes without a buffer");
                None
            }
        };
        if !completion.more {
            self.operations.remove(slot);
        }
        let limit = QUEUED_BUFFERS_MAX * self.arena.buffer_bytes();
        let Some(inbound) = self.connections.get_mut(connection) else { return };
        if !completion.more {
            inbound.receive = None;
        }
        // After a shutdown on this side nobody hears of bytes that were still under way.
        let shut = inbound.end == Some(Err(Error::Closed));
        match (completion.result, buf) {
            _ if shut => {}
            (_, Some(buf)) => {
                inbound.bulk = inbound.bulk.saturating_sub(1);
                inbound.queued_bytes += buf.len();
                inbound.queue.push_back(buf);
            }
            (Ok(_), None) => inbound.end = Some(Ok(())),
            (Err(Errno(libc::ENOBUFS)), None) if !inbound.starved => {
                inbound.starved = true;
                self.starve(connection);
                return;
            }
            (Err(Errno(libc::ENOBUFS | libc::ECANCELED | libc::EINTR | libc::EAGAIN)), None) => {}
            (Err(errno), None) => inbound.end = Some(Err(errno.into())),
        }
        if completion.more && inbound.queued_bytes > limit {
            self.cancel(slot);
        }
        self.wake_connection(connection);
    }

    /// `Conn::recv_exact`. Ready means that `request.into` is back with the caller.
    pub(crate) fn poll_receive_exact(
        &mut self,
        connection: Slot,
        request: &mut ExactRequest,
        context: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        let Some(inbound) = self.connections.get_mut(connection) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Some(slot) = inbound.exact {
            if request.operation != Some(slot) {
                store(&mut inbound.waker, context);
                self.cancel(slot);
                return Poll::Pending;
            }
            if self.operations.get(slot).is_some_and(|operation| operation.answer.is_none()) {
                store(&mut inbound.waker, context);
                return Poll::Pending;
            }
            inbound.exact = None;
            request.operation = None;
            let taken = self.take_exact(slot);
            request.into = taken.into;
            request.missing -= taken.done;
            let inbound = self.connections.get_mut(connection).expect("found above");
            inbound.end = inbound.end.or(taken.end);
        }
        let inbound = self.connections.get_mut(connection).expect("found above");
        while request.missing > 0 {
            let Some(first) = inbound.queue.pop_front() else { break };
            let taken = first.len().min(request.missing);
            request.into.extend_from_slice(&first[..taken]);
            request.missing -= taken;
            inbound.queued_bytes -= taken;
            if taken < first.len() {
                inbound.queue.push_front(first.slice(taken..));
            }
        }
        if request.missing == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(end) = inbound.end {
            return Poll::Ready(Err(end.err().unwrap_or(Error::Reset)));
        }
        store(&mut inbound.waker, context);
        let small = request.missing <= self.arena.buffer_bytes();
        let receive = inbound.receive;
        match receive {
            // The rest fits what is coming anyway: cancelling would cost more than the copy.
            Some(_) if small => {}
            Some(slot) => self.cancel(slot),
            None if small => return self.arm_exact_small(connection),
            None => return self.start_exact(connection, request),
        }
        Poll::Pending
    }

    fn arm_exact_small(&mut self, connection: Slot) -> Poll<Result<()>> {
        match self.arm_connection(connection) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn start_exact(&mut self, connection: Slot, request: &mut ExactRequest) -> Poll<Result<()>> {
        if self.operations.is_full() {
            return Poll::Ready(Err(Error::Full));
        }
        let inbound = self.connections.get_mut(connection).expect("checked by the caller");
        inbound.bulk = SMALL_AGAIN;
        let fd = inbound.fd.clone();
        let into = core::mem::take(&mut request.into);
        let (began, want) = (request.began, request.missing);
        let work = Work::ReceiveExact { connection, into, began, want, done: 0 };
        let slot = self.insert(&fd, work).expect("checked for room above");
        self.resume(slot);
        request.operation = Some(slot);
        self.connections.get_mut(connection).expect("checked above").exact = Some(slot);
        Poll::Pending
    }

    /// The receive into the caller's memory has its answer.
    pub(super) fn received_exact(&mut self, slot: Slot, connection: Slot) {
        let abandoned = self.operations.get(slot).is_some_and(|operation| operation.abandoned);
        if abandoned {
            // Nobody will fetch the memory: its bytes belong to the stream and to the next call.
            let orphan = self.take_exact(slot);
            if let Some(inbound) = self.connections.get_mut(connection) {
                inbound.exact = None;
                inbound.end = inbound.end.or(orphan.end);
                inbound.put_back(&orphan.into, orphan.began);
            }
        }
        self.wake_connection(connection);
    }

    /// Takes an answered receive into the caller's memory apart.
    fn take_exact(&mut self, slot: Slot) -> TakenExact {
        let operation = self.operations.remove(slot).expect("a live operation");
        let Work::ReceiveExact { mut into, began, done, .. } = operation.work else {
            panic!("not a receive into the caller's memory");
        };
        // SAFETY: completions reported `done` bytes written behind the vector's end, inside its
        // capacity (`resume` sliced them from it).
        unsafe { into.set_len(into.len() + done) };
        let end = match operation.answer.expect("only answered operations are taken") {
            Ok(0) => Some(Ok(())),
            Ok(_) | Err(Errno(libc::ECANCELED | libc::EINTR | libc::EAGAIN)) => None,
            Err(errno) => Some(Err(errno.into())),
        };
        TakenExact { into, began, done, end }
    }

    /// The future of a `recv_exact` was dropped: what it got belongs to the next call.
    pub(crate) fn abandon_exact(&mut self, connection: Slot, request: &ExactRequest) {
        let Some(slot) = request.operation else {
            if let Some(inbound) = self.connections.get_mut(connection) {
                inbound.put_back(&request.into, request.began);
            }
            return;
        };
        let Some(operation) = self.operations.get_mut(slot) else { return };
        operation.abandoned = true;
        if operation.answer.is_some() {
            self.received_exact(slot, connection);
        }
    }
}

struct TakenExact {
    into: Vec<u8>,
    began: usize,
    done: usize,
    end: Option<Result<()>>,
}

impl Inbound {
    /// Returns bytes to the front of the queue, unless this side has shut the connection down.
    fn put_back(&mut self, memory: &[u8], began: usize) {
        let bytes = memory.get(began..).unwrap_or(&[]);
        if !bytes.is_empty() && self.end != Some(Err(Error::Closed)) {
            self.queued_bytes += bytes.len();
            self.queue.push_front(Buf::from(bytes.to_vec()));
        }
    }
}
