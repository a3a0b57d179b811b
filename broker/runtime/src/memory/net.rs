//! The network between the nodes of a world: listeners, connections, links.
//!
//! A connection is two ordered streams. Each has a bounded window, is cut into drawn segments and
//! delivered with drawn latency; nothing is lost, doubled or reordered inside a stream. A segment that
//! a link loses is sent again, later each time, until the sender gives up; nobody else is told, so a
//! peer that died with its machine leaves a half-open connection behind.
//!
//! Reading order: here (who is connected), `link` (what a packet meets), `opening` (how connections
//! begin), `stream` (how bytes move), `ending` (how connections end), `verbs` (the seam).

mod ending;
mod link;
mod opening;
mod stream;
mod verbs;

use core::task::Waker;
use core::time::Duration;
use model::splitmix::mix;
use model::{Buf, Instant};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub(super) use ending::Farewell;
pub use link::{LinkFault, LinkOptions, NetStats};
pub use verbs::{DetachedConn, MemoryConn, MemoryListener};

use super::disk::MemoryFile;
use super::events::{Event, Key};
use super::slab::{Slab, SlotKey};
use super::state::{Process, State};
use super::to_usize;
use crate::{Error, Result};
use link::{Links, Packet};
use opening::{Listening, Opening};

/// First pause before something that got lost is sent again; it doubles each time.
const RETRY: Duration = Duration::from_millis(200);
const RETRY_DOUBLINGS_MAX: u32 = 6;
/// How long a sender tries to reach a silent peer.
const GIVE_UP: Duration = Duration::from_secs(15);
const EPHEMERAL_PORT_FIRST: u16 = 49_152;

fn pause_before(attempt: u32) -> Duration {
    RETRY * (1 << attempt.saturating_sub(1).min(RETRY_DOUBLINGS_MAX))
}

/// One end of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoint {
    connection: SlotKey,
    side: usize,
}

impl Endpoint {
    fn peer(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }
}

pub(super) enum NetEvent {
    /// The first packet of a connection comes to the other machine.
    Syn(SlotKey),
    /// Its answer comes back.
    Answer(SlotKey, Result<()>),
    /// The caller of `connect` has waited long enough.
    ConnectLimit(SlotKey),
    /// The oldest segment on its way from this end comes to the other one.
    Deliver(Endpoint),
    /// Acknowledgements for this end were lost: perhaps they get through now.
    Acknowledge(Endpoint),
    /// The kernel closes what a dead process listened on.
    ListenerGone { process: Process, port: u16 },
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

impl Segment {
    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File { size, .. } => *size,
            Self::Finish | Self::Reset => 0,
        }
    }
}

/// A segment on its way.
struct Flying {
    /// When it arrives, if nothing stops it.
    at: Instant,
    /// Bytes of the stream up to its end.
    place: u64,
    segment: Segment,
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
    /// It ended before everything that had arrived was read; the kernel resets what is closed so.
    left_unread: bool,
    /// Why the connection is gone.
    error: Option<Error>,
    /// A file ended inside a range: nothing can be sent any more, receiving goes on.
    send_error: Option<Error>,

    outbox: VecDeque<Outgoing>,
    /// Bytes ever given to `send`, and how many of them the window has taken.
    queued_end: u64,
    accepted_end: u64,
    /// Accepted and, as far as this end knows, not yet taken by the receiver.
    window_used: usize,
    flight: VecDeque<Flying>,
    last_arrival: Instant,
    /// The event for the oldest segment in flight.
    delivery: Option<Key>,
    /// Since when the oldest segment does not get through, and how often that was tried.
    stalled_since: Option<Instant>,
    attempt: u32,
    /// Since when acknowledgements do not get back here, how often they were tried, and how many
    /// bytes of the window they would free.
    unacknowledged_since: Option<Instant>,
    acknowledge_attempt: u32,
    owed: usize,

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
            left_unread: false,
            error: None,
            send_error: None,
            outbox: VecDeque::new(),
            queued_end: 0,
            accepted_end: 0,
            window_used: 0,
            flight: VecDeque::new(),
            last_arrival: Instant(0),
            delivery: None,
            stalled_since: None,
            attempt: 0,
            unacknowledged_since: None,
            acknowledge_attempt: 0,
            owed: 0,
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

    /// The kernel knows this end and takes what arrives for it.
    fn is_open(&self) -> bool {
        self.phase == Phase::Open && self.error.is_none()
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
    /// The same connection in two runs: who calls whom, where, and the how many-th time.
    identity: u64,
    sides: [Side; 2],
    window: usize,
    opening: Opening,
}

#[derive(Default)]
pub(super) struct Network {
    connections: Slab<Connection>,
    listeners: BTreeMap<(usize, u16), Listening>,
    links: Links,
    /// Calls so far from one node to a port of another.
    calls: BTreeMap<(usize, usize, u16), u64>,
    /// By node.
    next_ports: BTreeMap<usize, u16>,
}

impl Network {
    pub(super) fn connection_count(&self) -> usize {
        self.connections.len()
    }

    fn side(&self, at: Endpoint) -> Option<&Side> {
        self.connections.get(at.connection).map(|connection| &connection.sides[at.side])
    }

    fn side_mut(&mut self, at: Endpoint) -> Option<&mut Side> {
        self.connections.get_mut(at.connection).map(|connection| &mut connection.sides[at.side])
    }

    /// Both ends, the one at `at` first.
    fn sides_mut(&mut self, at: Endpoint) -> Option<(&mut Side, &mut Side)> {
        let [client, server] = &mut self.connections.get_mut(at.connection)?.sides;
        Some(if at.side == 0 { (client, server) } else { (server, client) })
    }

    /// Every end of every connection.
    fn ends(&self) -> Vec<Endpoint> {
        let both = |connection| [0, 1].map(|side| Endpoint { connection, side });
        self.connections.keys().flat_map(both).collect()
    }

    /// A name for the next connection from one node to a port of another.
    fn next_identity(&mut self, from: usize, to: usize, port: u16) -> u64 {
        let calls = self.calls.entry((from, to, port)).or_insert(0);
        *calls += 1;
        mix(mix((from as u64) << 32 | to as u64).wrapping_add(*calls << 16 | u64::from(port)))
    }

    fn free_port(&mut self, node: usize) -> u16 {
        loop {
            let next = self.next_ports.entry(node).or_insert(0);
            let port = EPHEMERAL_PORT_FIRST + *next;
            *next = (*next + 1) % (u16::MAX - EPHEMERAL_PORT_FIRST);
            if !self.listeners.contains_key(&(node, port)) {
                return port;
            }
        }
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
            NetEvent::ConnectLimit(connection) => {
                self.finish_opening(connection, Err(Error::TimedOut));
            }
            NetEvent::Deliver(from) => self.deliver(from),
            NetEvent::Acknowledge(from) => self.acknowledge(from),
            NetEvent::ListenerGone { process, port } => self.remove_listener(process, port),
        }
    }

    fn schedule_net(&mut self, at: Instant, event: NetEvent) -> Key {
        let identity = |connection: SlotKey| {
            self.net.connections.get(connection).map_or(0, |connection| connection.identity)
        };
        let what = match &event {
            NetEvent::Syn(connection) => [1, identity(*connection)],
            NetEvent::Answer(connection, _) => [2, identity(*connection)],
            NetEvent::ConnectLimit(connection) => [3, identity(*connection)],
            NetEvent::Deliver(from) => [4 + from.side as u64, identity(from.connection)],
            NetEvent::Acknowledge(from) => [6 + from.side as u64, identity(from.connection)],
            NetEvent::ListenerGone { process, port } => {
                [8, (process.node as u64) << 16 | u64::from(*port)]
            }
        };
        self.schedule(at, what, Event::Net(event))
    }

    /// A clog is gone: what it held comes out.
    pub(super) fn release_link(&mut self, from: usize, to: usize) {
        let shortest = self.net.links.at(from, to).options.latency_us.0;
        let at = self.now + Duration::from_micros(shortest);
        for end in self.net.ends() {
            let connection = self.net.connections.get_mut(end.connection).expect("listed");
            if connection.way_from(end.side) != (from, to) {
                continue;
            }
            let calling = connection.opening.held.take();
            let side = &mut connection.sides[end.side];
            let delivery = side.delivery.take();
            let flying = !side.flight.is_empty();
            if let Some(held) = calling {
                self.release_call(end, held, at);
            }
            if let Some(delivery) = delivery {
                self.events.cancel(delivery);
            }
            if flying {
                self.schedule_delivery(end, at);
            }
        }
    }
}
