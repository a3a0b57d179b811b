//! Heartbeats, leaving, and sessions that end.

use super::world::*;
use crate::LeavingMember;
use core::time::Duration;

#[test]
fn heartbeats_keep_a_session_alive_and_silence_ends_it() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.ask(heartbeat(&members[0], 1)), "ok");
    world.pass(Duration::from_secs(9));
    assert_eq!(world.state(), "PreparingRebalance 1");
    assert_eq!(world.ask(heartbeat(&members[0], 1)), "REBALANCE_IN_PROGRESS");
    assert_eq!(world.coordinator.stats().expired_sessions, 1);
}

#[test]
fn heartbeats_of_strangers_and_of_other_generations_are_refused() {
    let mut world = World::new();
    assert_eq!(world.ask(heartbeat(&"x".into(), 1)), "UNKNOWN_MEMBER_ID");
    let members = world.stable(&["a"]);
    assert_eq!(world.ask(heartbeat(&"x".into(), 1)), "UNKNOWN_MEMBER_ID");
    assert_eq!(world.ask(heartbeat(&members[0], 0)), "ILLEGAL_GENERATION");
}

#[test]
fn the_last_member_to_go_leaves_an_empty_group_behind() {
    let mut world = World::new();
    let members = world.stable(&["a"]);
    assert_eq!(world.ask(leave(&[leaving(&members[0])])), "NONE");
    assert_eq!(world.state(), "Empty 0");
    assert_eq!(world.generation(), 2);
    assert_eq!(world.ask(leave(&[leaving(&members[0])])), "UNKNOWN_MEMBER_ID");
}

#[test]
fn several_members_leave_together_each_with_its_own_answer() {
    let mut world = World::new();
    let members = world.stable(&["a", "b", "c"]);
    let all = [leaving(&members[0]), leaving(&"x".into()), leaving(&members[2])];
    assert_eq!(world.ask(leave(&all)), "NONE UNKNOWN_MEMBER_ID NONE");
    assert_eq!(world.state(), "PreparingRebalance 1");
}

#[test]
fn leaving_a_group_that_nobody_knows_is_refused_as_a_whole() {
    let mut world = World::new();
    assert_eq!(world.ask(leave(&[leaving(&"x".into())])), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_pending_member_leaves_without_a_rebalance() {
    let mut world = World::new();
    world.stable(&["a"]);
    world.join(joining("b"));
    let id = crate::MemberId::from_random("b", 3);
    assert_eq!(world.ask(leave(&[leaving(&id)])), "NONE");
    assert_eq!(world.state(), "Stable 1");
    let token = world.join(again("b", &id));
    assert_eq!(world.answer(token), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_pending_member_that_expires_disturbs_no_stable_group() {
    let mut world = World::new();
    let members = world.stable(&["a"]);
    world.pass(Duration::from_secs(5));
    world.join(joining("b"));
    world.send(heartbeat(&members[0], 1));
    world.pass(Duration::from_secs(9));
    world.send(heartbeat(&members[0], 1));
    world.pass(Duration::from_secs(2));
    assert_eq!(world.state(), "Stable 1");
}

#[test]
fn a_parked_newcomer_is_answered_when_it_is_forgotten() {
    let mut world = World::new();
    world.stable(&["a"]);
    let (_, parked) = world.enter("b");
    world.pass(Duration::from_secs(301));
    assert_ne!(world.answer(parked), "waits");
}

#[test]
fn a_member_that_waits_for_the_rebalance_does_not_expire_meanwhile() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    let leader = world.join(again("a", &members[0]));
    for _ in 0..3 {
        world.pass(Duration::from_secs(9));
        assert_eq!(world.ask(heartbeat(&members[1], 1)), "REBALANCE_IN_PROGRESS");
    }
    assert_eq!(world.answer(leader), "waits");
    world.join(again("b", &members[1]));
    assert!(world.answer(leader).starts_with("joined 2"));
}

#[test]
fn an_administrator_removes_a_static_member_by_its_name() {
    let mut world = World::new();
    world.join(static_joining("i"));
    world.pass(Duration::from_secs(3));
    let by_name = LeavingMember { member_id: None, instance_id: Some("i".into()) };
    assert_eq!(world.ask(leave(&[by_name.clone(), by_name])), "NONE UNKNOWN_MEMBER_ID");
    assert_eq!(world.state(), "Empty 0");
}
