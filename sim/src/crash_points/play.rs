//! Runs a workload on a store and notes what it was promised.

use core::cell::RefCell;
use core::time::Duration;
use std::path::Path;
use std::rc::Rc;

use model::Offset;
use runtime::{Clock, Disk, Spawn, TaskClass};
use storage::{Log, Plan, ReadSpec, StorageError, StoreEvent};
use wire::batch::BatchView;

use super::feature::{Feature, Step};
use super::node::{DATA, Rt, Running};
use super::promise::{Deletion, Promise, snapshot_of};
use crate::checkers::event::digest;

/// What the outside may see of a workload while it runs.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) promises: Vec<Promise>,
    /// Broken promises that need no crash: kind and sentence.
    pub(super) findings: Vec<(&'static str, String)>,
    pub(super) is_done: bool,
}

pub(super) type Shared = Rc<RefCell<Progress>>;

/// Starts the workload; it goes on as the world does.
pub(super) fn start(running: &Running, logs: Vec<Log<Rt>>, feature: Feature, progress: &Shared) {
    let (store, shared) = (running.store.clone(), Rc::clone(progress));
    let is_durable = feature.config().is_durable();
    running.rt.spawn("store events", TaskClass::Latency, async move {
        loop {
            for event in store.next_events().await {
                hear(&mut shared.borrow_mut(), event, is_durable);
            }
        }
    });
    let player = Player {
        running: running.clone(),
        logs,
        is_durable,
        progress: Rc::clone(progress),
        held: Vec::new(),
    };
    running.rt.spawn("workload", TaskClass::Latency, async move {
        player.play(feature.steps()).await;
    });
}

/// `is_durable`: whether a reported end survives a power loss.
fn hear(progress: &mut Progress, event: StoreEvent, is_durable: bool) {
    let (at, end) = match event {
        StoreEvent::Persisted { at, end } => (at, Some(end)),
        StoreEvent::Failed { at, .. } => (at, None),
    };
    let Some(promise) = progress.promises.iter_mut().find(|promise| promise.id.at == at) else {
        return;
    };
    match end {
        Some(_) if !is_durable => {}
        Some(end) => promise.persisted(end),
        None => promise.has_failed = true,
    }
}

/// A piece of a file that a reader has been given, and what it saw there.
struct Held {
    plan: Plan<<Rt as Disk>::File>,
    bytes: Vec<u8>,
}

struct Player {
    running: Running,
    logs: Vec<Log<Rt>>,
    /// Whether a reported end survives a power loss.
    is_durable: bool,
    progress: Shared,
    held: Vec<Held>,
}

impl Player {
    async fn play(mut self, steps: Vec<Step>) {
        for step in steps {
            // A log that failed or was deleted takes no more; the others go on.
            if let Err(error) = self.step(step).await {
                let is_known = matches!(
                    error,
                    StorageError::Offline { .. } | StorageError::Disk { .. } | StorageError::Closed
                );
                if !is_known {
                    self.found("refused", format!("{step:?}: {error}"));
                }
            }
            self.check_held().await;
        }
        self.progress.borrow_mut().is_done = true;
    }

    fn found(&self, kind: &'static str, text: String) {
        self.progress.borrow_mut().findings.push((kind, text));
    }

    fn with<T>(&self, log: usize, act: impl FnOnce(&mut Promise) -> T) -> T {
        act(&mut self.progress.borrow_mut().promises[log])
    }

    async fn step(&mut self, step: Step) -> Result<(), StorageError> {
        let rt = self.running.rt.clone();
        match step {
            Step::Append { log, records, value_bytes } => self.append(log, records, value_bytes)?,
            Step::Pause { us } => rt.sleep_until(rt.now().mono + Duration::from_micros(us)).await,
            Step::Flush { log } => {
                let end = self.logs[log].end_offset();
                self.logs[log].flush().await?;
                self.with(log, |promise| promise.persisted(end));
            }
            Step::Sync => self.running.store.request_syncs(),
            Step::Maintain => self.maintain().await,
            Step::Clean => self.running.store.clean_once().await,
            Step::DeleteBefore { log, back } => {
                let before = Offset((self.logs[log].durable_end().0 - back).max(0));
                self.with(log, |promise| promise.start_max = promise.start_max.max(before));
                if before > self.logs[log].start_offset() {
                    self.logs[log].delete_before(before)?;
                }
            }
            Step::Truncate { log, back } => self.truncate(log, back).await?,
            Step::Delete { log } => {
                self.with(log, |promise| promise.deletion = Deletion::Asked);
                let id = self.with(log, |promise| promise.id.clone());
                self.running.store.delete_log(&id).await?;
                self.with(log, |promise| promise.deletion = Deletion::Done);
            }
            Step::Checkpoint => self.checkpoint().await?,
            Step::Stop => {
                self.running.store.close().await?;
                self.checkpoint().await?;
                storage::mark_clean(&rt, Path::new(DATA)).await?;
            }
            Step::Read { log } => self.read(log).await?,
            Step::Search { log } => self.search(log).await?,
        }
        Ok(())
    }

    fn append(&self, log: usize, records: u32, value_bytes: usize) -> Result<(), StorageError> {
        let handle = &self.logs[log];
        let now_ms = self.running.rt.now().wall_ms;
        let end = handle.end_offset();
        let (batch, written) =
            self.with(log, |promise| promise.batch(end, records, value_bytes, now_ms));
        if handle.needs_roll(&batch) {
            handle.roll(self.with(log, |promise| snapshot_of(&promise.producers_at(end))));
        }
        match handle.append(batch) {
            // The workload outran the disk: the next step comes later.
            Err(StorageError::Busy { .. }) => Ok(()),
            appended => {
                appended?;
                self.with(log, |promise| promise.wrote(written));
                Ok(())
            }
        }
    }

    /// Retention may delete any sealed segment; when it is over, what is there stays.
    async fn maintain(&self) {
        for (log, handle) in self.logs.iter().enumerate() {
            let end = handle.end_offset();
            self.with(log, |promise| promise.start_max = promise.start_max.max(end));
        }
        self.running.store.maintain_once().await;
        for (log, handle) in self.logs.iter().enumerate() {
            let start = handle.start_offset();
            let first = self.first_segment(log).await;
            self.with(log, |promise| {
                promise.start_max = start;
                promise.start_min = promise.start_min.max(first.unwrap_or(Offset::ZERO).min(start));
            });
        }
    }

    /// Base offset of the first segment that the directory shows.
    async fn first_segment(&self, log: usize) -> Option<Offset> {
        let path = Path::new(DATA).join(self.with(log, |promise| promise.id.directory_name()));
        let entries = self.running.rt.list(&path).await.ok()?;
        let base = |name: &str| name.strip_suffix(".log")?.parse().ok().map(Offset);
        entries.iter().filter_map(|entry| base(&entry.name)).min()
    }

    async fn checkpoint(&self) -> Result<(), StorageError> {
        let starts: Vec<Offset> = self.logs.iter().map(Log::start_offset).collect();
        let checkpoints = self.running.store.checkpoints().remove(0);
        checkpoints.write(&self.running.rt, Path::new(DATA)).await?;
        for (log, start) in starts.into_iter().enumerate() {
            self.with(log, |promise| promise.start_min = promise.start_min.max(start));
        }
        Ok(())
    }

    /// Cuts the log under the eyes of a reader that holds its tail.
    async fn truncate(&mut self, log: usize, back: i64) -> Result<(), StorageError> {
        let handle = self.logs[log].clone();
        handle.flush().await?;
        let to = Offset((handle.end_offset().0 - back).max(handle.start_offset().0));
        let plan = handle.plan(self.spec(log, to)).await?;
        let bytes = self.bytes_of(&plan).await?;
        self.held.push(Held { plan, bytes });
        self.with(log, |promise| promise.cuts(to));
        handle.truncate_to(to).await?;
        self.with(log, Promise::has_cut);
        Ok(())
    }

    fn spec(&self, log: usize, from: Offset) -> ReadSpec {
        let handle = &self.logs[log];
        let visible_end = if self.is_durable { handle.durable_end() } else { handle.end_offset() };
        ReadSpec { from, bytes_max: 3_000, visible_end, at_least_one_batch: true }
    }

    async fn bytes_of(&self, plan: &Plan<<Rt as Disk>::File>) -> Result<Vec<u8>, StorageError> {
        let mut all = Vec::new();
        for piece in &plan.pieces {
            let count = usize::try_from(piece.range.end - piece.range.start).expect("small plans");
            let bytes = Vec::with_capacity(count);
            let (read, bytes) =
                self.running.rt.read(&piece.file, piece.range.start, bytes, count).await;
            if let Err(error) = read {
                return Err(StorageError::Offline { reason: error.to_string() });
            }
            all.extend(bytes);
        }
        Ok(all)
    }

    /// Bytes that a reader was given may go, but never change.
    async fn check_held(&mut self) {
        while self.held.len() > 3 {
            self.held.remove(0);
        }
        for held in &self.held {
            let Ok(now) = self.bytes_of(&held.plan).await else { continue };
            if held.bytes.get(..now.len()) != Some(&now) {
                let text = format!("{} bytes changed under a reader", held.bytes.len());
                self.found("changed-under-reader", text);
            }
        }
    }

    /// A fetch from every offset begins with the batch that holds it and ends before what is not
    /// visible.
    async fn read(&self, log: usize) -> Result<(), StorageError> {
        let handle = &self.logs[log];
        let mut from = handle.start_offset();
        while from < handle.end_offset() {
            let spec = self.spec(log, from);
            if from >= spec.visible_end {
                return Ok(());
            }
            let plan = handle.plan(spec).await?;
            let bytes = self.bytes_of(&plan).await?;
            if let Err(why) = self.check_read(log, &spec, &bytes) {
                self.found("read", format!("a fetch from {from}: {why}"));
            }
            from = from.after(1);
        }
        Ok(())
    }

    fn check_read(&self, log: usize, spec: &ReadSpec, bytes: &[u8]) -> Result<(), String> {
        let is_compacted = self.with(log, |promise| promise.is_compacted);
        let (mut rest, mut first) = (bytes, true);
        while !rest.is_empty() {
            let batch = BatchView::new(rest).map_err(|error| error.to_string())?;
            batch.check_crc().map_err(|error| error.to_string())?;
            let header = batch.header;
            if first && header.base_offset > spec.from && !is_compacted {
                return Err(format!("it begins at {}", header.base_offset));
            }
            if header.end_offset() > spec.visible_end {
                return Err(format!("it shows {}", header.last_offset()));
            }
            let whole = digest(batch.bytes());
            let written =
                |promise: &mut Promise| promise.batches.iter().any(|batch| batch.digest == whole);
            if !is_compacted && !self.with(log, written) {
                return Err(format!("nobody wrote the batch at {}", header.base_offset));
            }
            (rest, first) = (&rest[header.size_bytes as usize..], false);
        }
        Ok(())
    }

    /// A search by the time of each batch finds its first record that is not older.
    async fn search(&self, log: usize) -> Result<(), StorageError> {
        let handle = &self.logs[log];
        if self.with(log, |promise| promise.is_compacted) {
            return Ok(());
        }
        let batches = self.with(log, |promise| promise.batches.clone());
        let start = handle.start_offset();
        for batch in batches.iter().filter(|batch| batch.end > start) {
            let found = handle.offset_for_time(batch.timestamp_ms).await?;
            let record = |it: &super::promise::Written| {
                let first = it.timestamp_ms - i64::try_from(it.records.len()).expect("few") + 1;
                let at =
                    it.records.iter().zip(first..).find(|(record, time)| {
                        *time >= batch.timestamp_ms && record.offset >= start
                    });
                at.map(|(record, _)| record.offset)
            };
            let expected = batches.iter().find_map(record);
            if found.map(|found| found.offset) != expected {
                let (time, found) = (batch.timestamp_ms, found.map(|found| found.offset));
                self.found("search", format!("time {time} is at {expected:?}, found {found:?}"));
            }
        }
        Ok(())
    }
}
