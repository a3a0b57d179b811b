//! The network between the nodes of a world: listeners, connections, links.
//!
//! A connection is two ordered streams. Each has a bounded window, is cut into drawn segments and
//! delivered with drawn latency; nothing is lost, doubled or reordered inside a stream. A link that
//! is cut, or a machine without power, makes packets wait and be sent again until the sender gives
//! up; nobody is told.
//!
//! Reading order: here (who is connected), `stream` (how bytes move), `verbs` (the seam).

mod stream;
mod verbs;

use core::task::Waker;
use core::time::Duration;
use model::{Buf, Instant};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub use verbs::{DetachedConn, MemoryConn, MemoryListener};

use super::disk::MemoryFile;
use super::events::{Event, Key};
use super::random::Concern;
use super::state::{Process, State};
use super::trace::Kind;
use crate::{Error, Result};

/// Connections that wait for `accept`; more have to try again, as with a full SYN queue.
const BACKLOG_MAX: usize = 128;
const EPHEMERAL_PORT_FIRST: u16 = 49_152;
const RETRY: Duration = Duration::from_millis(200);
/// How long a sender tries to reach a silent peer.
const GIVE_UP: Duration = Duration::from_secs(15);

/// One end of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoint {
    connection: u64,
    side: usize,
}

impl Endpoint {
    fn peer(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }
}

pub(super) enum NetEvent {
    /// The first packet of a connection reaches the other machine.
    Syn(u64),
    /// Its answer is back.
    Answer(u64, Result<()>),
    /// The caller of `connect` has waited long enough.
    ConnectLimit(u64),
    /// The oldest segment on its way from this end arrives at the other one.
    Deliver(Endpoint),
}

/// Bytes that `send` and `send_file` gave and the window has not taken yet.
enum Outgoing {
    Bytes(Buf),
    File { file: MemoryFile, at: u64, left: u64 },
}

/// What is on its way.
enum Segment {
    Bytes(Buf),
    /// Read from the file when it arrives: the kernel sends its pages, not a copy of them.
    File {
        file: MemoryFile,
        at: u64,
        size: usize,
    },
    Finish,
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The peer has not answered yet.
    Opening,
    Open,
    /// Ended on this side: what still arrives is answered with a reset.
    Ended,
}

struct Side {
    node: usize,
    owner: Process,
    addr: SocketAddr,
    phase: Phase,
    /// No handle refers to this end any more.
    released: bool,
    /// Why the connection is gone.
    error: Option<Error>,
    /// A file ended inside a range: nothing can be sent any more, receiving goes on.
    send_error: Option<Error>,

    outbox: VecDeque<Outgoing>,
    /// Bytes ever given to `send`, and how many of them the window has taken.
    queued_end: u64,
    accepted_end: u64,
    /// Accepted and not yet taken by the receiver.
    window_used: usize,
    flight: VecDeque<Segment>,
    last_arrival: Instant,
    stalled_since: Option<Instant>,

    inbox: VecDeque<Buf>,
    inbox_bytes: usize,
    /// A pending `recv_exact` of so many bytes widens the peer's window.
    demand: usize,
    received_end: u64,
    finished: bool,

    receiver: Option<Waker>,
    sender: Option<Waker>,
    closing: Vec<Waker>,
}

impl Side {
    fn new(owner: Process, addr: SocketAddr) -> Self {
        Self {
            node: owner.node,
            owner,
            addr,
            phase: Phase::Opening,
            released: false,
            error: None,
            send_error: None,
            outbox: VecDeque::new(),
            queued_end: 0,
            accepted_end: 0,
            window_used: 0,
            flight: VecDeque::new(),
            last_arrival: Instant(0),
            stalled_since: None,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            demand: 0,
            received_end: 0,
            finished: false,
            receiver: None,
            sender: None,
            closing: Vec::new(),
        }
    }

    fn is_gone(&self) -> bool {
        self.phase == Phase::Ended || self.error.is_some() || self.finished
    }

    /// Everything that waits on this end looks again.
    fn wake_all(&mut self) {
        let wakers = self.receiver.take().into_iter().chain(self.sender.take());
        wakers.chain(self.closing.drain(..)).for_each(Waker::wake);
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
        self.outbox.clear();
        self.wake_all();
    }
}

struct Connection {
    sides: [Side; 2],
    window: usize,
    opening: Opening,
}

struct Opening {
    limit: Key,
    outcome: Option<Result<()>>,
    waker: Option<Waker>,
}

struct Listening {
    ip: IpAddr,
    process: Process,
    backlog: VecDeque<u64>,
    waker: Option<Waker>,
}

#[derive(Default)]
pub(super) struct Network {
    connections: BTreeMap<u64, Connection>,
    opened: u64,
    listeners: BTreeMap<(usize, u16), Listening>,
    next_port: u16,
    cuts: BTreeSet<(usize, usize)>,
}

impl Network {
    /// Packets from one node to the other wait until the link is mended.
    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    pub(super) fn mend(&mut self, from: usize, to: usize) {
        self.cuts.remove(&(from, to));
    }

    pub(super) fn connection_count(&self) -> usize {
        self.connections.len()
    }

    fn side(&self, at: Endpoint) -> Option<&Side> {
        self.connections.get(&at.connection).map(|connection| &connection.sides[at.side])
    }

    fn side_mut(&mut self, at: Endpoint) -> Option<&mut Side> {
        self.connections.get_mut(&at.connection).map(|connection| &mut connection.sides[at.side])
    }

    /// Both ends, the one at `at` first.
    fn sides_mut(&mut self, at: Endpoint) -> Option<(&mut Side, &mut Side)> {
        let [client, server] = &mut self.connections.get_mut(&at.connection)?.sides;
        Some(if at.side == 0 { (client, server) } else { (server, client) })
    }

    fn free_port(&mut self, node: usize) -> u16 {
        loop {
            let port = EPHEMERAL_PORT_FIRST + self.next_port;
            self.next_port = (self.next_port + 1) % (u16::MAX - EPHEMERAL_PORT_FIRST);
            if !self.listeners.contains_key(&(node, port)) {
                return port;
            }
        }
    }

    /// Whether somebody accepts connections to `addr` on the machine.
    fn listener_at(&mut self, node: usize, addr: SocketAddr) -> Option<&mut Listening> {
        let listening = self.listeners.get_mut(&(node, addr.port()))?;
        (listening.ip.is_unspecified() || listening.ip == addr.ip()).then_some(listening)
    }
}

/// The address of a node on the network of its world; loopback addresses stay on the machine.
pub(super) fn ip_of(node: usize) -> IpAddr {
    let number = u16::try_from(node + 1).expect("a world has fewer than 65,536 nodes");
    let [high, low] = number.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, 0, high, low))
}

/// The node that an address names, seen from `here`.
fn node_of(addr: IpAddr, here: usize) -> Option<usize> {
    let IpAddr::V4(ip) = addr else { return None };
    match ip.octets() {
        [127, ..] | [0, 0, 0, 0] => Some(here),
        [10, 0, high, low] => usize::from(u16::from_be_bytes([high, low])).checked_sub(1),
        _ => None,
    }
}

impl State {
    pub(super) fn on_net_event(&mut self, event: NetEvent) {
        match event {
            NetEvent::Syn(connection) => self.on_syn(connection),
            NetEvent::Answer(connection, outcome) => self.on_answer(connection, outcome),
            NetEvent::ConnectLimit(connection) => self.on_answer(connection, Err(Error::TimedOut)),
            NetEvent::Deliver(from) => self.deliver(from),
        }
    }

    fn on_syn(&mut self, id: u64) {
        let Some(connection) = self.net.connections.get(&id) else { return };
        let [client, server] = &connection.sides;
        if client.phase == Phase::Ended {
            return;
        }
        let (from, to, addr) = (client.node, server.node, server.addr);
        if !self.reachable(from, to) {
            self.schedule_net(self.now + RETRY, NetEvent::Syn(id));
            return;
        }
        let outcome = match self.net.listener_at(to, addr) {
            None => Err(Error::Refused),
            Some(listening) if listening.backlog.len() == BACKLOG_MAX => {
                self.schedule_net(self.now + RETRY, NetEvent::Syn(id));
                return;
            }
            Some(listening) => {
                listening.backlog.push_back(id);
                if let Some(waker) = listening.waker.take() {
                    waker.wake();
                }
                let owner = listening.process;
                let server = Endpoint { connection: id, side: 1 };
                let server = self.net.side_mut(server).expect("just seen");
                server.owner = owner;
                server.phase = Phase::Open;
                server.released = false;
                Ok(())
            }
        };
        self.record(to, Kind::Connect, [id, u64::from(outcome.is_ok())]);
        let at = self.now + self.latency(to, from, id, 0);
        self.schedule_net(at, NetEvent::Answer(id, outcome));
        let server = self.net.side_mut(Endpoint { connection: id, side: 1 }).expect("just seen");
        // Nothing overtakes the answer.
        server.last_arrival = at + Duration::from_nanos(1);
    }

    fn on_answer(&mut self, id: u64, outcome: Result<()>) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        let client = &mut connection.sides[0];
        if client.phase == Phase::Ended && outcome.is_ok() {
            // The caller gave up meanwhile; the other side already counts on this connection.
            return self.launch(Endpoint { connection: id, side: 0 }, Segment::Reset);
        }
        if connection.opening.outcome.is_some() {
            return;
        }
        connection.opening.outcome = Some(outcome);
        if let Some(waker) = connection.opening.waker.take() {
            waker.wake();
        }
        if outcome.is_ok() {
            client.phase = Phase::Open;
        }
        self.events.cancel(connection.opening.limit);
    }

    /// The listener is gone, and with it who waited to be accepted.
    pub(super) fn close_listener(&mut self, process: Process, port: u16) {
        let key = (process.node, port);
        if self.net.listeners.get(&key).is_some_and(|listening| listening.process == process) {
            let listening = self.net.listeners.remove(&key).expect("just seen");
            for connection in listening.backlog {
                self.close_side(Endpoint { connection, side: 1 });
            }
        }
    }

    /// A process runs again: its streams go on.
    pub(super) fn pump_all(&mut self, process: Process) {
        let ids: Vec<u64> = self.net.connections.keys().copied().collect();
        for connection in ids {
            for side in 0..2 {
                let end = Endpoint { connection, side };
                if self.net.side(end).is_some_and(|side| side.owner == process) {
                    self.pump(end);
                }
            }
        }
    }

    /// A process is gone: the kernel ends its connections, or the power took them along.
    pub(super) fn end_connections(&mut self, process: Process, power_lost: bool) {
        self.net.listeners.retain(|_, listening| listening.process != process);
        let ids: Vec<u64> = self.net.connections.keys().copied().collect();
        for connection in ids {
            for side in 0..2 {
                let end = Endpoint { connection, side };
                let owned = |side: &Side| side.owner == process && side.phase != Phase::Ended;
                if self.net.side(end).is_some_and(owned) {
                    self.lose_owner(end, power_lost);
                }
            }
        }
    }

    fn lose_owner(&mut self, end: Endpoint, power_lost: bool) {
        if power_lost {
            let side = self.net.side_mut(end).expect("listed");
            side.phase = Phase::Ended;
            side.flight.clear();
            side.outbox.clear();
        } else {
            self.detach_from_files(end);
            let key = [end.connection, end.side as u64];
            let abrupt = self.random.one_in(4, Concern::AbruptEnd, &key);
            self.end_side(end, if abrupt { Segment::Reset } else { Segment::Finish });
        }
        self.release_side(end);
    }

    fn reachable(&self, from: usize, to: usize) -> bool {
        let powered = self.nodes[from].life.has_power() && self.nodes[to].life.has_power();
        powered && !self.net.cuts.contains(&(from, to))
    }

    /// How long a packet is under way. The key is the place in the stream, not a running count.
    fn latency(&self, from: usize, to: usize, connection: u64, at: u64) -> Duration {
        let key = [connection, from as u64, at];
        let rare = self.random.one_in(200, Concern::LinkLatency, &[&key[..], &[1]].concat());
        let range = match (from == to, rare) {
            (true, false) => 5_000..=30_000,
            (false, false) => 30_000..=150_000,
            (_, true) => 500_000..=5_000_000,
        };
        Duration::from_nanos(self.random.within(Concern::LinkLatency, &key, range))
    }

    fn schedule_net(&mut self, at: Instant, event: NetEvent) -> Key {
        let what = match &event {
            NetEvent::Syn(id) => [1, *id],
            NetEvent::Answer(id, _) => [2, *id],
            NetEvent::ConnectLimit(id) => [3, *id],
            NetEvent::Deliver(from) => [4 + from.side as u64, from.connection],
        };
        self.schedule(at, what, Event::Net(event))
    }
}
