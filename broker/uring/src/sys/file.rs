//! Files, pipes and the zero-copy calls between them and sockets.

use super::fd::{Errno, Fd, Sys, retry};
use core::ops::Range;
use model::Buf;
use runtime::{Advice, Open, Space};
use std::ffi::CString;
use std::fs::OpenOptions;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Blocks on the disk: side thread.
pub(crate) fn open(path: &Path, how: Open) -> Sys<Fd> {
    let mut options = OpenOptions::new();
    options.read(true).write(how != Open::Read);
    match how {
        Open::Read | Open::Write => {}
        Open::Create => drop(options.create(true)),
        Open::CreateNew => drop(options.create_new(true)),
    }
    let fd = Fd::new(OwnedFd::from(options.open(path)?));
    read_no_further(&fd);
    Ok(fd)
}

/// Has reads bring in what they ask for and nothing ahead of it. The program knows what it will read
/// and says so in large pieces; the kernel would guess megabytes for each stream, on a core that
/// serves others, and syncs would wait behind them all.
fn read_no_further(fd: &Fd) {
    // SAFETY: takes no pointers. A hint: its answer is of no consequence.
    unsafe { libc::posix_fadvise(fd.raw(), 0, 0, libc::POSIX_FADV_RANDOM) };
}

fn offset(at: u64) -> Sys<i64> {
    i64::try_from(at).map_err(|_| Errno(libc::EINVAL))
}

/// Writes all pieces from `at` on. Into the page cache: normally some microseconds per 64 KiB, but
/// the kernel makes heavy writers wait.
pub(crate) fn append_vectored(fd: &Fd, mut at: u64, pieces: &[Buf]) -> Sys<()> {
    let mut list: Vec<libc::iovec> = iovecs(pieces);
    let mut rest = &mut list[..];
    while !rest.is_empty() {
        let count = rest.len().min(1024);
        // SAFETY: the first `count` entries are initialised and each names a piece that `pieces`
        // keeps alive; the call only reads them.
        let wrote = unsafe { write_vectored_raw(fd.raw(), at, rest.as_ptr(), count) }?;
        if wrote == 0 {
            return Err(Errno(libc::EIO));
        }
        at += wrote as u64;
        rest = skip_written(rest, wrote);
    }
    Ok(())
}

pub(crate) fn iovecs(pieces: &[Buf]) -> Vec<libc::iovec> {
    let entry = |piece: &Buf| libc::iovec {
        iov_base: piece.as_ptr().cast_mut().cast(),
        iov_len: piece.len(),
    };
    pieces.iter().filter(|piece| !piece.is_empty()).map(entry).collect()
}

/// Moves the start of a vector list past `wrote` bytes.
pub(crate) fn skip_written(list: &mut [libc::iovec], mut wrote: usize) -> &mut [libc::iovec] {
    let mut from = 0;
    while from < list.len() && wrote >= list[from].iov_len {
        wrote -= list[from].iov_len;
        from += 1;
    }
    let rest = &mut list[from..];
    if let Some(first) = rest.first_mut() {
        first.iov_base = first.iov_base.wrapping_byte_add(wrote);
        first.iov_len -= wrote;
    }
    rest
}

/// One positional write of a vector list.
///
/// # Safety
/// `list` must name `count` entries, each valid for reads during the call.
pub(crate) unsafe fn write_vectored_raw(
    fd: i32,
    at: u64,
    list: *const libc::iovec,
    count: usize,
) -> Sys<usize> {
    let at = offset(at)?;
    let count = i32::try_from(count).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: by this function's contract.
    retry(|| unsafe { libc::pwritev(fd, list, count, at) })
}

/// One positional read into raw memory. Blocks on the disk.
///
/// # Safety
/// `to` must be valid for writes of `count` bytes during the call.
pub(crate) unsafe fn read_at_raw(fd: i32, at: u64, to: *mut u8, count: usize) -> Sys<usize> {
    let at = offset(at)?;
    // SAFETY: by this function's contract.
    retry(|| unsafe { libc::pread(fd, to.cast(), count, at) })
}

/// Appends up to `count` bytes to `into`, only what the page cache holds; `EAGAIN` when nothing.
pub(crate) fn read_at_cached(fd: &Fd, at: u64, into: &mut Vec<u8>, count: usize) -> Sys<usize> {
    let at = offset(at)?;
    let count = count.min(into.capacity() - into.len());
    let spare = into.spare_capacity_mut();
    let entry = libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: count };
    // SAFETY: the entry names `count` bytes of the vector's spare capacity, writable and alive.
    let got =
        retry(|| unsafe { libc::preadv2(fd.raw(), &raw const entry, 1, at, libc::RWF_NOWAIT) })?;
    assert!(got <= count, "the kernel read {got} of {count} bytes");
    // SAFETY: the kernel filled the first `got` bytes of the spare capacity.
    unsafe { into.set_len(into.len() + got) };
    Ok(got)
}

/// Blocks on the disk. Takes the raw descriptor: the operation in flight holds the owner.
pub(crate) fn sync_data(fd: i32) -> Sys<()> {
    // SAFETY: takes no pointers.
    retry(|| unsafe { libc::fdatasync(fd) } as isize).map(drop)
}

pub(crate) fn len(fd: &Fd) -> Sys<u64> {
    let mut facts = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the pointer names a live stat structure; all zeros is a valid one.
    retry(|| unsafe { libc::fstat(fd.raw(), facts.as_mut_ptr()) } as isize)?;
    // SAFETY: initialised above, by zeroing and by the successful call.
    let facts = unsafe { facts.assume_init() };
    u64::try_from(facts.st_size).map_err(|_| Errno(libc::EIO))
}

/// Blocks on the disk.
pub(crate) fn set_len(fd: &Fd, len: u64) -> Sys<()> {
    let len = offset(len)?;
    // SAFETY: takes no pointers.
    retry(|| unsafe { libc::ftruncate(fd.raw(), len) } as isize).map(drop)
}

/// Blocks on the disk.
pub(crate) fn allocate(fd: &Fd, range: Range<u64>) -> Sys<()> {
    let (start, size) = (offset(range.start)?, offset(range.end.saturating_sub(range.start))?);
    // SAFETY: takes no pointers.
    retry(|| unsafe { libc::fallocate(fd.raw(), 0, start, size) } as isize).map(drop)
}

/// May block on the disk.
pub(crate) fn fadvise(fd: &Fd, range: Range<u64>, advice: Advice) {
    let advice = match advice {
        Advice::WillNeed => libc::POSIX_FADV_WILLNEED,
        Advice::DontNeed => libc::POSIX_FADV_DONTNEED,
    };
    if let (Ok(start), Ok(size)) =
        (offset(range.start), offset(range.end.saturating_sub(range.start)))
    {
        // SAFETY: takes no pointers. A hint: its answer is of no consequence.
        unsafe { libc::posix_fadvise(fd.raw(), start, size, advice) };
    }
}

/// Takes an exclusive lock over the whole file, `EAGAIN` when somebody holds one.
///
/// An open-file-description lock: it conflicts with the fcntl locks of a Java Kafka, and unlike
/// those it is not lost when this process closes another descriptor of the same file.
pub(crate) fn lock_exclusive(fd: &Fd) -> Sys<()> {
    // SAFETY: all zeros is a valid flock: from the start to the end of the file, pid 0.
    let mut whole: libc::flock = unsafe { MaybeUninit::zeroed().assume_init() };
    whole.l_type = libc::F_WRLCK as libc::c_short;
    whole.l_whence = libc::SEEK_SET as libc::c_short;
    // SAFETY: the pointer names a live flock structure.
    retry(|| unsafe { libc::fcntl(fd.raw(), libc::F_OFD_SETLK, &raw const whole) } as isize)
        .map(drop)
        .map_err(|Errno(errno)| Errno(if errno == libc::EACCES { libc::EAGAIN } else { errno }))
}

/// Blocks on the disk.
pub(crate) fn space(path: &Path) -> Sys<Space> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno(libc::EINVAL))?;
    let mut facts = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: a C string and a live structure, for which all zeros is valid.
    retry(|| unsafe { libc::statvfs(path.as_ptr(), facts.as_mut_ptr()) } as isize)?;
    // SAFETY: initialised above, by zeroing and by the successful call.
    let facts = unsafe { facts.assume_init() };
    Ok(Space {
        total_bytes: facts.f_blocks * facts.f_frsize,
        free_bytes: facts.f_bavail * facts.f_frsize,
    })
}

/// Sends cached bytes of a file; `EAGAIN` when the socket is full, 0 at the end of the file. Unlike
/// `sendmsg` it cannot ask for no SIGPIPE: Rust programs ignore that signal from the start.
pub(crate) fn send_file(socket: &Fd, file: &Fd, at: u64, count: usize) -> Sys<usize> {
    let mut at = offset(at)?;
    // SAFETY: the pointer names a live offset, which the call may update.
    retry(|| unsafe { libc::sendfile(socket.raw(), file.raw(), &raw mut at, count) })
}

/// The two ends of a pipe that carries file pages to a socket.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) read: Fd,
    pub(crate) write: Fd,
    pub(crate) capacity: usize,
}

impl Pipe {
    /// Asks for `wanted` bytes and takes what the user's pipe budget still gives.
    pub(crate) fn new(wanted: usize) -> Sys<Self> {
        let mut ends = [0; 2];
        // SAFETY: the pointer names an array of two ints.
        retry(|| unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } as isize)?;
        let [read, write] =
            ends.map(|raw| Fd::adopt(usize::try_from(raw).expect("descriptors are positive")));
        let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
        // SAFETY: both calls take no pointers. A refused size leaves the default of 64 KiB.
        let _ = unsafe { libc::fcntl(write.raw(), libc::F_SETPIPE_SZ, wanted) };
        // SAFETY: as above.
        let size = retry(|| unsafe { libc::fcntl(write.raw(), libc::F_GETPIPE_SZ) } as isize)?;
        Ok(Self { read, write, capacity: size })
    }
}

/// One splice from a file into a pipe. Blocks on the disk.
pub(crate) fn splice_from_file(file: i32, at: u64, pipe: i32, count: usize) -> Sys<usize> {
    let mut at = offset(at)?;
    let null = std::ptr::null_mut();
    // SAFETY: one live offset that the call may update; a null offset for the pipe.
    retry(|| unsafe { libc::splice(file, &raw mut at, pipe, null, count, 0) })
}

/// Moves pipe pages to a non-blocking socket; `EAGAIN` when it is full.
pub(crate) fn splice_to_socket(pipe: &Pipe, socket: &Fd, count: usize, more: bool) -> Sys<usize> {
    let hint = if more { libc::SPLICE_F_MORE } else { 0 };
    let flags = libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MOVE | hint;
    let null = std::ptr::null_mut;
    // SAFETY: null offsets, as pipes and sockets require.
    retry(|| unsafe { libc::splice(pipe.read.raw(), null(), socket.raw(), null(), count, flags) })
}
