//! How bytes move from one end of a connection to the other.

use model::{Buf, Instant};
use std::collections::VecDeque;

use super::link::{Packet, Passage};
use super::{Endpoint, Flying, GIVE_UP, NetEvent, Outgoing, Phase, RETRY, Segment, pause_before};
use crate::Error;
use crate::memory::random::Concern;
use crate::memory::state::State;
use crate::memory::to_usize;
use crate::memory::trace::{Fold, Kind};

/// Largest segment; also the most that one `recv_any` returns.
const SEGMENT_BYTES_MAX: usize = 16 * 1024;

/// A file ended inside the range that `send_file` was asked for.
const EIO: i32 = 5;

impl State {
    /// Moves bytes from the outbox into the window, as many as it takes.
    pub(super) fn pump(&mut self, end: Endpoint) {
        while let Some(size) = self.next_segment_size(end) {
            let side = self.net.side_mut(end).expect("just measured");
            let segment = match side.outbox.front_mut().expect("just measured") {
                Outgoing::Bytes(bytes) => {
                    let now = bytes.slice(..size);
                    *bytes = bytes.slice(size..);
                    Segment::Bytes(now)
                }
                Outgoing::File { file, at, left } => {
                    let (file, begin) = (file.clone(), *at);
                    *at += size as u64;
                    *left -= size as u64;
                    if !self.nodes[side.node].disk.can_send(file.inode(), begin, size) {
                        side.send_error = Some(Error::Failed(EIO));
                        side.outbox.clear();
                        if let Some(waker) = side.sender.take() {
                            waker.wake();
                        }
                        return;
                    }
                    Segment::File { file, at: begin, size }
                }
            };
            side.window_used += size;
            side.accepted_end += size as u64;
            if side.accepted_end == side.queued_end
                && let Some(waker) = side.sender.take()
            {
                waker.wake();
            }
            self.launch(end, segment);
        }
    }

    /// How much the next segment carries; `None` when there is nothing to send or no room.
    fn next_segment_size(&mut self, end: Endpoint) -> Option<usize> {
        let connection = self.net.connections.get(end.connection)?;
        let (window, identity) = (connection.window, connection.identity);
        let demand = self.net.side(end.peer())?.demand;
        let side = self.net.side_mut(end)?;
        // The kernel asks the process for more; one that is stopped gives nothing.
        if !side.is_open() || self.nodes[side.node].paused {
            return None;
        }
        let queued = loop {
            match side.outbox.front()? {
                Outgoing::Bytes(bytes) if !bytes.is_empty() => break bytes.len(),
                Outgoing::File { left, .. } if *left > 0 => {
                    break usize::try_from(*left).unwrap_or(usize::MAX);
                }
                _ => side.outbox.pop_front(),
            };
        };
        let room = window.max(demand).saturating_sub(side.window_used);
        let most = queued.min(room).min(SEGMENT_BYTES_MAX);
        // A sender waits for a worthwhile gap in the window, or every short read would answer itself
        // with a short segment (RFC 1122, 4.2.3.4); not when the receiver asked for these bytes.
        let worthwhile = if demand > 0 { 1 } else { queued.min(window / 4) };
        if room < worthwhile {
            return None;
        }
        let key = [identity, end.side as u64, side.accepted_end];
        Some(match self.random.draw(Concern::SegmentSize, &key) % 8 {
            0 => self.drawn_size(Concern::SegmentSize, key, most.min(64)),
            1 | 2 => self.drawn_size(Concern::SegmentSize, key, most),
            _ => most,
        })
    }

    fn drawn_size(&self, concern: Concern, key: [u64; 3], most: usize) -> usize {
        let [connection, side, place] = key;
        let drawn = self.random.within(concern, &[connection, side, place, 1], 1..=most as u64);
        to_usize(drawn)
    }

    /// Sends a segment on its way, behind all earlier ones.
    pub(super) fn launch(&mut self, end: Endpoint, segment: Segment) {
        let Some(connection) = self.net.connections.get(end.connection) else { return };
        let (from, to) = connection.way_from(end.side);
        let place = connection.sides[end.side].accepted_end;
        let packet = Packet {
            connection: connection.identity,
            side: end.side,
            place,
            attempt: 0,
            size: segment.size(),
        };
        let arrival = self.net.links.at(from, to).arrival(self.now, packet, self.random);
        // What a full queue lost is sent again.
        let arrival = arrival.unwrap_or(self.now + RETRY);
        let side = self.net.side_mut(end).expect("just seen");
        side.last_arrival = side.last_arrival.max(arrival);
        let at = side.last_arrival;
        side.flight.push_back(Flying { at, place, segment });
        if side.flight.len() == 1 {
            self.schedule_delivery(end, at);
        }
    }

    pub(super) fn schedule_delivery(&mut self, from: Endpoint, at: Instant) {
        let key = self.schedule_net(at, NetEvent::Deliver(from));
        self.net.side_mut(from).expect("it has something in flight").delivery = Some(key);
    }

    /// The oldest segment from `from` comes to the end of its way.
    pub(super) fn deliver(&mut self, from: Endpoint) {
        let Some(connection) = self.net.connections.get_mut(from.connection) else { return };
        let (source, target) = connection.way_from(from.side);
        let (identity, calling) = (connection.identity, connection.sides[1 - from.side].phase);
        let sender = &mut connection.sides[from.side];
        sender.delivery = None;
        let Some(flying) = sender.flight.front() else { return };
        let (attempt, size) = (sender.attempt, flying.segment.size());
        let packet =
            Packet { connection: identity, side: from.side, place: flying.place, attempt, size };
        match self.passage(source, target, packet) {
            Passage::Lost => return self.retransmit(from),
            Passage::Held => return self.hold(from),
            Passage::ResetsAfter { per_million } => return self.reset_inside(from, per_million),
            // A caller that has not heard the answer yet takes nothing.
            Passage::Arrives if calling == Phase::Opening => return self.retransmit(from),
            Passage::Arrives => {}
        }
        let sender = self.net.side_mut(from).expect("just seen");
        let was_stalled = sender.stalled_since.take().is_some();
        sender.attempt = 0;
        let late = sender.error.is_some() || (was_stalled && sender.phase == Phase::Ended);
        let Flying { segment, place, .. } = sender.flight.pop_front().expect("just seen");
        if let Some(next) = sender.flight.front() {
            let at = next.at;
            self.schedule_delivery(from, at);
        }
        let bytes = match segment {
            Segment::Bytes(bytes) => bytes,
            Segment::File { file, at, size } => {
                let disk = &mut self.nodes[source].disk;
                Buf::from(disk.read_for_sending(&file, at, size, self.now))
            }
            Segment::Finish => {
                let (_, receiver) = self.net.sides_mut(from).expect("just seen");
                if receiver.is_open() {
                    receiver.finished = true;
                    receiver.wake_all();
                }
                self.record(target, Kind::Finish, [identity, from.side as u64]);
                return self.sweep(from.connection);
            }
            Segment::Reset => {
                let (sender, receiver) = self.net.sides_mut(from).expect("just seen");
                // Nothing that this end sent before is of use any more.
                receiver.flight.clear();
                if receiver.phase == Phase::Open {
                    receiver.fail(Error::Reset);
                }
                sender.window_used = 0;
                self.record(target, Kind::Reset, [identity, from.side as u64]);
                return self.sweep(from.connection);
            }
        };
        let stats = &mut self.net.links.at(source, target).stats;
        stats.segments += 1;
        stats.bytes += bytes.len() as u64;
        stats.late_segments += u64::from(late);
        let (sender, receiver) = self.net.sides_mut(from).expect("just seen");
        if !receiver.is_open() {
            if sender.is_open() {
                self.net.links.at(source, target).stats.unknown += 1;
                self.launch(from.peer(), Segment::Reset);
            }
            return self.sweep(from.connection);
        }
        self.arrive(from, &bytes, place);
        if self.acks_are_lost(target, source) {
            self.await_acknowledgement(from);
        }
    }

    /// Bytes from this end are in the other one's inbox.
    pub(super) fn arrive(&mut self, from: Endpoint, bytes: &Buf, place: u64) {
        let (_, receiver) = self.net.sides_mut(from).expect("the caller saw it");
        let target = receiver.node;
        if !receiver.is_open() {
            return;
        }
        receiver.inbox_bytes += bytes.len();
        // A copy, as through a real network: the sender's buffers are free again.
        receiver.inbox.push_back(Buf::from(bytes.to_vec()));
        if let Some(waker) = receiver.receiver.take() {
            waker.wake();
        }
        self.counters.segments += 1;
        let identity = self.net.connections.get(from.connection).expect("just seen").identity;
        self.record(
            target,
            Kind::Deliver,
            [identity ^ from.side as u64, place, Fold::bytes(bytes)],
        );
    }

    /// The oldest segment got lost: the sender tries again, and gives up in the end.
    fn retransmit(&mut self, from: Endpoint) {
        let now = self.now;
        let connection = self.net.connections.get_mut(from.connection).expect("just seen");
        let identity = connection.identity;
        let sender = &mut connection.sides[from.side];
        let since = *sender.stalled_since.get_or_insert(now);
        if now.since(since) >= GIVE_UP {
            return self.give_up(from, false);
        }
        sender.attempt += 1;
        let (attempt, node) = (sender.attempt, sender.node);
        let at = (now + pause_before(attempt)).min(since + GIVE_UP);
        self.record(node, Kind::Lost, [identity, from.side as u64, u64::from(attempt)]);
        self.schedule_delivery(from, at);
    }

    /// The oldest segment is inside a clogged link; it comes out when that is free again. A sender
    /// that still waits for an acknowledgement gives up in the end.
    fn hold(&mut self, from: Endpoint) {
        let now = self.now;
        let connection = self.net.connections.get_mut(from.connection).expect("just seen");
        let identity = connection.identity;
        let sender = &mut connection.sides[from.side];
        let since = *sender.stalled_since.get_or_insert(now);
        if now.since(since) >= GIVE_UP {
            return self.give_up(from, true);
        }
        let node = sender.node;
        self.record(node, Kind::Held, [identity, from.side as u64]);
        self.schedule_delivery(from, since + GIVE_UP);
    }

    /// What this end sent has arrived, but it cannot know: it frees no room, and in the end it gives
    /// up.
    fn await_acknowledgement(&mut self, from: Endpoint) {
        let now = self.now;
        let sender = self.net.side_mut(from).expect("the caller saw it");
        if sender.is_open() && sender.unacknowledged_since.is_none() {
            sender.unacknowledged_since = Some(now);
            sender.acknowledge_attempt = 1;
            self.schedule_net(now + RETRY, NetEvent::Acknowledge(from));
        }
    }

    /// Perhaps the acknowledgements get back to this end now.
    pub(super) fn acknowledge(&mut self, from: Endpoint) {
        let Some(connection) = self.net.connections.get(from.connection) else { return };
        let (source, target) = connection.way_from(from.side);
        let side = &connection.sides[from.side];
        let Some(since) = side.unacknowledged_since else { return };
        if !side.is_open() {
            return;
        }
        if !self.acks_are_lost(target, source) {
            let side = self.net.side_mut(from).expect("just seen");
            side.unacknowledged_since = None;
            side.window_used -= core::mem::take(&mut side.owed);
            return self.pump(from);
        }
        if self.now.since(since) >= GIVE_UP {
            return self.give_up(from, false);
        }
        let side = self.net.side_mut(from).expect("just seen");
        side.acknowledge_attempt += 1;
        let pause = pause_before(side.acknowledge_attempt);
        let at = (self.now + pause).min(since + GIVE_UP);
        self.schedule_net(at, NetEvent::Acknowledge(from));
    }

    /// Takes up to `count` received bytes, at least one; `None` when there are none.
    pub(super) fn take_received(&mut self, end: Endpoint) -> Option<Buf> {
        let side = self.net.side(end)?;
        let first = side.inbox.front()?.len();
        let identity = self.net.connections.get(end.connection)?.identity;
        let key = [identity, end.side as u64, side.received_end];
        let size = match self.random.draw(Concern::ReceiveSize, &key) % 8 {
            0 => self.drawn_size(Concern::ReceiveSize, key, first),
            _ => first,
        };
        let side = self.net.side_mut(end).expect("just seen");
        let bytes = take_front(&mut side.inbox, size);
        self.after_receive(end, bytes.len());
        Some(bytes)
    }

    /// Appends exactly `count` received bytes; only once they are all there.
    pub(super) fn take_exactly(&mut self, end: Endpoint, into: &mut Vec<u8>, count: usize) {
        let side = self.net.side_mut(end).expect("the caller saw that many bytes");
        assert!(side.inbox_bytes >= count, "{} bytes of {count}", side.inbox_bytes);
        let mut left = count;
        while left > 0 {
            let bytes = take_front(&mut side.inbox, left);
            into.extend_from_slice(&bytes);
            left -= bytes.len();
        }
        self.after_receive(end, count);
    }

    /// Received bytes leave the window; the peer may go on once it hears of that.
    fn after_receive(&mut self, end: Endpoint, count: usize) {
        self.charge_call(count);
        self.charge(count as u64 * self.costs.crc_ns_per_kib / 1024);
        self.counters.network_copied_bytes += count as u64;
        let (side, peer) = self.net.sides_mut(end).expect("just taken from");
        side.inbox_bytes -= count;
        side.received_end += count as u64;
        let (node, peer_node, from) = (side.node, peer.node, end.peer());
        if !peer.is_open() {
            return;
        }
        if peer.unacknowledged_since.is_none() && !self.acks_are_lost(node, peer_node) {
            self.net.side_mut(from).expect("just seen").window_used -= count;
            return self.pump(from);
        }
        self.net.side_mut(from).expect("just seen").owed += count;
        self.await_acknowledgement(from);
    }
}

/// At most `count` bytes of the first piece.
fn take_front(inbox: &mut VecDeque<Buf>, count: usize) -> Buf {
    let first = inbox.front_mut().expect("the caller saw bytes");
    if first.len() <= count {
        return inbox.pop_front().expect("just seen");
    }
    let taken = first.slice(..count);
    *first = first.slice(count..);
    taken
}
