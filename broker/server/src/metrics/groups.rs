//! How far consumer groups have committed, and how far behind the log they are.
//!
//! Promises: at most [`ROWS_MAX`] partitions of groups per shard, the first by group id within each
//! coordinator; the page says how many groups are not told of in full. Lag is never negative: a commit past the end,
//! or one of a topic that was made anew, counts as none.
//! Does not: ask clients. A group that commits nothing has no rows.

use core::fmt::Display;
use std::collections::BTreeMap;

use super::exposition::{Exposition, Kind};
use super::{PartitionFigures, Snapshot};

/// Partitions of groups that one shard tells about: the page stays readable and is soon collected.
pub(crate) const ROWS_MAX: usize = 10_000;

/// A group's committed offset for one partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupFigures {
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) committed_offset: i64,
}

/// The groups of one shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupSnapshot {
    pub(crate) group_count: usize,
    pub(crate) rows: Vec<GroupFigures>,
    /// Groups whose rows are not all here: there are more than [`ROWS_MAX`].
    pub(crate) omitted_count: usize,
}

pub(super) fn render(
    page: &mut Exposition,
    snapshots: &[Snapshot],
    partitions: &[&PartitionFigures],
) {
    let sum = |count: fn(&GroupSnapshot) -> usize| -> usize {
        snapshots.iter().map(|snapshot| count(&snapshot.groups)).sum()
    };
    page.single("odradek_groups", Kind::Gauge, "Consumer groups.", sum(|it| it.group_count));
    page.single(
        "odradek_groups_omitted",
        Kind::Gauge,
        "Consumer groups whose offsets are not all on this page, because there are too many.",
        sum(|it| it.omitted_count),
    );
    let mut rows: Vec<&GroupFigures> =
        snapshots.iter().flat_map(|snapshot| &snapshot.groups.rows).collect();
    rows.sort_unstable();
    family(page, "kafka_consumergroup_current_offset", "Committed offset.", &rows, |row| {
        Some(row.committed_offset)
    });
    let ends: BTreeMap<(&str, i32), i64> = partitions
        .iter()
        .map(|it| ((it.topic.as_str(), it.partition), it.high_watermark))
        .collect();
    let help = "Records between the committed offset and the first that may not be read yet.";
    family(page, "kafka_consumergroup_lag", help, &rows, |row| {
        let end = ends.get(&(row.topic.as_str(), row.partition))?;
        Some(end.saturating_sub(row.committed_offset).max(0))
    });
}

/// Labels as dashboards of lag exporters expect them.
fn family(
    page: &mut Exposition,
    name: &'static str,
    help: &str,
    rows: &[&GroupFigures],
    figure: impl Fn(&GroupFigures) -> Option<i64>,
) {
    let mut family = page.family(name, Kind::Gauge, help);
    for row in rows {
        let Some(value) = figure(row) else { continue };
        let labels: [(&str, &dyn Display); 3] =
            [("consumergroup", &row.group), ("topic", &row.topic), ("partition", &row.partition)];
        family.sample(&labels, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_what_is_left_to_read_and_never_negative() {
        let row = |group: &str, topic: &str, committed_offset| GroupFigures {
            group: group.to_owned(),
            topic: topic.to_owned(),
            partition: 0,
            committed_offset,
        };
        let groups = GroupSnapshot {
            group_count: 2,
            rows: vec![row("b", "t", 9), row("a", "t", 3), row("a", "gone", 1)],
            omitted_count: 4,
        };
        let partition = PartitionFigures {
            topic: "t".to_owned(),
            partition: 0,
            log_start_offset: 0,
            high_watermark: 7,
            size_bytes: 1,
        };
        let snapshot = Snapshot { groups, ..Snapshot::default() };
        let mut page = Exposition::default();
        render(&mut page, &[snapshot], &[&partition]);
        let page = page.finish();
        let lag = |group| format!("lag{{consumergroup=\"{group}\",topic=\"t\",partition=\"0\"}}");
        assert!(page.contains(&format!("{} 4\n", lag("a"))), "{page}");
        assert!(page.contains(&format!("{} 0\n", lag("b"))));
        assert!(
            page.contains("current_offset{consumergroup=\"a\",topic=\"gone\",partition=\"0\"} 1\n")
        );
        assert!(!page.contains("lag{consumergroup=\"a\",topic=\"gone\""));
        assert!(page.contains("odradek_groups 2\n"));
        assert!(page.contains("odradek_groups_omitted 4\n"));
    }
}
