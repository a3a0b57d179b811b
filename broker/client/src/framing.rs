//! Cuts a stream into frames.
//!
//! A frame that came whole is a slice of what was received. One that did not is assembled once: its
//! rest goes from the kernel to its final place.

use model::{Buf, copy};
use runtime::{Conn, Runtime};
use wire::frame::{LENGTH_BYTES, frame_size};

use crate::ClientError;

/// A length prefix alone allocates at most this much; more is reserved as bytes arrive.
const STEP_BYTES: usize = 1 << 20;

/// The frames of one connection, in order.
pub struct Frames<R: Runtime> {
    rt: R,
    conn: R::Conn,
    limit_bytes: usize,
    received: Buf,
}

impl<R: Runtime> Frames<R> {
    /// Frames above `limit_bytes` are an error.
    pub fn new(rt: R, conn: R::Conn, limit_bytes: usize) -> Self {
        Self { rt, conn, limit_bytes, received: Buf::EMPTY }
    }

    /// The next frame without its length prefix; `None` when the peer ended the stream.
    ///
    /// # Errors
    /// The connection broke inside a frame, or a length is outside the limit.
    pub async fn next(&mut self) -> Result<Option<Buf>, ClientError> {
        while self.received.is_empty() {
            self.received = self.conn.recv_any().await?;
            if self.received.is_empty() {
                return Ok(None);
            }
        }
        let prefix = match self.received.first_chunk::<LENGTH_BYTES>() {
            Some(prefix) => *prefix,
            None => self.complete_prefix().await?,
        };
        let size_bytes = frame_size(prefix, self.limit_bytes)?;
        let body = self.received.get(LENGTH_BYTES..).unwrap_or_default();
        if let Some(frame) = body.get(..size_bytes) {
            self.received = body.slice(size_bytes..);
            return Ok(Some(frame));
        }
        self.received = Buf::EMPTY;
        self.assemble(&body, size_bytes).await.map(Some)
    }

    /// Waits for the rest of a length prefix that was cut.
    async fn complete_prefix(&mut self) -> Result<[u8; LENGTH_BYTES], ClientError> {
        let mut prefix = Vec::with_capacity(LENGTH_BYTES);
        copy(&mut self.rt.probe(), &mut prefix, &self.received);
        let missing = LENGTH_BYTES - prefix.len();
        let (result, prefix) = self.conn.recv_exact(prefix, missing).await;
        result?;
        self.received = Buf::from(prefix);
        Ok(*self.received.first_chunk().expect("just completed"))
    }

    async fn assemble(&self, start: &Buf, size_bytes: usize) -> Result<Buf, ClientError> {
        let mut frame = Vec::with_capacity(size_bytes.min(STEP_BYTES));
        copy(&mut self.rt.probe(), &mut frame, start);
        while frame.len() < size_bytes {
            let step = (size_bytes - frame.len()).min(STEP_BYTES.max(frame.len()));
            frame.reserve(step);
            let result;
            (result, frame) = self.conn.recv_exact(frame, step).await;
            result?;
        }
        Ok(Buf::from(frame))
    }
}
