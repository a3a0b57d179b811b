//! Listeners and streams.

use core::ops::Range;
use core::time::Duration;
use model::{Buf, Bufs};
use std::net::SocketAddr;

use crate::Result;

/// Whether more bytes of the same message follow at once, so that they share packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    Follows,
    Done,
}

/// Whether a file range certainly is in the page cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heat {
    /// Just written by this process: may be sent inline.
    Hot,
    /// Anything else: reading may block, so it leaves the loop.
    Cold,
}

pub trait Net {
    type File;
    type Conn: Conn<File = Self::File>;
    type Listener: Listener<Conn = Self::Conn>;

    /// Binds exclusively. Port 0 picks a free one.
    ///
    /// # Errors
    /// `AddressInUse` when somebody still holds it after two seconds.
    async fn listen(&self, at: SocketAddr) -> Result<Self::Listener>;

    async fn connect(&self, to: SocketAddr, limit: Duration) -> Result<Self::Conn>;

    /// Addresses of a name, in the order of preference. Literal addresses resolve to themselves.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>>;

    /// Continues a connection that another shard detached.
    fn adopt(&self, detached: <Self::Conn as Conn>::Detached) -> Self::Conn;
}

pub trait Listener: 'static {
    type Conn;

    fn local_addr(&self) -> SocketAddr;

    async fn accept(&self) -> Result<Self::Conn>;
}

/// One TCP connection with Nagle's algorithm off. Clones name the same connection, so that one task
/// may receive while another sends; at most one task uses each direction at a time.
pub trait Conn: Clone + 'static {
    type File;
    type Detached: Send + 'static;

    fn peer_addr(&self) -> SocketAddr;

    fn local_addr(&self) -> SocketAddr;

    /// Whatever arrives next, at least one byte; an empty buffer is the end of the stream. Holds no
    /// buffer while the connection is idle.
    async fn recv_any(&self) -> Result<Buf>;

    /// Appends exactly `count` bytes to `into`, straight from the kernel. The capacity is the
    /// caller's: at least `count` bytes must be free. What `recv_any` returned comes before.
    ///
    /// # Errors
    /// `Reset` when the stream ends earlier.
    async fn recv_exact(&self, into: Vec<u8>, count: usize) -> (Result<()>, Vec<u8>);

    /// Sends all pieces; returns when the kernel has accepted the last byte.
    async fn send(&self, pieces: Bufs, more: More) -> Result<()>;

    /// Sends a range of a file without copying it through this process.
    ///
    /// # Errors
    /// `Failed` when the file ends inside the range: the message is broken, close the connection.
    async fn send_file(
        &self,
        file: &Self::File,
        range: Range<u64>,
        heat: Heat,
        more: More,
    ) -> Result<()>;

    /// Ends both directions; pending operations complete with an error. Safe to call twice.
    fn shutdown(&self);

    /// Completes when the connection is gone, whoever ended it; what the peer sent before its end may
    /// still be unread.
    async fn wait_closed(&self);

    /// Takes the connection off this shard. Only between operations: nothing may be pending, and
    /// bytes already received and not yet taken travel along.
    fn detach(self) -> Self::Detached;
}
