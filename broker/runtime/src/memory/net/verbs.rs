//! The network verbs of the seam.
//!
//! A future only waits: what it asks for belongs to the connection. A dropped `send` is sent to its
//! end, and a dropped `recv` has taken nothing, so the stream stays gapless.

use core::cell::Cell;
use core::future::poll_fn;
use core::ops::Range;
use core::task::{Context, Poll};
use core::time::Duration;
use model::{Buf, Bufs, Probe};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use super::{Connection, Endpoint, Listening, NetEvent, Opening, Outgoing, Phase, Segment, Side};
use super::{ip_of, node_of};
use crate::memory::disk::MemoryFile;
use crate::memory::post::{Note, Post};
use crate::memory::random::Concern;
use crate::memory::runtime::MemoryRuntime;
use crate::memory::state::{Process, Shared, State};
use crate::{Clock, Conn, Error, Heat, Listener, More, Net, Result};

const ENETUNREACH: i32 = 101;
const EAFNOSUPPORT: i32 = 97;

/// A connection held by a shard.
#[derive(Clone)]
pub struct MemoryConn(Rc<Held>);

struct Held {
    end: Endpoint,
    addrs: Addrs,
    shared: Shared,
    post: Post,
    /// The connection went to another shard: dropping this handle ends nothing.
    detached: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Addrs {
    local: SocketAddr,
    peer: SocketAddr,
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.detached.get() {
            self.post.put(Note::ConnDropped(self.end));
        }
    }
}

/// A connection between two shards. Dropped without `adopt`, it is closed.
pub struct DetachedConn {
    end: Endpoint,
    addrs: Addrs,
    post: Post,
    adopted: bool,
}

impl Drop for DetachedConn {
    fn drop(&mut self) {
        if !self.adopted {
            self.post.put(Note::ConnDropped(self.end));
        }
    }
}

pub struct MemoryListener {
    process: Process,
    addr: SocketAddr,
    shared: Shared,
    post: Post,
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        let (process, port) = (self.process, self.addr.port());
        self.post.put(Note::ListenerDropped { process, port });
    }
}

impl<P: Probe> MemoryRuntime<P> {
    fn hold(&self, end: Endpoint, addrs: Addrs) -> MemoryConn {
        let (shared, post) = (self.shared().clone(), self.post().clone());
        MemoryConn(Rc::new(Held { end, addrs, shared, post, detached: Cell::new(false) }))
    }

    /// Sends the first packet of a new connection.
    fn begin_connect(&self, to: SocketAddr, limit: Duration) -> Result<MemoryConn> {
        let (end, local) = self.with(|state, process| {
            if !state.admits(process) {
                return Err(Error::Cancelled);
            }
            let target = node_of(to.ip(), process.node).filter(|node| *node < state.nodes.len());
            let target = target.ok_or(Error::Failed(ENETUNREACH))?;
            let ip = if target == process.node { to.ip() } else { ip_of(process.node) };
            let local = SocketAddr::new(ip, state.net.free_port(process.node));
            let client = Side::new(process, local);
            // Nobody holds the far end until a listener takes it.
            let nobody = Process { node: target, incarnation: 0 };
            let server = Side { released: true, ..Side::new(nobody, to) };
            let (now, deadline) = (state.now, state.now + limit);
            let identity = state.net.next_identity(process.node, target, to.port());
            let window = 1 << state.random.within(Concern::Window, &[identity], 12..=17);
            let opening = Opening {
                limit: None,
                began: now,
                outcome: None,
                waker: None,
                traveling: true,
                attempt: 0,
                held: None,
            };
            let connection = Connection { identity, sides: [client, server], window, opening };
            let id = state.net.connections.insert(connection);
            let limit = state.schedule_net(deadline, NetEvent::ConnectLimit(id));
            state.net.connections.get_mut(id).expect("just made").opening.limit = Some(limit);
            state.charge_call(0);
            state.counters.connections_opened += 1;
            state.call(id);
            Ok((Endpoint { connection: id, side: 0 }, local))
        })?;
        Ok(self.hold(end, Addrs { local, peer: to }))
    }

    fn try_listen(&self, at: SocketAddr) -> Result<MemoryListener> {
        let addr = self.with(|state, process| {
            if !state.admits(process) {
                return Err(Error::Cancelled);
            }
            let port = match at.port() {
                0 => state.net.free_port(process.node),
                port if state.net.listeners.contains_key(&(process.node, port)) => {
                    return Err(Error::AddressInUse);
                }
                port => port,
            };
            let backlog = VecDeque::new();
            let listening =
                Listening { ip: at.ip(), process, backlog, waker: None, lingers: false };
            state.net.listeners.insert((process.node, port), listening);
            Ok(SocketAddr::new(at.ip(), port))
        })?;
        let (shared, post) = (self.shared().clone(), self.post().clone());
        Ok(MemoryListener { process: self.process(), addr, shared, post })
    }
}

impl<P: Probe> Net for MemoryRuntime<P> {
    type File = MemoryFile;
    type Conn = MemoryConn;
    type Listener = MemoryListener;

    async fn listen(&self, at: SocketAddr) -> Result<MemoryListener> {
        if at.is_ipv6() {
            return Err(Error::Failed(EAFNOSUPPORT));
        }
        let deadline = self.now().mono + Duration::from_secs(2);
        loop {
            match self.try_listen(at) {
                Err(Error::AddressInUse) if self.now().mono < deadline => {}
                result => return result,
            }
            self.sleep_until(self.now().mono + Duration::from_millis(50)).await;
        }
    }

    async fn connect(&self, to: SocketAddr, limit: Duration) -> Result<MemoryConn> {
        let conn = self.begin_connect(to, limit)?;
        let answered = |context: &mut Context<'_>| {
            let mut state = conn.0.shared.borrow_mut();
            let connection = state.net.connections.get_mut(conn.0.end.connection);
            let opening = &mut connection.expect("held by this future").opening;
            match opening.outcome {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    opening.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        };
        poll_fn(answered).await?;
        Ok(conn)
    }

    /// Knows addresses, `localhost`, and `node-N` for the node with index N of this world.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        if host == "localhost" {
            return Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)]);
        }
        let index = host.strip_prefix("node-").and_then(|index| index.parse::<usize>().ok());
        let index = index.filter(|index| self.with(|state, _| *index < state.nodes.len()));
        Ok(vec![SocketAddr::new(ip_of(index.ok_or(Error::NotFound)?), port)])
    }

    fn adopt(&self, mut detached: DetachedConn) -> MemoryConn {
        detached.adopted = true;
        self.hold(detached.end, detached.addrs)
    }
}

impl Listener for MemoryListener {
    type Conn = MemoryConn;

    fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    async fn accept(&self) -> Result<MemoryConn> {
        let key = (self.process.node, self.addr.port());
        let (end, addrs) = poll_fn(|context| {
            let mut state = self.shared.borrow_mut();
            let listening = state.net.listeners.get_mut(&key).expect("held by this listener");
            let Some(connection) = listening.backlog.pop_front() else {
                listening.waker = Some(context.waker().clone());
                return Poll::Pending;
            };
            state.charge_call(0);
            let waiting = state.net.connections.get(connection).expect("it waits to be accepted");
            let [client, server] = &waiting.sides;
            let addrs = Addrs { local: server.addr, peer: client.addr };
            Poll::Ready((Endpoint { connection, side: 1 }, addrs))
        })
        .await;
        let (shared, post) = (self.shared.clone(), self.post.clone());
        let held = Held { end, addrs, shared, post, detached: Cell::new(false) };
        Ok(MemoryConn(Rc::new(held)))
    }
}

impl MemoryConn {
    /// Looks at this end; `Closed` when it was ended on this side.
    fn with_open<T>(
        &self,
        look: impl FnOnce(&mut State, Endpoint) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let mut state = self.0.shared.borrow_mut();
        match state.net.side(self.0.end).map(|side| side.phase) {
            Some(Phase::Open) => look(&mut state, self.0.end),
            Some(Phase::Opening) => panic!("a connection is handed out once it is open"),
            Some(Phase::Ended) | None => Poll::Ready(Err(Error::Closed)),
        }
    }

    /// Queues outgoing bytes and waits until the window has taken the last of them.
    async fn send_all(&self, outgoing: Vec<Outgoing>, size: u64) -> Result<()> {
        let copied_bytes = |outgoing: &Outgoing| match outgoing {
            Outgoing::Bytes(bytes) => bytes.len(),
            Outgoing::File { .. } => 0,
        };
        let copied = outgoing.iter().map(copied_bytes).sum();
        let mut outgoing = Some(outgoing);
        let mut target = 0;
        poll_fn(|context| {
            self.with_open(|state, end| {
                let side = state.net.side_mut(end).expect("just seen");
                if let Some(error) = side.error.or(side.send_error) {
                    return Poll::Ready(Err(error));
                }
                if let Some(outgoing) = outgoing.take() {
                    let owner = side.owner;
                    if !state.admits(owner) {
                        return Poll::Ready(Err(Error::Cancelled));
                    }
                    state.charge_call(copied);
                    state.counters.sends += 1;
                    state.counters.network_copied_bytes += copied as u64;
                    let side = state.net.side_mut(end).expect("just seen");
                    side.outbox.extend(outgoing);
                    side.queued_end += size;
                    target = side.queued_end;
                    state.pump(end);
                    state.probe(end);
                }
                let side = state.net.side_mut(end).expect("just seen");
                match side.error.or(side.send_error) {
                    Some(error) => Poll::Ready(Err(error)),
                    None if side.accepted_end >= target => Poll::Ready(Ok(())),
                    None => {
                        side.sender = Some(context.waker().clone());
                        Poll::Pending
                    }
                }
            })
        })
        .await
    }
}

impl Conn for MemoryConn {
    type File = MemoryFile;
    type Detached = DetachedConn;

    fn peer_addr(&self) -> SocketAddr {
        self.0.addrs.peer
    }

    fn local_addr(&self) -> SocketAddr {
        self.0.addrs.local
    }

    async fn recv_any(&self) -> Result<Buf> {
        poll_fn(|context| {
            self.with_open(|state, end| {
                if let Some(bytes) = state.take_received(end) {
                    return Poll::Ready(Ok(bytes));
                }
                let side = state.net.side_mut(end).expect("just seen");
                side.demand = 0;
                match side.error {
                    Some(error) => Poll::Ready(Err(error)),
                    None if side.finished => Poll::Ready(Ok(Buf::EMPTY)),
                    None => {
                        side.receiver = Some(context.waker().clone());
                        Poll::Pending
                    }
                }
            })
        })
        .await
    }

    async fn recv_exact(&self, mut into: Vec<u8>, count: usize) -> (Result<()>, Vec<u8>) {
        assert!(into.capacity() - into.len() >= count, "the buffer has no room for {count} bytes");
        let result = poll_fn(|context| {
            self.with_open(|state, end| {
                let side = state.net.side_mut(end).expect("just seen");
                if side.inbox_bytes >= count {
                    side.demand = 0;
                    state.take_exactly(end, &mut into, count);
                    return Poll::Ready(Ok(()));
                }
                match side.error {
                    Some(error) => return Poll::Ready(Err(error)),
                    None if side.finished => return Poll::Ready(Err(Error::Reset)),
                    None => {}
                }
                side.receiver = Some(context.waker().clone());
                if side.demand != count {
                    side.demand = count;
                    state.pump(end.peer());
                }
                Poll::Pending
            })
        })
        .await;
        (result, into)
    }

    async fn send(&self, pieces: Bufs, _: More) -> Result<()> {
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        self.send_all(pieces.into_iter().map(Outgoing::Bytes).collect(), size).await
    }

    async fn send_file(
        &self,
        file: &MemoryFile,
        range: Range<u64>,
        _: Heat,
        _: More,
    ) -> Result<()> {
        let left = range.end.saturating_sub(range.start);
        let file = Outgoing::File { file: file.clone(), at: range.start, left };
        self.send_all(vec![file], left).await
    }

    fn shutdown(&self) {
        let mut state = self.0.shared.borrow_mut();
        let Some(side) = state.net.side(self.0.end) else { return };
        let (owner, ended) = (side.owner, side.phase == Phase::Ended);
        if !ended && state.admits(owner) {
            state.charge_call(0);
            state.end_side(self.0.end, Segment::Finish);
        }
    }

    async fn wait_closed(&self) {
        poll_fn(|context| {
            let mut state = self.0.shared.borrow_mut();
            match state.net.side_mut(self.0.end) {
                Some(side) if !side.is_gone() => {
                    if !side.closing.iter().any(|waker| waker.will_wake(context.waker())) {
                        side.closing.push(context.waker().clone());
                    }
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
        .await;
    }

    fn detach(self) -> DetachedConn {
        let Held { end, addrs, post, detached, .. } = &*self.0;
        detached.set(true);
        DetachedConn { end: *end, addrs: *addrs, post: post.clone(), adopted: false }
    }
}
