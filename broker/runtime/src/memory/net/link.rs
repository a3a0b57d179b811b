//! One direction between two machines: how long packets take, and what goes wrong with them.
//!
//! Promises: options and faults are plain data; a link draws by the place of a packet in its stream,
//! so that one link, or one fault, more or less changes nothing for the others. Every fault counts
//! what it did, not that it was there.

use core::time::Duration;
use model::Instant;
use std::collections::BTreeMap;

use super::{Connection, Network};
use crate::memory::random::{Concern, Random};
use crate::memory::state::State;

/// A link without faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkOptions {
    /// Shortest and longest time that a packet is under way.
    pub latency_us: (u64, u64),
    /// One packet in so many takes the time below instead; 0 for none.
    pub late_one_in: u64,
    pub late_us: (u64, u64),
    /// `None`: packets of any size leave at once.
    pub bytes_per_second: Option<u64>,
    /// Bytes that wait for the bandwidth; what exceeds this is lost, as in a full switch.
    pub queue_bytes: u64,
}

impl Default for LinkOptions {
    /// Machines in one room: 10 Gbit/s.
    fn default() -> Self {
        Self {
            latency_us: (30, 150),
            late_one_in: 200,
            late_us: (500, 5_000),
            bytes_per_second: Some(1_250_000_000),
            queue_bytes: 4 << 20,
        }
    }
}

impl LinkOptions {
    /// Inside a machine.
    pub const LOOPBACK: Self = Self {
        latency_us: (5, 30),
        late_one_in: 200,
        late_us: (500, 5_000),
        bytes_per_second: None,
        queue_bytes: u64::MAX,
    };
}

/// What is wrong with a link. Faults of one link add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkFault {
    /// Every packet is lost; nobody is told.
    Cut,
    /// Packets stay inside the link and come out in order once this fault is removed, even if nobody
    /// waits for them any more.
    Clog,
    /// Packets are lost at random and sent again, later each time.
    Lossy { per_million: u32 },
    /// Packets that carry more than so many bytes are lost, each time again: a hole in the path MTU.
    LosesLarge { above_bytes: u32 },
    /// Latencies are multiplied.
    Slow { factor: u32 },
    /// Bandwidth is at most this.
    Narrow { bytes_per_second: u64, queue_bytes: u64 },
    /// Up and cut by turns, beginning with a cut at the instant of the fault.
    Flapping { cut_ms: u32, up_ms: u32 },
    /// Segments arrive by half and the connection is reset at both ends.
    Resets { per_million: u32 },
}

/// What a link did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetStats {
    /// Segments with bytes that arrived.
    pub segments: u64,
    pub bytes: u64,
    /// Packets lost to a cut link, and to a machine without power at its end.
    pub cut: u64,
    /// Packets that a clogged link held back.
    pub clogged: u64,
    /// Packets lost at random.
    pub lost: u64,
    /// Packets lost for their size.
    pub too_large: u64,
    /// Packets lost to a full queue.
    pub overflowed: u64,
    /// Packets that waited for the bandwidth of a narrow link.
    pub narrowed: u64,
    /// Packets that a slow link delayed.
    pub slowed: u64,
    /// Packets lost while a flapping link was down.
    pub flapped: u64,
    /// Connections reset by the link.
    pub resets: u64,
    /// Acknowledgements that did not get through this link.
    pub lost_acks: u64,
    /// Connections, this link being their way out, whose sender has given up.
    pub timeouts: u64,
    /// Segments that arrived after their sender had given up or gone.
    pub late_segments: u64,
    /// Calls through this link that were refused.
    pub refused: u64,
    /// Calls that arrived after their caller had given up.
    pub late_calls: u64,
    /// Segments answered with a reset, since their connection was not known (any more).
    pub unknown: u64,
}

impl NetStats {
    /// Adds what another link did.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            segments: self.segments + other.segments,
            bytes: self.bytes + other.bytes,
            cut: self.cut + other.cut,
            clogged: self.clogged + other.clogged,
            lost: self.lost + other.lost,
            too_large: self.too_large + other.too_large,
            overflowed: self.overflowed + other.overflowed,
            narrowed: self.narrowed + other.narrowed,
            slowed: self.slowed + other.slowed,
            flapped: self.flapped + other.flapped,
            resets: self.resets + other.resets,
            lost_acks: self.lost_acks + other.lost_acks,
            timeouts: self.timeouts + other.timeouts,
            late_segments: self.late_segments + other.late_segments,
            refused: self.refused + other.refused,
            late_calls: self.late_calls + other.late_calls,
            unknown: self.unknown + other.unknown,
        }
    }
}

/// What becomes of a packet at the end of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Arrives,
    Lost,
    Held,
    /// It arrives by so many bytes of a million, and the connection is reset.
    ResetsAfter {
        per_million: u64,
    },
}

/// A packet on its way: which connection, direction, place in the stream, and attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) connection: u64,
    pub(super) side: usize,
    pub(super) place: u64,
    pub(super) attempt: u32,
    pub(super) size: usize,
}

impl Packet {
    fn key(&self) -> [u64; 3] {
        [self.connection, (self.side as u64) << 32 | u64::from(self.attempt), self.place]
    }
}

pub(super) struct Link {
    pub(super) options: LinkOptions,
    /// Each with the instant from which it holds.
    faults: Vec<(LinkFault, Instant)>,
    /// The last byte that was sent leaves the sender then.
    free_at: Instant,
    pub(super) stats: NetStats,
}

impl Link {
    fn new(options: LinkOptions) -> Self {
        Self { options, faults: Vec::new(), free_at: Instant(0), stats: NetStats::default() }
    }

    /// When a packet that is sent now reaches the other machine; `None` when the queue is full.
    pub(super) fn arrival(
        &mut self,
        now: Instant,
        packet: Packet,
        random: Random,
    ) -> Option<Instant> {
        let [connection, side, place] = packet.key();
        let key = [connection, side, place];
        let late_one_in = self.options.late_one_in;
        let rare = late_one_in > 0
            && random.one_in(late_one_in, Concern::LinkLatency, &[connection, side, place, 1]);
        let (low, high) = if rare { self.options.late_us } else { self.options.latency_us };
        let range = low * 1_000..=high * 1_000;
        let mut latency_ns = random.within(Concern::LinkLatency, &key, range);
        let mut bandwidth = self.options.bytes_per_second;
        let mut queue_bytes = self.options.queue_bytes;
        let mut narrow = false;
        for (fault, _) in &self.faults {
            match *fault {
                LinkFault::Slow { factor } => {
                    latency_ns *= u64::from(factor);
                    self.stats.slowed += 1;
                }
                LinkFault::Narrow { bytes_per_second, queue_bytes: most } => {
                    bandwidth =
                        Some(bandwidth.map_or(bytes_per_second, |b| b.min(bytes_per_second)));
                    queue_bytes = queue_bytes.min(most);
                    narrow = true;
                }
                _ => {}
            }
        }
        let leaves = match bandwidth {
            Some(bandwidth) => {
                let free_at = self.free_at.max(now);
                let waiting_ns = u128::from(free_at.0 - now.0);
                let waiting_bytes = waiting_ns * u128::from(bandwidth) / 1_000_000_000;
                // A packet larger than the whole queue passes when the queue is empty.
                if waiting_ns > 0 && waiting_bytes + packet.size as u128 > u128::from(queue_bytes) {
                    self.stats.overflowed += 1;
                    return None;
                }
                self.stats.narrowed += u64::from(narrow && waiting_ns > 0);
                let sending_ns = packet.size as u64 * 1_000_000_000 / bandwidth.max(1);
                self.free_at = Instant(free_at.0 + sending_ns);
                self.free_at
            }
            None => now,
        };
        Some(leaves + Duration::from_nanos(latency_ns))
    }

    /// What becomes of a packet that has come to the end of the link, and counts it.
    pub(super) fn passage(&mut self, now: Instant, packet: Packet, random: Random) -> Passage {
        let mut passage = Passage::Arrives;
        for (fault, since) in &self.faults {
            let drawn = |concern, per_million: u32| {
                random.draw(concern, &packet.key()) % 1_000_000 < u64::from(per_million)
            };
            match *fault {
                LinkFault::Cut => {
                    self.stats.cut += 1;
                    return Passage::Lost;
                }
                LinkFault::Flapping { .. } if is_down(*fault, *since, now) => {
                    self.stats.flapped += 1;
                    return Passage::Lost;
                }
                LinkFault::Lossy { per_million } if drawn(Concern::LinkLoss, per_million) => {
                    self.stats.lost += 1;
                    return Passage::Lost;
                }
                LinkFault::LosesLarge { above_bytes } if packet.size > above_bytes as usize => {
                    self.stats.too_large += 1;
                    return Passage::Lost;
                }
                LinkFault::Clog => passage = Passage::Held,
                LinkFault::Resets { per_million }
                    if packet.size > 0
                        && passage == Passage::Arrives
                        && drawn(Concern::LinkReset, per_million) =>
                {
                    let [connection, side, place] = packet.key();
                    let key = [connection, side, place, 1];
                    let per_million = random.draw(Concern::LinkReset, &key) % 1_000_000;
                    passage = Passage::ResetsAfter { per_million };
                }
                _ => {}
            }
        }
        match passage {
            Passage::Held => self.stats.clogged += 1,
            Passage::ResetsAfter { .. } => self.stats.resets += 1,
            Passage::Arrives | Passage::Lost => {}
        }
        passage
    }

    /// Whether nothing at all gets through just now.
    fn is_blocked(&self, now: Instant) -> bool {
        self.faults.iter().any(|(fault, since)| match fault {
            LinkFault::Cut | LinkFault::Clog => true,
            LinkFault::Flapping { .. } => is_down(*fault, *since, now),
            _ => false,
        })
    }
}

fn is_down(fault: LinkFault, since: Instant, now: Instant) -> bool {
    let LinkFault::Flapping { cut_ms, up_ms } = fault else { return false };
    let (cut_ns, up_ns) = (u64::from(cut_ms) * 1_000_000, u64::from(up_ms) * 1_000_000);
    (now.0 - since.0) % (cut_ns + up_ns).max(1) < cut_ns
}

/// The links of a world; those that nobody touched are made when they are first used.
#[derive(Default)]
pub(super) struct Links(BTreeMap<(usize, usize), Link>);

impl Links {
    pub(super) fn at(&mut self, from: usize, to: usize) -> &mut Link {
        self.0.entry((from, to)).or_insert_with(|| {
            Link::new(if from == to { LinkOptions::LOOPBACK } else { LinkOptions::default() })
        })
    }
}

/// What a test does to links.
impl Network {
    pub(in crate::memory) fn set_link(&mut self, from: usize, to: usize, options: LinkOptions) {
        let (low, high) = options.latency_us;
        assert!(low <= high, "an empty range of latencies: {low}..={high}");
        let (low, high) = options.late_us;
        assert!(low <= high, "an empty range of latencies: {low}..={high}");
        self.links.at(from, to).options = options;
    }

    /// A fault that is there already begins anew.
    pub(in crate::memory) fn add_fault(
        &mut self,
        from: usize,
        to: usize,
        fault: LinkFault,
        now: Instant,
    ) {
        let faults = &mut self.links.at(from, to).faults;
        faults.retain(|(other, _)| *other != fault);
        faults.push((fault, now));
        // What a run does must not depend on the order in which faults were added.
        faults.sort_unstable_by_key(|(fault, _)| *fault);
    }

    /// Removes one fault, or all.
    pub(in crate::memory) fn remove_faults(
        &mut self,
        from: usize,
        to: usize,
        only: Option<LinkFault>,
    ) {
        let link = self.links.at(from, to);
        link.faults.retain(|(fault, _)| only.is_some_and(|only| *fault != only));
    }

    pub(in crate::memory) fn is_clogged(&self, from: usize, to: usize) -> bool {
        let link = self.links.0.get(&(from, to));
        link.is_some_and(|link| link.faults.iter().any(|(fault, _)| *fault == LinkFault::Clog))
    }

    /// The links that have faults.
    pub(in crate::memory) fn faulty_links(&self) -> Vec<(usize, usize)> {
        let links = self.links.0.iter();
        links.filter(|(_, link)| !link.faults.is_empty()).map(|(pair, _)| *pair).collect()
    }

    pub(in crate::memory) fn stats(&self, from: usize, to: usize) -> NetStats {
        self.links.0.get(&(from, to)).map_or_else(NetStats::default, |link| link.stats)
    }

    /// Of all links together.
    pub(in crate::memory) fn total(&self) -> NetStats {
        self.links.0.values().fold(NetStats::default(), |total, link| total.plus(link.stats))
    }
}

impl State {
    /// Whether both machines have power.
    pub(super) fn powered(&self, from: usize, to: usize) -> bool {
        self.nodes[from].life.has_power() && self.nodes[to].life.has_power()
    }

    /// What becomes of a packet that has come to the end of its way from one machine to the other.
    pub(super) fn passage(&mut self, from: usize, to: usize, packet: Packet) -> Passage {
        let (now, random, powered) = (self.now, self.random, self.powered(from, to));
        let link = self.net.links.at(from, to);
        if powered {
            return link.passage(now, packet, random);
        }
        link.stats.cut += 1;
        Passage::Lost
    }

    /// Whether the answers to what came from `to` are lost on their way back to it.
    pub(super) fn acks_are_lost(&mut self, from: usize, to: usize) -> bool {
        let (now, powered) = (self.now, self.powered(from, to));
        let link = self.net.links.at(from, to);
        let blocked = !powered || link.is_blocked(now);
        link.stats.lost_acks += u64::from(blocked);
        blocked
    }
}

impl Connection {
    /// The machine of an end and that of the other one.
    pub(super) fn way_from(&self, side: usize) -> (usize, usize) {
        (self.sides[side].node, self.sides[1 - side].node)
    }
}
