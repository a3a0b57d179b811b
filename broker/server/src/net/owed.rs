//! Replies that a connection still owes, and how they leave.
//!
//! Promises: replies leave in request order; header bytes and file ranges of one reply leave in one
//! pass, without copying records.

use model::Bufs;
use runtime::{Conn, Disk, Heat, More, Runtime};
use wire::frame::encode_response;
use wire::{EncodeError, Frame, Piece, Response};

use core::ops::Range;

use super::{Close, Permit};
use crate::shard::Shard;

/// A stretch of a file that is part of a reply.
pub(crate) struct FileRange<F> {
    pub(crate) file: F,
    pub(crate) range: Range<u64>,
    pub(crate) heat: Heat,
}

/// A finished reply.
pub(crate) struct Outgoing<R: Runtime> {
    frame: Frame,
    /// What stands for each external piece of the frame, by its index.
    records: Vec<Vec<FileRange<<R as Disk>::File>>>,
}

impl<R: Runtime> Outgoing<R> {
    /// A response without record data from files.
    pub(crate) fn encode<S: Response>(
        response: &S,
        version: i16,
        correlation_id: i32,
        shard: &Shard<R>,
    ) -> Result<Self, Close> {
        encode_response(response, version, correlation_id, shard.limits.response_bytes)
            .map(|frame| Self { frame, records: Vec::new() })
            .map_err(|error| unencodable::<S>(error))
    }

    /// A frame whose external pieces are these.
    pub(crate) fn with_records(
        frame: Frame,
        records: Vec<Vec<FileRange<<R as Disk>::File>>>,
    ) -> Self {
        Self { frame, records }
    }

    /// Whether it is in memory as a whole.
    pub(super) fn is_bytes(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn append_to(self, bytes: &mut Bufs) {
        bytes.extend(self.frame.into_bufs());
    }

    pub(super) async fn send(self, conn: &R::Conn) -> Result<(), Close> {
        let mut bytes = Bufs::new();
        let mut left = self.frame.pieces.len();
        let mut records = self.records;
        for piece in self.frame.pieces {
            left -= 1;
            match piece {
                Piece::Bytes(buf) => bytes.push(buf),
                Piece::External { index, .. } => {
                    conn.send(core::mem::take(&mut bytes), More::Follows).await.map_err(gone)?;
                    let ranges = core::mem::take(&mut records[index]);
                    let last = ranges.len().saturating_sub(1);
                    for (at, part) in ranges.into_iter().enumerate() {
                        let done = left == 0 && at == last;
                        let more = if done { More::Done } else { More::Follows };
                        conn.send_file(&part.file, part.range, part.heat, more)
                            .await
                            .map_err(Close::BrokenResponse)?;
                    }
                }
            }
        }
        if bytes.is_empty() { Ok(()) } else { conn.send(bytes, More::Done).await.map_err(gone) }
    }
}

pub(crate) fn unencodable<S: Response>(error: EncodeError) -> Close {
    Close::Unencodable { api: S::API.api().name, error }
}

pub(super) fn gone(_: runtime::Error) -> Close {
    Close::Gone
}

/// One entry of a connection's queue of replies.
pub(super) enum Owed<R: Runtime> {
    Ready(Outgoing<R>),
    /// Known when the records are safe. Holds the receive budget of a large request until then.
    /// Boxed, so that a queue of replies is small.
    Produce(Box<crate::handlers::produce::Pending<R>>, Option<Permit>),
}

impl<R: Runtime> Owed<R> {
    /// Whether it can leave now, in memory as a whole, and so share a send with its neighbours.
    pub(super) fn is_known_bytes(&self) -> bool {
        match self {
            Self::Ready(outgoing) => outgoing.is_bytes(),
            Self::Produce(pending, _) => pending.is_known(),
        }
    }
}
