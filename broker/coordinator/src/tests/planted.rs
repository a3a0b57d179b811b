//! Each deliberate mistake shows where it is planted, and nothing shows without it.
//!
//! A scenario says whether the world went wrong, as the checker of the simulator would see it.

use core::time::Duration;

use model::{Bug, PartitionIndex, TopicId, TopicPartition};

use super::world::*;
use crate::consumer::{ConsumerHeartbeat, JOIN_EPOCH, Partitions, TopicView};
use crate::{Client, Event, MemberIdentity, OffsetDeleteRequest, Record, Request, Response, Text};

const TOPIC: TopicId = TopicId([7; 16]);

fn check(bug: Bug, goes_wrong: fn(&mut World) -> bool) {
    for planted in [None, Some(bug)] {
        let mut world = World::unloaded(settings());
        world.planted = planted;
        world.topics.insert("t", TopicView { id: TOPIC, partition_count: 2 });
        world.step(Event::BeginLoading);
        world.step(Event::Loaded);
        assert_eq!(goes_wrong(&mut world), planted.is_some(), "with {planted:?}");
    }
}

/// A heartbeat that joins with a pattern, or goes on.
fn beat(world: &mut World, member: &str, member_epoch: i32, instance: Option<&str>) -> Told {
    let joins = member_epoch == JOIN_EPOCH;
    let heartbeat = ConsumerHeartbeat {
        group: GROUP.into(),
        member_id: member.into(),
        member_epoch,
        instance_id: instance.map(Into::into),
        rack_id: None,
        client: Client { id: "k".into(), host: "/127.0.0.1".into() },
        rebalance_timeout: joins.then_some(REBALANCE),
        topic_names: joins.then(Default::default),
        topic_regex: joins.then(|| Text::from("t.*")),
        server_assignor: None,
        owned: joins.then(Partitions::new),
    };
    let token = world.send(Request::ConsumerGroupHeartbeat(Box::new(heartbeat)));
    match &world.answers[&token] {
        Response::ConsumerGroupHeartbeat(Ok(it)) => it.assignment.clone(),
        _ => None,
    }
}

/// The assignment in an answer; none if it was refused, or says nothing new.
type Told = Option<Partitions>;

fn both() -> Partitions {
    let partition = |number| TopicPartition { topic: TOPIC, partition: PartitionIndex(number) };
    [partition(0), partition(1)].into()
}

fn committed(world: &World) -> Option<i64> {
    let offset = world.coordinator.committed_offset(&GROUP.into(), &partition(0));
    offset.unwrap().map(|it| it.offset.0)
}

#[test]
fn a_commit_of_an_old_generation_shows() {
    check(Bug::OldGenerationCommitAccepted, |world| {
        let members = world.stable(&["a"]);
        let commit = Request::OffsetCommit(commit(Some((&members[0], 0)), 5));
        world.ask(commit) == "NONE"
    });
}

#[test]
fn a_commit_of_an_old_member_epoch_shows() {
    check(Bug::OldGenerationCommitAccepted, |world| {
        beat(world, "a", JOIN_EPOCH, None);
        world.ask(Request::OffsetCommit(commit(Some((&"a".into(), 1)), 5))) == "NONE"
    });
}

#[test]
fn a_partition_that_is_given_before_its_release_shows() {
    check(Bug::PartitionGivenBeforeRelease, |world| {
        let first = beat(world, "a", JOIN_EPOCH, None).unwrap();
        world.pass(Duration::from_secs(1));
        let second = beat(world, "b", JOIN_EPOCH, None).unwrap();
        !first.is_disjoint(&second)
    });
}

#[test]
fn a_partition_without_an_owner_shows() {
    check(Bug::PartitionLostInRebalance, |world| {
        beat(world, "a", JOIN_EPOCH, Some("i"));
        world.pass(Duration::from_secs(1));
        beat(world, "b", JOIN_EPOCH, None);
        let token = world.send(Request::ConsumerGroupDescribe { group: GROUP.into() });
        let Response::ConsumerGroupDescribe(Ok(group)) = &world.answers[&token] else {
            panic!("{}", world.answer(token));
        };
        let targets: Partitions = group.members.iter().flat_map(|it| it.target.clone()).collect();
        targets != both()
    });
}

#[test]
fn a_classic_member_without_its_assignment_shows() {
    check(Bug::PartitionLostInRebalance, |world| {
        let members = [world.enter("a").0, world.enter("b").0];
        world.pass(settings().initial_rebalance_delay * 2);
        let assignments: Vec<_> =
            members.iter().map(|it| (it.clone(), bytes(&short(it)))).collect();
        let leader = sync(&members[0], 1, assignments.clone());
        world.send(leader);
        let follower = sync(&members[1], 1, Vec::new());
        world.ask(follower) == "assigned ''"
    });
}

#[test]
fn a_load_that_goes_back_to_an_older_commit_shows() {
    check(Bug::OlderCommitLoaded, |world| {
        world.send(Request::OffsetCommit(commit(None, 5)));
        world.send(Request::OffsetCommit(commit(None, 9)));
        world.fail_over(0);
        committed(world) != Some(9)
    });
}

#[test]
fn a_tombstone_that_loads_as_live_shows() {
    check(Bug::TombstoneLoadsAsLive, |world| {
        world.send(Request::OffsetCommit(commit(None, 5)));
        let partitions = vec![partition(0)];
        world.send(Request::OffsetDelete(OffsetDeleteRequest { group: GROUP.into(), partitions }));
        assert!(matches!(world.log.last(), Some(Record::OffsetCommit { value: None, .. })));
        world.fail_over(0);
        committed(world).is_some()
    });
}

#[test]
fn a_static_member_with_two_lives_shows() {
    check(Bug::StaticMemberNotFenced, |world| {
        let first = world.join(static_joining("i"));
        world.pass(settings().initial_rebalance_delay);
        let Response::Join(Ok(join)) = &world.answers[&first] else { panic!("it joins") };
        let old = join.member_id.clone();
        let assignments = vec![(old.clone(), bytes("0"))];
        world.send(sync(&old, 1, assignments));
        world.join(static_joining("i"));
        let from = MemberIdentity { instance_id: Some("i".into()), ..identity(&old, 1) };
        world.ask(Request::Heartbeat(from)) != "FENCED_INSTANCE_ID"
    });
}

#[test]
fn a_static_member_of_a_consumer_group_with_two_lives_shows() {
    check(Bug::StaticMemberNotFenced, |world| {
        let first = beat(world, "a", JOIN_EPOCH, Some("i")).unwrap();
        let second = beat(world, "b", JOIN_EPOCH, Some("i")).unwrap_or_default();
        !first.is_disjoint(&second)
    });
}

#[test]
fn a_session_without_an_end_shows() {
    check(Bug::SessionNeverExpires, |world| {
        world.stable(&["a"]);
        world.pass(SESSION * 2);
        world.state() != "Empty 0"
    });
    check(Bug::SessionNeverExpires, |world| {
        beat(world, "a", JOIN_EPOCH, None);
        world.pass(Duration::from_secs(100));
        world.ask(Request::ConsumerGroupDescribe { group: GROUP.into() }) != "Empty 0"
    });
}

#[test]
fn a_pattern_that_sees_no_new_topic_shows() {
    check(Bug::RegexNeverRefreshed, |world| {
        beat(world, "a", JOIN_EPOCH, None);
        let added = TopicView { id: TopicId([8; 16]), partition_count: 1 };
        world.topics.insert("t2", added);
        world.step(Event::TopicsChanged { names: ["t2".into()].into() });
        beat(world, "a", 2, None).is_none()
    });
}
