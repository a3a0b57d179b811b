//! How connections end: closed, given up, reset, or left behind by their process.

use core::time::Duration;
use model::Buf;

use super::{Endpoint, NetEvent, Phase, Segment, Side};
use crate::Error;
use crate::memory::random::Concern;
use crate::memory::slab::SlotKey;
use crate::memory::state::{Process, State};
use crate::memory::trace::Kind;

/// How long the kernel may keep the listener of a process that was killed.
const LINGER_NS_MAX: u64 = 100_000_000;

/// What becomes of the sockets of a process that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::memory) enum Farewell {
    /// It ended by itself: the kernel closes everything at once.
    Closed,
    /// It was killed: the kernel cleans up when it comes to that.
    Killed,
    /// There is no kernel any more; peers hear nothing.
    Silent,
}

impl State {
    /// This end stops: what the window holds is still delivered, then the last segment.
    pub(super) fn end_side(&mut self, end: Endpoint, last: Segment) {
        let Some(side) = self.net.side_mut(end) else { return };
        let was_open = side.is_open();
        side.phase = Phase::Ended;
        side.left_unread = was_open && !side.inbox.is_empty() && !matches!(last, Segment::Reset);
        side.outbox.clear();
        side.inbox.clear();
        side.inbox_bytes = 0;
        side.wake_all();
        if was_open {
            self.launch(end, last);
        }
    }

    /// The last handle to this end is gone.
    pub(in crate::memory) fn close_side(&mut self, end: Endpoint) {
        let Some(side) = self.net.side(end) else { return };
        let unread = !side.inbox.is_empty();
        if side.phase != Phase::Ended {
            self.end_side(end, if unread { Segment::Reset } else { Segment::Finish });
        }
        self.release_side(end);
    }

    /// The kernel closes this end. A peer that waits for room behind bytes that nobody will read must
    /// hear of that, and the end of the stream alone does not tell it (RFC 2525, 2.17).
    pub(super) fn release_side(&mut self, end: Endpoint) {
        if let Some(side) = self.net.side_mut(end) {
            side.released = true;
            if core::mem::take(&mut side.left_unread) {
                self.launch(end, Segment::Reset);
            }
        }
        self.sweep(end.connection);
    }

    /// Forgets a connection that nobody holds and that carries nothing any more.
    pub(super) fn sweep(&mut self, id: SlotKey) {
        let done = |side: &Side| side.released && side.flight.is_empty();
        let Some(connection) = self.net.connections.get(id) else { return };
        if connection.sides.iter().all(done) && !connection.opening.traveling {
            let connection = self.net.connections.remove(id).expect("just seen");
            if let Some(limit) = connection.opening.limit {
                self.events.cancel(limit);
            }
        }
    }

    /// The sender has tried for long enough. What a clogged link holds may still arrive one day; the
    /// receiver then hears that nobody knows this connection any more.
    pub(super) fn give_up(&mut self, from: Endpoint, held: bool) {
        let Some(connection) = self.net.connections.get(from.connection) else { return };
        let (node, to) = connection.way_from(from.side);
        let identity = connection.identity;
        let side = self.net.side_mut(from).expect("just seen");
        if side.error.is_some() {
            // Its owner knows already; this was an answer to a peer that did not.
            if !held {
                side.flight.clear();
                self.sweep(from.connection);
            }
            return;
        }
        side.fail(Error::TimedOut);
        side.unacknowledged_since = None;
        if held {
            self.launch(from, Segment::Reset);
        } else {
            side.flight.clear();
        }
        self.net.links.at(node, to).stats.timeouts += 1;
        self.record(node, Kind::Stall, [identity, from.side as u64]);
        self.sweep(from.connection);
    }

    /// The oldest segment from this end arrives in part, and both ends hear of a reset.
    pub(super) fn reset_inside(&mut self, from: Endpoint, per_million: u64) {
        let Some(connection) = self.net.connections.get(from.connection) else { return };
        let (source, target) = connection.way_from(from.side);
        let identity = connection.identity;
        let (sender, _) = self.net.sides_mut(from).expect("just seen");
        if let Some(flying) = sender.flight.pop_front() {
            let disk = &mut self.nodes[source].disk;
            let bytes = match flying.segment {
                Segment::Bytes(bytes) => bytes,
                Segment::File { file, at, size } => {
                    Buf::from(disk.read_for_sending(&file, at, size, self.now))
                }
                Segment::Finish | Segment::Reset => Buf::EMPTY,
            };
            let part = super::to_usize(bytes.len() as u64 * per_million / 1_000_000);
            if part > 0 {
                self.arrive(from, &bytes.slice(..part), flying.place);
            }
        }
        let (sender, receiver) = self.net.sides_mut(from).expect("just seen");
        for side in [sender, receiver] {
            side.flight.clear();
            if side.phase == Phase::Open {
                side.fail(Error::Reset);
            }
        }
        self.record(target, Kind::Reset, [identity, from.side as u64, per_million]);
        self.sweep(from.connection);
    }

    /// Resets every open connection between two machines; returns how many that were.
    pub(in crate::memory) fn reset_connections(&mut self, one: usize, other: usize) -> usize {
        let mut count = 0;
        for end in self.net.ends() {
            let Some(connection) = self.net.connections.get(end.connection) else { continue };
            let [client, server] = &connection.sides;
            let open = client.is_open() && server.is_open();
            if !open || ![(one, other), (other, one)].contains(&connection.way_from(0)) {
                continue;
            }
            // In the middle of a segment, if either side has one under way.
            let side = usize::from(client.flight.is_empty());
            let key = [connection.identity, connection.sides[side].accepted_end, 2];
            let per_million = self.random.draw(Concern::LinkReset, &key) % 1_000_000;
            let from = Endpoint { side, ..end };
            let (source, target) = connection.way_from(side);
            self.net.links.at(source, target).stats.resets += 1;
            self.reset_inside(from, per_million);
            count += 1;
        }
        count
    }

    /// A process runs again: its streams go on.
    pub(in crate::memory) fn pump_all(&mut self, process: Process) {
        for end in self.net.ends() {
            if self.net.side(end).is_some_and(|side| side.owner == process) {
                self.pump(end);
            }
        }
    }

    /// A process is gone: the kernel ends its connections, or the power took them along.
    pub(in crate::memory) fn end_connections(&mut self, process: Process, how: Farewell) {
        for end in self.net.ends() {
            let Some(side) = self.net.side(end).filter(|side| side.owner == process) else {
                continue;
            };
            // What an end that was closed before has under way outlives the process too.
            if side.phase == Phase::Ended {
                self.detach_from_files(end);
            } else {
                self.lose_owner(end, how);
            }
        }
        let listeners = self.net.listeners.iter();
        let owned = listeners.filter(|(_, listening)| listening.process == process);
        let ports: Vec<u16> = owned.map(|((_, port), _)| *port).collect();
        for port in ports {
            self.lose_listener(process, port, how);
        }
    }

    fn lose_owner(&mut self, end: Endpoint, how: Farewell) {
        if how == Farewell::Silent {
            let side = self.net.side_mut(end).expect("listed");
            side.phase = Phase::Ended;
            side.flight.clear();
            side.outbox.clear();
            self.probe(end.peer());
        } else {
            self.detach_from_files(end);
            let identity = self.net.connections.get(end.connection).expect("listed").identity;
            let key = [identity, end.side as u64];
            let abrupt = self.random.one_in(4, Concern::AbruptEnd, &key);
            self.end_side(end, if abrupt { Segment::Reset } else { Segment::Finish });
        }
        self.release_side(end);
    }

    /// The kernel of a sender that waits for room, with nothing under way, asks for it (RFC 9293,
    /// 3.8.6.1): so it hears that nobody is there any more to make any.
    pub(super) fn probe(&mut self, from: Endpoint) {
        let Some((side, peer)) = self.net.sides_mut(from) else { return };
        let waits = side.is_open() && side.accepted_end < side.queued_end;
        if waits && side.flight.is_empty() && peer.phase == Phase::Ended {
            self.launch(from, Segment::Bytes(Buf::EMPTY));
        }
    }

    /// The kernel may accept connections for a killed process a little longer.
    fn lose_listener(&mut self, process: Process, port: u16, how: Farewell) {
        let key = [process.node as u64, u64::from(process.incarnation), u64::from(port)];
        let draw = self.random.draw(Concern::ListenerLinger, &key);
        let lingers = how == Farewell::Killed && draw.is_multiple_of(2);
        let listening = self.net.listeners.get_mut(&(process.node, port)).expect("listed");
        // Those connections have just lost their owner.
        listening.backlog.clear();
        if !lingers {
            self.net.listeners.remove(&(process.node, port));
            return;
        }
        listening.lingers = true;
        listening.waker = None;
        let linger = Duration::from_nanos((draw >> 1) % LINGER_NS_MAX);
        self.schedule_net(self.now + linger, NetEvent::ListenerGone { process, port });
    }

    /// The file handles of a dead process are void: what it had sent becomes plain bytes.
    fn detach_from_files(&mut self, end: Endpoint) {
        let side = self.net.side_mut(end).expect("listed");
        let disk = &mut self.nodes[side.node].disk;
        for flying in &mut side.flight {
            if let Segment::File { file, at, size } = &flying.segment {
                let bytes = disk.read_for_sending(file, *at, *size, self.now);
                flying.segment = Segment::Bytes(bytes.into());
            }
        }
    }
}
