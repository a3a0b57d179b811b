//! Cuts the received stream into frames.
//!
//! Promises: a length prefix alone allocates at most `frame_unreserved_bytes`; a larger frame first
//! takes its size from the shard's receive budget and then grows as its bytes arrive. A frame that
//! came whole in one receive buffer is a slice of it.
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

/// Slower than this is not a client but an attack on our memory.
const LARGE_FRAME_BYTES_PER_S_MIN: usize = 64 * 1024;
const LARGE_FRAME_PATIENCE: Duration = Duration::from_secs(30);

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
        let started = core::mem::take(&mut self.rest);
        let started = started.slice(LENGTH_BYTES..);
        let received = if size_bytes <= self.shard.limits.frame_unreserved_bytes {
            self.phase.set(Phase::Receiving { since: self.now() });
            let mut bytes = Vec::with_capacity(size_bytes);
            copy(&mut self.shard.rt.probe(), &mut bytes, &started);
            let missing = size_bytes - bytes.len();
            let bytes = self.recv_exact(bytes, missing).await?;
            Received { frame: Buf::from(bytes), permit: None }
        } else {
            self.large(started, size_bytes).await?
        };
        self.phase.set(Phase::Working);
        Ok(received)
    }

    /// Fills a frame that must not be allocated on the word of its prefix.
    async fn large(&mut self, started: Buf, size_bytes: usize) -> Result<Received, Close> {
        self.phase.set(Phase::Working);
        if self.shard.receive_budget.is_short_of(size_bytes) {
            self.shard.sometimes(Site::ReceiveBudgetExhausted);
        }
        let permit = self.shard.receive_budget.take(size_bytes).await;
        let transfer = Duration::from_secs((size_bytes / LARGE_FRAME_BYTES_PER_S_MIN) as u64);
        let deadline = self.now() + LARGE_FRAME_PATIENCE + transfer;
        let mut bytes = Vec::with_capacity(
            size_bytes.min(self.shard.limits.frame_unreserved_bytes.max(started.len())),
        );
        copy(&mut self.shard.rt.probe(), &mut bytes, &started);
        drop(started);
        while bytes.len() < size_bytes {
            if bytes.len() == bytes.capacity() {
                bytes.reserve_exact(bytes.len().min(size_bytes - bytes.len()));
            }
            let received_bytes = bytes.len();
            let missing = (bytes.capacity() - received_bytes).min(size_bytes - received_bytes);
            let receive = self.recv_exact(bytes, missing);
            bytes = match race(receive, self.shard.rt.sleep_until(deadline)).await {
                First::Left(received) => received?,
                First::Right(()) => return Err(Close::FrameTooSlow { received_bytes, size_bytes }),
            };
        }
        Ok(Received { frame: Buf::from(bytes), permit: Some(permit) })
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
