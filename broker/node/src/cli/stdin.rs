//! Standard input, read by a thread of its own: a terminal or a pipe may block for ever, a shard must not.
//!
//! Promises: at most `CHUNKS_MAX` pieces wait; the reader stops when nobody takes them.
//! Does not: find lines (`produce/lines.rs`).

use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

const CHUNK_BYTES: usize = 256 << 10;
const CHUNKS_MAX: usize = 8;

/// The reading end.
pub(crate) struct Stdin(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is room again, or nobody reads any more.
    room: Condvar,
}

#[derive(Default)]
struct State {
    /// Pieces in their order; an error is the last one.
    chunks: VecDeque<io::Result<Vec<u8>>>,
    ended: bool,
    reader_gone: bool,
    waker: Option<Waker>,
}

impl Stdin {
    /// Starts to read.
    ///
    /// # Errors
    /// No thread can be had.
    pub(crate) fn open() -> io::Result<Self> {
        Self::reading(io::stdin())
    }

    fn reading(source: impl Read + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        Builder::new().name("stdin".to_owned()).spawn(move || theirs.fill(source))?;
        Ok(Self(shared))
    }

    /// The next piece, waited for; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if let Some(chunk) = state.chunks.pop_front() {
                self.0.room.notify_one();
                return Poll::Ready(Some(chunk));
            }
            if state.ended {
                return Poll::Ready(None);
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Whether [`Stdin::next`] would not wait.
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.0.lock();
        !state.chunks.is_empty() || state.ended
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        self.0.lock().reader_gone = true;
        self.0.room.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, mut source: impl Read) {
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = source.read(&mut chunk).map(|count| {
                chunk.truncate(count);
                chunk
            });
            match &read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return self.end(Some(read)),
                Ok(chunk) if chunk.is_empty() => return self.end(None),
                Ok(_) => {}
            }
            let mut state = self.lock();
            while state.chunks.len() == CHUNKS_MAX && !state.reader_gone {
                state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.reader_gone {
                return;
            }
            state.chunks.push_back(read);
            wake(state);
        }
    }

    fn end(&self, last: Option<io::Result<Vec<u8>>>) {
        let mut state = self.lock();
        state.chunks.extend(last);
        state.ended = true;
        wake(state);
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::pin::pin;
    use core::task::Context;
    use std::sync::mpsc;

    /// Blocks this thread until the future is done.
    fn block_on<F: Future>(future: F) -> F::Output {
        struct Bell(mpsc::SyncSender<()>);
        impl std::task::Wake for Bell {
            fn wake(self: Arc<Self>) {
                let _ = self.0.try_send(());
            }
        }
        let (ring, rung) = mpsc::sync_channel(1);
        let waker = Waker::from(Arc::new(Bell(ring)));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => rung.recv().expect("the waker is held"),
            }
        }
    }

    #[test]
    fn everything_arrives_in_order_through_the_bounded_queue() {
        let bytes: Vec<u8> =
            (0..=u8::MAX).cycle().take(CHUNK_BYTES * (CHUNKS_MAX + 3) + 1).collect();
        let mut stdin = Stdin::reading(io::Cursor::new(bytes.clone())).unwrap();
        let mut read = Vec::new();
        while let Some(chunk) = block_on(stdin.next()) {
            read.extend(chunk.unwrap());
        }
        assert!(read == bytes);
        assert!(stdin.is_ready(), "the end does not wait");
    }
}
