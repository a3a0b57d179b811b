//! What can be asked without changing anything. Answers show only what is durable or was promised.

use model::ErrorCode;

use crate::{
    CommittedOffset, Coordinator, GroupDescription, GroupId, GroupListing, NamedPartition,
};

impl Coordinator {
    /// A group's committed offset for a partition; none when it has not committed there.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
    pub fn committed_offset(
        &self,
        group: &GroupId,
        at: &NamedPartition,
    ) -> Result<Option<&CommittedOffset>, ErrorCode> {
        self.check_active()?;
        Ok(self.offsets().get(group, at))
    }

    /// All committed offsets of a group, by topic and partition.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
    pub fn committed_offsets(
        &self,
        group: &GroupId,
    ) -> Result<impl Iterator<Item = (&NamedPartition, &CommittedOffset)>, ErrorCode> {
        self.check_active()?;
        Ok(self.offsets().of_group(group))
    }

    /// Describes one group.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND, which DescribeGroups below version 6 calls a Dead group without an error;
    /// COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
    pub fn describe(&self, group: &GroupId) -> Result<GroupDescription, ErrorCode> {
        self.check_active()?;
        let group = self.groups().get(group).ok_or(ErrorCode::GroupIdNotFound)?;
        Ok(group.describe())
    }

    /// Every group, by id. Filters are the caller's.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS. A coordinator that is not here has no groups, which is no error.
    pub fn list(&self) -> Result<Vec<GroupListing>, ErrorCode> {
        match self.check_active() {
            Err(ErrorCode::NotCoordinator) => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(()) => Ok(self.groups().values().map(|group| group.list()).collect()),
        }
    }
}
