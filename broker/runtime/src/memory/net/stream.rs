//! How bytes move from one end of a connection to the other.

use model::Buf;
use std::collections::VecDeque;

use super::{Endpoint, GIVE_UP, NetEvent, Outgoing, Phase, RETRY, Segment, Side};
use crate::Error;
use crate::memory::random::Concern;
use crate::memory::state::State;
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
        let window = self.net.connections.get(&end.connection)?.window;
        let demand = self.net.side(end.peer())?.demand;
        let side = self.net.side_mut(end)?;
        if side.phase != Phase::Open || side.error.is_some() {
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
        let key = [end.connection, end.side as u64, side.accepted_end];
        Some(match self.random.draw(Concern::SegmentSize, &key) % 8 {
            0 => self.drawn_size(Concern::SegmentSize, &key, most.min(64)),
            1 | 2 => self.drawn_size(Concern::SegmentSize, &key, most),
            _ => most,
        })
    }

    fn drawn_size(&self, concern: Concern, key: &[u64], most: usize) -> usize {
        let key = [key, &[1]].concat();
        let drawn = self.random.within(concern, &key, 1..=most as u64);
        usize::try_from(drawn).expect("not more than the size it was drawn from")
    }

    /// Sends a segment on its way, behind all earlier ones.
    pub(super) fn launch(&mut self, end: Endpoint, segment: Segment) {
        let Some((side, peer)) = self.net.sides_mut(end) else { return };
        side.flight.push_back(segment);
        let (from, to, place) = (side.node, peer.node, side.accepted_end);
        let arrival = self.now + self.latency(from, to, end.connection, place);
        let side = self.net.side_mut(end).expect("just seen");
        side.last_arrival = side.last_arrival.max(arrival);
        let at = side.last_arrival;
        self.schedule_net(at, NetEvent::Deliver(end));
    }

    /// The oldest segment from `from` arrives.
    pub(super) fn deliver(&mut self, from: Endpoint) {
        let Some((sender, receiver)) = self.net.sides_mut(from) else { return };
        if sender.flight.is_empty() {
            return;
        }
        let (source, target) = (sender.node, receiver.node);
        if !self.reachable(source, target) {
            return self.stall(from);
        }
        let (sender, receiver) = self.net.sides_mut(from).expect("just seen");
        sender.stalled_since = None;
        let segment = sender.flight.pop_front().expect("just seen");
        let bytes = match segment {
            Segment::Bytes(bytes) => bytes,
            Segment::File { file, at, size } => {
                let disk = &mut self.nodes[source].disk;
                Buf::from(disk.read_for_sending(file.inode(), at, size))
            }
            Segment::Finish => {
                if receiver.phase == Phase::Open {
                    receiver.finished = true;
                    receiver.wake_all();
                }
                self.record(target, Kind::Finish, [from.connection, from.side as u64]);
                return self.sweep(from.connection);
            }
            Segment::Reset => {
                if receiver.phase == Phase::Open {
                    receiver.fail(Error::Reset);
                }
                self.record(target, Kind::Reset, [from.connection, from.side as u64]);
                return self.sweep(from.connection);
            }
        };
        if receiver.phase == Phase::Ended {
            if sender.phase == Phase::Open && sender.error.is_none() {
                self.launch(from.peer(), Segment::Reset);
            }
            return self.sweep(from.connection);
        }
        receiver.inbox_bytes += bytes.len();
        let waker = receiver.receiver.take();
        // A copy, as through a real network: the sender's buffers are free again.
        receiver.inbox.push_back(Buf::from(bytes.to_vec()));
        if let Some(waker) = waker {
            waker.wake();
        }
        let place = from.connection << 1 | from.side as u64;
        self.record(target, Kind::Deliver, [place, Fold::bytes(&bytes)]);
    }

    /// Nothing gets through: the sender tries again, and gives up in the end.
    fn stall(&mut self, from: Endpoint) {
        let now = self.now;
        let sender = self.net.side_mut(from).expect("it has something in flight");
        let since = *sender.stalled_since.get_or_insert(now);
        let node = sender.node;
        if now.since(since) < GIVE_UP {
            self.schedule_net(now + RETRY, NetEvent::Deliver(from));
            return;
        }
        sender.flight.clear();
        sender.fail(Error::TimedOut);
        self.record(node, Kind::Stall, [from.connection, from.side as u64]);
        self.sweep(from.connection);
    }

    /// Takes up to `count` received bytes, at least one; `None` when there are none.
    pub(super) fn take_received(&mut self, end: Endpoint) -> Option<Buf> {
        let side = self.net.side(end)?;
        let first = side.inbox.front()?.len();
        let key = [end.connection, end.side as u64, side.received_end];
        let size = match self.random.draw(Concern::ReceiveSize, &key) % 8 {
            0 => self.drawn_size(Concern::ReceiveSize, &key, first),
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

    /// Received bytes leave the window; the peer may go on.
    fn after_receive(&mut self, end: Endpoint, count: usize) {
        let (side, peer) = self.net.sides_mut(end).expect("just taken from");
        side.inbox_bytes -= count;
        side.received_end += count as u64;
        peer.window_used -= count;
        self.pump(end.peer());
    }

    /// This end stops: what the window holds is still delivered, then the last segment.
    pub(super) fn end_side(&mut self, end: Endpoint, last: Segment) {
        let Some(side) = self.net.side_mut(end) else { return };
        let was_open = side.phase == Phase::Open && side.error.is_none();
        side.phase = Phase::Ended;
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

    pub(super) fn release_side(&mut self, end: Endpoint) {
        if let Some(side) = self.net.side_mut(end) {
            side.released = true;
        }
        self.sweep(end.connection);
    }

    /// Forgets a connection that nobody holds and that carries nothing any more.
    fn sweep(&mut self, id: u64) {
        let done = |side: &Side| side.released && side.flight.is_empty();
        let Some(connection) = self.net.connections.get(&id) else { return };
        if connection.sides.iter().all(done) {
            let limit = connection.opening.limit;
            self.net.connections.remove(&id);
            self.events.cancel(limit);
        }
    }

    /// The file handles of a dead process are void: what it had sent becomes plain bytes.
    pub(super) fn detach_from_files(&mut self, end: Endpoint) {
        let side = self.net.side_mut(end).expect("listed");
        let disk = &mut self.nodes[side.node].disk;
        for segment in &mut side.flight {
            if let Segment::File { file, at, size } = segment {
                *segment = Segment::Bytes(disk.read_for_sending(file.inode(), *at, *size).into());
            }
        }
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
