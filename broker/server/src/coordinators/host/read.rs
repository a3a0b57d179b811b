//! Questions that change nothing: a coordinator's state as it is now.

use coordinator::{Coordinator, GroupId, GroupListing, NamedPartition};
use model::{ErrorCode, TopicPartition};

use super::super::ask::{Answer, OffsetsOf, Told};
use super::Coordinators;
use crate::metrics::{GroupFigures, GroupSnapshot, ROWS_MAX};

impl Coordinators {
    pub(super) fn offsets(&self, at: TopicPartition, of: OffsetsOf) -> Answer {
        let OffsetsOf { group, partitions, member_id, member_epoch } = of;
        self.read(at, |core| {
            core.check_offset_fetch(&group, member_id.as_ref(), member_epoch)?;
            let Some(partitions) = partitions else {
                let all = core.committed_offsets(&group)?;
                let all = all.map(|(at, offset)| (at.clone(), Some(offset.clone())));
                return Ok(Told::Offsets(all.collect()));
            };
            let offset = |at: NamedPartition| {
                let found = core.committed_offset(&group, &at)?.cloned();
                Ok((at, found))
            };
            partitions.into_iter().map(offset).collect::<Result<_, _>>().map(Told::Offsets)
        })
    }

    pub(super) fn describe(&self, at: TopicPartition, group: &GroupId) -> Answer {
        self.read(at, |core| core.describe(group).map(Told::Description))
    }

    fn read(&self, at: TopicPartition, read: impl FnOnce(&Coordinator) -> Answer) -> Answer {
        let hosts = self.hosts.borrow();
        hosts.get(&at).map_or(Err(ErrorCode::NotCoordinator), |host| read(&host.core))
    }

    /// The groups of all coordinators of this shard.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS.
    pub(crate) fn list(&self) -> Result<Vec<GroupListing>, ErrorCode> {
        let mut groups = Vec::new();
        for host in self.hosts.borrow().values() {
            groups.extend(host.core.list()?);
        }
        Ok(groups)
    }

    /// How far the groups have committed, for the metrics page.
    pub(crate) fn snapshot(&self) -> GroupSnapshot {
        let mut snapshot = GroupSnapshot::default();
        for host in self.hosts.borrow().values() {
            // One that loads has nothing to show yet.
            for listed in host.core.list().unwrap_or_default() {
                snapshot.group_count += 1;
                let Ok(mut offsets) = host.core.committed_offsets(&listed.group) else { continue };
                let room = ROWS_MAX - snapshot.rows.len();
                let rows = offsets.by_ref().take(room).map(|(at, offset)| GroupFigures {
                    group: listed.group.as_str().to_owned(),
                    topic: String::from(&*at.topic),
                    partition: at.partition.0,
                    committed_offset: offset.offset.0,
                });
                snapshot.rows.extend(rows);
                snapshot.omitted_count += usize::from(offsets.next().is_some());
            }
        }
        snapshot
    }
}
