//! How connections begin: a call, its answer, and the listener between them.
//!
//! A call that is lost is made again until the caller gives up; one that was under way then may still
//! be accepted. It is refused only by a machine that is up and where nobody listens.

use core::task::Waker;
use model::Instant;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use super::link::Passage;
use super::{Endpoint, GIVE_UP, NetEvent, Network, Packet, Phase, RETRY, Segment, pause_before};
use crate::memory::events::Key;
use crate::memory::slab::SlotKey;
use crate::memory::state::{Process, State};
use crate::memory::trace::Kind;
use crate::{Error, Result};

/// Connections that wait for `accept`; more have to try again, as with a full SYN queue.
const BACKLOG_MAX: usize = 128;

/// A call, or its answer, inside a clogged link.
#[derive(Clone, Copy)]
pub(super) enum Held {
    Syn,
    Answer(Result<()>),
}

pub(super) struct Opening {
    /// The event at which the caller gives up.
    pub(super) limit: Option<Key>,
    pub(super) began: Instant,
    pub(super) outcome: Option<Result<()>>,
    pub(super) waker: Option<Waker>,
    /// The call or its answer is under way.
    pub(super) traveling: bool,
    pub(super) attempt: u32,
    pub(super) held: Option<Held>,
}

pub(super) struct Listening {
    pub(super) ip: IpAddr,
    pub(super) process: Process,
    pub(super) backlog: VecDeque<SlotKey>,
    pub(super) waker: Option<Waker>,
    /// Its process is dead, the kernel has not cleaned up yet.
    pub(super) lingers: bool,
}

impl Network {
    /// Whether somebody accepts connections to `addr` on the machine.
    fn listener_at(&mut self, node: usize, addr: SocketAddr) -> Option<&mut Listening> {
        let listening = self.listeners.get_mut(&(node, addr.port()))?;
        (listening.ip.is_unspecified() || listening.ip == addr.ip()).then_some(listening)
    }
}

impl State {
    /// Sends the first packet of a connection, or sends it again.
    pub(super) fn call(&mut self, id: SlotKey) {
        let at = self.opening_arrival(id, 0);
        self.schedule_net(at, NetEvent::Syn(id));
    }

    fn opening_packet(&self, id: SlotKey, side: usize) -> Packet {
        let connection = self.net.connections.get(id).expect("it is being opened");
        let attempt = connection.opening.attempt;
        Packet { connection: connection.identity, side, place: 0, attempt, size: 0 }
    }

    fn opening_arrival(&mut self, id: SlotKey, side: usize) -> Instant {
        let packet = self.opening_packet(id, side);
        let (from, to) = self.net.connections.get(id).expect("just seen").way_from(side);
        let link = self.net.links.at(from, to);
        // A queue may be overfull: it became shorter, or one large packet fills more than all of it.
        link.arrival(self.now, packet, self.random).unwrap_or(self.now + RETRY)
    }

    pub(super) fn on_syn(&mut self, id: SlotKey) {
        let Some(connection) = self.net.connections.get(id) else { return };
        let (from, to) = connection.way_from(0);
        let given_up = connection.sides[0].phase == Phase::Ended;
        let addr = connection.sides[1].addr;
        let packet = self.opening_packet(id, 0);
        match self.passage(from, to, packet) {
            Passage::Held => return self.hold_opening(id, Held::Syn),
            Passage::Lost => return self.retry_opening(id, NetEvent::Syn(id)),
            Passage::Arrives | Passage::ResetsAfter { .. } => {}
        }
        let outcome = match self.net.listener_at(to, addr) {
            None => Err(Error::Refused),
            Some(listening) if listening.backlog.len() == BACKLOG_MAX => {
                return self.retry_opening(id, NetEvent::Syn(id));
            }
            Some(listening) => {
                listening.backlog.push_back(id);
                if let Some(waker) = listening.waker.take() {
                    waker.wake();
                }
                let owner = listening.process;
                let server = &mut self.net.connections.get_mut(id).expect("just seen").sides[1];
                server.owner = owner;
                server.phase = Phase::Open;
                server.released = false;
                Ok(())
            }
        };
        let stats = &mut self.net.links.at(from, to).stats;
        stats.refused += u64::from(outcome.is_err());
        stats.late_calls += u64::from(outcome.is_ok() && given_up);
        self.record(to, Kind::Connect, [packet.connection, u64::from(outcome.is_ok())]);
        let at = self.opening_arrival(id, 1);
        self.schedule_net(at, NetEvent::Answer(id, outcome));
        let server = &mut self.net.connections.get_mut(id).expect("just seen").sides[1];
        // Nothing overtakes the answer.
        server.last_arrival = Instant(at.0 + 1);
    }

    pub(super) fn on_answer(&mut self, id: SlotKey, outcome: Result<()>) {
        let Some(connection) = self.net.connections.get(id) else { return };
        let (from, to) = connection.way_from(1);
        let packet = self.opening_packet(id, 1);
        match self.passage(from, to, packet) {
            Passage::Held => return self.hold_opening(id, Held::Answer(outcome)),
            Passage::Lost => return self.retry_opening(id, NetEvent::Answer(id, outcome)),
            Passage::Arrives | Passage::ResetsAfter { .. } => {}
        }
        let connection = self.net.connections.get_mut(id).expect("just seen");
        connection.opening.traveling = false;
        if connection.sides[0].phase == Phase::Ended && outcome.is_ok() {
            // The caller gave up meanwhile; the other side already counts on this connection.
            self.launch(Endpoint { connection: id, side: 0 }, Segment::Reset);
        } else {
            self.finish_opening(id, outcome);
        }
        self.sweep(id);
    }

    /// Tells the caller.
    pub(super) fn finish_opening(&mut self, id: SlotKey, outcome: Result<()>) {
        let Some(connection) = self.net.connections.get_mut(id) else { return };
        if connection.opening.outcome.is_some() {
            return;
        }
        connection.opening.outcome = Some(outcome);
        if let Some(waker) = connection.opening.waker.take() {
            waker.wake();
        }
        if outcome.is_ok() {
            connection.sides[0].phase = Phase::Open;
        }
        if let Some(limit) = connection.opening.limit.take() {
            self.events.cancel(limit);
        }
    }

    /// A packet of the opening was lost. A caller that gave up does not send it again, and nobody
    /// does for ever.
    fn retry_opening(&mut self, id: SlotKey, event: NetEvent) {
        let now = self.now;
        let connection = self.net.connections.get_mut(id).expect("just seen");
        let opening = &mut connection.opening;
        opening.attempt += 1;
        let given_up = connection.sides[0].phase == Phase::Ended;
        if !given_up && now.since(opening.began) < GIVE_UP {
            let at = now + pause_before(opening.attempt);
            self.schedule_net(at, event);
            return;
        }
        opening.traveling = false;
        if connection.sides[1].phase == Phase::Open {
            connection.sides[1].fail(Error::TimedOut);
        }
        self.sweep(id);
    }

    fn hold_opening(&mut self, id: SlotKey, held: Held) {
        let connection = self.net.connections.get_mut(id).expect("just seen");
        connection.opening.held = Some(held);
        let (node, identity) = (connection.sides[0].node, connection.identity);
        self.record(node, Kind::Held, [identity]);
    }

    /// The link in which a packet of the opening was held is free again.
    pub(super) fn release_call(&mut self, end: Endpoint, held: Held, at: Instant) {
        let (side, event) = match held {
            Held::Syn => (0, NetEvent::Syn(end.connection)),
            Held::Answer(outcome) => (1, NetEvent::Answer(end.connection, outcome)),
        };
        if side == end.side {
            self.schedule_net(at, event);
        } else {
            // It is held by the link in the other direction.
            let connection = self.net.connections.get_mut(end.connection).expect("just seen");
            connection.opening.held = Some(held);
        }
    }

    /// The listener is gone, and with it who waited to be accepted.
    pub(in crate::memory) fn close_listener(&mut self, process: Process, port: u16) {
        let found = self.net.listeners.get(&(process.node, port));
        if found.is_some_and(|listening| listening.process == process && !listening.lingers) {
            self.remove_listener(process, port);
        }
    }

    pub(super) fn remove_listener(&mut self, process: Process, port: u16) {
        let key = (process.node, port);
        if self.net.listeners.get(&key).is_some_and(|listening| listening.process == process) {
            let listening = self.net.listeners.remove(&key).expect("just seen");
            for connection in listening.backlog {
                let end = Endpoint { connection, side: 1 };
                self.end_side(end, Segment::Reset);
                self.release_side(end);
            }
        }
    }
}
