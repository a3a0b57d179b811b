//! Groups that change kind: while empty, and while their members run.

use core::time::Duration;
use std::collections::BTreeSet;

use super::embedded::{EMBEDDED, write_subscription};
use super::world::*;
use crate::consumer::{
    ConsumerHeartbeat, ConsumerSettings, JOIN_EPOCH, LEAVE_EPOCH, MigrationPolicy, Partitions,
    TopicView,
};
use crate::request::MemberIdRequired;
use crate::{
    Client, Event, GroupStatus, JoinRequest, MemberId, NamedPartition, OffsetDeleteRequest,
    Protocol, Record, Request, Response, Settings,
};
use model::{ErrorCode, PartitionIndex, TopicId, TopicPartition};

const TOPIC: TopicId = TopicId([7; 16]);

/// With a topic `t` of four partitions.
fn world() -> World {
    with(settings())
}

fn with(settings: Settings) -> World {
    let mut world = World::unloaded(settings);
    world.topics.insert("t", TopicView { id: TOPIC, partition_count: 4 });
    world.step(Event::BeginLoading);
    world.step(Event::Loaded);
    world
}

fn policy(migration: MigrationPolicy) -> Settings {
    let consumer = ConsumerSettings { migration, ..settings().consumer };
    Settings { consumer, ..settings() }
}

fn owns(numbers: &[i32]) -> BTreeSet<NamedPartition> {
    numbers.iter().map(|number| partition(*number)).collect()
}

/// A classic consumer that joins, old enough to do without a member id.
fn classic(client: &str, owned: &[i32]) -> JoinRequest {
    let metadata = write_subscription(&["t"], &owns(owned));
    JoinRequest {
        protocols: vec![Protocol { name: "cooperative-sticky".into(), metadata }],
        member_id_required: MemberIdRequired::No,
        ..joining(client)
    }
}

fn classic_again(member: &MemberId, owned: &[i32]) -> JoinRequest {
    JoinRequest { member_id: Some(member.clone()), ..classic("c", owned) }
}

/// A heartbeat of KIP-848.
fn modern(member: &str, member_epoch: i32, owned: &[i32]) -> Request {
    let owned: Partitions = owned
        .iter()
        .map(|number| TopicPartition { topic: TOPIC, partition: PartitionIndex(*number) })
        .collect();
    Request::ConsumerGroupHeartbeat(Box::new(ConsumerHeartbeat {
        group: GROUP.into(),
        member_id: member.into(),
        member_epoch,
        instance_id: None,
        rack_id: None,
        client: Client { id: "k".into(), host: "/127.0.0.1".into() },
        rebalance_timeout: Some(REBALANCE),
        topic_names: Some(["t".into()].into()),
        topic_regex: None,
        server_assignor: None,
        owned: Some(owned),
    }))
}

fn join(member: &str) -> Request {
    modern(member, JOIN_EPOCH, &[])
}

/// Two classic members of generation 1: the first has partitions 0 and 1, the second 2 and 3.
fn two_classic(world: &mut World) -> [MemberId; 2] {
    let tokens = ["a", "b"].map(|client| world.join(classic(client, &[])));
    world.pass(settings().initial_rebalance_delay * 2);
    let members = tokens.map(|token| match &world.answers[&token] {
        Response::Join(Ok(join)) => join.member_id.clone(),
        other => panic!("{other:?}"),
    });
    let write = |numbers| (EMBEDDED.write_assignment)(1, &owns(numbers));
    let assignments =
        vec![(members[0].clone(), write(&[0, 1])), (members[1].clone(), write(&[2, 3]))];
    for member in &members {
        world.send(sync(member, 1, assignments.clone()));
    }
    assert_eq!(world.state(), "Stable 2");
    members
}

fn kind(world: &World) -> String {
    let listed = world.coordinator.list().unwrap();
    let [group] = &listed[..] else { return format!("{} groups", listed.len()) };
    format!("{} {}", group.status.group_type(), group.status)
}

/// What a classic member of a consumer group is told to own.
fn synced(world: &mut World, member: &MemberId, generation: i32) -> Vec<i32> {
    let token = world.send(sync(member, generation, Vec::new()));
    let Response::Sync(Ok(sync)) = &world.answers[&token] else {
        panic!("{}", world.answer(token));
    };
    let read = (EMBEDDED.read_assignment)(&sync.assignment).unwrap();
    read.partitions.iter().map(|it| it.partition.0).collect()
}

/// What a member of KIP-848 is told to own.
fn beats(world: &mut World, member: &str, epoch: i32, owned: &[i32]) -> (i32, Vec<i32>) {
    let token = world.send(modern(member, epoch, owned));
    let Response::ConsumerGroupHeartbeat(Ok(it)) = &world.answers[&token] else {
        panic!("{}", world.answer(token));
    };
    let assigned = it.assignment.iter().flatten().map(|it| it.partition.0).collect();
    (it.member_epoch, assigned)
}

#[test]
fn an_empty_group_of_either_kind_gives_way_to_the_other() {
    let mut world = world();
    world.send(Request::OffsetCommit(commit(None, 5)));
    assert_eq!(kind(&world), "Classic Empty");
    assert_eq!(world.ask(join("k")), "epoch 2");
    assert_eq!(kind(&world), "Consumer Stable");
    assert_eq!(world.ask(modern("k", LEAVE_EPOCH, &[])), "epoch -1");
    assert_eq!(kind(&world), "Consumer Empty");
    let token = world.join(classic("a", &[]));
    assert_eq!(
        (world.answer(token), kind(&world)),
        ("waits".into(), "Classic PreparingRebalance".into())
    );
    let offset = world.coordinator.committed_offset(&GROUP.into(), &partition(0)).unwrap();
    assert_eq!(offset.map(|it| it.offset.0), Some(5), "offsets stay");
}

#[test]
fn each_kind_refuses_the_questions_of_the_other() {
    let mut world = world();
    world.send(Request::OffsetCommit(commit(None, 5)));
    let describe = || Request::ConsumerGroupDescribe { group: GROUP.into() };
    assert_eq!(world.ask(modern("k", 1, &[])), "GROUP_ID_NOT_FOUND");
    assert_eq!(world.ask(describe()), "GROUP_ID_NOT_FOUND");
    world.send(join("k"));
    assert_eq!(world.ask(describe()), "Stable 1");
    assert_eq!(world.state(), "GROUP_ID_NOT_FOUND");
    let connect = JoinRequest { protocol_type: "connect".into(), ..classic("a", &[]) };
    let token = world.join(connect);
    assert_eq!(world.answer(token), "INCONSISTENT_GROUP_PROTOCOL");
    assert_eq!(world.ask(heartbeat(&"k".into(), 1)), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_group_moves_to_kip_848_member_by_member_and_back() {
    let mut world = world();
    let [a, b] = two_classic(&mut world);
    // The first member of KIP-848 waits for what the classic ones still own.
    assert_eq!(beats(&mut world, "k", JOIN_EPOCH, &[]), (2, vec![]));
    assert_eq!(kind(&world), "Consumer Reconciling");
    for member in [&a, &b] {
        assert_eq!(world.ask(heartbeat(member, 1)), "REBALANCE_IN_PROGRESS");
    }
    // A cooperative member hears what to give up in its old generation, and joins again without it.
    let token = world.join(classic_again(&b, &[2, 3]));
    assert_eq!(world.answer(token), "joined 1 as b#2, leader , cooperative-sticky []");
    assert_eq!(synced(&mut world, &b, 1), [2]);
    assert_eq!(world.ask(heartbeat(&b, 1)), "REBALANCE_IN_PROGRESS");
    world.join(classic_again(&b, &[2]));
    assert_eq!(synced(&mut world, &b, 2), [2]);
    assert_eq!(world.ask(heartbeat(&b, 2)), "ok");
    world.join(classic_again(&a, &[0, 1]));
    assert_eq!(synced(&mut world, &a, 2), [0, 1]);
    assert_eq!(beats(&mut world, "k", 2, &[]), (2, vec![3]));
    assert_eq!(kind(&world), "Consumer Stable");

    assert_eq!(world.ask(modern("k", LEAVE_EPOCH, &[])), "epoch -1");
    assert_eq!(kind(&world), "Classic PreparingRebalance");
    for member in [&a, &b] {
        assert_eq!(world.ask(heartbeat(member, 3)), "REBALANCE_IN_PROGRESS");
    }
    let tokens = [&a, &b].map(|member| world.join(classic_again(member, &[])));
    assert!(world.answer(tokens[0]).starts_with("joined 4 as"), "{}", world.answer(tokens[0]));
    assert_eq!(world.ask(heartbeat(&a, 4)), "ok");
}

#[test]
fn an_eager_member_gives_up_everything_and_is_in_the_new_epoch_at_once() {
    let mut world = world();
    let [_, b] = two_classic(&mut world);
    world.send(join("k"));
    let token = world.join(classic_again(&b, &[]));
    assert!(world.answer(token).starts_with("joined 2"), "{}", world.answer(token));
    assert_eq!(synced(&mut world, &b, 2), [2]);
}

#[test]
fn a_join_that_waits_is_told_to_come_again_when_the_group_moves() {
    let mut world = world();
    let [a, _] = two_classic(&mut world);
    let token = world.join(classic_again(&a, &[0, 1]));
    assert_eq!(world.answer(token), "waits");
    world.send(join("k"));
    assert_eq!(world.answer(token), "REBALANCE_IN_PROGRESS");
    let token = world.join(classic_again(&a, &[0]));
    assert!(world.answer(token).starts_with("joined 2"), "{}", world.answer(token));
}

#[test]
fn what_a_member_may_still_work_on_is_not_given_away_when_the_group_moves() {
    let mut world = world();
    let [a, b] = two_classic(&mut world);
    for (member, owned) in [(&a, [0, 1]), (&b, [2, 3])] {
        world.join(classic_again(member, &owned));
    }
    // The leader takes partition 3 from `b`, which has not heard of it when the group moves.
    let write = |numbers| (EMBEDDED.write_assignment)(1, &owns(numbers));
    let assignments = vec![(a.clone(), write(&[0, 1])), (b.clone(), write(&[2]))];
    world.send(sync(&a, 2, assignments));
    assert_eq!(beats(&mut world, "k", JOIN_EPOCH, &[]), (3, vec![]));
    world.join(classic_again(&b, &[2]));
    assert_eq!(beats(&mut world, "k", 3, &[]), (3, vec![3]));
}

#[test]
fn a_group_that_cannot_be_understood_stays_classic() {
    let mut world = world();
    // Their assignments are names.
    world.stable(&["a"]);
    assert_eq!(world.ask(join("k")), "GROUP_ID_NOT_FOUND");
    assert_eq!(world.state(), "Stable 1");
}

#[test]
fn the_policy_decides_which_ways_groups_go() {
    let mut world = with(policy(MigrationPolicy::Downgrade));
    two_classic(&mut world);
    assert_eq!(world.ask(join("k")), "GROUP_ID_NOT_FOUND");
    let mut world = with(policy(MigrationPolicy::Upgrade));
    two_classic(&mut world);
    world.send(join("k"));
    world.send(modern("k", LEAVE_EPOCH, &[]));
    assert_eq!(kind(&world), "Consumer Assigning");
}

#[test]
fn classic_members_of_a_consumer_group_are_fenced_by_the_codes_of_their_own_protocol() {
    let mut world = world();
    let [a, _] = two_classic(&mut world);
    world.send(join("k"));
    assert_eq!(world.ask(heartbeat(&a, 7)), "ILLEGAL_GENERATION");
    assert_eq!(world.ask(heartbeat(&"x".into(), 1)), "UNKNOWN_MEMBER_ID");
    assert_eq!(world.ask(sync(&a, 1, Vec::new())), "REBALANCE_IN_PROGRESS");
    let mut ask = |member: &MemberId, epoch| {
        world.ask(Request::OffsetCommit(commit(Some((member, epoch)), 5)))
    };
    assert_eq!(ask(&a, 1), "NONE");
    assert_eq!(ask(&a, 2), "ILLEGAL_GENERATION");
    assert_eq!(ask(&"k".into(), 2), "NONE");
    assert_eq!(ask(&"k".into(), 1), "STALE_MEMBER_EPOCH");
    assert_eq!(ask(&"x".into(), 1), "UNKNOWN_MEMBER_ID");
    assert_eq!(world.ask(Request::OffsetCommit(commit(None, 5))), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_commit_of_an_older_epoch_is_good_for_what_the_member_has_kept_since() {
    let mut world = world();
    let ask = |world: &mut World, epoch, number| {
        let mut request = commit(Some((&"k".into(), epoch)), 5);
        request.offsets[0].at = partition(number);
        world.ask(Request::OffsetCommit(request))
    };
    world.send(join("k"));
    world.pass(Duration::from_secs(1));
    world.send(join("l"));
    assert_eq!(beats(&mut world, "k", 2, &[0, 1, 2, 3]), (2, vec![0, 1]));
    assert_eq!(ask(&mut world, 2, 3), "NONE", "it still has to give this up");
    assert_eq!(beats(&mut world, "k", 2, &[0, 1]), (3, vec![0, 1]));
    assert_eq!(ask(&mut world, 2, 0), "NONE");
    assert_eq!(ask(&mut world, 2, 3), "STALE_MEMBER_EPOCH");
    assert_eq!(ask(&mut world, 1, 0), "STALE_MEMBER_EPOCH");
    assert_eq!(ask(&mut world, 4, 0), "STALE_MEMBER_EPOCH");
}

#[test]
fn members_of_a_consumer_group_read_offsets_in_their_epoch_and_strangers_at_any_time() {
    let mut world = world();
    world.send(join("k"));
    let check = |member: Option<&str>, epoch| {
        let member = member.map(MemberId::from);
        world.coordinator.check_offset_fetch(&GROUP.into(), member.as_ref(), epoch)
    };
    assert_eq!(check(None, None), Ok(()));
    assert_eq!(check(Some("k"), Some(2)), Ok(()));
    assert_eq!(check(Some("k"), Some(1)), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(check(Some("x"), Some(1)), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn offsets_of_topics_that_a_consumer_group_reads_stay_and_others_expire() {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let mut world = world();
    world.send(join("k"));
    let mut request = commit(Some((&"k".into(), 2)), 5);
    let other = NamedPartition { topic: "other".into(), partition: PartitionIndex(0) };
    request.offsets.push(crate::OffsetToCommit { at: other.clone(), ..request.offsets[0].clone() });
    assert_eq!(world.ask(Request::OffsetCommit(request)), "NONE NONE");
    let partitions = vec![partition(0), other.clone()];
    let delete = OffsetDeleteRequest { group: GROUP.into(), partitions };
    assert_eq!(world.ask(Request::OffsetDelete(delete)), "GROUP_SUBSCRIBED_TO_TOPIC NONE");
    assert_eq!(world.ask(Request::DeleteGroup { group: GROUP.into() }), "NON_EMPTY_GROUP");
    for _ in 0..8 * 24 * 90 {
        world.pass(Duration::from_secs(40));
        world.send(modern("k", 2, &[0, 1, 2, 3]));
    }
    let offset = |world: &World, at| {
        world.coordinator.committed_offset(&GROUP.into(), at).unwrap().is_some()
    };
    assert_eq!((offset(&world, &partition(0)), offset(&world, &other)), (true, false));
    world.send(modern("k", LEAVE_EPOCH, &[]));
    world.pass(DAY);
    assert_eq!(kind(&world), "0 groups", "an empty group goes with its last offset");
    assert!(matches!(world.log.last(), Some(Record::ConsumerGroup { .. })));
}

#[test]
fn a_classic_member_that_does_not_join_again_or_sync_in_time_is_removed() {
    let mut world = world();
    let [a, b] = two_classic(&mut world);
    world.send(join("k"));
    world.ask(heartbeat(&a, 1));
    world.join(classic_again(&b, &[2, 3]));
    for _ in 0..7 {
        world.pass(Duration::from_secs(9));
        world.ask(heartbeat(&a, 1));
        world.ask(heartbeat(&b, 2));
        beats(&mut world, "k", 2, &[]);
    }
    // `a` has not joined, `b` has not synced.
    assert_eq!(world.ask(heartbeat(&a, 1)), "UNKNOWN_MEMBER_ID");
    assert_eq!(world.ask(heartbeat(&b, 2)), "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_refused_move_leaves_the_group_as_it_was() {
    let mut world = world();
    let [a, b] = two_classic(&mut world);
    world.durable_at_once = false;
    let upgrade = world.send(join("k"));
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.answer(upgrade), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!((kind(&world), world.ask(heartbeat(&a, 1))), ("Classic Stable".into(), "ok".into()));
    world.durable_at_once = true;
    world.send(join("k"));
    world.durable_at_once = false;
    let downgrade = world.send(modern("k", LEAVE_EPOCH, &[]));
    assert_eq!(kind(&world), "Classic PreparingRebalance");
    let waiting = world.join(classic_again(&b, &[2]));
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.answer(downgrade), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!(world.answer(waiting), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!(world.ask(modern("k", 2, &[])), "epoch 2");
    assert_eq!(kind(&world), "Consumer Reconciling");
}

#[test]
fn a_refused_change_of_a_consumer_group_is_taken_back() {
    let mut world = world();
    world.send(join("k"));
    world.durable_at_once = false;
    let token = world.send(join("l"));
    let described = world.send(Request::ConsumerGroupDescribe { group: GROUP.into() });
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.answer(token), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!(world.answer(described), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!(world.ask(Request::ConsumerGroupDescribe { group: GROUP.into() }), "Stable 1");
    let delete = Request::DeleteGroup { group: GROUP.into() };
    world.send(modern("k", LEAVE_EPOCH, &[]));
    world.persist();
    let token = world.send(delete);
    assert_eq!(kind(&world), "0 groups");
    world.refuse(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.answer(token), "COORDINATOR_NOT_AVAILABLE");
    assert_eq!(kind(&world), "Consumer Empty");
}

#[test]
fn a_log_that_refuses_is_asked_again_after_a_pause_and_not_at_once() {
    let mut world = world();
    world.send(join("k"));
    world.durable_at_once = false;
    let grown = TopicView { id: TOPIC, partition_count: 9 };
    world.topics.insert("t", grown);
    world.step(Event::TopicsChanged { names: ["t".into()].into() });
    for _ in 0..3 {
        assert_eq!(world.under_way.len(), 1);
        world.refuse(ErrorCode::KafkaStorageError);
        assert!(world.under_way.is_empty(), "a log that refuses at once would be asked for ever");
        world.pass(Duration::from_secs(1));
    }
    world.persist();
    world.durable_at_once = true;
    let everything = (0..9).collect();
    assert_eq!(beats(&mut world, "k", 2, &[0, 1, 2, 3]), (3, everything));
}

#[test]
fn an_answer_waits_for_what_is_left_when_the_newest_write_is_refused() {
    let mut world = world();
    world.durable_at_once = false;
    let first = world.send(join("k"));
    world.send(join("l"));
    let (ticket, _) = world.under_way.pop().expect("the second join is written");
    world.step(Event::Refused { ticket, error: ErrorCode::NotEnoughReplicas });
    let described = world.send(Request::ConsumerGroupDescribe { group: GROUP.into() });
    assert_eq!((world.answer(first), world.answer(described)), ("waits".into(), "waits".into()));
    world.persist();
    assert_eq!(world.answer(first), "epoch 2");
    assert_eq!(world.answer(described), "Stable 1");
}

#[test]
fn groups_of_both_kinds_survive_a_move_of_the_partition() {
    let mut world = world();
    let [a, _] = two_classic(&mut world);
    world.send(join("k"));
    world.fail_over(0);
    assert_eq!(kind(&world), "Consumer Reconciling");
    assert_eq!(world.ask(heartbeat(&a, 1)), "REBALANCE_IN_PROGRESS");
    world.send(modern("k", LEAVE_EPOCH, &[]));
    world.fail_over(0);
    assert_eq!(world.state(), "Stable 2");
    let listed = world.coordinator.list().unwrap();
    assert!(matches!(listed[0].status, GroupStatus::Classic(_)));
    assert_eq!(world.ask(heartbeat(&a, 3)), "ok");
}
