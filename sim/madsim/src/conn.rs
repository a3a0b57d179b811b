//! One connection: two tasks move its bytes, so that no dropped future can lose one.

use madsim::net::TcpStream;
use model::{Buf, Bufs};
use runtime::sync::{First, race};
use runtime::{Conn, Error, Heat, More, Result};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::disk::MadsimFile;
use crate::gate::Gate;
use crate::net::seam_error;

/// Received and not taken; more stays with madsim, which has no bound.
const INBOX_BYTES: usize = 256 << 10;
const RECEIVE_BYTES: usize = 64 << 10;
/// EIO: a file ended inside a range.
const FILE_ENDED: Error = Error::Failed(5);

#[derive(Clone)]
pub struct MadsimConn(Arc<Handle>);

/// A connection between two shards.
pub struct Detached(Arc<Handle>);

/// The two tasks keep the connection's state; with the last handle they end.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Shared {
    local: SocketAddr,
    peer: SocketAddr,
    state: Mutex<State>,
    changed: Gate,
}

#[derive(Default)]
struct State {
    inbox: VecDeque<Buf>,
    inbox_bytes: usize,
    /// A pending exact receive of so many bytes widens the inbox.
    demand: usize,
    finished: bool,
    error: Option<Error>,
    outbox: VecDeque<Outgoing>,
    /// Messages ever queued, and how many of them madsim has taken.
    queued: u64,
    accepted: u64,
    /// Shut down on this side.
    closed: bool,
}

enum Outgoing {
    Bytes(Bufs),
    File(MadsimFile, Range<u64>),
}

impl State {
    fn why_gone(&self) -> Option<Error> {
        self.error.or(self.closed.then_some(Error::Closed))
    }

    fn take(&mut self, count: usize, into: &mut Vec<u8>) {
        let mut left = count;
        while left > 0 {
            let mut piece = self.inbox.pop_front().expect("counted");
            if piece.len() > left {
                self.inbox.push_front(piece.slice(left..));
                piece = piece.slice(..left);
            }
            into.extend_from_slice(&piece);
            left -= piece.len();
        }
        self.inbox_bytes -= count;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("one thread")
    }

    fn fail(&self, error: Error) {
        self.state().error.get_or_insert(error);
        self.changed.changed();
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.changed();
    }

    async fn closed(&self) {
        self.changed.wait_for(|| self.state().closed.then_some(())).await;
    }

    async fn receive_all(&self, mut stream: ReadHalf<TcpStream>) {
        loop {
            let has_room = || {
                let state = self.state();
                let room = INBOX_BYTES.max(state.demand);
                (state.closed || state.inbox_bytes < room).then_some(state.closed)
            };
            if self.changed.wait_for(has_room).await {
                return;
            }
            let mut bytes = vec![0; RECEIVE_BYTES];
            match race(stream.read(&mut bytes), self.closed()).await {
                First::Right(()) => return,
                First::Left(Ok(0)) => {
                    self.state().finished = true;
                    return self.changed.changed();
                }
                First::Left(Ok(count)) => {
                    bytes.truncate(count);
                    let mut state = self.state();
                    state.inbox.push_back(Buf::from(bytes));
                    state.inbox_bytes += count;
                    drop(state);
                    self.changed.changed();
                }
                First::Left(Err(error)) => return self.fail(seam_error(&error)),
            }
        }
    }

    async fn send_all(&self, mut stream: WriteHalf<TcpStream>) {
        loop {
            let next = || {
                let mut state = self.state();
                match state.outbox.pop_front() {
                    Some(outgoing) => Some(Some(outgoing)),
                    None => state.closed.then_some(None),
                }
            };
            let Some(outgoing) = self.changed.wait_for(next).await else { return };
            let pieces = match outgoing {
                Outgoing::Bytes(pieces) => pieces,
                Outgoing::File(file, range) => match file.range(range) {
                    Some(bytes) => vec![Buf::from(bytes)],
                    None => return self.fail(FILE_ENDED),
                },
            };
            let write = async {
                for piece in &pieces {
                    stream.write_all(piece).await?;
                }
                stream.flush().await
            };
            if let Err(error) = write.await {
                return self.fail(seam_error(&error));
            }
            self.state().accepted += 1;
            self.changed.changed();
        }
    }

    async fn queue(&self, outgoing: Outgoing) -> Result<()> {
        let number = {
            let mut state = self.state();
            if let Some(error) = state.why_gone() {
                return Err(error);
            }
            state.outbox.push_back(outgoing);
            state.queued += 1;
            state.queued
        };
        self.changed.changed();
        let accepted = || {
            let state = self.state();
            if state.accepted >= number {
                return Some(Ok(()));
            }
            state.why_gone().map(Err)
        };
        self.changed.wait_for(accepted).await
    }
}

impl MadsimConn {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let shared = Arc::new(Shared {
            local: stream.local_addr().unwrap_or(nowhere),
            peer: stream.peer_addr().unwrap_or(nowhere),
            state: Mutex::default(),
            changed: Gate::default(),
        });
        let (read, write) = tokio::io::split(stream);
        let (receiver, sender) = (Arc::clone(&shared), Arc::clone(&shared));
        madsim::task::spawn_local(async move { receiver.receive_all(read).await });
        madsim::task::spawn_local(async move { sender.send_all(write).await });
        Self(Arc::new(Handle(shared)))
    }

    fn shared(&self) -> &Shared {
        &self.0.0
    }

    pub(crate) fn adopt(detached: Detached) -> Self {
        Self(detached.0)
    }
}

impl Conn for MadsimConn {
    type File = MadsimFile;
    type Detached = Detached;

    fn peer_addr(&self) -> SocketAddr {
        self.shared().peer
    }

    fn local_addr(&self) -> SocketAddr {
        self.shared().local
    }

    async fn recv_any(&self) -> Result<Buf> {
        let next = || {
            let mut state = self.shared().state();
            if let Some(bytes) = state.inbox.pop_front() {
                state.inbox_bytes -= bytes.len();
                return Some(Ok(bytes));
            }
            if state.finished && !state.closed {
                return Some(Ok(Buf::EMPTY));
            }
            state.why_gone().map(Err)
        };
        let received = self.shared().changed.wait_for(next).await;
        self.shared().changed.changed();
        received
    }

    async fn recv_exact(&self, mut into: Vec<u8>, count: usize) -> (Result<()>, Vec<u8>) {
        self.shared().state().demand = count;
        self.shared().changed.changed();
        let whole = || {
            let state = self.shared().state();
            if state.inbox_bytes >= count {
                return Some(Ok(()));
            }
            if state.finished && !state.closed {
                return Some(Err(Error::Reset));
            }
            state.why_gone().map(Err)
        };
        let result = self.shared().changed.wait_for(whole).await;
        let mut state = self.shared().state();
        state.demand = 0;
        if result.is_ok() {
            state.take(count, &mut into);
        }
        drop(state);
        self.shared().changed.changed();
        (result, into)
    }

    async fn send(&self, pieces: Bufs, _: More) -> Result<()> {
        self.shared().queue(Outgoing::Bytes(pieces)).await
    }

    async fn send_file(
        &self,
        file: &MadsimFile,
        range: Range<u64>,
        _: Heat,
        _: More,
    ) -> Result<()> {
        self.shared().queue(Outgoing::File(file.clone(), range)).await
    }

    fn shutdown(&self) {
        self.shared().close();
    }

    async fn wait_closed(&self) {
        let gone = || {
            let state = self.shared().state();
            (state.finished || state.why_gone().is_some()).then_some(())
        };
        self.shared().changed.wait_for(gone).await;
    }

    fn detach(self) -> Detached {
        Detached(self.0)
    }
}
