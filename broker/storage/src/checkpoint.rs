//! Kafka's checkpoint files: a version line, a count, then one entry per line.
//!
//! Promises: an unknown version or a damaged line is an error, never a guess.
//! Does not: decide when a checkpoint is taken.

use std::collections::BTreeMap;
use std::path::Path;

use model::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use runtime::Disk;

use crate::StorageError;
use crate::files;

pub(crate) const RECOVERY_POINT_FILE: &str = "recovery-point-offset-checkpoint";
pub(crate) const LOG_START_FILE: &str = "log-start-offset-checkpoint";
const CLEANER_FILE: &str = "cleaner-offset-checkpoint";
const LEADER_EPOCH_FILE: &str = "leader-epoch-checkpoint";
const PARTITION_METADATA_FILE: &str = "partition.metadata";

/// Offsets of one directory's logs, by Kafka's directory name `topic-3`.
pub type OffsetsByLog = BTreeMap<String, Offset>;

/// What one shard knows about its logs in one directory. Values of all shards are merged with `extend`
/// by the one shard that writes the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Everything below survives a power loss without replay.
    pub recovery_points: OffsetsByLog,
    pub log_starts: OffsetsByLog,
    /// Where the next cleaning of a compacted log begins.
    pub first_dirty: OffsetsByLog,
}

impl Checkpoints {
    pub fn merge(&mut self, other: Self) {
        self.recovery_points.extend(other.recovery_points);
        self.log_starts.extend(other.log_starts);
        self.first_dirty.extend(other.first_dirty);
    }

    pub(crate) async fn read<R: Disk>(rt: &R, directory: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            recovery_points: read_offsets(rt, &directory.join(RECOVERY_POINT_FILE)).await?,
            log_starts: read_offsets(rt, &directory.join(LOG_START_FILE)).await?,
            first_dirty: read_offsets(rt, &directory.join(CLEANER_FILE)).await?,
        })
    }

    /// Replaces the files of the directory. One shard of the node calls this, with the values of all.
    ///
    /// # Errors
    /// [`StorageError::Disk`]; the old files stay valid.
    pub async fn write<R: Disk>(&self, rt: &R, directory: &Path) -> Result<(), StorageError> {
        self.write_changes(rt, directory, None).await
    }

    /// The same for the files that say something else than before.
    ///
    /// # Errors
    /// As [`Checkpoints::write`].
    pub async fn write_changes<R: Disk>(
        &self,
        rt: &R,
        directory: &Path,
        before: Option<&Self>,
    ) -> Result<(), StorageError> {
        let files = [
            (RECOVERY_POINT_FILE, &self.recovery_points, before.map(|it| &it.recovery_points)),
            (LOG_START_FILE, &self.log_starts, before.map(|it| &it.log_starts)),
            (CLEANER_FILE, &self.first_dirty, before.map(|it| &it.first_dirty)),
        ];
        for (name, offsets, before) in files {
            if before != Some(offsets) {
                files::replace(rt, &directory.join(name), render_offsets(offsets)).await?;
            }
        }
        Ok(())
    }
}

fn render_offsets(offsets: &OffsetsByLog) -> Vec<u8> {
    let lines = offsets.iter().filter_map(|(log, offset)| {
        let (topic, partition) = log.rsplit_once('-')?;
        Some(format!("{topic} {partition} {offset}"))
    });
    render(lines)
}

async fn read_offsets<R: Disk>(rt: &R, path: &Path) -> Result<OffsetsByLog, StorageError> {
    let lines = read_lines(rt, path).await?;
    lines
        .into_iter()
        .map(|line| {
            let mut fields = line.split(' ');
            let parsed = (|| {
                let (topic, partition) = (fields.next()?, fields.next()?.parse::<i32>().ok()?);
                let offset = fields.next()?.parse().ok()?;
                Some((format!("{topic}-{partition}"), Offset(offset)))
            })();
            parsed.ok_or(StorageError::Malformed { path: path.to_path_buf(), line })
        })
        .collect()
}

/// Start offset of each leader epoch, ascending in both; `leader-epoch-checkpoint` (KIP-101).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeaderEpochs(Vec<(LeaderEpoch, Offset)>);

impl LeaderEpochs {
    pub(crate) async fn read<R: Disk>(rt: &R, directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(LEADER_EPOCH_FILE);
        let mut epochs = Self::default();
        for line in read_lines(rt, &path).await? {
            let parsed = line.split_once(' ').and_then(|(epoch, start)| {
                Some((LeaderEpoch(epoch.parse().ok()?), Offset(start.parse().ok()?)))
            });
            let Some((epoch, start)) = parsed else {
                return Err(StorageError::Malformed { path, line });
            };
            epochs.assign(epoch, start);
        }
        Ok(epochs)
    }

    pub(crate) async fn write<R: Disk>(
        &self,
        rt: &R,
        directory: &Path,
    ) -> Result<(), StorageError> {
        let lines = self.0.iter().map(|(epoch, start)| format!("{epoch} {start}"));
        files::replace(rt, &directory.join(LEADER_EPOCH_FILE), render(lines)).await
    }

    /// Notes that `epoch` begins at `start`; older news is ignored. Returns whether anything changed.
    pub(crate) fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if self.0.last().is_some_and(|(last, _)| *last >= epoch) {
            return false;
        }
        // An epoch that would begin at or after this one wrote nothing that survived.
        self.0.retain(|(_, other)| *other < start);
        self.0.push((epoch, start));
        true
    }

    pub(crate) fn latest(&self) -> Option<LeaderEpoch> {
        self.0.last().map(|(epoch, _)| *epoch)
    }

    /// The largest epoch not above the asked one and where it ends, as OffsetForLeaderEpoch answers.
    pub(crate) fn end_of(
        &self,
        asked: LeaderEpoch,
        log_end: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        let after = self.0.partition_point(|(epoch, _)| *epoch <= asked);
        let (epoch, _) = self.0.get(after.checked_sub(1)?)?;
        Some((*epoch, self.0.get(after).map_or(log_end, |(_, start)| *start)))
    }

    /// Forgets what began at or after the new end of a truncated log.
    pub(crate) fn truncate_from(&mut self, end: Offset) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, start)| *start < end);
        self.0.len() != before
    }

    /// The first epoch that still has records now begins at the log's start.
    pub(crate) fn truncate_below(&mut self, start: Offset) -> bool {
        let keep_from = self.0.partition_point(|(_, at)| *at <= start).saturating_sub(1);
        let changed = keep_from > 0 || self.0.first().is_some_and(|(_, at)| *at < start);
        self.0.drain(..keep_from);
        if let Some((_, at)) = self.0.first_mut() {
            *at = (*at).max(start);
        }
        changed
    }
}

/// `partition.metadata`: which topic a directory belongs to.
pub(crate) async fn write_partition_metadata<R: Disk>(
    rt: &R,
    directory: &Path,
    topic: TopicId,
) -> Result<(), StorageError> {
    let content = format!("version: 0\ntopic_id: {topic}");
    files::replace(rt, &directory.join(PARTITION_METADATA_FILE), content.into_bytes()).await
}

/// The topic id of a partition directory; `None` when the file is absent.
pub(crate) async fn read_partition_metadata<R: Disk>(
    rt: &R,
    directory: &Path,
) -> Result<Option<TopicId>, StorageError> {
    let path = directory.join(PARTITION_METADATA_FILE);
    let Some(content) = files::read_small(rt, &path).await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&content);
    let mut lines = text.lines();
    match lines.next() {
        Some("version: 0") => {}
        found => {
            let found = found.unwrap_or_default().to_owned();
            return Err(StorageError::Version { path, found });
        }
    }
    let line = lines.next().unwrap_or_default();
    match line.strip_prefix("topic_id: ").and_then(TopicId::from_text) {
        Some(topic) => Ok(Some(topic)),
        None => Err(StorageError::Malformed { path, line: line.to_owned() }),
    }
}

/// Topic and partition of a directory name `topic-3`; `None` for anything else.
pub(crate) fn parse_directory_name(name: &str) -> Option<(&str, PartitionIndex)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = partition.parse().ok().filter(|at: &i32| *at >= 0)?;
    (!topic.is_empty()).then_some((topic, PartitionIndex(partition)))
}

fn render(lines: impl Iterator<Item = String>) -> Vec<u8> {
    let lines: Vec<String> = lines.collect();
    let mut text = format!("0\n{}\n", lines.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text.into_bytes()
}

/// The entries of a checkpoint file; none when the file is absent.
async fn read_lines<R: Disk>(rt: &R, path: &Path) -> Result<Vec<String>, StorageError> {
    let Some(content) = files::read_small(rt, path).await? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&content);
    let mut lines = text.lines().map(str::to_owned);
    match lines.next() {
        Some(version) if version == "0" => {}
        // Kafka creates its files empty and fills them at the first checkpoint.
        None => return Ok(Vec::new()),
        found => {
            let found = found.unwrap_or_default();
            return Err(StorageError::Version { path: path.to_path_buf(), found });
        }
    }
    let count = lines.next().unwrap_or_default();
    let entries: Vec<String> = lines.collect();
    if count.parse() == Ok(entries.len()) {
        Ok(entries)
    } else {
        Err(StorageError::Malformed { path: path.to_path_buf(), line: count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(list: &[(i32, i64)]) -> LeaderEpochs {
        LeaderEpochs(list.iter().map(|(e, o)| (LeaderEpoch(*e), Offset(*o))).collect())
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = epochs(&[(1, 0), (3, 10)]);
        let end = |asked| epochs.end_of(LeaderEpoch(asked), Offset(25)).map(|(e, o)| (e.0, o.0));
        assert_eq!(end(0), None);
        assert_eq!(end(1), Some((1, 10)));
        assert_eq!(end(2), Some((1, 10)));
        assert_eq!(end(9), Some((3, 25)));
    }

    #[test]
    fn an_epoch_without_records_is_replaced_by_the_next() {
        let mut list = epochs(&[(1, 0), (3, 10)]);
        assert!(list.assign(LeaderEpoch(4), Offset(10)));
        assert!(!list.assign(LeaderEpoch(4), Offset(12)));
        assert_eq!(list, epochs(&[(1, 0), (4, 10)]));
    }

    #[test]
    fn cutting_either_end_keeps_the_epochs_that_have_records() {
        let mut list = epochs(&[(1, 0), (2, 5), (3, 10)]);
        assert!(list.truncate_below(Offset(7)));
        assert_eq!(list, epochs(&[(2, 7), (3, 10)]));
        assert!(list.truncate_from(Offset(10)));
        assert_eq!(list, epochs(&[(2, 7)]));
    }
}
