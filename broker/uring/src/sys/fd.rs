//! Counted descriptors and the errno of a failed call.

use runtime::Error;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) type Sys<T> = Result<T, Errno>;

/// What a system call answered instead of success. Positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

impl Errno {
    pub(crate) const AGAIN: Self = Self(libc::EAGAIN);

    pub(crate) fn last() -> Self {
        Self::from(io::Error::last_os_error())
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        let by_kind = match error.kind() {
            io::ErrorKind::UnexpectedEof => libc::ENODATA,
            io::ErrorKind::InvalidInput => libc::EINVAL,
            _ => libc::EIO,
        };
        Self(error.raw_os_error().unwrap_or(by_kind))
    }
}

impl From<Errno> for Error {
    fn from(Errno(errno): Errno) -> Self {
        match errno {
            libc::ENOSPC | libc::EDQUOT => Self::NoSpace,
            libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS => Self::Full,
            libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED => Self::Reset,
            libc::ECONNREFUSED => Self::Refused,
            libc::ECANCELED => Self::Cancelled,
            libc::ETIMEDOUT => Self::TimedOut,
            libc::ENOENT => Self::NotFound,
            libc::EEXIST => Self::Exists,
            libc::EADDRINUSE => Self::AddressInUse,
            libc::EACCES | libc::EPERM => Self::PermissionDenied,
            libc::EBADF | libc::ENOTCONN | libc::ESHUTDOWN => Self::Closed,
            other => Self::Failed(other),
        }
    }
}

/// Repeats an interrupted call and turns the C convention into a result.
pub(super) fn retry(mut call: impl FnMut() -> isize) -> Sys<usize> {
    loop {
        if let Ok(value) = usize::try_from(call()) {
            return Ok(value);
        }
        let errno = Errno::last();
        if errno.0 != libc::EINTR {
            return Err(errno);
        }
    }
}

/// A descriptor that closes with its last holder. Every operation in flight is a holder, so a number
/// is never reused under an operation that still names it.
#[derive(Debug, Clone)]
pub(crate) struct Fd(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    owned: OwnedFd,
    serial: u64,
}

/// A descriptor by value, valid while some [`Fd`] lives. The serial tells two lives of one number
/// apart, for tables that remember what they registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FdRef {
    pub(crate) raw: RawFd,
    pub(crate) serial: u64,
}

impl Fd {
    pub(crate) fn new(owned: OwnedFd) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Inner { owned, serial }))
    }

    /// Takes over a descriptor that a system call just returned.
    pub(super) fn adopt(raw: usize) -> Self {
        let raw = RawFd::try_from(raw).expect("the kernel returns descriptors as int");
        // SAFETY: every caller passes the fresh, successful result of a call that creates a
        // descriptor, so it is open and nobody else owns it.
        Self::new(unsafe { OwnedFd::from_raw_fd(raw) })
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.0.owned.as_raw_fd()
    }

    pub(crate) fn get(&self) -> FdRef {
        FdRef { raw: self.raw(), serial: self.0.serial }
    }
}

/// A wake-up counter: [`Fd::ring_bell`] adds, [`Fd::silence_bell`] clears.
pub(crate) fn close_on_exec_eventfd() -> Sys<Fd> {
    // SAFETY: takes no pointers.
    retry(|| unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) } as isize)
        .map(Fd::adopt)
}

impl Fd {
    /// Makes an eventfd readable. A full counter is readable already.
    pub(crate) fn ring_bell(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: the pointer and length name a live local array, which the call only reads.
        let _ = retry(|| unsafe { libc::write(self.raw(), one.as_ptr().cast(), one.len()) });
    }

    /// Clears an eventfd; fine when it was clear.
    pub(crate) fn silence_bell(&self) {
        let mut count = [0u8; 8];
        // SAFETY: the pointer and length name a live local array of the eight bytes it may write.
        let _ = retry(|| unsafe { libc::read(self.raw(), count.as_mut_ptr().cast(), count.len()) });
    }
}
