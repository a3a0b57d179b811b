//! TCP: everything here returns at once.

use super::fd::{Errno, Fd, Sys, retry};
use libc::c_int;
use model::Buf;
use std::mem::{ManuallyDrop, MaybeUninit, size_of};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{FromRawFd, OwnedFd};

/// Connections that the kernel completes while nobody accepts.
const BACKLOG: c_int = 1024;

/// Pieces handed to one `sendmsg`; the kernel takes at most 1024 (`IOV_MAX`).
const PIECES_PER_CALL: usize = 64;

/// Binds and listens without `SO_REUSEPORT`: a second process on the port is refused.
pub(crate) fn bind(at: SocketAddr) -> Sys<(Fd, SocketAddr)> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    let local = listener.local_addr()?;
    let fd = Fd::new(OwnedFd::from(listener));
    // SAFETY: takes no pointers; repeating `listen` only changes the backlog.
    retry(|| unsafe { libc::listen(fd.raw(), BACKLOG) } as isize)?;
    Ok((fd, local))
}

/// The next waiting connection, `EAGAIN` when there is none.
pub(crate) fn accept(listener: &Fd) -> Sys<Fd> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let (address, size) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: null address and size ask for no peer address, which accept4 allows.
    let raw = retry(|| unsafe { libc::accept4(listener.raw(), address, size, flags) } as isize)?;
    let fd = Fd::adopt(raw);
    set_nodelay(&fd)?;
    Ok(fd)
}

fn set_nodelay(fd: &Fd) -> Sys<()> {
    let on: c_int = 1;
    let size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointer names a live int and the size is that of an int.
    retry(|| unsafe {
        let value = (&raw const on).cast();
        libc::setsockopt(fd.raw(), libc::IPPROTO_TCP, libc::TCP_NODELAY, value, size) as isize
    })
    .map(drop)
}

/// Starts a connection; it is decided when the socket becomes writable.
pub(crate) fn connect_begin(to: SocketAddr) -> Sys<Fd> {
    let family = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointers.
    let fd = Fd::adopt(retry(|| unsafe { libc::socket(family, kind, 0) } as isize)?);
    set_nodelay(&fd)?;
    let (address, size) = encode(to);
    // SAFETY: `address` is an initialised socket address of at least `size` bytes of its family.
    let outcome = unsafe { libc::connect(fd.raw(), (&raw const address).cast(), size) };
    match outcome {
        0 => Ok(fd),
        // Interrupted or in progress: the attempt goes on by itself.
        _ => match Errno::last() {
            Errno(libc::EINPROGRESS | libc::EINTR) => Ok(fd),
            errno => Err(errno),
        },
    }
}

/// How a started connection ended, once the socket is writable.
pub(crate) fn connect_result(fd: &Fd) -> Sys<()> {
    let mut error: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: both pointers name live locals, and `size` is the size of the int to fill.
    retry(|| unsafe {
        let value = (&raw mut error).cast();
        libc::getsockopt(fd.raw(), libc::SOL_SOCKET, libc::SO_ERROR, value, &raw mut size) as isize
    })?;
    if error == 0 { Ok(()) } else { Err(Errno(error)) }
}

fn encode(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: all zeros is a valid sockaddr_storage.
    let mut storage: libc::sockaddr_storage = unsafe { MaybeUninit::zeroed().assume_init() };
    let size = match address {
        SocketAddr::V4(v4) => {
            let encoded = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: sockaddr_storage is large and aligned enough for every address family.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in>().write(encoded) };
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            let encoded = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            // SAFETY: as above.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in6>().write(encoded) };
            size_of::<libc::sockaddr_in6>()
        }
    };
    (storage, size as libc::socklen_t)
}

fn with_stream<T>(fd: &Fd, read: impl FnOnce(&TcpStream) -> std::io::Result<T>) -> Sys<T> {
    // SAFETY: the descriptor is open while `fd` is borrowed; ManuallyDrop leaves it open.
    let stream = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(fd.raw()) });
    Ok(read(&stream)?)
}

/// Both ends of a connected socket: (local, peer).
pub(crate) fn local_addr(fd: &Fd) -> Sys<(SocketAddr, SocketAddr)> {
    with_stream(fd, |stream| Ok((stream.local_addr()?, stream.peer_addr()?)))
}

/// Ends both directions; a socket that is not connected any more is fine.
pub(crate) fn shutdown(fd: &Fd) {
    // SAFETY: takes no pointers.
    let _ = retry(|| unsafe { libc::shutdown(fd.raw(), libc::SHUT_RDWR) } as isize);
}

/// Sends as much of `pieces` from byte `skip` on as fits, in one call.
pub(crate) fn send_vectored(fd: &Fd, pieces: &[Buf], skip: usize, more: bool) -> Sys<usize> {
    let mut list =
        [const { libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 } }; PIECES_PER_CALL];
    let (count, whole) = gather(pieces, skip, &mut list);
    // SAFETY: all zeros is a valid msghdr.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = list.as_mut_ptr();
    message.msg_iovlen = count;
    let hint = if more || !whole { libc::MSG_MORE } else { 0 };
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL | hint;
    // SAFETY: the message names `count` initialised entries of `list`, each a slice of a piece
    // that `pieces` keeps alive; sendmsg only reads them.
    retry(|| unsafe { libc::sendmsg(fd.raw(), &raw const message, flags) })
}

/// Fills `list` with what follows the first `skip` bytes; says how many entries and whether all of it.
fn gather(pieces: &[Buf], mut skip: usize, list: &mut [libc::iovec]) -> (usize, bool) {
    let mut count = 0;
    for piece in pieces {
        if skip >= piece.len() {
            skip -= piece.len();
            continue;
        }
        if count == list.len() {
            return (count, false);
        }
        let rest = &piece[skip..];
        list[count] =
            libc::iovec { iov_base: rest.as_ptr().cast_mut().cast(), iov_len: rest.len() };
        skip = 0;
        count += 1;
    }
    (count, true)
}

/// One receive into raw memory.
///
/// # Safety
/// `to` must be valid for writes of `count` bytes during the call.
pub(crate) unsafe fn receive_raw(fd: i32, to: *mut u8, count: usize) -> Sys<usize> {
    // SAFETY: by this function's contract.
    retry(|| unsafe { libc::recv(fd, to.cast(), count, libc::MSG_DONTWAIT) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathering_skips_what_was_sent_and_says_when_the_list_is_full() {
        let pieces: Vec<Buf> =
            [&b"abc"[..], b"", b"defg", b"h"].map(|p| Buf::from(p.to_vec())).to_vec();
        let mut list = [const { libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 } }; 2];
        let lens = |list: &[libc::iovec]| list.iter().map(|v| v.iov_len).collect::<Vec<_>>();
        assert_eq!(gather(&pieces, 0, &mut list), (2, false));
        assert_eq!(lens(&list), [3, 4]);
        assert_eq!(gather(&pieces, 4, &mut list), (2, true));
        assert_eq!(lens(&list), [3, 1]);
        assert_eq!(gather(&pieces, 8, &mut list), (0, true));
    }
}
