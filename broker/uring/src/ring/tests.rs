//! The core against a fake ring, over seeded steps.
//!
//! The fake permutes completions between operations, cuts transfers short, fails and delays cancels,
//! takes intents late, runs out of buffers and ends multishot receives on a whim. The program side
//! mixes, drops and resumes its calls and polls only what was woken. After every seed: each stream
//! arrived whole and in order, no operation is left, every buffer is home.

use ::core::sync::atomic::{AtomicBool, Ordering};
use ::core::task::{Context, Poll, Waker};
use model::{Buf, Slot};
use runtime::Error;
use std::sync::Arc;
use std::task::Wake;

use super::fake::{Dice, Fake};
use super::{Core, ExactRequest, Returned};
use crate::arena::Arena;
use crate::shared::{Node, Shared};
use crate::sys::{Fd, close_on_exec_eventfd};

const BUFFERS: u16 = 8;
const BUFFER_BYTES: usize = 64;
const STREAM_BYTES: usize = 3_000;

/// What the caller's memory holds already.
const PREFIX: &[u8] = b"head";

/// Byte `at` of the stream of connection `id`.
pub(super) fn stream_byte(id: usize, at: usize) -> u8 {
    ((id * 31 + at) ^ ((at >> 8) * 7)) as u8
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a connection's task is waiting in.
enum Call {
    None,
    Any,
    Exact(ExactRequest),
}

/// One connection and the task that reads it.
struct Reader {
    id: usize,
    slot: Slot,
    woken: Arc<Flag>,
    call: Call,
    received: usize,
    ended: bool,
}

impl Reader {
    /// The stream's next bytes are these.
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            assert_eq!(*byte, stream_byte(self.id, self.received), "byte {}", self.received);
            self.received += 1;
        }
    }

    /// Begins a call, or drops the one under way.
    fn change_mind(&mut self, core: &mut Core, dice: &mut Dice) {
        if let Call::Exact(request) = &self.call {
            core.abandon_exact(self.slot, request);
        }
        self.call = match dice.below(3) {
            0 => Call::Any,
            _ => {
                let left = STREAM_BYTES - self.received;
                let count = dice.below(left.min(500) + 2);
                let mut into = Vec::with_capacity(PREFIX.len() + count);
                into.extend_from_slice(PREFIX);
                Call::Exact(ExactRequest::new(into, count))
            }
        };
        self.woken.0.store(true, Ordering::Relaxed);
    }

    fn poll(&mut self, core: &mut Core, held: &mut Vec<Buf>) {
        if !self.woken.0.swap(false, Ordering::Relaxed) {
            return;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        match core::mem::replace(&mut self.call, Call::None) {
            Call::None => {}
            Call::Any => match core.poll_receive_any(self.slot, &mut context) {
                Poll::Pending => self.call = Call::Any,
                Poll::Ready(Ok(buf)) => {
                    self.take(&buf);
                    self.ended |= buf.is_empty();
                    held.push(buf);
                }
                Poll::Ready(Err(error)) => panic!("connection {}: {error}", self.id),
            },
            Call::Exact(mut request) => {
                match core.poll_receive_exact(self.slot, &mut request, &mut context) {
                    Poll::Pending => self.call = Call::Exact(request),
                    Poll::Ready(result) => {
                        assert_eq!(&request.into[..PREFIX.len()], PREFIX);
                        self.take(&request.into[PREFIX.len()..]);
                        match result {
                            Ok(()) => assert_eq!(request.missing, 0),
                            Err(error) => {
                                assert_eq!(error, Error::Reset);
                                assert!(request.missing > 0, "all arrived and yet an error");
                                self.ended = true;
                            }
                        }
                    }
                }
            }
        }
    }
}

struct World {
    core: Core,
    fake: Fake,
    dice: Dice,
    /// Buffers that the program keeps for a while.
    held: Vec<Buf>,
}

impl World {
    fn new(seed: u64, operations: usize) -> Self {
        let owner = Shared::new(Arc::new(Node::new(1))).expect("an eventfd");
        let arena = Arena::new(BUFFERS, BUFFER_BYTES, Arc::new(owner));
        let core = Core::new(operations, 16, Arc::clone(&arena));
        Self { core, fake: Fake::new(arena), dice: Dice(seed), held: Vec::new() }
    }

    /// The ring's side of one step: some intents in, some work, some completions out.
    fn turn(&mut self) {
        self.core.collect_buffers();
        for _ in 0..self.dice.below(6) {
            let Some(intent) = self.core.next_intent() else { break };
            self.fake.push(intent);
        }
        for _ in 0..self.dice.below(6) {
            self.fake.work(&mut self.dice);
        }
        for _ in 0..self.dice.below(6) {
            let Some(completion) = self.fake.completion(&mut self.dice) else { break };
            self.core.complete(completion);
        }
        if self.held.len() > usize::from(BUFFERS) || self.dice.below(4) == 0 {
            let keep = self.dice.below(self.held.len() + 1);
            self.held.truncate(keep);
        }
    }

    /// Runs until nothing is left to do and checks that everything is home.
    fn finish(mut self) {
        self.held.clear();
        for _ in 0..100_000 {
            self.turn();
            if self.core.operations_len() == 0 && self.fake.buffers_len() == usize::from(BUFFERS) {
                assert_eq!(self.fake.pending_len(), 0, "the ring works for nobody");
                return;
            }
        }
        panic!(
            "{} operations left, {} of {BUFFERS} buffers home",
            self.core.operations_len(),
            self.fake.buffers_len()
        );
    }
}

fn dummy() -> Fd {
    close_on_exec_eventfd().expect("an eventfd")
}

#[test]
fn streams_arrive_whole_whatever_ring_and_program_do() {
    for seed in 1..=300 {
        let mut world = World::new(seed, 64);
        let mut readers: Vec<Reader> = (0..4)
            .map(|id| {
                let fd = dummy();
                world.fake.open_stream(fd.get(), id, STREAM_BYTES);
                let slot = world.core.connection_open(&fd, Vec::new()).expect("room");
                let woken = Arc::new(Flag(AtomicBool::new(false)));
                Reader { id, slot, woken, call: Call::None, received: 0, ended: false }
            })
            .collect();
        let mut steps = 0;
        while readers.iter().any(|reader| !reader.ended) {
            steps += 1;
            assert!(
                steps < 200_000,
                "seed {seed}: stuck at {:?}",
                readers.iter().map(|reader| reader.received).collect::<Vec<_>>()
            );
            for reader in readers.iter_mut().filter(|reader| !reader.ended) {
                let idle = matches!(reader.call, Call::None);
                // In every second run nobody gives up: a lost wake-up is then a reader stuck.
                let restless = seed % 2 == 0 && world.dice.below(20) == 0;
                if idle || restless {
                    reader.change_mind(&mut world.core, &mut world.dice);
                }
                reader.poll(&mut world.core, &mut world.held);
            }
            world.turn();
        }
        for reader in readers {
            assert_eq!(reader.received, STREAM_BYTES, "seed {seed}, connection {}", reader.id);
            world.core.connection_close(reader.slot);
        }
        world.finish();
    }
}

#[test]
fn connections_closed_at_any_moment_leave_nothing_behind() {
    for seed in 1..=300 {
        let mut world = World::new(seed, 64);
        for id in 0..20 {
            let fd = dummy();
            world.fake.open_stream(fd.get(), id, STREAM_BYTES);
            let slot = world.core.connection_open(&fd, Vec::new()).expect("room");
            let woken = Arc::new(Flag(AtomicBool::new(false)));
            let mut reader =
                Reader { id, slot, woken, call: Call::None, received: 0, ended: false };
            for _ in 0..world.dice.below(30) {
                if matches!(reader.call, Call::None) {
                    reader.change_mind(&mut world.core, &mut world.dice);
                }
                reader.poll(&mut world.core, &mut world.held);
                world.turn();
            }
            if let Call::Exact(request) = &reader.call {
                world.core.abandon_exact(slot, request);
            }
            if world.dice.below(2) == 0 {
                world.core.connection_shut(slot);
            }
            world.core.connection_close(slot);
        }
        world.finish();
    }
}

#[test]
fn file_transfers_are_whole_although_each_step_is_short() {
    for seed in 1..=300 {
        let mut world = World::new(seed, 8);
        let fd = dummy();
        world.fake.open_file(fd.get());
        let pieces: Vec<Buf> = (0..5u8).map(|piece| Buf::from(vec![piece; 50])).collect();
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        let write = world.core.write(&fd, 10, pieces).expect("room");
        assert!(matches!(wait(&mut world, write), (Ok(0), Returned::Nothing)));
        // Dropped at once: it must be written all the same.
        let dropped = world.core.write(&fd, 260, vec![Buf::from(vec![9; 100])]).expect("room");
        world.core.abandon(dropped);
        let sync = world.core.sync(&fd).expect("room");
        assert_eq!(wait(&mut world, sync).0, Ok(0));
        while world.core.operations_len() > 0 {
            world.turn();
        }
        let into = Vec::with_capacity(1_000);
        let read = world.core.read(&fd, 10, into, 1_000).expect("room");
        let (result, Returned::Memory(got)) = wait(&mut world, read) else { panic!("no memory") };
        assert_eq!(result, Ok(350));
        assert_eq!(got[..250], whole);
        assert_eq!(got[250..], [9; 100]);
        world.finish();
    }
}

fn wait(world: &mut World, slot: Slot) -> (Result<u32, crate::sys::Errno>, Returned) {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = world.core.poll_answer(slot, &mut context) {
            return answer;
        }
        world.turn();
    }
}

#[test]
fn a_full_slab_refuses_and_recovers() {
    for seed in 1..=100 {
        let mut world = World::new(seed, 2);
        let fd = dummy();
        let first = world.core.poll_for(&fd, 1).expect("room");
        let second = world.core.poll_for(&fd, 1).expect("room");
        assert_eq!(world.core.poll_for(&fd, 1), Err(Error::Full));
        assert_eq!(world.core.read(&fd, 0, vec![7], 0), Err(vec![7]), "the memory comes back");
        world.core.abandon(first);
        world.core.abandon(second);
        world.finish();
    }
}
