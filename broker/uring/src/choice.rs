//! Which backend a process gets, and the line that says why.

use core::fmt;

use crate::options::Io;
use crate::ring::build_kernel_ring;
use crate::sys::Errno;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Uring,
    Epoll,
}

/// The chosen backend; its `Display` is the line for the log and for every report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub backend: Backend,
    /// Why the fallback was taken; empty otherwise.
    pub reason: String,
}

/// io_uring was demanded and the kernel refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
}

const HINT: &str = "allow io_uring_setup/enter/register (seccomp, kernel.io_uring_disabled), \
                    kernel 6.1 or newer, or choose --io epoll";

/// Tries the real ring, all flags and opcodes, on this thread.
///
/// # Errors
/// Only for `Io::Uring`, when the ring cannot be had.
pub fn choose(io: Io) -> Result<Choice, Refused> {
    if io == Io::Epoll {
        return Ok(Choice { backend: Backend::Epoll, reason: "asked for".to_owned() });
    }
    match try_ring() {
        Ok(()) => Ok(Choice { backend: Backend::Uring, reason: String::new() }),
        Err((call, errno)) => {
            let reason = format!("{call}: {}", cause(errno));
            match io {
                Io::Uring => Err(Refused { reason }),
                Io::Auto | Io::Epoll => Ok(Choice { backend: Backend::Epoll, reason }),
            }
        }
    }
}

/// Builds the ring and passes one NOP through it.
fn try_ring() -> Result<(), (&'static str, Errno)> {
    let mut ring = build_kernel_ring()?;
    // SAFETY: a NOP names no memory.
    unsafe { ring.submission().push(&io_uring::opcode::Nop::new().build()) }
        .expect("a new queue has room");
    ring.submit_and_wait(1).map_err(|error| ("io_uring_enter", error.into()))?;
    match ring.completion().next().map(|entry| entry.result()) {
        Some(0) => Ok(()),
        Some(result) => Err(("io_uring NOP", Errno(-result))),
        None => Err(("io_uring NOP", Errno(libc::EIO))),
    }
}

fn cause(Errno(errno): Errno) -> String {
    match errno {
        libc::EPERM => "EPERM: denied by seccomp or kernel.io_uring_disabled".to_owned(),
        libc::ENOMEM => "ENOMEM: the memlock limit is too small".to_owned(),
        libc::EINVAL => "EINVAL: kernel older than 6.1".to_owned(),
        libc::ENOSYS => "ENOSYS: no io_uring in this kernel, or a filter hides it".to_owned(),
        other => format!("{}", std::io::Error::from_raw_os_error(other)),
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backend {
            Backend::Uring => f.write_str("io=uring"),
            Backend::Epoll if self.reason == "asked for" => {
                f.write_str("io=epoll reason=\"asked for\"")
            }
            Backend::Epoll => write!(f, "io=epoll reason=\"{}\" hint=\"{HINT}\"", self.reason),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "io_uring is not available: {}; {HINT}", self.reason)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_line_names_cause_and_remedy() {
        let choice = Choice {
            backend: Backend::Epoll,
            reason: format!("io_uring_setup: {}", cause(Errno(libc::EPERM))),
        };
        let line = choice.to_string();
        assert!(line.starts_with("io=epoll reason=\"io_uring_setup: EPERM: denied by seccomp"));
        assert!(line.contains("hint=\"allow io_uring_setup"));
    }

    #[test]
    fn epoll_on_request_needs_no_ring() {
        assert_eq!(choose(Io::Epoll).map(|choice| choice.backend), Ok(Backend::Epoll));
    }
}
