//! A ring without a kernel, that does whatever the real one may do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::splitmix;

use super::intent::{Completion, Intent, Token};
use super::tests::stream_byte;
use crate::arena::Arena;
use crate::sys::{Errno, FdRef};

/// A seeded source of choices.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// Below `limit`, 0 for 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (splitmix::next(&mut self.0) % (limit.max(1) as u64)) as usize
    }
}

struct Stream {
    id: usize,
    taken: usize,
    size: usize,
}

pub(super) struct Fake {
    arena: Arc<Arena>,
    /// Provided buffers in this ring's hand.
    buffers: VecDeque<u16>,
    pending: Vec<Intent>,
    /// Completions by operation: in order within one, permuted between them.
    done: BTreeMap<Token, VecDeque<Completion>>,
    streams: BTreeMap<u64, Stream>,
    files: BTreeMap<u64, Vec<u8>>,
}

impl Fake {
    pub(super) fn new(arena: Arc<Arena>) -> Self {
        Self {
            arena,
            buffers: VecDeque::new(),
            pending: Vec::new(),
            done: BTreeMap::new(),
            streams: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    pub(super) fn open_stream(&mut self, fd: FdRef, id: usize, size: usize) {
        self.streams.insert(fd.serial, Stream { id, taken: 0, size });
    }

    pub(super) fn open_file(&mut self, fd: FdRef) {
        self.files.insert(fd.serial, Vec::new());
    }

    pub(super) fn buffers_len(&self) -> usize {
        self.buffers.len()
    }

    pub(super) fn pending_len(&self) -> usize {
        self.pending.iter().filter(|intent| !matches!(intent, Intent::Cancel { .. })).count()
    }

    pub(super) fn push(&mut self, intent: Intent) {
        if let Intent::Provide { buffer } = intent {
            assert!(!self.buffers.contains(&buffer), "buffer {buffer} provided twice");
            self.buffers.push_back(buffer);
        } else {
            self.pending.push(intent);
        }
    }

    /// One completion, of a random operation.
    pub(super) fn completion(&mut self, dice: &mut Dice) -> Option<Completion> {
        let at = dice.below(self.done.len());
        let token = *self.done.keys().nth(at)?;
        let queue = self.done.get_mut(&token).expect("the key is there");
        let completion = queue.pop_front();
        if queue.is_empty() {
            self.done.remove(&token);
        }
        completion
    }

    fn finish(
        &mut self,
        token: Token,
        result: Result<u32, Errno>,
        more: bool,
        buffer: Option<u16>,
    ) {
        let completion = Completion { token, result, more, buffer };
        self.done.entry(token).or_default().push_back(completion);
    }

    /// Works on one random pending intent.
    pub(super) fn work(&mut self, dice: &mut Dice) {
        if self.pending.is_empty() {
            return;
        }
        let at = dice.below(self.pending.len());
        let intent = self.pending.swap_remove(at);
        let keep = match intent {
            Intent::ReceiveMany { token, fd } => self.receive(token, fd, dice, true),
            Intent::ReceiveOnce { token, fd } => self.receive(token, fd, dice, false),
            Intent::ReceiveExact { token, fd, to, count } => {
                let got = self.stream_into(fd, to, count as usize, dice);
                self.finish(token, Ok(got), false, None);
                false
            }
            Intent::Read { token, fd, at, to, count } => {
                let file = &self.files[&fd.serial];
                let rest = file.get(at as usize..).unwrap_or(&[]);
                let got = short(rest.len().min(count as usize), dice);
                // SAFETY: the core keeps `count` bytes at `to` for this operation.
                unsafe { to.copy_from_nonoverlapping(rest.as_ptr(), got) };
                self.finish(token, Ok(got as u32), false, None);
                false
            }
            Intent::Write { token, fd, at, list, count } => {
                // SAFETY: the core keeps `count` entries, and what they name, for this operation.
                let list = unsafe { std::slice::from_raw_parts(list, count as usize) };
                let bytes: Vec<u8> = list
                    .iter()
                    .flat_map(|entry| {
                        // SAFETY: as above.
                        unsafe { std::slice::from_raw_parts(entry.iov_base.cast(), entry.iov_len) }
                    })
                    .copied()
                    .collect();
                let wrote = short(bytes.len(), dice);
                let file = self.files.get_mut(&fd.serial).expect("an open file");
                let end = at as usize + wrote;
                file.resize(file.len().max(end), 0);
                file[at as usize..end].copy_from_slice(&bytes[..wrote]);
                self.finish(token, Ok(wrote as u32), false, None);
                false
            }
            Intent::Sync { token, .. } => {
                self.finish(token, Ok(0), false, None);
                false
            }
            Intent::Cancel { target } => {
                self.cancel(target, dice);
                false
            }
            // Nothing ever becomes ready here: polls end by being cancelled.
            Intent::Poll { .. } => true,
            Intent::Splice { .. } | Intent::Provide { .. } => unreachable!("not in these tests"),
        };
        if keep {
            self.pending.push(intent);
        }
    }

    /// Moves the next bytes of a stream; 0 only at its end.
    fn stream_into(&mut self, fd: FdRef, to: *mut u8, room: usize, dice: &mut Dice) -> u32 {
        let stream = self.streams.get_mut(&fd.serial).expect("an open stream");
        let got = short(room.min(stream.size - stream.taken), dice);
        for at in 0..got {
            // SAFETY: the caller names `room` writable bytes at `to`.
            unsafe { to.add(at).write(stream_byte(stream.id, stream.taken)) };
            stream.taken += 1;
        }
        got as u32
    }

    /// Says whether the receive stays armed.
    fn receive(&mut self, token: Token, fd: FdRef, dice: &mut Dice, many: bool) -> bool {
        let Some(buffer) = self.buffers.pop_front() else {
            self.finish(token, Err(Errno(libc::ENOBUFS)), false, None);
            return false;
        };
        let to = self.arena.address(buffer);
        let got = self.stream_into(fd, to, self.arena.buffer_bytes(), dice);
        if got == 0 && dice.below(2) == 0 {
            // Some kernels hand a buffer over even with nothing in it.
            self.finish(token, Ok(0), false, Some(buffer));
            return false;
        }
        if got == 0 {
            self.buffers.push_front(buffer);
            self.finish(token, Ok(0), false, None);
            return false;
        }
        let more = many && dice.below(10) > 0;
        self.finish(token, Ok(got), more, Some(buffer));
        more
    }

    fn cancel(&mut self, target: Token, dice: &mut Dice) {
        let found = self.pending.iter().position(|intent| token_of(intent) == Some(target));
        let answer = match found {
            None => Err(Errno(libc::ENOENT)),
            // It was just running: the cancel came at the wrong moment.
            Some(_) if dice.below(4) == 0 => Err(Errno(libc::EALREADY)),
            Some(at) => {
                let result = match self.pending.swap_remove(at) {
                    // A receive that had begun answers with what it got.
                    Intent::ReceiveExact { fd, to, count, .. } if dice.below(2) == 0 => {
                        match self.stream_into(fd, to, count as usize / 2, dice) {
                            0 => Err(Errno(libc::ECANCELED)),
                            got => Ok(got),
                        }
                    }
                    _ => Err(Errno(libc::ECANCELED)),
                };
                self.finish(target, result, false, None);
                Ok(0)
            }
        };
        self.finish(target.answer_to_cancel(), answer, false, None);
    }
}

/// At least one of `whole` bytes, unless there are none.
fn short(whole: usize, dice: &mut Dice) -> usize {
    if whole == 0 { 0 } else { 1 + dice.below(whole) }
}

fn token_of(intent: &Intent) -> Option<Token> {
    match *intent {
        Intent::Poll { token, .. }
        | Intent::ReceiveMany { token, .. }
        | Intent::ReceiveOnce { token, .. }
        | Intent::ReceiveExact { token, .. }
        | Intent::Read { token, .. }
        | Intent::Write { token, .. }
        | Intent::Sync { token, .. }
        | Intent::Splice { token, .. } => Some(token),
        Intent::Cancel { .. } | Intent::Provide { .. } => None,
    }
}
