//! Commits, deletion and expiry.

use super::world::*;
use crate::{
    GroupId, NamedPartition, OffsetCommitRequest, OffsetDeleteRequest, Record, Request, Settings,
};
use core::time::Duration;
use model::ErrorCode;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn committed(world: &World) -> Option<i64> {
    let offset = world.coordinator.committed_offset(&GROUP.into(), &partition(0));
    offset.unwrap().map(|committed| committed.offset.0)
}

fn delete(partitions: &[NamedPartition]) -> Request {
    let partitions = partitions.to_vec();
    Request::OffsetDelete(OffsetDeleteRequest { group: GROUP.into(), partitions })
}

fn delete_group() -> Request {
    Request::DeleteGroup { group: GROUP.into() }
}

#[test]
fn a_commit_is_answered_and_shown_when_it_is_durable() {
    let mut world = World::new();
    world.durable_at_once = false;
    let token = world.send(Request::OffsetCommit(commit(None, 5)));
    assert_eq!((world.answer(token), committed(&world)), ("waits".into(), None));
    world.persist();
    assert_eq!((world.answer(token), committed(&world)), ("NONE".into(), Some(5)));
}

#[test]
fn a_refused_commit_leaves_the_offset_before_it() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.durable_at_once = false;
    let token = world.send(Request::OffsetCommit(commit(None, 9)));
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(
        (world.answer(token), committed(&world)),
        ("COORDINATOR_NOT_AVAILABLE".into(), Some(5))
    );
}

#[test]
fn only_members_of_this_generation_commit_to_a_group_in_use() {
    let mut world = World::new();
    let a = &world.stable(&["a"])[0];
    let stranger = "x".into();
    let mut ask = |from, offset| world.ask(Request::OffsetCommit(commit(from, offset)));
    assert_eq!(ask(Some((a, 1)), 5), "NONE");
    assert_eq!(ask(Some((a, 0)), 6), "ILLEGAL_GENERATION");
    assert_eq!(ask(Some((&stranger, 1)), 6), "UNKNOWN_MEMBER_ID");
    assert_eq!(ask(None, 6), "UNKNOWN_MEMBER_ID");
    assert_eq!(committed(&world), Some(5));
}

#[test]
fn a_generation_that_nobody_knows_is_refused() {
    let mut world = World::new();
    let request = Request::OffsetCommit(commit(Some((&"x".into(), 1)), 5));
    assert_eq!(world.ask(request), "GROUP_ID_NOT_FOUND");
}

#[test]
fn members_commit_while_others_join_and_not_while_assignments_are_made() {
    let mut world = World::new();
    let a = &world.stable(&["a"])[0];
    let (b, _) = world.enter("b");
    assert_eq!(world.ask(Request::OffsetCommit(commit(Some((a, 1)), 5))), "NONE");
    world.join(again("a", a));
    assert_eq!(world.state(), "CompletingRebalance 2");
    for member in [a, &b] {
        let request = Request::OffsetCommit(commit(Some((member, 2)), 6));
        assert_eq!(world.ask(request), "REBALANCE_IN_PROGRESS");
    }
    let old = Request::OffsetCommit(commit(Some((a, 1)), 6));
    assert_eq!(world.ask(old), "ILLEGAL_GENERATION");
}

#[test]
fn a_commit_keeps_the_session_alive() {
    let mut world = World::new();
    let a = &world.stable(&["a"])[0];
    for offset in 0..4 {
        world.pass(Duration::from_secs(9));
        assert_eq!(world.ask(Request::OffsetCommit(commit(Some((a, 1)), offset))), "NONE");
    }
}

#[test]
fn each_partition_has_its_own_answer() {
    let mut world = World::with(Settings { offsets_max: 1, ..settings() });
    let mut request = commit(None, 5);
    request.offsets.push(crate::OffsetToCommit { at: partition(1), ..request.offsets[0].clone() });
    let long = "x".repeat(4_097).as_str().into();
    request.offsets.push(crate::OffsetToCommit { metadata: long, ..request.offsets[0].clone() });
    let answer = world.ask(Request::OffsetCommit(request));
    assert_eq!(answer, "NONE INVALID_COMMIT_OFFSET_SIZE OFFSET_METADATA_TOO_LARGE");
    assert_eq!(committed(&world), Some(5));
}

#[test]
fn too_many_writes_under_way_refuse_the_next_and_spare_heartbeats() {
    let mut world = World::new();
    let a = &world.stable(&["a"])[0];
    world.durable_at_once = false;
    for offset in 0..8 {
        world.send(Request::OffsetCommit(commit(Some((a, 1)), offset)));
    }
    let answer = world.ask(Request::OffsetCommit(commit(Some((a, 1)), 9)));
    assert_eq!(answer, "COORDINATOR_NOT_AVAILABLE");
    assert_eq!(world.ask(heartbeat(a, 1)), "ok");
}

#[test]
fn offsets_of_subscribed_topics_are_not_deleted() {
    let mut world = World::new();
    assert_eq!(world.ask(delete(&[partition(0)])), "GROUP_ID_NOT_FOUND");
    world.send(Request::OffsetCommit(commit(None, 5)));
    let members = world.stable(&["a"]);
    let other = NamedPartition { topic: "other".into(), ..partition(0) };
    assert_eq!(world.ask(delete(&[partition(0), other])), "GROUP_SUBSCRIBED_TO_TOPIC NONE");
    world.send(leave(&[leaving(&members[0])]));
    assert_eq!(world.ask(delete(&[partition(0)])), "NONE");
    assert_eq!(committed(&world), None);
}

#[test]
fn a_deletion_of_what_is_gone_waits_until_it_is_gone_for_good() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.durable_at_once = false;
    let first = world.send(delete(&[partition(0)]));
    let second = world.send(delete(&[partition(0)]));
    let other = world.send(delete(&[partition(1)]));
    assert_eq!([first, second].map(|it| world.answer(it)), ["waits", "waits"]);
    assert_eq!((world.answer(other), committed(&world)), ("NONE".into(), Some(5)));
    world.persist();
    assert_eq!([first, second].map(|it| world.answer(it)), ["NONE", "NONE"]);
    assert_eq!(committed(&world), None);
}

#[test]
fn only_an_empty_group_is_deleted_with_all_it_has() {
    let mut world = World::new();
    assert_eq!(world.ask(delete_group()), "GROUP_ID_NOT_FOUND");
    world.send(Request::OffsetCommit(commit(None, 5)));
    let members = world.stable(&["a"]);
    assert_eq!(world.ask(delete_group()), "NON_EMPTY_GROUP");
    world.send(leave(&[leaving(&members[0])]));
    world.durable_at_once = false;
    let token = world.send(delete_group());
    assert_eq!((world.answer(token), world.state()), ("waits".into(), "Dead 0".into()));
    let join = world.join(joining("a"));
    assert_eq!(world.answer(join), "COORDINATOR_NOT_AVAILABLE");
    world.persist();
    assert_eq!((world.answer(token), world.state()), ("ok".into(), "GROUP_ID_NOT_FOUND".into()));
    assert_eq!(committed(&world), None);
    let group = GroupId::from(GROUP);
    assert_eq!(world.log.last(), Some(&Record::GroupMetadata { group, value: None }));
}

#[test]
fn a_deletion_covers_a_commit_that_is_under_way() {
    let mut world = World::new();
    world.durable_at_once = false;
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.send(delete_group());
    world.persist();
    assert_eq!((committed(&world), world.state()), (None, "GROUP_ID_NOT_FOUND".into()));
}

#[test]
fn a_refused_deletion_leaves_the_group_as_it_was() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.durable_at_once = false;
    let token = world.send(delete_group());
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.answer(token), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!((committed(&world), world.state()), (Some(5), "Empty 0".into()));
}

#[test]
fn offsets_of_a_group_that_nobody_joins_expire_after_their_commit() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.pass(6 * DAY);
    world.send(Request::OffsetCommit(commit(None, 6)));
    world.pass(6 * DAY);
    assert_eq!(committed(&world), Some(6));
    world.pass(2 * DAY);
    assert_eq!((committed(&world), world.state()), (None, "GROUP_ID_NOT_FOUND".into()));
}

#[test]
fn offsets_of_a_used_group_expire_after_it_became_empty() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    let long = Duration::from_secs(1_800);
    let join = crate::JoinRequest { session_timeout: long, ..static_joining("i") };
    world.join(join);
    world.pass(Duration::from_secs(3));
    let alive = crate::MemberId::from_random("i", 1);
    world.send(sync(&alive, 1, Vec::new()));
    for _ in 0..8 * 96 {
        world.pass(long / 2);
        world.send(heartbeat(&alive, 1));
    }
    assert_eq!((committed(&world), world.state()), (Some(5), "Stable 1".into()));
    world.pass(6 * DAY);
    assert_eq!((committed(&world), world.state()), (Some(5), "Empty 0".into()));
    world.pass(2 * DAY);
    assert_eq!(committed(&world), None);
}

#[test]
fn a_commit_may_bring_its_own_retention() {
    let mut world = World::new();
    let request = OffsetCommitRequest { retention: Some(DAY), ..commit(None, 5) };
    world.send(Request::OffsetCommit(request));
    world.pass(DAY + Duration::from_secs(601));
    assert_eq!(committed(&world), None);
}

#[test]
fn offsets_of_a_deleted_topic_go_with_it() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.step(crate::Event::TopicsDeleted { topics: vec!["other".into()] });
    assert_eq!(committed(&world), Some(5));
    world.step(crate::Event::TopicsDeleted { topics: vec!["t".into()] });
    assert_eq!(committed(&world), None);
}
