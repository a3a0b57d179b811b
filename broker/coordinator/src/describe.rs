//! What can be asked without changing anything. Answers show only what is durable or was promised.

use model::ErrorCode;

use crate::group::Group;
use crate::{
    CommittedOffset, Coordinator, GroupDescription, GroupId, GroupListing, MemberId, NamedPartition,
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

    /// Whether the sender of an OffsetFetch may read a group's offsets. Below version 9 it does not
    /// say who it is; a member of a consumer group reads only in the epoch it is in.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID; STALE_MEMBER_EPOCH, or ILLEGAL_GENERATION for a classic member;
    /// COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR. A group that nobody knows has no offsets, which
    /// is no error.
    pub fn check_offset_fetch(
        &self,
        group: &GroupId,
        member_id: Option<&MemberId>,
        member_epoch: Option<i32>,
    ) -> Result<(), ErrorCode> {
        self.check_active()?;
        match self.groups().get(group) {
            Some(Group::Consumer(group)) => group.check_offset_fetch(member_id, member_epoch),
            Some(Group::Classic(_)) | None => Ok(()),
        }
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

    /// Describes one classic group.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND, also for a consumer group; DescribeGroups below version 6 calls that a Dead
    /// group without an error; COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR.
    pub fn describe(&self, group: &GroupId) -> Result<GroupDescription, ErrorCode> {
        self.check_active()?;
        match self.groups().get(group) {
            Some(Group::Classic(group)) => Ok(group.describe()),
            Some(Group::Consumer(_)) | None => Err(ErrorCode::GroupIdNotFound),
        }
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
