//! Gaining and losing the partition.

use super::world::*;
use crate::{Event, Request, Response, Settings};
use core::time::Duration;

/// Another node takes over what the first has made durable.
fn take_over(world: &World, settings: Settings) -> World {
    let mut other = World::unloaded(settings);
    other.now = world.now;
    other.step(Event::BeginLoading);
    other.step(Event::Replay { records: world.log.clone() });
    other.step(Event::Loaded);
    other
}

#[test]
fn requests_are_sent_on_while_the_partition_is_elsewhere_or_loads() {
    let mut world = World::unloaded(settings());
    let commit = || Request::OffsetCommit(commit(None, 5));
    assert_eq!(world.ask(commit()), "NOT_COORDINATOR");
    assert_eq!(world.ask(heartbeat(&"a".into(), 1)), "NOT_COORDINATOR");
    assert_eq!(world.coordinator.list(), Ok(Vec::new()));
    world.step(Event::BeginLoading);
    assert_eq!(world.ask(commit()), "COORDINATOR_LOAD_IN_PROGRESS");
    assert_eq!(world.state(), "COORDINATOR_LOAD_IN_PROGRESS");
    // A member that is told otherwise would leave a group that is about to be known again.
    assert_eq!(world.ask(heartbeat(&"a".into(), 1)), "ok");
    world.step(Event::Loaded);
    assert_eq!(world.ask(commit()), "NONE");
}

#[test]
fn everyone_who_waits_is_sent_on_when_the_partition_is_lost() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    world.durable_at_once = false;
    let tokens = [
        world.send(Request::OffsetCommit(commit(Some((&members[0], 1)), 5))),
        world.join(again("a", &members[0])),
    ];
    let late = world.under_way[0].0;
    world.step(Event::Unload);
    for token in tokens {
        assert_eq!(world.answer(token), "NOT_COORDINATOR");
    }
    assert_eq!(world.coordinator.next_deadline(), None);
    // What the old log still says concerns nobody.
    world.step(Event::Committed { ticket: late });
    world.step(Event::Refused { ticket: late, error: model::ErrorCode::NotLeaderOrFollower });
}

#[test]
fn a_stable_group_goes_on_after_a_move() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    world.send(Request::OffsetCommit(commit(Some((&members[0], 1)), 5)));
    let mut other = take_over(&world, settings());
    assert_eq!(
        other.coordinator.describe(&GROUP.into()),
        world.coordinator.describe(&GROUP.into())
    );
    assert_eq!(other.coordinator.list(), world.coordinator.list());
    assert_eq!(other.ask(heartbeat(&members[0], 1)), "ok");
    assert_eq!(other.ask(sync(&members[1], 1, Vec::new())), "assigned 'b#3'");
    assert_eq!(other.ask(Request::OffsetCommit(commit(Some((&members[1], 1)), 6))), "NONE");
    other.pass(Duration::from_secs(9));
    assert_eq!(other.state(), "Stable 2");
    assert_eq!(other.ask(heartbeat(&members[0], 1)), "ok");
    other.pass(Duration::from_secs(2));
    assert_eq!(other.state(), "PreparingRebalance 1");
}

#[test]
fn offsets_without_a_group_bring_it_back() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    let mut other = take_over(&world, settings());
    assert_eq!(other.state(), "Empty 0");
    assert_eq!(other.ask(Request::OffsetCommit(commit(None, 6))), "NONE");
}

#[test]
fn a_deleted_group_stays_deleted() {
    let mut world = World::new();
    world.send(Request::OffsetCommit(commit(None, 5)));
    world.send(Request::DeleteGroup { group: GROUP.into() });
    let other = take_over(&world, settings());
    assert_eq!(other.state(), "GROUP_ID_NOT_FOUND");
}

#[test]
fn a_group_that_is_too_large_for_its_new_coordinator_joins_again() {
    let mut world = World::new();
    let members = world.stable(&["a", "b"]);
    let mut other = take_over(&world, Settings { group_size_max: 1, ..settings() });
    assert_eq!(other.state(), "PreparingRebalance 2");
    let first = other.join(again("b", &members[1]));
    let second = other.join(again("a", &members[0]));
    assert_eq!(other.answer(second), "GROUP_MAX_SIZE_REACHED");
    assert!(
        matches!(&other.answers[&first], Response::Join(Ok(join)) if join.generation_id.0 == 2)
    );
}
