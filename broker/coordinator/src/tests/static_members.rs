//! Static members (KIP-345): who comes back keeps its place, and who it was is fenced.

use super::world::*;
use crate::request::SkipAssignment;
use crate::{JoinRequest, JoinResponse, MemberId, MemberIdentity, Request, Response};
use core::time::Duration;
use model::ErrorCode;

fn joined(world: &World, token: u64) -> JoinResponse {
    match &world.answers[&token] {
        Response::Join(Ok(join)) => join.clone(),
        other => panic!("{other:?}"),
    }
}

/// A stable group of the instances `i` (leader) and `j`.
fn stable(world: &mut World) -> [MemberId; 2] {
    let tokens = [world.join(static_joining("i")), world.join(static_joining("j"))];
    world.pass(Duration::from_secs(9));
    let members = tokens.map(|token| joined(world, token).member_id);
    let plan = members.iter().map(|m| (m.clone(), bytes(&short(m)))).collect();
    world.send(sync(&members[0], 1, plan));
    world.send(sync(&members[1], 1, Vec::new()));
    assert_eq!(world.state(), "Stable 2");
    members
}

fn static_heartbeat(instance: &str, member: &MemberId) -> Request {
    let instance_id = Some(instance.into());
    Request::Heartbeat(MemberIdentity { instance_id, ..identity(member, 1) })
}

#[test]
fn a_static_member_needs_no_second_join() {
    let mut world = World::new();
    let token = world.join(static_joining("i"));
    assert_eq!(world.answer(token), "waits");
}

#[test]
fn a_static_follower_that_returns_keeps_its_assignment_and_disturbs_nobody() {
    let mut world = World::new();
    let members = stable(&mut world);
    let token = world.join(static_joining("j"));
    assert_eq!(world.answer(token), "joined 1 as j#3, leader i#1, range []");
    let id = joined(&world, token).member_id;
    assert_eq!(world.ask(sync(&id, 1, Vec::new())), "assigned 'j#2'");
    assert_eq!(world.ask(static_heartbeat("j", &members[1])), "FENCED_INSTANCE_ID");
    assert_eq!(world.ask(static_heartbeat("j", &id)), "ok");
    assert_eq!(world.ask(static_heartbeat("i", &members[0])), "ok");
    assert_eq!(world.ask(static_heartbeat("k", &members[0])), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_static_leader_that_returns_does_not_divide_the_work_anew() {
    let mut world = World::new();
    stable(&mut world);
    let token = world.join(static_joining("i"));
    assert_eq!(world.answer(token), "joined 1 as i#3, leader i#3, range [i#3 j#2] skip");
    let old = JoinRequest { skip_assignment: SkipAssignment::Unsupported, ..static_joining("i") };
    let token = world.join(old);
    assert_eq!(world.answer(token), "joined 1 as i#4, leader i#3, range []");
}

#[test]
fn the_new_life_is_told_only_when_it_is_durable() {
    let mut world = World::new();
    stable(&mut world);
    world.durable_at_once = false;
    let token = world.join(static_joining("j"));
    assert_eq!(world.answer(token), "waits");
    world.persist();
    assert!(world.answer(token).starts_with("joined 1"));
    let token = world.join(static_joining("j"));
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.answer(token), "COORDINATOR_NOT_AVAILABLE");
}

#[test]
fn a_return_with_another_protocol_rebalances() {
    let mut world = World::new();
    let all = |instance| JoinRequest {
        protocols: protocols(&["range", "sticky"]),
        ..static_joining(instance)
    };
    let tokens = [world.join(all("i")), world.join(all("j"))];
    world.pass(Duration::from_secs(9));
    let leader = joined(&world, tokens[0]).member_id;
    world.send(sync(&leader, 1, Vec::new()));
    assert_eq!(world.state(), "Stable 2");
    let only = JoinRequest { protocols: protocols(&["sticky"]), ..static_joining("j") };
    let token = world.join(only);
    assert_eq!(world.answer(token), "waits");
    assert_eq!(world.state(), "PreparingRebalance 2");
}

#[test]
fn a_double_is_fenced_while_it_waits() {
    let mut world = World::new();
    let first = world.join(static_joining("i"));
    let second = world.join(static_joining("i"));
    assert_eq!(world.answer(first), "FENCED_INSTANCE_ID");
    world.pass(Duration::from_secs(9));
    assert_eq!(world.answer(second), "joined 1 as i#2, leader i#2, range [i#2]");
}

#[test]
fn an_absent_static_member_stays_until_its_session_ends() {
    let mut world = World::new();
    let slow = Duration::from_secs(100);
    let i = world.join(JoinRequest { session_timeout: slow, ..static_joining("i") });
    let j = world.join(JoinRequest { session_timeout: slow, ..static_joining("j") });
    world.pass(Duration::from_secs(9));
    let [i, _] = [i, j].map(|token| joined(&world, token).member_id);
    world.send(sync(&i, 1, Vec::new()));
    let join = JoinRequest { member_id: Some(i), session_timeout: slow, ..static_joining("i") };
    let token = world.join(join);
    world.pass(REBALANCE);
    assert_eq!(world.answer(token), "joined 2 as i#1, leader i#1, range [i#1 j#2]");
}
