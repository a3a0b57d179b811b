//! `broker storage fsck`: leaves directories that a broker, this one or Kafka, takes over without recovery.
//!
//! Promises: recovers exactly as a start does; then reads every batch of every log, also those that a start trusts.
//! A damaged log keeps its recovery point: without it, the next start would cut at the damage.
//! Does not: repair damage, or apply retention.

use std::collections::BTreeSet;

use model::TopicPartition;
use replication::Producers;
use runtime::Runtime;
use storage::{
    DirectoryInfo, Lane, LogCheck, LogConfig, LogFacts, LogId, Owner, SnapshotUse, StorageError,
    Store, StoreOptions, check_log, inspect_directory, mark_clean, prepare_directories,
};

use super::ToolError;
use crate::boot::Boot;
use crate::control::METADATA;
use crate::partition::ProducerRecovery;
use crate::topics::PRODUCER_EXPIRATION_MS;

pub(super) async fn fsck<R: Runtime>(
    rt: &R,
    boot: &Boot,
    say: &mut impl FnMut(&str),
) -> Result<(), ToolError> {
    let owner = owner(rt, boot).await?;
    // Held until the directories are marked.
    let (directories, _locks) = prepare_directories(rt, &boot.directories, &owner).await?;
    let options = StoreOptions { directories: directories.clone(), limits: boot.limits.clone() };
    Store::replay_journals(rt, &options).await?;
    let store = Store::open(rt.clone(), options).await?;
    let mut recovery =
        Recovery { rt, boot, store: &store, ids: BTreeSet::new(), names: BTreeSet::new() };
    let mut damaged_count = 0;
    for directory in &directories {
        let was = if directory.clean { "clean" } else { "not clean" };
        say(&format!("{}: was {was}", directory.path.display()));
        for log in inspect_directory(rt, &directory.path).await?.logs {
            let verdict = recovery.examine(directory, &log).await;
            say(&format!("  {} {}", log.directory_name(), verdict.text));
            damaged_count += usize::from(verdict.damaged);
        }
    }
    let opened = store.checkpoints();
    store.close().await?;
    for (directory, opened) in directories.iter().zip(opened) {
        let checkpoints = directory.checkpoints_with(rt, opened).await?;
        checkpoints.write(rt, &directory.path).await?;
    }
    if damaged_count > 0 {
        return Err(ToolError::Damaged { log_count: damaged_count });
    }
    for directory in &directories {
        mark_clean(rt, &directory.path).await?;
    }
    say("clean");
    Ok(())
}

/// The directories say whose they are: looking after them needs no configuration.
async fn owner<R: Runtime>(rt: &R, boot: &Boot) -> Result<Owner, ToolError> {
    let mut owner = None;
    for path in &boot.directories {
        let Some(identity) = inspect_directory(rt, path).await?.identity else {
            return Err(ToolError::NotFormatted(path.clone()));
        };
        let cluster_id = Some(identity.cluster_id);
        owner.get_or_insert(Owner { node_id: identity.node_id, cluster_id });
    }
    Ok(owner.expect("a configuration has at least one directory"))
}

/// What became of one log.
struct Verdict {
    text: String,
    damaged: bool,
}

impl Verdict {
    fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), damaged: false }
    }

    fn damaged(text: impl Into<String>) -> Self {
        Self { text: text.into(), damaged: true }
    }
}

struct Recovery<'a, R: Runtime> {
    rt: &'a R,
    boot: &'a Boot,
    store: &'a Store<R>,
    /// The store holds each log once, by either name.
    ids: BTreeSet<TopicPartition>,
    names: BTreeSet<String>,
}

impl<R: Runtime> Recovery<'_, R> {
    async fn examine(&mut self, directory: &DirectoryInfo, log: &LogFacts) -> Verdict {
        let Some(topic) = log.topic_id else {
            return match log.segment_count {
                0 => Verdict::whole("is empty: its creation was interrupted"),
                _ => Verdict::damaged("DAMAGED: it has no partition.metadata"),
            };
        };
        let at = TopicPartition { topic, partition: log.partition };
        let name = log.directory_name();
        let (new_id, new_name) = (self.ids.insert(at), self.names.insert(name.clone()));
        if !(new_id && new_name) {
            return Verdict::damaged("DAMAGED: another directory holds this partition too");
        }
        let cut_before = self.store.stats().recovery_cut_bytes;
        let recovered = self.recover(at, log).await;
        let cut_bytes = self.store.stats().recovery_cut_bytes - cut_before;
        let checked = match recovered {
            Ok(()) => check_log(self.rt, &directory.path.join(name)).await,
            Err(error) => Err(error),
        };
        match checked {
            Ok(check) => describe(&check, cut_bytes),
            Err(error) => Verdict::damaged(format!("DAMAGED: {error}")),
        }
    }

    /// Opens the log and leaves its producer state beside it, for the next start.
    async fn recover(&self, at: TopicPartition, log: &LogFacts) -> Result<(), StorageError> {
        let limit = self.boot.limits.producers_per_partition;
        let mut sink = ProducerRecovery(Producers::new(limit, PRODUCER_EXPIRATION_MS));
        let id = LogId { at, topic: log.topic.clone() };
        let lane = if at == METADATA { Lane::Direct } else { Lane::Journal };
        let config = LogConfig { lane, ..LogConfig::DEFAULT };
        let log = self.store.open_log(id, config, &mut sink).await?;
        if !sink.0.is_empty() {
            let snapshot = sink.0.snapshot();
            log.write_producer_snapshot(snapshot, SnapshotUse::LeftBehind).await;
        }
        log.flush().await
    }
}

fn describe(check: &LogCheck, cut_bytes: u64) -> Verdict {
    let LogCheck { segment_count, batch_count, end, damage } = check;
    let mut text = format!("segments={segment_count} batches={batch_count} end={end}");
    if cut_bytes > 0 {
        text.push_str(&format!(", cut {cut_bytes} torn bytes"));
    }
    for error in damage {
        text.push_str(&format!(", DAMAGED: {error}"));
    }
    Verdict { text, damaged: !damage.is_empty() }
}
