//! The shell around a real ring: queues, enter, and nothing that decides.

use ::core::sync::atomic::{AtomicU16, Ordering};
use ::core::time::Duration;
use io_uring::{IoUring, cqueue, opcode, squeue, types};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use super::intent::{Completion, Intent, Token};
use super::{BELL, NUDGED, Tally, Wait};
use crate::arena::Arena;
use crate::pipes::WORKERS_MAX;
use crate::sys::{self, Errno, Fd};

const SUBMISSIONS: u32 = 512;
const COMPLETIONS: u32 = 8192;
const BUFFER_GROUP: u16 = 0;

/// `IORING_ENTER_*`, of which the crate exposes only some.
const ENTER_GETEVENTS: u32 = 1;
const ENTER_EXT_ARG: u32 = 1 << 3;
const ENTER_NO_IOWAIT: u32 = 1 << 7;

/// `struct io_uring_getevents_arg`.
#[repr(C)]
struct EnterArgument {
    sigmask: u64,
    sigmask_size: u32,
    min_wait_usec: u32,
    timeout: *const types::Timespec,
}

pub(crate) struct KernelRing {
    // Declared first: the ring closes before the memory that it was told of goes.
    ring: IoUring,
    buffers: BufferRing,
    bell: Fd,
    bell_armed: bool,
    /// Entries that found the queue full although the kernel was asked; bounded by the core's slab.
    backlog: VecDeque<squeue::Entry>,
    enter_flags: u32,
    pub(crate) tally: Tally,
}

/// A ring that fits this driver, or the step that the kernel refused.
///
/// # Errors
/// The refused call and its errno.
pub(crate) fn build() -> Result<IoUring, (&'static str, Errno)> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_submit_all()
        .setup_cqsize(COMPLETIONS)
        .dontfork()
        .build(SUBMISSIONS)
        .map_err(|error| ("io_uring_setup", error.into()))?;
    let needs = [
        opcode::Nop::CODE,
        opcode::PollAdd::CODE,
        opcode::Recv::CODE,
        opcode::Read::CODE,
        opcode::Writev::CODE,
        opcode::Fsync::CODE,
        opcode::Splice::CODE,
        opcode::AsyncCancel::CODE,
        opcode::MsgRingData::CODE,
    ];
    let mut probe = io_uring::Probe::new();
    ring.submitter()
        .register_probe(&mut probe)
        .map_err(|error| ("io_uring_register(PROBE)", error.into()))?;
    if !needs.iter().all(|code| probe.is_supported(*code)) {
        return Err(("io_uring opcode", Errno(libc::EINVAL)));
    }
    if !ring.params().is_feature_ext_arg() || !ring.params().is_feature_nodrop() {
        return Err(("io_uring feature", Errno(libc::EINVAL)));
    }
    Ok(ring)
}

impl KernelRing {
    /// Must run on the thread that will use the ring. Workers stay on the `helpers` processors, or
    /// anywhere when there are none.
    pub(crate) fn new(
        arena: Arc<Arena>,
        bell: Fd,
        helpers: &[usize],
    ) -> Result<Self, (&'static str, Errno)> {
        let ring = build()?;
        // File workers (the first number); syncs keep at least half of them, see `pipes.rs`. Without
        // the bound there would only be more workers than we want.
        let _ = ring.submitter().register_iowq_max_workers(&mut [WORKERS_MAX, 0]);
        if !helpers.is_empty() {
            // Workers do not inherit this thread's affinity. A refusal leaves them free, as before.
            let _ = ring.submitter().register_iowq_aff(&sys::cpu_set(helpers));
        }
        let buffers = BufferRing::new(arena);
        // SAFETY: the entries are page-aligned, as many as given, and outlive the ring (field order).
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                buffers.entries.expose_provenance() as u64,
                buffers.arena.count(),
                BUFFER_GROUP,
                0,
            )
        }
        .map_err(|error| ("io_uring_register(PBUF_RING)", error.into()))?;
        let no_iowait = ring.params().is_feature_no_iowait();
        let enter_flags = if no_iowait { ENTER_NO_IOWAIT } else { 0 };
        let (tally, backlog) = (Tally::default(), VecDeque::new());
        Ok(Self { ring, buffers, bell, bell_armed: false, backlog, enter_flags, tally })
    }

    pub(crate) fn descriptor(&self) -> i32 {
        self.ring.as_raw_fd()
    }

    pub(crate) fn push(&mut self, intent: Intent) {
        if let Intent::Provide { buffer } = intent {
            return self.buffers.provide(buffer);
        }
        let fd = |fd: crate::sys::FdRef| types::Fd(fd.raw);
        let (token, entry) = match intent {
            Intent::Poll { token, fd: at, events } => {
                (token, opcode::PollAdd::new(fd(at), events).build())
            }
            Intent::ReceiveMany { token, fd: at } => {
                (token, opcode::RecvMulti::new(fd(at), BUFFER_GROUP).build())
            }
            Intent::ReceiveOnce { token, fd: at } => {
                let entry = opcode::Recv::new(fd(at), std::ptr::null_mut(), 0)
                    .buf_group(BUFFER_GROUP)
                    .build()
                    .flags(squeue::Flags::BUFFER_SELECT);
                (token, entry)
            }
            Intent::ReceiveExact { token, fd: at, to, count } => {
                let entry = opcode::Recv::new(fd(at), to, count).flags(libc::MSG_WAITALL);
                (token, entry.build())
            }
            Intent::Read { token, fd: from, at, to, count } => {
                (token, opcode::Read::new(fd(from), to, count).offset(at).build())
            }
            Intent::Write { token, fd: to, at, list, count } => {
                (token, opcode::Writev::new(fd(to), list, count).offset(at).build())
            }
            Intent::Sync { token, fd: at } => {
                let entry = opcode::Fsync::new(fd(at)).flags(types::FsyncFlags::DATASYNC);
                (token, entry.build())
            }
            Intent::Splice { token, file, at, pipe, count } => {
                let at = i64::try_from(at).unwrap_or(i64::MAX);
                (token, opcode::Splice::new(fd(file), at, fd(pipe), -1, count).build())
            }
            Intent::Cancel { target } => {
                (target.answer_to_cancel(), opcode::AsyncCancel::new(target.0).build())
            }
            Intent::Provide { .. } => unreachable!("handled above"),
        };
        self.submit(&entry.user_data(token.0));
    }

    /// Wakes another ring that sleeps; comes back as `failed` when that did not work.
    pub(crate) fn nudge(&mut self, peer_ring: i32, failed: Token) {
        let target = Token::special(NUDGED).0;
        let entry = opcode::MsgRingData::new(types::Fd(peer_ring), 0, target, None)
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS)
            .user_data(failed.0);
        self.submit(&entry);
    }

    fn submit(&mut self, entry: &squeue::Entry) {
        self.tally.submissions += 1;
        if !self.backlog.is_empty() || !self.queue(entry) {
            self.backlog.push_back(entry.clone());
        }
    }

    /// Queues an entry, making room once; false when the kernel takes none until completions have
    /// been reaped.
    fn queue(&mut self, entry: &squeue::Entry) -> bool {
        for _ in 0..2 {
            // SAFETY: every pointer in the entry was made by the core, which keeps the memory in its
            // slab until the last completion; the buffer group outlives the ring.
            if unsafe { self.ring.submission().push(entry) }.is_ok() {
                return true;
            }
            self.enter(0, ENTER_GETEVENTS, None);
        }
        false
    }

    fn drain_backlog(&mut self) {
        while let Some(entry) = self.backlog.pop_front() {
            if !self.queue(&entry) {
                self.backlog.push_front(entry);
                break;
            }
        }
    }

    fn enter(&mut self, want: u32, flags: u32, limit: Option<Duration>) {
        let count = self.ring.submission().len() as u32;
        self.tally.enters += 1;
        let timeout = limit
            .map(|limit| types::Timespec::new().sec(limit.as_secs()).nsec(limit.subsec_nanos()));
        let argument = EnterArgument {
            sigmask: 0,
            sigmask_size: 0,
            min_wait_usec: 0,
            timeout: timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
        };
        let flags = flags | ENTER_EXT_ARG | self.enter_flags;
        // Every refusal leads back to the loop: EINTR and ETIME are no news, EBUSY and EAGAIN ask
        // to reap first, and entries that were not taken stay queued.
        // SAFETY: `argument` is the structure that EXT_ARG announces, alive with its timeout.
        let _ = unsafe { self.ring.submitter().enter(count, want, flags, Some(&argument)) };
    }

    /// Hands everything queued to the kernel and takes completions out, waiting as told.
    pub(crate) fn wait(&mut self, wait: Wait, out: &mut Vec<Completion>) {
        if !self.bell_armed {
            self.bell_armed = true;
            let entry = opcode::PollAdd::new(types::Fd(self.bell.raw()), libc::POLLIN as u32)
                .multi(true)
                .build()
                .user_data(Token::special(BELL).0);
            self.submit(&entry);
        }
        let reaped = self.reap(out);
        self.drain_backlog();
        let (submissions, taskrun, overflow) = {
            let queue = self.ring.submission();
            (queue.len(), queue.taskrun(), queue.cq_overflow())
        };
        match wait {
            // Completions are there already: never sleep.
            Wait::Until(_) | Wait::Forever if reaped => {
                if submissions > 0 || taskrun || overflow {
                    self.enter(0, ENTER_GETEVENTS, None);
                }
            }
            Wait::Until(limit) => self.enter(1, ENTER_GETEVENTS, Some(limit)),
            Wait::Forever => self.enter(1, ENTER_GETEVENTS, None),
            Wait::No if submissions > 0 || taskrun || overflow => {
                self.enter(0, ENTER_GETEVENTS, None);
            }
            Wait::No => return,
        }
        self.reap(out);
    }

    fn reap(&mut self, out: &mut Vec<Completion>) -> bool {
        let before = out.len();
        let mut rearm = false;
        for entry in self.ring.completion() {
            let token = Token(entry.user_data());
            let more = cqueue::more(entry.flags());
            if token == Token::special(BELL) {
                self.bell.silence_bell();
                rearm |= !more;
            }
            let result = match u32::try_from(entry.result()) {
                Ok(count) => Ok(count),
                Err(_) => Err(Errno(-entry.result())),
            };
            out.push(Completion {
                token,
                result,
                more,
                buffer: cqueue::buffer_select(entry.flags()),
            });
        }
        if rearm {
            self.bell_armed = false;
        }
        out.len() > before
    }
}

/// The ring of provided buffers that the kernel takes from.
struct BufferRing {
    entries: *mut types::BufRingEntry,
    layout: Layout,
    arena: Arc<Arena>,
    tail: u16,
}

impl BufferRing {
    fn new(arena: Arc<Arena>) -> Self {
        let bytes = usize::from(arena.count()) * size_of::<types::BufRingEntry>();
        let layout = Layout::from_size_align(bytes, 4096).expect("a small power of two");
        // SAFETY: at least one entry, so the size is not zero.
        let entries = unsafe { alloc_zeroed(layout) }.cast::<types::BufRingEntry>();
        if entries.is_null() {
            handle_alloc_error(layout);
        }
        Self { entries, layout, arena, tail: 0 }
    }

    fn provide(&mut self, buffer: u16) {
        let at = usize::from(self.tail & (self.arena.count() - 1));
        // SAFETY: `at` is below the number of entries. The kernel reads entries only before the
        // tail, and the core never has more buffers out than there are entries.
        unsafe {
            let entry = &mut *self.entries.add(at);
            entry.set_addr(self.arena.address(buffer).expose_provenance() as u64);
            entry.set_len(self.arena.buffer_bytes() as u32);
            entry.set_bid(buffer);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail lies in the first entry, which lives as long as `self`; it is written
        // only here, atomically, so that the kernel sees the entry before the new tail.
        unsafe {
            let tail = types::BufRingEntry::tail(self.entries).cast_mut().cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for BufferRing {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout; the ring that knew it is closed.
        unsafe { dealloc(self.entries.cast(), self.layout) };
    }
}
