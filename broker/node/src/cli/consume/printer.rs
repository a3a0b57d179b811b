//! Collects the text of records and writes it, off the shard: a reader that stops reading must not stop the client.

use client::Chunk;
use core::ops::ControlFlow;
use model::Offset;
use runtime::Spawn;
use std::io::{self, Write};
use uring::Live;

use super::super::failure::Failure;
use super::limits::Limits;
use super::print::RecordFormat;

/// Whether anybody still reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    There,
    /// It has seen enough, as `head` does: no failure.
    Gone,
}

pub(super) struct Printer {
    format: RecordFormat,
    text: Vec<u8>,
    scratch: Vec<u8>,
}

impl Printer {
    pub(super) fn new(format: RecordFormat) -> Self {
        Self { format, text: Vec::new(), scratch: Vec::new() }
    }

    /// Collects what `limits` admit of a chunk; returns where to read on.
    pub(super) fn collect(
        &mut self,
        chunk: &Chunk,
        limits: &mut Limits,
    ) -> Result<Offset, Failure> {
        let (format, text) = (&self.format, &mut self.text);
        let mut refused = None;
        let visited = chunk.visit(&mut self.scratch, |record| {
            if !limits.admit(&chunk.at, record.offset) {
                refused = Some(record.offset);
                return ControlFlow::Break(());
            }
            format.print(&chunk.at, record, text);
            ControlFlow::Continue(())
        });
        match visited {
            Ok(next) => Ok(refused.unwrap_or(next)),
            Err(error) => {
                Err(Failure::Other(format!("{} holds a damaged batch: {error}", chunk.at)))
            }
        }
    }

    /// Writes what was collected; returns when standard output has it.
    pub(super) async fn flush(&mut self, rt: &Live) -> Result<Reader, Failure> {
        if self.text.is_empty() {
            return Ok(Reader::There);
        }
        let text = core::mem::take(&mut self.text);
        let written = rt.offload(move || {
            let mut out = io::stdout().lock();
            let result = out.write_all(&text).and_then(|()| out.flush());
            (result, text)
        });
        let (result, mut text) =
            written.await.map_err(|error| Failure::Other(error.to_string()))?;
        text.clear();
        self.text = text;
        match result {
            Ok(()) => Ok(Reader::There),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(Failure::Other(format!("cannot write to standard output: {error}"))),
        }
    }
}
