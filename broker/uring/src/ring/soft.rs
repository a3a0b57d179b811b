//! The fallback: a ring in this process, from epoll and two side threads.
//!
//! It carries out the same intents and answers with the same completions, so that all rules stay in
//! the core. Sockets: try, and try again when epoll (edge-triggered) says so. Disk: one thread for
//! syncs and one for everything else, so that syncs never queue behind cold reads.

use ::core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::helper::{Finished, Helper};
use super::intent::{Completion, Intent, Token};
use super::{BELL, Tally, Wait};
use crate::arena::Arena;
use crate::sys::{self, Epoll, Errno, Fd, FdRef, Interest};

/// Receives in a row for one connection before the others have their turn.
const RECEIVES_PER_TURN: usize = 4;

const EDGES: Interest =
    Interest((libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32);

/// Nothing more will come after what is there already.
const ENDS: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;

pub(crate) struct SoftRing {
    epoll: Epoll,
    bell: Fd,
    arena: Arc<Arena>,
    /// Provided buffers in this ring's hand.
    free: Vec<u16>,
    sockets: BTreeMap<i32, Socket>,
    /// Where a waiting operation waits.
    places: BTreeMap<Token, i32>,
    /// Sockets with more to receive than one turn took; no edge will tell.
    again: Vec<i32>,
    ready: VecDeque<Completion>,
    finished: Arc<Finished>,
    syncs: Helper,
    disk: Helper,
    pub(crate) tally: Tally,
}

/// What waits for one descriptor.
struct Socket {
    serial: u64,
    waiting: Vec<Intent>,
    /// An edge has told of the stream's end, which may lie behind bytes: no other edge will.
    ended: bool,
}

/// How one try at a socket went.
enum Tried {
    Done,
    /// Nothing to be had: wait for an edge.
    Waits,
    /// There may be more, but others have their turn first.
    Again,
}

impl SoftRing {
    /// Side threads stay on the `helpers` processors, or anywhere when there are none.
    pub(crate) fn new(arena: Arc<Arena>, bell: Fd, helpers: &[usize]) -> Result<Self, Errno> {
        let epoll = Epoll::new()?;
        epoll.add(bell.get(), Interest(libc::EPOLLIN as u32), Token::special(BELL).0)?;
        let finished = Arc::new(Finished::new(bell.clone()));
        Ok(Self {
            epoll,
            bell,
            arena,
            free: Vec::new(),
            sockets: BTreeMap::new(),
            places: BTreeMap::new(),
            again: Vec::new(),
            ready: VecDeque::new(),
            syncs: Helper::start("sync", helpers, Arc::clone(&finished))?,
            disk: Helper::start("disk", helpers, Arc::clone(&finished))?,
            finished,
            tally: Tally::default(),
        })
    }

    pub(crate) fn push(&mut self, intent: Intent) {
        if !matches!(intent, Intent::Provide { .. }) {
            self.tally.submissions += 1;
        }
        match intent {
            Intent::Provide { buffer } => self.free.push(buffer),
            Intent::Cancel { target } => self.cancel(target),
            Intent::Sync { .. } => self.syncs.submit(intent),
            Intent::Read { .. } | Intent::Write { .. } | Intent::Splice { .. } => {
                self.disk.submit(intent);
            }
            Intent::Poll { fd, token, .. }
            | Intent::ReceiveMany { fd, token }
            | Intent::ReceiveOnce { fd, token }
            | Intent::ReceiveExact { fd, token, .. } => match self.try_socket(intent) {
                Tried::Done => {}
                Tried::Waits => self.park(fd, token, intent),
                Tried::Again => {
                    self.park(fd, token, intent);
                    self.again.push(fd.raw);
                }
            },
        }
    }

    fn answer(&mut self, token: Token, result: Result<u32, Errno>) -> Tried {
        self.ready.push_back(Completion { token, result, more: false, buffer: None });
        Tried::Done
    }

    fn park(&mut self, fd: FdRef, token: Token, intent: Intent) {
        let known = self.sockets.get(&fd.raw).is_some_and(|socket| socket.serial == fd.serial);
        if !known {
            // A number that closed and was opened again lost its registration with its old life.
            // Adding reports what is true already, so nothing is missed in between.
            let key = u64::from(fd.raw as u32);
            if let Err(errno) = self.epoll.add(fd, EDGES, key) {
                self.answer(token, Err(errno));
                return;
            }
            let socket = Socket { serial: fd.serial, waiting: Vec::new(), ended: false };
            self.sockets.insert(fd.raw, socket);
        }
        let socket = self.sockets.get_mut(&fd.raw).expect("inserted above");
        socket.waiting.push(intent);
        self.places.insert(token, fd.raw);
    }

    fn cancel(&mut self, target: Token) {
        let found = self.places.remove(&target);
        if let Some(raw) = found {
            let socket = self.sockets.get_mut(&raw).expect("a place names a socket");
            socket.waiting.retain(|intent| token_of(intent) != target);
            self.answer(target, Err(Errno(libc::ECANCELED)));
        }
        let answer = if found.is_some() { Ok(0) } else { Err(Errno(libc::ENOENT)) };
        self.answer(target.answer_to_cancel(), answer);
    }

    fn try_socket(&mut self, intent: Intent) -> Tried {
        match intent {
            Intent::Poll { token, fd, events } => match sys::poll_now(fd, Interest(events)) {
                0 => Tried::Waits,
                events => self.answer(token, Ok(events)),
            },
            Intent::ReceiveExact { token, fd, to, count } => {
                // SAFETY: the core keeps the memory until this operation's last completion.
                match unsafe { sys::receive_raw(fd.raw, to, count as usize) } {
                    Err(Errno::AGAIN) => Tried::Waits,
                    Ok(got) => self.answer(token, Ok(got as u32)),
                    Err(errno) => self.answer(token, Err(errno)),
                }
            }
            Intent::ReceiveOnce { token, fd } => self.receive(token, fd, 1),
            Intent::ReceiveMany { token, fd } => self.receive(token, fd, RECEIVES_PER_TURN),
            _ => unreachable!("not a socket operation"),
        }
    }

    /// Receives into provided buffers; `turns` of 1 means a single receive.
    fn receive(&mut self, token: Token, fd: FdRef, turns: usize) -> Tried {
        for _ in 0..turns {
            let Some(buffer) = self.free.pop() else {
                return self.answer(token, Err(Errno(libc::ENOBUFS)));
            };
            let room = self.arena.buffer_bytes();
            // SAFETY: the buffer is in this ring's hand until its completion.
            let got = unsafe { sys::receive_raw(fd.raw, self.arena.address(buffer), room) };
            match got {
                Ok(got) if got > 0 => {
                    let more = turns > 1;
                    let result = Ok(got as u32);
                    self.ready.push_back(Completion { token, result, more, buffer: Some(buffer) });
                    if !more {
                        return Tried::Done;
                    }
                    if got < room && !self.knows_end_of(fd) {
                        // Drained: the next byte, or the end, makes an edge.
                        return Tried::Waits;
                    }
                }
                other => {
                    self.free.push(buffer);
                    return match other {
                        Err(Errno::AGAIN) => Tried::Waits,
                        Ok(_) => self.answer(token, Ok(0)),
                        Err(errno) => self.answer(token, Err(errno)),
                    };
                }
            }
        }
        Tried::Again
    }

    fn knows_end_of(&self, fd: FdRef) -> bool {
        self.sockets.get(&fd.raw).is_some_and(|it| it.serial == fd.serial && it.ended)
    }

    /// Tries again everything that waits for a descriptor.
    fn retry(&mut self, raw: i32) {
        let Some(socket) = self.sockets.get_mut(&raw) else { return };
        let waiting = std::mem::take(&mut socket.waiting);
        let mut keep = Vec::with_capacity(waiting.len());
        for intent in waiting {
            match self.try_socket(intent) {
                Tried::Done => drop(self.places.remove(&token_of(&intent))),
                Tried::Waits => keep.push(intent),
                Tried::Again => {
                    keep.push(intent);
                    self.again.push(raw);
                }
            }
        }
        self.sockets.get_mut(&raw).expect("found above").waiting = keep;
    }

    pub(crate) fn wait(&mut self, wait: Wait, out: &mut Vec<Completion>) {
        for raw in std::mem::take(&mut self.again) {
            self.retry(raw);
        }
        let idle = self.ready.is_empty() && self.again.is_empty();
        let limit = match wait {
            Wait::Forever if idle => None,
            Wait::Until(limit) if idle => Some(limit),
            _ => Some(Duration::ZERO),
        };
        self.tally.enters += 1;
        let mut edges = Vec::new();
        self.epoll.wait(limit, |key, events| edges.push((key, events)));
        for (key, events) in edges {
            if key == Token::special(BELL).0 {
                self.bell.silence_bell();
                continue;
            }
            let raw = key as u32 as i32;
            if let Some(socket) = self.sockets.get_mut(&raw) {
                socket.ended |= events & ENDS != 0;
            }
            self.retry(raw);
        }
        self.finished.take(out);
        out.extend(self.ready.drain(..));
    }
}

fn token_of(intent: &Intent) -> Token {
    match *intent {
        Intent::Poll { token, .. }
        | Intent::ReceiveMany { token, .. }
        | Intent::ReceiveOnce { token, .. }
        | Intent::ReceiveExact { token, .. }
        | Intent::Read { token, .. }
        | Intent::Write { token, .. }
        | Intent::Sync { token, .. }
        | Intent::Splice { token, .. } => token,
        Intent::Cancel { target } => target.answer_to_cancel(),
        Intent::Provide { .. } => unreachable!("providing a buffer has no answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{Node, Shared};
    use model::Slot;
    use std::io::Write as _;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    #[test]
    fn an_end_that_comes_with_the_last_bytes_is_told() {
        let owner = Arc::new(Shared::new(Arc::new(Node::new(1))).unwrap());
        let bell = owner.bell().clone();
        let mut ring = SoftRing::new(Arena::new(4, 64, owner), bell, &[]).unwrap();
        (0..4).for_each(|buffer| ring.push(Intent::Provide { buffer }));
        let (mut peer, own) = UnixStream::pair().unwrap();
        let own = Fd::new(own.into());
        let token = Token::operation(Slot { index: 0, generation: 1 });
        ring.push(Intent::ReceiveMany { token, fd: own.get() });
        let mut seen = Vec::new();
        ring.wait(Wait::Until(Duration::ZERO), &mut seen);
        assert!(seen.is_empty(), "{seen:?}");

        // Both are there before the one edge is taken.
        peer.write_all(b"last").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        ring.wait(Wait::Until(Duration::ZERO), &mut seen);
        let seen: Vec<_> = seen.iter().map(|it| (it.result, it.more)).collect();
        assert_eq!(seen, [(Ok(4), true), (Ok(0), false)]);
    }
}
