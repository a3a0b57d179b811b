//! Is a broker ready? Asked over the wire, so that the answer is a client's answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// One Metadata request, version 1, for no topics: length, key, version, correlation id, no client
/// id, empty topic list.
const METADATA_REQUEST: &[u8] = &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];

/// One ApiVersions request, version 0: length, key, version, correlation id, no client id.
const API_VERSIONS_REQUEST: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

const PATIENCE: Duration = Duration::from_secs(2);

/// Number of brokers that the broker at `address` lists, or `None` while it does not answer.
pub fn listed_brokers(address: &str) -> Option<u32> {
    let address = address.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(METADATA_REQUEST).ok()?;
    // Length, correlation id, count of brokers.
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    Some(u32::from_be_bytes([head[8], head[9], head[10], head[11]]))
}

/// Whether the broker at `address` lists an API in its ApiVersions; `None` while it does not answer.
pub fn lists_api(address: &str, api_key: i16) -> Option<bool> {
    let address = address.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(API_VERSIONS_REQUEST).ok()?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = Vec::new();
    stream.take(u32::from_be_bytes(length).into()).read_to_end(&mut body).ok()?;
    // Correlation id, error code, count of rows; then key, lowest and highest version in each row.
    let rows = body.get(10..)?.chunks_exact(6);
    Some(rows.into_iter().any(|row| row[..2] == api_key.to_be_bytes()))
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
