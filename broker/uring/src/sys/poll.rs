//! Readiness, for the fallback.

use super::fd::{Fd, FdRef, Sys, retry};
use core::time::Duration;

/// Events of one descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interest(pub(crate) u32);

#[derive(Debug)]
pub(crate) struct Epoll(Fd);

/// Events taken by one call.
const BATCH: usize = 256;

impl Epoll {
    pub(crate) fn new() -> Sys<Self> {
        // SAFETY: takes no pointers.
        retry(|| unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as isize)
            .map(|raw| Self(Fd::adopt(raw)))
    }

    /// Reports `interest` of the descriptor under `key`. Closing the descriptor ends it.
    pub(crate) fn add(&self, fd: FdRef, interest: Interest, key: u64) -> Sys<()> {
        let mut event = libc::epoll_event { events: interest.0, u64: key };
        // SAFETY: the pointer names a live event, which the call only reads.
        retry(|| unsafe {
            libc::epoll_ctl(self.0.raw(), libc::EPOLL_CTL_ADD, fd.raw, &raw mut event) as isize
        })
        .map(drop)
    }

    /// Waits until something is ready or `limit` has passed (`None`: for ever); then calls `each`
    /// with every key and its events. An interrupted wait is an empty one.
    pub(crate) fn wait(&self, limit: Option<Duration>, mut each: impl FnMut(u64, u32)) {
        let mut events = [const { libc::epoll_event { events: 0, u64: 0 } }; BATCH];
        let limit = limit.map(|limit| libc::timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: room for BATCH events, a null or live time limit, no signal mask.
        let count = unsafe {
            let (room, null) = (BATCH as i32, std::ptr::null());
            libc::epoll_pwait2(self.0.raw(), events.as_mut_ptr(), room, limit, null)
        };
        for event in &events[..usize::try_from(count).unwrap_or(0)] {
            each(event.u64, event.events);
        }
    }
}

/// The events of `interest` that are true now.
pub(crate) fn poll_now(fd: FdRef, interest: Interest) -> u32 {
    // The poll and epoll bits have the same values, and all that we ask for fit 16 bits.
    let mut entry = libc::pollfd { fd: fd.raw, events: interest.0 as i16, revents: 0 };
    // SAFETY: one live entry, no waiting.
    let count = unsafe { libc::poll(&raw mut entry, 1, 0) };
    if count > 0 { u32::from(entry.revents as u16) } else { 0 }
}
