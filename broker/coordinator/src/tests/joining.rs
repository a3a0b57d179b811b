//! JoinGroup: ids, protocols, bounds and the join phase.

use super::world::*;
use crate::JoinRequest;
use crate::Settings;
use crate::request::MemberIdRequired;
use core::time::Duration;

const DELAY: Duration = Duration::from_secs(3);

#[test]
fn a_new_member_gets_an_id_and_joins_with_it() {
    let mut world = World::new();
    let first = world.join(joining("a"));
    assert_eq!(world.answer(first), "MEMBER_ID_REQUIRED");
    let (_, join) = world.enter("b");
    assert_eq!(world.answer(join), "waits");
}

#[test]
fn an_old_client_joins_without_an_id() {
    let mut world = World::new();
    let join = JoinRequest { member_id_required: MemberIdRequired::No, ..joining("a") };
    let token = world.join(join);
    world.pass(DELAY);
    assert_eq!(world.answer(token), "joined 1 as a#1, leader a#1, range [a#1]");
}

#[test]
fn an_unknown_id_is_refused_with_and_without_a_group() {
    let mut world = World::new();
    let token = world.join(again("a", &"stranger".into()));
    assert_eq!(world.answer(token), "UNKNOWN_MEMBER_ID");
    world.stable(&["a"]);
    let token = world.join(again("a", &"stranger".into()));
    assert_eq!(world.answer(token), "UNKNOWN_MEMBER_ID");
}

#[test]
fn session_timeouts_have_bounds_and_groups_have_names() {
    let mut world = World::new();
    for seconds in [5, 1_801] {
        let session_timeout = Duration::from_secs(seconds);
        let token = world.join(JoinRequest { session_timeout, ..joining("a") });
        assert_eq!(world.answer(token), "INVALID_SESSION_TIMEOUT");
    }
    let token = world.join(JoinRequest { group: "".into(), ..joining("a") });
    assert_eq!(world.answer(token), "INVALID_GROUP_ID");
}

#[test]
fn the_first_rebalance_waits_longer_while_members_keep_coming() {
    let mut world = World::new();
    let (_, first) = world.enter("a");
    world.pass(Duration::from_secs(2));
    let (_, second) = world.enter("b");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.answer(first), "waits");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.answer(first), "joined 1 as a#1, leader a#1, range [a#1 b#3]");
    assert_eq!(world.answer(second), "joined 1 as b#3, leader a#1, range []");
}

#[test]
fn protocols_that_others_do_not_know_are_refused() {
    let mut world = World::new();
    let none = world.join(JoinRequest { protocols: Vec::new(), ..joining("a") });
    assert_eq!(world.answer(none), "INCONSISTENT_GROUP_PROTOCOL");
    world.stable(&["a"]);
    let other = JoinRequest { protocols: protocols(&["sticky"]), ..joining("b") };
    let connect = JoinRequest { protocol_type: "connect".into(), ..joining("b") };
    for join in [other, connect] {
        let token = world.join(join);
        assert_eq!(world.answer(token), "INCONSISTENT_GROUP_PROTOCOL");
    }
}

#[test]
fn the_protocol_with_most_votes_among_the_common_ones_wins() {
    let mut world = World::new();
    let mut last = 0;
    let votes: [&[&str]; 3] = [&["a", "x", "y"], &["y", "x"], &["b", "x", "y"]];
    for names in votes {
        last = world.join(JoinRequest {
            protocols: protocols(names),
            member_id_required: MemberIdRequired::No,
            ..joining("m")
        });
    }
    world.pass(REBALANCE);
    assert_eq!(world.answer(last), "joined 1 as m#3, leader m#1, x []");
}

#[test]
fn a_full_group_takes_nobody_else() {
    let mut world = World::new();
    let members = world.stable(&["a", "b", "c"]);
    let token = world.join(joining("d"));
    assert_eq!(world.answer(token), "GROUP_MAX_SIZE_REACHED");
    // A rebalance begins the count anew, and who comes first stays.
    let leader = world.join(again("a", &members[0]));
    let (_, fourth) = (world.join(again("b", &members[1])), world.enter("d").1);
    assert_eq!(world.answer(leader), "waits");
    let late = world.join(again("c", &members[2]));
    assert_eq!(world.answer(late), "GROUP_MAX_SIZE_REACHED");
    assert!(world.answer(fourth).starts_with("joined 2"), "{}", world.answer(fourth));
}

#[test]
fn a_group_beyond_its_bytes_takes_nobody_else() {
    let mut world = World::with(Settings { group_bytes_max: 60, ..settings() });
    let (_, first) = world.enter("a");
    let token = world.join(joining("b"));
    assert_eq!(world.answer(token), "GROUP_MAX_SIZE_REACHED");
    world.pass(DELAY);
    assert!(world.answer(first).starts_with("joined 1"));
}

#[test]
fn a_follower_that_joins_again_unchanged_is_told_the_generation_it_has() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    let token = world.join(again("b", &members[1]));
    assert_eq!(world.answer(token), "joined 1 as b#3, leader a#1, range []");
    assert_eq!(world.state(), "Stable 2");
}

#[test]
fn a_leader_that_joins_again_always_rebalances() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    let leader = world.join(again("a", &members[0]));
    assert_eq!(world.answer(leader), "waits");
    assert_eq!(world.ask(heartbeat(&members[1], 1)), "REBALANCE_IN_PROGRESS");
    let follower = world.join(again("b", &members[1]));
    assert_eq!(world.answer(leader), "joined 2 as a#1, leader a#1, range [a#1 b#3]");
    assert_eq!(world.answer(follower), "joined 2 as b#3, leader a#1, range []");
}

#[test]
fn a_join_that_lost_its_answer_is_told_again_while_the_group_waits_for_its_leader() {
    let mut world = World::new();
    let (a, _) = world.enter("a");
    world.pass(DELAY);
    let token = world.join(again("a", &a));
    assert_eq!(world.answer(token), "joined 1 as a#1, leader a#1, range [a#1]");
}

#[test]
fn members_that_do_not_come_back_are_left_behind() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    world.pass(Duration::from_secs(1));
    let follower = JoinRequest { protocols: protocols(&["range", "x"]), ..again("b", &members[1]) };
    let token = world.join(follower);
    world.pass(SESSION);
    assert_eq!(world.answer(token), "joined 2 as b#3, leader b#3, range [b#3]");
    assert_eq!(world.ask(heartbeat(&members[0], 1)), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_member_id_that_is_never_used_holds_up_nobody_for_long() {
    let mut world = World::new();
    let members = world.stable(&["a"]);
    let abandoned = world.join(joining("b"));
    assert_eq!(world.answer(abandoned), "MEMBER_ID_REQUIRED");
    let leader = world.join(again("a", &members[0]));
    assert_eq!(world.answer(leader), "waits");
    world.pass(settings().pending_member_timeout);
    assert_eq!(world.answer(leader), "joined 2 as a#1, leader a#1, range [a#1]");
}

#[test]
fn a_second_join_of_one_member_answers_the_first() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    let first = world.join(again("a", &members[0]));
    let second = world.join(again("a", &members[0]));
    assert_eq!(world.answer(first), "REBALANCE_IN_PROGRESS");
    assert_eq!(world.answer(second), "waits");
}
