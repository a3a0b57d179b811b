//! ConsumerGroupDescribe: members of KIP-848 groups, with what they own and what they are to own.
//!
//! Source: KIP-848, KIP-1099 (the type of a member); Kafka `ConsumerGroupMember.asConsumerGroupDescribeMember`.

use std::rc::Rc;

use coordinator::consumer::{
    ConsumerGroupDescription, ConsumerMemberDescription, Partitions, Refusal,
};
use coordinator::{Request, Response};
use runtime::Runtime;
use wire::messages::consumer_group_describe::{
    Assignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
    Member, TopicPartitions,
};

use crate::control::view;
use crate::coordinators::{Ask, Told, ask_all, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;
use crate::topics::Topics;

/// `MemberType`: one that speaks the classic protocol, and one of KIP-848.
const CLASSIC: i8 = 0;
const CONSUMER: i8 = 1;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: ConsumerGroupDescribeRequest,
) -> Result<ConsumerGroupDescribeResponse, Close> {
    let operations =
        view::operations(request.include_authorized_operations, view::GROUP_OPERATIONS);
    let names = request.group_ids;
    let questions = names.iter().map(|name| {
        let describe = Request::ConsumerGroupDescribe { group: name.as_str().into() };
        (name.clone(), Ask::Change(describe))
    });
    let answers = ask_all(shard, questions.collect()).await;
    let topics = shard.topics.borrow();
    let groups = names.into_iter().zip(answers).map(|(name, answer)| DescribedGroup {
        authorized_operations: operations,
        ..match answer {
            Ok(Told::Changed(Response::ConsumerGroupDescribe(Ok(group)))) => {
                described(name, &group, &topics)
            }
            Ok(Told::Changed(Response::ConsumerGroupDescribe(Err(refusal)))) => {
                refused(name, &refusal)
            }
            Ok(other) => unreachable!("ConsumerGroupDescribe was answered with {other:?}"),
            Err(code) => refused(name, &Refusal { code, message: String::new() }),
        }
    });
    Ok(ConsumerGroupDescribeResponse { throttle_time_ms: 0, groups: groups.collect() })
}

fn described(
    group_id: String,
    group: &ConsumerGroupDescription,
    topics: &Topics,
) -> DescribedGroup {
    DescribedGroup {
        group_id,
        group_state: group.state.to_string(),
        group_epoch: group.group_epoch,
        assignment_epoch: group.assignment_epoch,
        assignor_name: group.assignor.name().to_owned(),
        members: group.members.iter().map(|it| member(it, topics)).collect(),
        ..DescribedGroup::default()
    }
}

fn member(member: &ConsumerMemberDescription, topics: &Topics) -> Member {
    let said = &member.subscription;
    Member {
        member_id: member.member_id.as_str().to_owned(),
        instance_id: said.instance_id.as_ref().map(|id| id.as_str().to_owned()),
        rack_id: said.rack_id.as_deref().map(String::from),
        member_epoch: member.member_epoch,
        client_id: String::from(&*said.client.id),
        client_host: String::from(&*said.client.host),
        subscribed_topic_names: said.topic_names.iter().map(|it| String::from(&**it)).collect(),
        subscribed_topic_regex: said.topic_regex.as_deref().map(String::from),
        assignment: assignment(&member.assigned, topics),
        target_assignment: assignment(&member.target, topics),
        member_type: if said.classic.is_some() { CLASSIC } else { CONSUMER },
    }
}

/// A topic that was deleted meanwhile is left out.
fn assignment(partitions: &Partitions, topics: &Topics) -> Assignment {
    let partitions: Vec<_> = partitions.iter().collect();
    let of_topics = partitions.chunk_by(|one, other| one.topic == other.topic);
    let topic_partitions = of_topics.filter_map(|of_one| {
        let topic = topics.by_id(of_one[0].topic)?;
        Some(TopicPartitions {
            topic_id: topic.id,
            topic_name: topic.name.clone(),
            partitions: of_one.iter().map(|at| at.partition.0).collect(),
        })
    });
    Assignment { topic_partitions: topic_partitions.collect() }
}

fn refused(group_id: String, refusal: &Refusal) -> DescribedGroup {
    DescribedGroup {
        error_code: refusal.code.code(),
        error_message: Some(sentinels::sentence(refusal)),
        group_id,
        ..DescribedGroup::default()
    }
}
