//! Every system call of the crate, as small safe functions, each `unsafe` block with its reason.
//!
//! Promises: descriptors are owned and counted, interrupted calls are repeated, errors are values.
//! Does not: wait. Sockets are non-blocking; what may block on a disk says so in its name or runs
//! on a side thread.

mod fd;
mod file;
mod poll;
mod process;
mod socket;

pub(crate) use fd::{Errno, Fd, FdRef, Sys, close_on_exec_eventfd};
pub(crate) use file::{
    Pipe, allocate, append_vectored, fadvise, iovecs, len, lock_exclusive, open, read_at_cached,
    read_at_raw, send_file, set_len, skip_written, space, splice_from_file, splice_to_socket,
    sync_data, write_vectored_raw,
};
pub(crate) use poll::{Epoll, Interest, poll_now};
pub(crate) use process::{
    affinity, clocks, cpu_set, entropy, give_way, mono, raise_descriptor_limit, stay_on,
};
pub(crate) use socket::{
    accept, bind, connect_begin, connect_result, local_addr, receive_raw, send_vectored, shutdown,
};
