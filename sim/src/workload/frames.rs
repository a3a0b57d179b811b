//! A connection without the crate `client`: one request at a time, framed here.
//!
//! Speaks versions some steps below the newest that the broker offers, so that old layouts are used
//! too. Does not: pipeline.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use model::{Buf, Instant};
use runtime::sync::{First, race};
use runtime::{Clock, Conn, More, Net};
use wire::frame::{decode_correlation_id, decode_response, encode_request};
use wire::messages::api_versions::ApiVersionsRequest;
use wire::{Api, ApiKey, Request};

use super::{CALL_LIMIT, Rt};

type Stream = <Rt as Net>::Conn;

/// What the run's largest answer may take: a broker that sends more is out of bounds.
const RESPONSE_BYTES_MAX: usize = 8 << 20;
const CLIENT_ID: &str = "frames";

/// Why there is no answer. Nobody can tell what became of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoAnswer;

pub(super) struct FrameConnection {
    rt: Rt,
    stream: Stream,
    correlation_id: i32,
    /// What both sides speak, by API key.
    versions: BTreeMap<i16, i16>,
}

impl FrameConnection {
    /// Connects; versions are up to `age` steps below the newest common one.
    pub(super) async fn open(rt: &Rt, to: SocketAddr, age: i16) -> Result<Self, NoAnswer> {
        let stream = rt.connect(to, Duration::from_secs(3)).await.map_err(|_| NoAnswer)?;
        let mut versions = BTreeMap::from([(ApiKey::ApiVersions as i16, 0)]);
        let mut open =
            Self { rt: rt.clone(), stream, correlation_id: 0, versions: versions.clone() };
        let offer = open.call(&ApiVersionsRequest::default(), CALL_LIMIT).await?;
        for row in &offer.api_keys {
            let Some(api) = Api::of(row.api_key) else { continue };
            let newest = api.version_max.min(row.max_version);
            let oldest = api.version_min.max(row.min_version);
            versions.insert(row.api_key, (newest - age).max(oldest));
        }
        open.versions = versions;
        Ok(open)
    }

    /// The version of an API that this connection speaks.
    pub(super) fn version<Q: Request>(&self) -> Result<i16, NoAnswer> {
        self.versions.get(&(Q::API as i16)).copied().ok_or(NoAnswer)
    }

    pub(super) async fn call<Q: Request>(
        &mut self,
        request: &Q,
        limit: Duration,
    ) -> Result<Q::Response, NoAnswer> {
        let version = self.version::<Q>()?;
        let frame = self.send(request, version, limit).await?;
        let (id, response) =
            decode_response::<Q::Response>(&frame, version).map_err(|_| NoAnswer)?;
        if id == self.correlation_id { Ok(response) } else { Err(NoAnswer) }
    }

    /// Produce with acks=0: nobody answers.
    pub(super) async fn call_unanswered<Q: Request>(
        &mut self,
        request: &Q,
    ) -> Result<(), NoAnswer> {
        let version = self.version::<Q>()?;
        let pieces = self.encode(request, version)?;
        self.stream.send(pieces, More::Done).await.map_err(|_| NoAnswer)
    }

    /// Sends the beginning of a frame whose rest never comes; nothing else may follow. Gives up at
    /// `until`.
    pub(super) async fn begin(&self, frame_bytes: u32, begun_bytes: usize, until: Instant) {
        let mut bytes = frame_bytes.to_be_bytes().to_vec();
        bytes.resize(bytes.len() + begun_bytes, 0);
        let sent = self.stream.send(vec![Buf::from(bytes)], More::Done);
        // Whoever ended the connection, there is nothing to learn from it.
        let _ = race(sent, self.rt.sleep_until(until)).await;
    }

    fn encode<Q: Request>(&mut self, request: &Q, version: i16) -> Result<model::Bufs, NoAnswer> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let id = self.correlation_id;
        let frame = encode_request(request, version, id, Some(CLIENT_ID), RESPONSE_BYTES_MAX);
        Ok(frame.map_err(|_| NoAnswer)?.into_bufs())
    }

    async fn send<Q: Request>(
        &mut self,
        request: &Q,
        version: i16,
        limit: Duration,
    ) -> Result<Buf, NoAnswer> {
        let pieces = self.encode(request, version)?;
        let deadline = self.rt.now().mono + limit;
        let exchange = async {
            self.stream.send(pieces, More::Done).await.map_err(|_| NoAnswer)?;
            let prefix = self.receive(Vec::with_capacity(4), 4).await?;
            let prefix: [u8; 4] = prefix.try_into().map_err(|_| NoAnswer)?;
            let size = usize::try_from(i32::from_be_bytes(prefix)).map_err(|_| NoAnswer)?;
            if size > RESPONSE_BYTES_MAX {
                return Err(NoAnswer);
            }
            let frame = Buf::from(self.receive(Vec::with_capacity(size), size).await?);
            // A late answer to a request that was given up cannot come: the connection is closed.
            decode_correlation_id(&frame).map_err(|_| NoAnswer)?;
            Ok(frame)
        };
        match race(exchange, self.rt.sleep_until(deadline)).await {
            First::Left(done) => done,
            First::Right(()) => Err(NoAnswer),
        }
    }

    async fn receive(&self, into: Vec<u8>, count: usize) -> Result<Vec<u8>, NoAnswer> {
        if count == 0 {
            return Ok(into);
        }
        let (result, bytes) = self.stream.recv_exact(into, count).await;
        result.map_err(|_| NoAnswer)?;
        Ok(bytes)
    }
}

impl Drop for FrameConnection {
    fn drop(&mut self) {
        self.stream.shutdown();
    }
}
