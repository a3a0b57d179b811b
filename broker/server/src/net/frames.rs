//! Cuts the received stream into frames.
//!
//! Promises: a length prefix alone allocates nothing. A frame grows as its bytes arrive; what goes beyond
//! `frame_unreserved_bytes` is taken from the shard's receive budget, but only once that many bytes have
//! come: who sends slowly cannot hold what others need. A frame that came whole in one receive buffer
//! is a slice of it.
//! Does not: look into a frame.

use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use model::{Buf, Instant, Site, copy};
use runtime::sync::{First, race};
use runtime::{Conn, Runtime};
use wire::frame::{LENGTH_BYTES, frame_size};

use super::{Close, Permit};
use crate::shard::Shard;

/// What the connection is doing, for the sweep that ends idle ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between requests.
    Idle { since: Instant },
    /// In the middle of a small frame.
    Receiving { since: Instant },
    /// A request is being worked on, or has a deadline of its own.
    Working,
}

/// A frame that holds a part of the budget and brings less than this in [`PROGRESS_PATIENCE`] is not a
/// client's but an attack on our memory. Its rest counts when that is less.
const PROGRESS_BYTES_MIN: usize = 512 * 1024;
const PROGRESS_PATIENCE: Duration = Duration::from_secs(10);
/// First allocation of a frame whose bytes are still to come.
const FIRST_BYTES: usize = 1024;

/// One request and the budget it occupies until it is answered.
pub(super) struct Received {
    pub(super) frame: Buf,
    pub(super) permit: Option<Permit>,
}

pub(super) struct Frames<R: Runtime> {
    shard: Rc<Shard<R>>,
    conn: R::Conn,
    phase: Rc<Cell<Phase>>,
    /// Received and not yet used.
    rest: Buf,
}

impl<R: Runtime> Frames<R> {
    pub(super) fn new(shard: Rc<Shard<R>>, conn: R::Conn, phase: Rc<Cell<Phase>>) -> Self {
        Self { shard, conn, phase, rest: Buf::EMPTY }
    }

    /// The next frame without its length prefix.
    pub(super) async fn next(&mut self) -> Result<Received, Close> {
        if self.rest.is_empty() {
            self.phase.set(Phase::Idle { since: self.now() });
            self.rest = self.recv().await?;
        }
        if self.rest.len() < LENGTH_BYTES {
            self.phase.set(Phase::Receiving { since: self.now() });
            self.join_prefix().await?;
        }
        let prefix = *self.rest.first_chunk::<LENGTH_BYTES>().expect("joined above");
        let size_bytes = frame_size(prefix, self.shard.limits.frame_bytes)
            .map_err(|error| Close::of_prefix(&self.rest, error))?;
        let end = LENGTH_BYTES + size_bytes;
        if self.rest.len() >= end {
            let frame = self.rest.slice(LENGTH_BYTES..end);
            self.rest = if self.rest.len() == end { Buf::EMPTY } else { self.rest.slice(end..) };
            self.phase.set(Phase::Working);
            return Ok(Received { frame, permit: None });
        }
        let started = core::mem::take(&mut self.rest).slice(LENGTH_BYTES..);
        // Boxed: an idle connection does not carry the room of a frame in pieces.
        Box::pin(self.assemble(started, size_bytes)).await
    }

    /// The rest of a frame that did not come whole.
    async fn assemble(&self, started: Buf, size_bytes: usize) -> Result<Received, Close> {
        self.phase.set(Phase::Receiving { since: self.now() });
        let unreserved = size_bytes.min(self.shard.limits.frame_unreserved_bytes);
        let mut bytes = Vec::with_capacity(unreserved.min(FIRST_BYTES).max(started.len()));
        copy(&mut self.shard.rt.probe(), &mut bytes, &started);
        drop(started);
        while bytes.len() < unreserved {
            bytes = self.grow(bytes, unreserved).await?;
        }
        self.phase.set(Phase::Working);
        let mut permit = None;
        if size_bytes > unreserved {
            if self.shard.receive_budget.is_short_of(size_bytes) {
                self.shard.sometimes(Site::ReceiveBudgetExhausted);
            }
            permit = Some(self.shard.receive_budget.take(size_bytes).await);
            bytes = self.receive_large(bytes, size_bytes).await?;
        }
        Ok(Received { frame: Buf::from(bytes), permit })
    }

    /// Fills a frame that holds its part of the budget, as long as it makes progress.
    async fn receive_large(&self, mut bytes: Vec<u8>, size_bytes: usize) -> Result<Vec<u8>, Close> {
        while bytes.len() < size_bytes {
            let received_bytes = bytes.len();
            let goal = size_bytes.min(received_bytes + PROGRESS_BYTES_MIN);
            let progress = async move {
                while bytes.len() < goal {
                    bytes = self.grow(bytes, size_bytes).await?;
                }
                Ok::<_, Close>(bytes)
            };
            let deadline = self.now() + PROGRESS_PATIENCE;
            bytes = match race(progress, self.shard.rt.sleep_until(deadline)).await {
                First::Left(progressed) => progressed?,
                First::Right(()) => return Err(Close::FrameTooSlow { received_bytes, size_bytes }),
            };
        }
        Ok(bytes)
    }

    /// Receives until the room that there is, or twice as much, is full, at most up to `end`.
    async fn grow(&self, mut bytes: Vec<u8>, end: usize) -> Result<Vec<u8>, Close> {
        if bytes.len() == bytes.capacity() {
            bytes.reserve_exact(bytes.len().max(FIRST_BYTES).min(end - bytes.len()));
        }
        let missing = (bytes.capacity() - bytes.len()).min(end - bytes.len());
        self.recv_exact(bytes, missing).await
    }

    /// Makes the first four bytes contiguous when they came in pieces.
    async fn join_prefix(&mut self) -> Result<(), Close> {
        while self.rest.len() < LENGTH_BYTES {
            let more = self.recv().await?;
            let mut joined = Vec::with_capacity(self.rest.len() + more.len());
            copy(&mut self.shard.rt.probe(), &mut joined, &self.rest);
            copy(&mut self.shard.rt.probe(), &mut joined, &more);
            self.rest = Buf::from(joined);
        }
        Ok(())
    }

    async fn recv(&self) -> Result<Buf, Close> {
        match self.conn.recv_any().await {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            Ok(_) | Err(_) => Err(Close::Gone),
        }
    }

    async fn recv_exact(&self, into: Vec<u8>, count: usize) -> Result<Vec<u8>, Close> {
        let (received, bytes) = self.conn.recv_exact(into, count).await;
        received.map(|()| bytes).map_err(|_| Close::Gone)
    }

    fn now(&self) -> Instant {
        self.shard.rt.now().mono
    }
}
