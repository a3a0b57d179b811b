//! SyncGroup: durable assignments, errors, and members that never ask.

use super::world::*;
use crate::{MemberId, Record, Request, SyncRequest};
use core::time::Duration;
use model::ErrorCode;

/// Two members that have joined generation 1 and not synced.
fn joined(world: &mut World) -> [MemberId; 2] {
    let members = [world.enter("a").0, world.enter("b").0];
    world.pass(Duration::from_secs(9));
    assert_eq!(world.state(), "CompletingRebalance 2");
    members
}

fn plan(members: &[MemberId; 2]) -> Vec<(MemberId, crate::Bytes)> {
    members.iter().map(|m| (m.clone(), bytes(&short(m)))).collect()
}

#[test]
fn nobody_gets_an_assignment_before_it_is_durable() {
    let mut world = World::new();
    let members = joined(&mut world);
    world.durable_at_once = false;
    let follower = world.send(sync(&members[1], 1, Vec::new()));
    let leader = world.send(sync(&members[0], 1, plan(&members)));
    assert_eq!((world.answer(follower), world.answer(leader)), ("waits".into(), "waits".into()));
    world.persist();
    assert_eq!(world.answer(follower), "assigned 'b#3'");
    assert_eq!(world.answer(leader), "assigned 'a#1'");
    assert_eq!(world.state(), "Stable 2");
    assert!(matches!(world.log.last(), Some(Record::GroupMetadata { value: Some(_), .. })));
}

#[test]
fn a_stable_group_answers_from_what_it_has() {
    let mut world = World::new();
    let members = joined(&mut world);
    world.send(sync(&members[0], 1, plan(&members)));
    assert_eq!(world.ask(sync(&members[1], 1, Vec::new())), "assigned 'b#3'");
    assert_eq!(world.ask(sync(&members[1], 1, Vec::new())), "assigned 'b#3'");
}

#[test]
fn a_member_that_the_leader_left_out_gets_nothing_to_do() {
    let mut world = World::new();
    let members = joined(&mut world);
    world.send(sync(&members[0], 1, plan(&members)[..1].to_vec()));
    assert_eq!(world.ask(sync(&members[1], 1, Vec::new())), "assigned ''");
}

#[test]
fn a_sync_of_another_generation_member_or_protocol_is_refused() {
    let mut world = World::new();
    let members = joined(&mut world);
    assert_eq!(world.ask(sync(&members[0], 0, Vec::new())), "ILLEGAL_GENERATION");
    assert_eq!(world.ask(sync(&"stranger".into(), 1, Vec::new())), "UNKNOWN_MEMBER_ID");
    let other = SyncRequest {
        from: identity(&members[0], 1),
        protocol_type: Some("consumer".into()),
        protocol: Some("sticky".into()),
        assignments: Vec::new(),
    };
    assert_eq!(world.ask(Request::Sync(other)), "INCONSISTENT_GROUP_PROTOCOL");
}

#[test]
fn a_rebalance_sends_waiting_members_back_to_join() {
    let mut world = World::new();
    let members = joined(&mut world);
    let follower = world.send(sync(&members[1], 1, Vec::new()));
    world.enter("c");
    assert_eq!(world.answer(follower), "REBALANCE_IN_PROGRESS");
    assert_eq!(world.ask(sync(&members[0], 1, plan(&members))), "REBALANCE_IN_PROGRESS");
}

#[test]
fn an_assignment_that_becomes_durable_after_the_next_rebalance_began_is_dropped() {
    let mut world = World::new();
    let members = joined(&mut world);
    world.durable_at_once = false;
    let leader = world.send(sync(&members[0], 1, plan(&members)));
    world.enter("c");
    assert_eq!(world.answer(leader), "REBALANCE_IN_PROGRESS");
    world.persist();
    assert_eq!(world.state(), "PreparingRebalance 3");
}

#[test]
fn a_refused_assignment_sends_everyone_back_to_join() {
    for (error, told) in [
        (ErrorCode::NotEnoughReplicas, "COORDINATOR_NOT_AVAILABLE"),
        (ErrorCode::NotLeaderOrFollower, "NOT_COORDINATOR"),
        (ErrorCode::MessageTooLarge, "UNKNOWN_SERVER_ERROR"),
    ] {
        let mut world = World::new();
        let members = joined(&mut world);
        world.durable_at_once = false;
        let leader = world.send(sync(&members[0], 1, plan(&members)));
        world.refuse(error);
        assert_eq!(world.answer(leader), told);
        assert_eq!(world.state(), "PreparingRebalance 2");
    }
}

#[test]
fn members_that_never_sync_are_removed() {
    let mut world = World::new();
    let members = joined(&mut world);
    world.send(sync(&members[0], 1, plan(&members)));
    for _ in 0..7 {
        world.pass(Duration::from_secs(9));
        world.send(heartbeat(&members[0], 1));
        world.send(heartbeat(&members[1], 1));
    }
    assert_eq!(world.state(), "PreparingRebalance 1");
    assert_eq!(world.ask(heartbeat(&members[1], 1)), "UNKNOWN_MEMBER_ID");
}
