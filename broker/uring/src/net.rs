//! Listeners and connections.

use core::cell::Cell;
use core::future::poll_fn;
use core::ops::Range;
use core::task::{Context, Poll};
use core::time::Duration;
use model::{Buf, Bufs, Slot};
use runtime::sync::{First, race};
use runtime::{Clock, Conn, Error, Heat, Listener, More, Net, Result};
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;

use crate::disk::LiveFile;
use crate::live::Live;
use crate::outbound::{self, Outbound};
use crate::ring::ExactRequest;
use crate::shard::Shard;
use crate::sys::{self, Errno, Fd};

/// How long a port or a lock of a process that just died is waited for.
pub(crate) const RETRY_LIMIT: Duration = Duration::from_secs(2);
pub(crate) const RETRY_PAUSE: Duration = Duration::from_millis(50);

impl Net for Live {
    type File = LiveFile;
    type Conn = LiveConn;
    type Listener = LiveListener;

    async fn listen(&self, at: SocketAddr) -> Result<LiveListener> {
        let limit = self.now_exact().mono + RETRY_LIMIT;
        loop {
            match sys::bind(at) {
                Ok((fd, local)) => return Ok(LiveListener { live: self.clone(), fd, local }),
                Err(Errno(libc::EADDRINUSE)) if self.now_exact().mono < limit => {
                    self.sleep_until(self.now_exact().mono + RETRY_PAUSE).await;
                }
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    async fn connect(&self, to: SocketAddr, limit: Duration) -> Result<LiveConn> {
        let fd = sys::connect_begin(to).map_err(Error::from)?;
        let limit = self.now_exact().mono + limit;
        let decided = self.0.readiness(&fd, libc::POLLOUT);
        match race(decided, self.sleep_until(limit)).await {
            First::Left(ready) => drop(ready?),
            First::Right(()) => return Err(Error::TimedOut),
        }
        sys::connect_result(&fd).map_err(Error::from)?;
        LiveConn::new(&self.0, fd, Vec::new())
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let host = host.to_owned();
        let found = move || (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
        self.0.files.run(found).await?.map_err(|_| Error::NotFound)
    }

    fn adopt(&self, detached: Detached) -> LiveConn {
        let Detached { fd, leftover, peer, local } = detached;
        let inbound = self.0.core.borrow_mut().connection_open(&fd, leftover);
        // A shard at its limit closes the connection: its first receive answers `Closed`.
        let inbound = inbound.unwrap_or(Slot { index: u32::MAX, generation: 0 });
        LiveConn::from_parts(&self.0, fd, inbound, peer, local)
    }
}

pub struct LiveListener {
    live: Live,
    fd: Fd,
    local: SocketAddr,
}

impl Listener for LiveListener {
    type Conn = LiveConn;

    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    async fn accept(&self) -> Result<LiveConn> {
        loop {
            match sys::accept(&self.fd) {
                Ok(fd) => return LiveConn::new(&self.live.0, fd, Vec::new()),
                Err(Errno::AGAIN) => drop(self.live.0.readiness(&self.fd, libc::POLLIN).await?),
                // The peer gave up before we came: not our caller's business.
                Err(Errno(libc::ECONNABORTED | libc::EPROTO)) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// A connection's state, shared by its handles and by a job that outlives them.
pub(crate) struct Stream {
    pub(crate) shard: Rc<Shard>,
    pub(crate) fd: Fd,
    inbound: Slot,
    pub(crate) outbound: Outbound,
    shut: Cell<bool>,
    peer: SocketAddr,
    local: SocketAddr,
}

impl Stream {
    /// Waits for room after a full socket; passes any other failure on.
    pub(crate) async fn room_after(&self, errno: Errno) -> Result<()> {
        if errno != Errno::AGAIN {
            return Err(errno.into());
        }
        crate::counters::count(&self.shard.tallies.socket_full, 1);
        self.shard.readiness(&self.fd, libc::POLLOUT).await.map(drop)
    }

    fn shutdown(&self) {
        if self.shut.replace(true) {
            return;
        }
        // First: pending receives and readiness complete because of it.
        sys::shutdown(&self.fd);
        self.outbound.break_off(Error::Closed);
        self.shard.core.borrow_mut().connection_shut(self.inbound);
    }
}

/// The caller's hold on a connection; the last one closes it.
struct Handle {
    stream: Rc<Stream>,
    detached: Cell<bool>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.detached.get() {
            self.stream.shutdown();
            self.stream.shard.core.borrow_mut().connection_close(self.stream.inbound);
        }
    }
}

/// One TCP connection of this shard.
#[derive(Clone)]
pub struct LiveConn(Rc<Handle>);

/// A connection between two shards.
pub struct Detached {
    fd: Fd,
    leftover: Vec<Buf>,
    peer: SocketAddr,
    local: SocketAddr,
}

impl LiveConn {
    fn new(shard: &Rc<Shard>, fd: Fd, leftover: Vec<Buf>) -> Result<Self> {
        let (local, peer) = sys::local_addr(&fd).map_err(Error::from)?;
        let inbound = shard.core.borrow_mut().connection_open(&fd, leftover)?;
        Ok(Self::from_parts(shard, fd, inbound, peer, local))
    }

    fn from_parts(
        shard: &Rc<Shard>,
        fd: Fd,
        inbound: Slot,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Self {
        let (shard, outbound) = (Rc::clone(shard), Outbound::default());
        let stream = Stream { shard, fd, inbound, outbound, shut: Cell::new(false), peer, local };
        Self(Rc::new(Handle { stream: Rc::new(stream), detached: Cell::new(false) }))
    }

    fn stream(&self) -> &Rc<Stream> {
        &self.0.stream
    }
}

impl Conn for LiveConn {
    type File = LiveFile;
    type Detached = Detached;

    fn peer_addr(&self) -> SocketAddr {
        self.stream().peer
    }

    fn local_addr(&self) -> SocketAddr {
        self.stream().local
    }

    async fn recv_any(&self) -> Result<Buf> {
        let stream = self.stream();
        poll_fn(|context| stream.shard.core.borrow_mut().poll_receive_any(stream.inbound, context))
            .await
    }

    async fn recv_exact(&self, into: Vec<u8>, count: usize) -> (Result<()>, Vec<u8>) {
        let mut receive =
            Receiving { stream: self.stream(), request: ExactRequest::new(into, count) };
        let result = poll_fn(|context| receive.poll(context)).await;
        let into = core::mem::take(&mut receive.request.into);
        (result, into)
    }

    async fn send(&self, pieces: Bufs, more: More) -> Result<()> {
        outbound::send(self.stream(), pieces, more).await
    }

    async fn send_file(
        &self,
        file: &LiveFile,
        range: Range<u64>,
        heat: Heat,
        more: More,
    ) -> Result<()> {
        outbound::send_file(self.stream(), &file.0, range, heat, more).await
    }

    fn shutdown(&self) {
        self.stream().shutdown();
    }

    async fn wait_closed(&self) {
        let stream = self.stream();
        if !stream.shut.get() {
            // Hang-up and errors are always reported; the peer's end of stream is asked for. When
            // the ring is full nothing can be waited for: the next verb will hear of the end.
            let _ = stream.shard.readiness(&stream.fd, libc::POLLRDHUP).await;
        }
    }

    fn detach(self) -> Detached {
        let stream = Rc::clone(self.stream());
        assert!(!stream.outbound.is_busy(), "a connection is detached between operations");
        stream.shard.settle(stream.inbound);
        let leftover = stream.shard.core.borrow_mut().connection_close(stream.inbound);
        self.0.detached.set(true);
        // Handles that are left on this shard have lost their connection.
        stream.outbound.break_off(Error::Closed);
        Detached { fd: stream.fd.clone(), leftover, peer: stream.peer, local: stream.local }
    }
}

/// A `recv_exact` under way; dropped early, what it receives stays with the connection.
struct Receiving<'a> {
    stream: &'a Rc<Stream>,
    request: ExactRequest,
}

impl Receiving<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let mut core = self.stream.shard.core.borrow_mut();
        core.poll_receive_exact(self.stream.inbound, &mut self.request, context)
    }
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        let mut core = self.stream.shard.core.borrow_mut();
        core.abandon_exact(self.stream.inbound, &self.request);
    }
}
