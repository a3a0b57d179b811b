//! What a coordinator says of a group, whatever its protocol.

use client::{ClientError, NamedPartition, assigned_partitions};
use model::ErrorCode;
use serde::Serialize;
use std::collections::BTreeSet;
use std::rc::Rc;
use wire::ApiKey;
use wire::messages::consumer_group_describe as consumer;
use wire::messages::describe_groups as classic;

use crate::cli::failure::Failure;
use crate::cli::session::Session;

/// A group and its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) group: String,
    pub(super) kind: Kind,
    pub(super) state: String,
    /// How partitions are shared out; empty without members.
    pub(super) assignor: String,
    pub(super) coordinator: i32,
    pub(super) members: Vec<Member>,
}

/// Which protocol the members speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Classic,
    /// KIP-848.
    Consumer,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) member_id: String,
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) host: String,
    pub(super) partitions: BTreeSet<NamedPartition>,
}

impl Group {
    /// Whether offsets may be moved: nobody would overwrite them.
    pub(super) fn is_active(&self) -> bool {
        !self.members.is_empty() || !["Empty", "Dead"].contains(&self.state.as_str())
    }
}

/// The group, or `None` when there is none of that name.
pub(super) async fn group(session: &Session, name: &str) -> Result<Option<Group>, Failure> {
    let router = &session.router;
    let described = router.retry(session.limit, async || {
        let coordinator = router.coordinator(name).await?;
        let connection = router.node(coordinator).await?;
        let group_ids = vec![name.to_owned()];
        if connection.versions().of_api(ApiKey::ConsumerGroupDescribe).is_ok() {
            let request = consumer::ConsumerGroupDescribeRequest {
                group_ids: group_ids.clone(),
                include_authorized_operations: false,
            };
            let response = connection.call(&request, session.limit).await?;
            if let Some(group) = of_consumer(name, coordinator.0, response)? {
                return Ok(Some(group));
            }
        }
        let request = classic::DescribeGroupsRequest {
            groups: group_ids,
            include_authorized_operations: false,
        };
        let response = connection.call(&request, session.limit).await?;
        of_classic(name, coordinator.0, response)
    });
    Ok(described.await?)
}

/// `None` when there is no such group, or it is of the classic protocol.
fn of_consumer(
    name: &str,
    coordinator: i32,
    response: consumer::ConsumerGroupDescribeResponse,
) -> Result<Option<Group>, ClientError> {
    let Some(group) = response.groups.into_iter().next() else { return Ok(None) };
    // A coordinator without such groups may list the request and refuse it.
    let elsewhere = [ErrorCode::GroupIdNotFound.code(), ErrorCode::UnsupportedVersion.code()];
    if elsewhere.contains(&group.error_code) {
        return Ok(None);
    }
    check(name, group.error_code, group.error_message.as_ref())?;
    let member = |member: consumer::Member| Member {
        member_id: member.member_id,
        instance_id: member.instance_id,
        client_id: member.client_id,
        host: host(member.client_host),
        partitions: partitions(&member.assignment),
    };
    Ok(Some(Group {
        group: group.group_id,
        kind: Kind::Consumer,
        state: group.group_state,
        assignor: group.assignor_name,
        coordinator,
        members: group.members.into_iter().map(member).collect(),
    }))
}

fn partitions(assignment: &consumer::Assignment) -> BTreeSet<NamedPartition> {
    let mut partitions = BTreeSet::new();
    for topic in &assignment.topic_partitions {
        let name: Rc<str> = Rc::from(topic.topic_name.as_str());
        partitions.extend(topic.partitions.iter().map(|at| NamedPartition::new(&name, *at)));
    }
    partitions
}

fn of_classic(
    name: &str,
    coordinator: i32,
    response: classic::DescribeGroupsResponse,
) -> Result<Option<Group>, ClientError> {
    let Some(group) = response.groups.into_iter().next() else { return Ok(None) };
    // Before version 6 a group that is not there is a dead one.
    if group.error_code == ErrorCode::GroupIdNotFound.code() || group.group_state == "Dead" {
        return Ok(None);
    }
    check(name, group.error_code, group.error_message.as_ref())?;
    let member = |member: classic::DescribedGroupMember| Member {
        member_id: member.member_id,
        instance_id: member.group_instance_id,
        client_id: member.client_id,
        host: host(member.client_host),
        // Members that are no consumers, such as Connect's, have assignments of their own kind.
        partitions: assigned_partitions(&member.member_assignment).unwrap_or_default(),
    };
    Ok(Some(Group {
        group: group.group_id,
        kind: Kind::Classic,
        state: group.group_state,
        assignor: group.protocol_data,
        coordinator,
        members: group.members.into_iter().map(member).collect(),
    }))
}

fn check(name: &str, code: i16, message: Option<&String>) -> Result<(), ClientError> {
    ClientError::check(&format!("describing group {name}"), code, message)
}

/// Kafka's text of an address begins with a slash where a name would be.
fn host(text: String) -> String {
    text.strip_prefix('/').map(str::to_owned).unwrap_or(text)
}

/// That a group is not there, as an error.
pub(super) fn not_found(name: &str) -> Failure {
    let code = ErrorCode::GroupIdNotFound.code();
    ClientError::refused(format!("group {name}"), code, None).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(error_code: i16, state: &str) -> classic::DescribeGroupsResponse {
        classic::DescribeGroupsResponse {
            groups: vec![classic::DescribedGroup {
                error_code,
                group_id: "g".to_owned(),
                group_state: state.to_owned(),
                members: vec![classic::DescribedGroupMember {
                    client_host: "/10.0.0.1".to_owned(),
                    ..classic::DescribedGroupMember::default()
                }],
                ..classic::DescribedGroup::default()
            }],
            ..classic::DescribeGroupsResponse::default()
        }
    }

    #[test]
    fn a_dead_group_and_an_unknown_one_are_not_there() {
        assert_eq!(of_classic("g", 1, described(0, "Dead")), Ok(None));
        let unknown = described(ErrorCode::GroupIdNotFound.code(), "Dead");
        assert_eq!(of_classic("g", 1, unknown), Ok(None));
    }

    #[test]
    fn a_member_without_an_assignment_has_no_partition() {
        let group = of_classic("g", 1, described(0, "PreparingRebalance")).unwrap().unwrap();
        assert_eq!(group.members[0].host, "10.0.0.1");
        assert!(group.members[0].partitions.is_empty());
        assert!(group.is_active());
    }
}
