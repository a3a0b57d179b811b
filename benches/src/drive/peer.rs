//! One blocking connection: frames out, frames in.

use crate::Outcome;
use model::Buf;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wire::frame::{LENGTH_BYTES, decode_response, encode_request, frame_size};
use wire::{Message, Request};

/// An answer that takes longer means that the broker is stuck.
const PATIENCE: Duration = Duration::from_secs(60);
const FRAME_BYTES_MAX: usize = 128 << 20;
/// Where the correlation id lies in a request frame: after length, API key and version.
const CORRELATION_AT: usize = LENGTH_BYTES + 4;

pub(crate) struct Peer {
    stream: TcpStream,
    /// The last frame received; the memory is used again.
    received: Vec<u8>,
}

impl Peer {
    pub(crate) fn connect(address: &str) -> Outcome<Self> {
        let connect = || {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Self { stream, received: Vec::new() })
        };
        connect().map_err(|error: std::io::Error| format!("{address}: {error}"))
    }

    /// Sends a whole frame.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Outcome<()> {
        self.stream.write_all(frame).map_err(|error| format!("send: {error}"))
    }

    /// Receives one frame; the bytes are those after its length.
    pub(crate) fn receive(&mut self) -> Outcome<&[u8]> {
        let failed = |error: std::io::Error| format!("receive: {error}");
        let mut prefix = [0; LENGTH_BYTES];
        self.stream.read_exact(&mut prefix).map_err(failed)?;
        let size = frame_size(prefix, FRAME_BYTES_MAX).map_err(|error| error.to_string())?;
        if self.received.len() < size {
            self.received.resize(size, 0);
        }
        let frame = &mut self.received[..size];
        self.stream.read_exact(frame).map_err(failed)?;
        Ok(frame)
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> Outcome<R::Response>
    where
        R::Response: Message,
    {
        self.ask(request, version)?;
        self.answer(version)
    }

    /// Sends a request whose answer is taken later.
    pub(crate) fn ask<R: Request>(&mut self, request: &R, version: i16) -> Outcome<()> {
        self.send(&encode(request, version)?)
    }

    /// Waits for the answer to the oldest request that has none.
    pub(crate) fn answer<R: wire::Response>(&mut self, version: i16) -> Outcome<R> {
        let frame = Buf::from(self.receive()?.to_vec());
        decode(&frame, version)
    }
}

/// The whole frame of a request.
pub(crate) fn encode<R: Request>(request: &R, version: i16) -> Outcome<Vec<u8>> {
    encode_request(request, version, 0, Some("drive"), FRAME_BYTES_MAX)
        .map(wire::Frame::into_vec)
        .map_err(|error| error.to_string())
}

pub(crate) fn decode<R: wire::Response>(frame: &Buf, version: i16) -> Outcome<R> {
    decode_response(frame, version).map(|(_, it)| it).map_err(|error| error.to_string())
}

/// Fails on any error code; `what` is the request.
pub(crate) fn accepted(what: &str, code: i16) -> Outcome<()> {
    if code == 0 { Ok(()) } else { Err(format!("{what}: error code {code}")) }
}

/// Gives a frame, sent before, another correlation id.
pub(crate) fn number(frame: &mut [u8], correlation_id: i32) {
    frame[CORRELATION_AT..CORRELATION_AT + 4].copy_from_slice(&correlation_id.to_be_bytes());
}

/// The correlation id that a response starts with.
pub(crate) fn numbered(frame: &[u8]) -> Option<i32> {
    frame.first_chunk().map(|id| i32::from_be_bytes(*id))
}
