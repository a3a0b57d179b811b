//! Is a broker ready? Asked over the wire, so that the answer is a client's answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// One Metadata request, version 1, for no topics: length, key, version, correlation id, no client
/// id, empty topic list.
const METADATA_REQUEST: &[u8] = &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];

/// Number of brokers that the broker at `address` lists, or `None` while it does not answer.
pub fn listed_brokers(address: &str) -> Option<u32> {
    let address = address.to_socket_addrs().ok()?.next()?;
    let patience = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    stream.write_all(METADATA_REQUEST).ok()?;
    // Length, correlation id, count of brokers.
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    Some(u32::from_be_bytes([head[8], head[9], head[10], head[11]]))
}

/// Whether some process listens at `address`.
pub fn is_taken(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

/// A loopback port `p` with `p + 1` free as well, for a node with a controller listener.
pub fn free_port() -> Option<u16> {
    for _ in 0..50 {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Some(port);
        }
    }
    None
}
