use super::super::group_facts::{CommitOutcome, GroupChange, GroupFact, GroupProtocol, MemberName};
use super::super::testing::{NODE, PLACE, check, event};
use super::super::{Event, Fact};
use super::{Groups, NodeChange, TAKES_UP_NS};
use expect_test::expect;
use model::{ErrorCode, Offset, TopicPartition};

const SESSION_NS: u64 = 100;

fn classic(member_id: &str, generation: i32) -> MemberName {
    MemberName {
        protocol: GroupProtocol::Classic,
        member_id: member_id.to_owned(),
        epoch: generation,
        instance_id: None,
    }
}

fn consumer(member_id: &str, epoch: i32) -> MemberName {
    MemberName { protocol: GroupProtocol::Consumer, ..classic(member_id, epoch) }
}

fn of_instance(name: MemberName) -> MemberName {
    MemberName { instance_id: Some("i".to_owned()), ..name }
}

fn told(at_ns: u64, client: u32, change: GroupChange) -> Event {
    event(at_ns, Fact::Group(GroupFact { group: "g".to_owned(), client, change }))
}

fn owns(at_ns: u64, client: u32, member: MemberName) -> Event {
    assigned(at_ns, client, member, vec![PLACE])
}

fn owns_nothing(at_ns: u64, client: u32, member: MemberName) -> Event {
    assigned(at_ns, client, member, vec![])
}

fn assigned(at_ns: u64, client: u32, member: MemberName, partitions: Vec<TopicPartition>) -> Event {
    let (invoked_ns, session_ns) = (at_ns - 1, SESSION_NS);
    told(at_ns, client, GroupChange::Assigned { member, partitions, invoked_ns, session_ns })
}

fn goes_on(at_ns: u64, client: u32, member: MemberName) -> Event {
    told(at_ns, client, GroupChange::Confirmed { member, invoked_ns: at_ns - 1 })
}

fn ends(at_ns: u64, client: u32, member: MemberName) -> Event {
    told(at_ns, client, GroupChange::Ended { member, left: false })
}

fn commits(
    at_ns: u64,
    member: Option<MemberName>,
    offset: Option<i64>,
    outcome: CommitOutcome,
) -> Event {
    let offset = offset.map(Offset);
    let invoked_ns = at_ns - 1;
    let change = GroupChange::Committed { member, at: PLACE, offset, invoked_ns, outcome };
    told(at_ns, 1, change)
}

fn finds(at_ns: u64, offset: Option<i64>) -> Event {
    let offset = offset.map(Offset);
    told(at_ns, 1, GroupChange::Fetched { at: PLACE, offset, invoked_ns: at_ns - 1 })
}

#[test]
fn partitions_that_move_between_generations_are_fine() {
    let events = [
        owns(1, 1, classic("a", 1)),
        told(5, 1, GroupChange::Released { member: classic("a", 1) }),
        owns(9, 2, classic("b", 2)),
        owns_nothing(10, 1, classic("a", 2)),
        goes_on(20, 1, classic("a", 2)),
    ];
    check(Groups::default(), &events, expect!["4 evaluations"]);
}

#[test]
fn two_owners_in_one_generation_are_found() {
    let events = [owns(1, 1, classic("a", 1)), owns(2, 2, classic("b", 1))];
    check(
        Groups::default(),
        &events,
        expect![[r#"
        two-owners: group g, client 2: BwcHBwcHBwcHBwcHBwcHBw-0 in generation 1 is owned by client 1 too
        2 evaluations"#]],
    );
}

#[test]
fn an_owner_that_was_given_up_may_believe_in_the_past_but_is_not_confirmed() {
    let believes = [owns(1, 1, consumer("a", 1)), owns(9, 2, consumer("b", 2))];
    check(Groups::default(), &believes, expect!["2 evaluations"]);
    let events = [&believes[..], &[goes_on(20, 1, consumer("a", 1))]].concat();
    check(
        Groups::default(),
        &events,
        expect![[r#"
        two-owners: group g, client 1: BwcHBwcHBwcHBwcHBwcHBw-0 was given to client 2 before it was given up
        3 evaluations"#]],
    );
}

#[test]
fn a_heartbeat_of_the_classic_protocol_says_nothing_while_the_log_may_not_be_read() {
    let booted = |at_ns| event(at_ns, Fact::Node { node: NODE, change: NodeChange::Booted });
    let (old, new) = (|| classic("a", 1), || classic("b", 2));
    let restarted = [owns(1, 1, old()), owns(9, 2, new()), booted(10), goes_on(20, 1, old())];
    check(Groups::default(), &restarted, expect!["2 evaluations"]);
    let later_ns = 10 + TAKES_UP_NS + 1;
    let commits = commits(later_ns, Some(new()), Some(3), CommitOutcome::Acked);
    let events = [&restarted[..], &[commits, goes_on(later_ns + 2, 1, old())]].concat();
    check(
        Groups::default(),
        &events,
        expect![[r#"
        two-owners: group g, client 1: BwcHBwcHBwcHBwcHBwcHBw-0 was given to client 2 before it was given up
        4 evaluations"#]],
    );
}

#[test]
fn an_older_answer_that_is_told_later_takes_nothing_away() {
    let (old, new) = (consumer("a", 1), consumer("b", 2));
    let mut late = owns(5, 1, old);
    if let Fact::Group(GroupFact { change: GroupChange::Assigned { invoked_ns, .. }, .. }) =
        &mut late.fact
    {
        *invoked_ns = 1;
    }
    let events = [owns(4, 2, new.clone()), late, goes_on(9, 2, new)];
    check(Groups::default(), &events, expect!["3 evaluations"]);
}

#[test]
fn a_commit_of_an_old_generation_is_found_when_it_is_acknowledged() {
    let old = || Some(classic("a", 1));
    let refused = CommitOutcome::Refused(ErrorCode::IllegalGeneration);
    let before = [owns(1, 1, classic("a", 1)), ends(2, 1, classic("a", 1))];
    let before = [&before[..], &[owns(5, 2, classic("b", 2))]].concat();
    let fine = [&before[..], &[commits(9, old(), Some(3), refused)]].concat();
    check(Groups::default(), &fine, expect!["3 evaluations"]);
    let wrong = [&before[..], &[commits(9, old(), Some(3), CommitOutcome::Acked)]].concat();
    check(
        Groups::default(),
        &wrong,
        expect![[r#"
        old-generation: group g, client 1: a commit of generation 1 was acknowledged in generation 2
        3 evaluations"#]],
    );
}

#[test]
fn an_older_epoch_is_good_for_what_was_kept_since_and_for_nothing_else() {
    let commit = || commits(9, Some(consumer("a", 1)), Some(3), CommitOutcome::Acked);
    let kept = [owns(1, 1, consumer("a", 1)), owns(5, 1, consumer("a", 2)), commit()];
    check(Groups::default(), &kept, expect!["3 evaluations"]);
    let new = [owns_nothing(1, 1, consumer("a", 1)), owns(5, 1, consumer("a", 2)), commit()];
    check(
        Groups::default(),
        &new,
        expect![[r#"
        old-generation: group g, client 1: a commit of epoch 1 was acknowledged in epoch 2
        3 evaluations"#]],
    );
}

#[test]
fn a_static_member_that_was_replaced_does_not_go_on() {
    let (first, second) = (of_instance(classic("a", 1)), of_instance(classic("b", 1)));
    let replaced = [owns(1, 1, first.clone()), owns(5, 2, second)];
    check(Groups::default(), &replaced, expect!["2 evaluations"]);
    let heartbeat = [&replaced[..], &[goes_on(9, 1, first.clone())]].concat();
    check(
        Groups::default(),
        &heartbeat,
        expect![[r#"
        fenced: group g, client 1: goes on although another life of it took over
        3 evaluations"#]],
    );
    let late = commits(9, Some(first.clone()), Some(3), CommitOutcome::Acked);
    let commit = [&replaced[..], &[late]].concat();
    check(
        Groups::default(),
        &commit,
        expect![[r#"
        fenced: group g, client 1: commits although another life of it took over
        3 evaluations"#]],
    );
    let again = [&replaced[..], &[owns(9, 1, first)]].concat();
    check(
        Groups::default(),
        &again,
        expect![[r#"
        fenced: group g, client 1: static member i got partitions once more
        3 evaluations"#]],
    );
}

#[test]
fn two_lives_of_a_static_member_that_asked_at_once_are_not_two_owners() {
    let (first, second) = (of_instance(classic("a", 1)), of_instance(classic("b", 1)));
    let mut late = owns(5, 1, first);
    if let Fact::Group(GroupFact { change: GroupChange::Assigned { invoked_ns, .. }, .. }) =
        &mut late.fact
    {
        *invoked_ns = 1;
    }
    let events = [owns(3, 2, second.clone()), late.clone(), owns(9, 2, second.clone())];
    check(Groups::default(), &events, expect!["3 evaluations"]);
    // One of them was replaced by the other, and only one goes on.
    for (stays, goes) in
        [(&second, &of_instance(classic("a", 1))), (&of_instance(classic("a", 1)), &second)]
    {
        let events = [
            owns(3, 2, second.clone()),
            late.clone(),
            goes_on(11, 2, stays.clone()),
            goes_on(13, 1, goes.clone()),
        ];
        check(
            Groups::default(),
            &events,
            expect![[r#"
            fenced: group g, client 1: goes on although another life of it took over
            4 evaluations"#]],
        );
    }
}

#[test]
fn a_static_member_may_hear_an_older_answer_after_another_life_took_over() {
    let (first, second) = (of_instance(consumer("a", 1)), of_instance(consumer("b", 2)));
    let mut late = owns(2 + SESSION_NS, 1, first.clone());
    if let Fact::Group(GroupFact { change: GroupChange::Assigned { invoked_ns, .. }, .. }) =
        &mut late.fact
    {
        *invoked_ns = 2;
    }
    let told = [owns(1, 1, first.clone()), owns(1 + SESSION_NS, 2, second.clone()), late];
    let events = [&told[..], &[goes_on(4 + SESSION_NS, 2, second.clone())]].concat();
    check(Groups::default(), &events, expect!["4 evaluations"]);
    let events = [&events[..], &[goes_on(6 + SESSION_NS, 1, first)]].concat();
    check(
        Groups::default(),
        &events,
        expect![[r#"
        fenced: group g, client 1: goes on although another life of it took over
        5 evaluations"#]],
    );
}

#[test]
fn a_static_member_of_a_consumer_group_keeps_its_place_for_a_session() {
    let (first, second) = (of_instance(consumer("a", 1)), of_instance(consumer("b", 2)));
    let heard = [owns(1, 1, first.clone()), goes_on(10, 1, first.clone()), ends(12, 1, first)];
    let later = [&heard[..], &[owns(10 + SESSION_NS, 2, second.clone())]].concat();
    check(Groups::default(), &later, expect!["3 evaluations"]);
    let soon = [&heard[..], &[owns(20, 2, second)]].concat();
    check(
        Groups::default(),
        &soon,
        expect![[r#"
        replaced: group g, client 2: static member i was replaced within its session
        3 evaluations"#]],
    );
}

#[test]
fn a_committed_offset_that_goes_back_is_found_unless_a_commit_says_so() {
    let commit = |at_ns, offset| commits(at_ns, None, offset, CommitOutcome::Acked);
    let reset = [commit(5, Some(7)), commit(10, Some(3)), finds(20, Some(3))];
    check(Groups::default(), &reset, expect!["3 evaluations"]);
    let back = [commit(5, Some(3)), commit(10, Some(7)), finds(20, Some(3))];
    check(
        Groups::default(),
        &back,
        expect![[r#"
        regressed: group g, client 1: 3 is committed, and should be 7
        3 evaluations"#]],
    );
    let gone = [commit(5, Some(3)), finds(20, None)];
    check(
        Groups::default(),
        &gone,
        expect![[r#"
        regressed: group g, client 1: nothing is committed, and should be 3
        2 evaluations"#]],
    );
    let risen = [commit(5, Some(3)), commit(10, None), finds(20, Some(3))];
    check(
        Groups::default(),
        &risen,
        expect![[r#"
        regressed: group g, client 1: 3 is committed, and should be none
        3 evaluations"#]],
    );
}

#[test]
fn a_commit_on_its_way_may_be_found_before_its_answer_and_one_without_an_answer_later() {
    let open = commits(5, None, Some(3), CommitOutcome::Open);
    let answered = commits(5, None, Some(3), CommitOutcome::Acked);
    let found = [open.clone(), finds(7, Some(3)), answered, finds(9, Some(3))];
    check(Groups::default(), &found, expect!["3 evaluations"]);
    let unknown = commits(5, None, Some(3), CommitOutcome::Unknown);
    let later = [open.clone(), unknown.clone(), finds(9, Some(3))];
    check(Groups::default(), &later, expect!["2 evaluations"]);
    let never = [open, unknown, finds(9, None)];
    check(Groups::default(), &never, expect!["2 evaluations"]);
}
