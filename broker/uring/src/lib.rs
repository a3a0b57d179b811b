//! Live backends of the seam: io_uring driver and epoll fallback. The only crate with unsafe code and system calls.
