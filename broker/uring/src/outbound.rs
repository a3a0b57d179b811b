//! The sending side of a connection: bytes and file ranges, in order, each whole.
//!
//! A job that has begun is finished even if its future is dropped: a task takes it over, and the
//! next call waits for it. Nothing is handed to the kernel to keep: `sendmsg`, `sendfile` and
//! `splice` are called inline on a non-blocking socket, and a full socket is waited for in the ring.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::ops::Range;
use core::task::{Poll, Waker};
use model::Bufs;
use runtime::{Error, Heat, More, Result, TaskClass};
use std::rc::Rc;

use crate::counters::count;
use crate::net::Stream;
use crate::pipes::COLD_BYTES;
use crate::shard::{Operation, yield_once};
use crate::sys::{self, Errno, Fd, Pipe};

/// Bytes of one `sendfile` or `splice`, so that one large fetch cannot hold the shard.
const FILE_STEP_BYTES: u64 = 1 << 20;

#[derive(Default)]
pub(crate) struct Outbound {
    /// A job is under way.
    busy: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
    /// The stream is broken: a job failed half-way, or this side shut it down.
    broken: Cell<Option<Error>>,
}

impl Outbound {
    pub(crate) fn break_off(&self, error: Error) {
        if self.broken.get().is_none() {
            self.broken.set(Some(error));
        }
        self.wake();
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.get()
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    fn release(&self) {
        self.busy.set(false);
        self.wake();
    }

    /// Completes when no job is under way; the caller's begins.
    async fn begin(&self) -> Result<()> {
        poll_fn(|context| {
            if let Some(error) = self.broken.get() {
                return Poll::Ready(Err(error));
            }
            if self.busy.replace(true) {
                *self.waiting.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        })
        .await
    }
}

/// What is still to be sent.
enum Job {
    Pieces { pieces: Bufs, sent: usize, left: usize, more: More },
    Hot { file: Fd, range: Range<u64> },
    Cold(Box<Cold>),
}

struct Cold {
    file: Fd,
    /// Not yet in the pipe.
    range: Range<u64>,
    more: More,
    pipe: Option<Lease>,
    filling: Option<Operation>,
}

pub(crate) async fn send(stream: &Rc<Stream>, pieces: Bufs, more: More) -> Result<()> {
    stream.outbound.begin().await?;
    let left = pieces.iter().map(|piece| piece.len()).sum();
    run(stream, Job::Pieces { pieces, sent: 0, left, more }).await
}

pub(crate) async fn send_file(
    stream: &Rc<Stream>,
    file: &Fd,
    range: Range<u64>,
    heat: Heat,
    more: More,
) -> Result<()> {
    stream.outbound.begin().await?;
    let file = file.clone();
    let job = match heat {
        Heat::Hot => Job::Hot { file, range },
        Heat::Cold => Job::Cold(Box::new(Cold { file, range, more, pipe: None, filling: None })),
    };
    run(stream, job).await
}

/// Carries the job out; dropped early, a task of its own carries on.
async fn run(stream: &Rc<Stream>, job: Job) -> Result<()> {
    let mut guard = Guard { stream, job: Some(job) };
    let job = guard.job.as_mut().expect("just put there");
    let result = drive(stream, job).await;
    guard.job = None;
    result
}

struct Guard<'a> {
    stream: &'a Rc<Stream>,
    job: Option<Job>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let Some(mut job) = self.job.take() else { return self.stream.outbound.release() };
        let stream = Rc::clone(self.stream);
        self.stream.shard.executor.spawn("finish sending", TaskClass::Latency, async move {
            // A failure breaks the stream, and the next call hears of it.
            let _ = drive(&stream, &mut job).await;
            stream.outbound.release();
        });
    }
}

/// May be dropped and called again at any point: all progress is in the job.
async fn drive(stream: &Rc<Stream>, job: &mut Job) -> Result<()> {
    let result = match job {
        Job::Pieces { pieces, sent, left, more } => {
            send_pieces(stream, pieces, sent, left, *more).await
        }
        Job::Hot { file, range } => send_hot(stream, file, range).await,
        Job::Cold(cold) => send_cold(stream, cold).await,
    };
    if let Err(error) = result {
        stream.outbound.break_off(error);
    }
    // What broke the stream first is the better answer: a shutdown here, not the EPIPE it causes.
    result.map_err(|error| stream.outbound.broken.get().unwrap_or(error))
}

async fn send_pieces(
    stream: &Rc<Stream>,
    pieces: &Bufs,
    sent: &mut usize,
    left: &mut usize,
    more: More,
) -> Result<()> {
    while *left > 0 {
        count(&stream.shard.tallies.sends, 1);
        match sys::send_vectored(&stream.fd, pieces, *sent, more == More::Follows) {
            Ok(count) => {
                *sent += count;
                *left -= count;
            }
            Err(errno) => stream.room_after(errno).await?,
        }
    }
    Ok(())
}

async fn send_hot(stream: &Rc<Stream>, file: &Fd, range: &mut Range<u64>) -> Result<()> {
    while range.start < range.end {
        let step = (range.end - range.start).min(FILE_STEP_BYTES);
        count(&stream.shard.tallies.send_files, 1);
        match sys::send_file(&stream.fd, file, range.start, step as usize) {
            Ok(0) => return Err(Error::Failed(libc::ENODATA)),
            Ok(sent) => {
                range.start += sent as u64;
                if sent as u64 == FILE_STEP_BYTES && range.start < range.end {
                    yield_once().await;
                }
            }
            Err(errno) => stream.room_after(errno).await?,
        }
    }
    Ok(())
}

async fn send_cold(stream: &Rc<Stream>, cold: &mut Cold) -> Result<()> {
    loop {
        if cold.filling.is_some() || cold.pipe.as_ref().is_none_or(|pipe| pipe.filled == 0) {
            if cold.filling.is_none() && cold.range.is_empty() {
                return Ok(());
            }
            fill(stream, cold).await?;
        }
        let pipe = cold.pipe.as_mut().expect("filled above");
        count(&stream.shard.tallies.splices, 1);
        let more = cold.more == More::Follows || !cold.range.is_empty();
        match sys::splice_to_socket(pipe.get(), &stream.fd, pipe.filled, more) {
            Ok(0) => return Err(Error::Failed(libc::EIO)),
            Ok(sent) => {
                pipe.filled -= sent;
                yield_once().await;
            }
            Err(errno) => {
                if errno == Errno::AGAIN && stream.shard.pipes.contended() {
                    // A slow reader gives its pipe to the others; its bytes are read again later.
                    cold.range.start -= pipe.filled as u64;
                    cold.pipe = None;
                }
                stream.room_after(errno).await?;
            }
        }
    }
}

/// Moves the next part of the file into the pipe.
async fn fill(stream: &Rc<Stream>, cold: &mut Cold) -> Result<()> {
    let shard = &stream.shard;
    if cold.pipe.is_none() {
        cold.pipe = Some(Lease::take(stream).await?);
    }
    let pipe = cold.pipe.as_mut().expect("taken above");
    let place = shard.pipes.cold_place().await;
    if cold.filling.is_none() {
        let left = usize::try_from(cold.range.end - cold.range.start).unwrap_or(usize::MAX);
        let step = left.min(pipe.get().capacity).min(COLD_BYTES);
        let write = &pipe.get().write;
        let slot = shard.core.borrow_mut().splice(&cold.file, cold.range.start, write, step)?;
        cold.filling = Some(Operation::new(shard, slot));
    }
    let filling = cold.filling.as_mut().expect("begun above");
    let (result, _) = poll_fn(|context| filling.poll_answer(context)).await;
    cold.filling = None;
    drop(place);
    match result.map_err(Error::from)? {
        0 => Err(Error::Failed(libc::ENODATA)),
        moved => {
            pipe.filled = moved as usize;
            cold.range.start += u64::from(moved);
            Ok(())
        }
    }
}

/// A pipe of the shard's, given back empty or not at all.
struct Lease {
    stream: Rc<Stream>,
    pipe: Option<Pipe>,
    filled: usize,
}

impl Lease {
    async fn take(stream: &Rc<Stream>) -> Result<Self> {
        let pipe = stream.shard.pipes.take().await?;
        Ok(Self { stream: Rc::clone(stream), pipe: Some(pipe), filled: 0 })
    }

    fn get(&self) -> &Pipe {
        self.pipe.as_ref().expect("held until dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let pipes = &self.stream.shard.pipes;
        match self.pipe.take() {
            Some(pipe) if self.filled == 0 => pipes.give_back(pipe),
            _ => pipes.discard(),
        }
    }
}
