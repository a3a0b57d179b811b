use core::fmt::Write as _;

use expect_test::{Expect, expect};

use super::{Bench, ConsumerSettings};

fn check(scenario: &str, expected: Expect) {
    check_with(ConsumerSettings::PRODUCTION, scenario, expected);
}

fn check_with(settings: ConsumerSettings, scenario: &str, expected: Expect) {
    let mut bench = Bench::new(settings);
    let mut trace = String::new();
    for line in scenario.trim().lines().map(str::trim) {
        let effects = bench.run(line);
        writeln!(trace, "{line}").unwrap();
        for effect in effects {
            writeln!(trace, "    {}", bench.render(&effect)).unwrap();
        }
    }
    expected.assert_eq(&trace);
}

#[test]
fn the_first_member_gets_everything_with_its_first_answer() {
    check(
        "topic t 2\njoin a topics=t\nbeat a 2 owned=t-0,t-1\ndescribe",
        expect![[r#"
        topic t 2
        join a topics=t
            write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
            reply a at 2 owns t-0 t-1
        beat a 2 owned=t-0,t-1
            reply a at 2
        describe
            reply Stable epoch 2 assignment 2 uniform; a at 2 owns t-0 t-1, target t-0 t-1
    "#]],
    );
}

#[test]
fn a_partition_is_handed_over_only_after_its_old_owner_gave_it_up() {
    check(
        "topic t 2
        join a topics=t
        after 1s
        join b topics=t
        beat b 3
        beat a 2
        beat a 2 owned=t-0,t-1
        beat b 3
        beat a 2 owned=t-0
        beat b 3
        describe",
        expect![[r#"
            topic t 2
            join a topics=t
                write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
                reply a at 2 owns t-0 t-1
            after 1s
            join b topics=t
                write member b, group epoch 3, target a t-0, target b t-1, target epoch 3, current b at 3 UnreleasedPartitions nothing
                reply b at 3 owns nothing
            beat b 3
                reply b at 3
            beat a 2
                write current a at 2 UnrevokedPartitions t-0 revoking t-1
                reply a at 2 owns t-0
            beat a 2 owned=t-0,t-1
                reply a at 2
            beat b 3
                reply b at 3
            beat a 2 owned=t-0
                write current a at 3 Stable t-0
                reply a at 3
            beat b 3
                write current b at 3 Stable t-1
                reply b at 3 owns t-1
            describe
                reply Stable epoch 3 assignment 3 uniform; a at 3 owns t-0, target t-0; b at 3 owns t-1, target t-1
        "#]],
    );
}

#[test]
fn a_member_that_does_not_give_up_in_time_is_removed() {
    check(
        "topic t 2\njoin a topics=t\nafter 1s\njoin b topics=t\nbeat a 2\nafter 29s\nbeat b 3\nafter 1s\nbeat a 2\nbeat b 3",
        expect![[r#"
            topic t 2
            join a topics=t
                write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
                reply a at 2 owns t-0 t-1
            after 1s
            join b topics=t
                write member b, group epoch 3, target a t-0, target b t-1, target epoch 3, current b at 3 UnreleasedPartitions nothing
                reply b at 3 owns nothing
            beat a 2
                write current a at 2 UnrevokedPartitions t-0 revoking t-1
                reply a at 2 owns t-0
            after 29s
            beat b 3
                reply b at 3
            after 1s
                write no current a, no target a, no member a, group epoch 4, target b t-0 t-1, target epoch 4
            beat a 2
                refuse UNKNOWN_MEMBER_ID
            beat b 3
                write current b at 4 Stable t-0 t-1
                reply b at 4 owns t-0 t-1
        "#]],
    );
}

#[test]
fn a_silent_member_is_removed_after_the_session_timeout() {
    check(
        "topic t 1\njoin a topics=t\nafter 44s\nbeat a 2\nafter 44s\nafter 1s\nbeat a 2",
        expect![[r#"
            topic t 1
            join a topics=t
                write member a, group epoch 2, target a t-0, target epoch 2, current a at 2 Stable t-0
                reply a at 2 owns t-0
            after 44s
            beat a 2
                reply a at 2
            after 44s
            after 1s
                write no current a, no target a, no member a, group epoch 3
            beat a 2
                refuse UNKNOWN_MEMBER_ID
        "#]],
    );
}

#[test]
fn an_answer_leaves_only_after_its_records_are_durable() {
    check(
        "topic t 1\nhold\njoin a topics=t\nbeat a 2\ndescribe\ncommit",
        expect![[r#"
        topic t 1
        hold
        join a topics=t
            write member a, group epoch 2, target a t-0, target epoch 2, current a at 2 Stable t-0
        beat a 2
        describe
        commit
            reply a at 2 owns t-0
            reply a at 2
            reply Stable epoch 2 assignment 2 uniform; a at 2 owns t-0, target t-0
    "#]],
    );
}

#[test]
fn a_second_assignment_waits_for_the_interval() {
    check(
        "topic t 2\njoin a topics=t\njoin b topics=t\ndescribe\nafter 1s\nbeat b 2",
        expect![[r#"
        topic t 2
        join a topics=t
            write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
            reply a at 2 owns t-0 t-1
        join b topics=t
            write member b, group epoch 3, current b at 2 Stable nothing
            reply b at 2 owns nothing
        describe
            reply Assigning epoch 3 assignment 2 uniform; a at 2 owns t-0 t-1, target t-0 t-1; b at 2 owns nothing, target nothing
        after 1s
            write target a t-0, target b t-1, target epoch 3
        beat b 2
            write current b at 3 UnreleasedPartitions nothing
            reply b at 3
    "#]],
    );
}

#[test]
fn a_member_in_a_wrong_epoch_is_fenced() {
    check(
        "topic t 1
        beat a 2
        join a topics=t
        beat x 2
        beat a 3
        join a topics=t
        beat a 2 owned=t-0
        topic t 2
        after 1s
        beat a 2 owned=t-0
        beat a 2 owned=t-0
        beat a 2
        join a topics=t",
        expect![[r#"
            topic t 1
            beat a 2
                refuse GROUP_ID_NOT_FOUND
            join a topics=t
                write member a, group epoch 2, target a t-0, target epoch 2, current a at 2 Stable t-0
                reply a at 2 owns t-0
            beat x 2
                refuse UNKNOWN_MEMBER_ID
            beat a 3
                refuse FENCED_MEMBER_EPOCH
            join a topics=t
                reply a at 2 owns t-0
            beat a 2 owned=t-0
                reply a at 2
            topic t 2
                write group epoch 3, target a t-0 t-1, target epoch 3
            after 1s
            beat a 2 owned=t-0
                write current a at 3 Stable t-0 t-1
                reply a at 3 owns t-0 t-1
            beat a 2 owned=t-0
                reply a at 3
            beat a 2
                refuse FENCED_MEMBER_EPOCH
            join a topics=t
                refuse FENCED_MEMBER_EPOCH
        "#]],
    );
}

#[test]
fn a_heartbeat_that_contradicts_itself_is_refused() {
    check(
        "topic t 1
        join a topics=t assignor=none
        join a topics=t owned=t-0
        join a regex=(
        beat a -3
        away a
        describe",
        expect![[r#"
            topic t 1
            join a topics=t assignor=none
                refuse UNSUPPORTED_ASSIGNOR
            join a topics=t owned=t-0
                refuse INVALID_REQUEST
            join a regex=(
                refuse INVALID_REGULAR_EXPRESSION
            beat a -3
                refuse INVALID_REQUEST
            away a
                refuse INVALID_REQUEST
            describe
                refuse GROUP_ID_NOT_FOUND
        "#]],
    );
}

#[test]
fn a_full_group_refuses_a_new_member_and_keeps_the_old() {
    let settings = ConsumerSettings { group_size_max: 1, ..ConsumerSettings::PRODUCTION };
    check_with(
        settings,
        "topic t 1\njoin a topics=t\njoin b topics=t\nbeat a 2\nleave a\njoin b topics=t",
        expect![[r#"
            topic t 1
            join a topics=t
                write member a, group epoch 2, target a t-0, target epoch 2, current a at 2 Stable t-0
                reply a at 2 owns t-0
            join b topics=t
                refuse GROUP_MAX_SIZE_REACHED
            beat a 2
                reply a at 2
            leave a
                write no current a, no target a, no member a, group epoch 3
                reply a at -1
            join b topics=t
                write member b, group epoch 4, target b t-0, target epoch 4, current b at 4 Stable t-0
                reply b at 4 owns t-0
        "#]],
    );
}

#[test]
fn a_static_member_comes_back_to_its_partitions_without_a_rebalance() {
    check(
        "topic t 2
        join a topics=t instance=i
        join x topics=t instance=i
        beat x 2 instance=i
        away a instance=i
        beat a 2 instance=i
        join b topics=t instance=i
        beat a 2 instance=i
        leave b instance=i
        describe",
        expect![[r#"
            topic t 2
            join a topics=t instance=i
                write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
                reply a at 2 owns t-0 t-1
            join x topics=t instance=i
                refuse UNRELEASED_INSTANCE_ID
            beat x 2 instance=i
                refuse FENCED_INSTANCE_ID
            away a instance=i
                write current a at -2 Stable t-0 t-1
                reply a at -2
            beat a 2 instance=i
                refuse FENCED_MEMBER_EPOCH
            join b topics=t instance=i
                write no current a, no target a, no member a, member b, target b t-0 t-1, current b at 0 Stable t-0 t-1, current b at 2 Stable t-0 t-1
                reply b at 2 owns t-0 t-1
            beat a 2 instance=i
                refuse FENCED_INSTANCE_ID
            leave b instance=i
                write no current b, no target b, no member b, group epoch 3
                reply b at -1
            describe
                reply Empty epoch 3 assignment 2 uniform
        "#]],
    );
}

#[test]
fn a_static_member_that_stays_away_loses_its_place() {
    check(
        "topic t 1\njoin a topics=t instance=i\naway a instance=i\nafter 45s\nbeat a 2 instance=i",
        expect![[r#"
            topic t 1
            join a topics=t instance=i
                write member a, group epoch 2, target a t-0, target epoch 2, current a at 2 Stable t-0
                reply a at 2 owns t-0
            away a instance=i
                write current a at -2 Stable t-0
                reply a at -2
            after 45s
                write no current a, no target a, no member a, group epoch 3
            beat a 2 instance=i
                refuse UNKNOWN_MEMBER_ID
        "#]],
    );
}

#[test]
fn a_pattern_follows_topics_that_come_and_go() {
    check(
        "topic t1 1
        join a regex=t.*
        topic t2 1
        after 1s
        beat a 2 owned=t1-0
        topic u 1
        untopic t1
        after 1s
        beat a 3
        beat a 3 owned=t2-0
        leave a",
        expect![[r#"
            topic t1 1
            join a regex=t.*
                write member a, regex t.* is {"t1"}, group epoch 2, target a t1-0, target epoch 2, current a at 2 Stable t1-0
                reply a at 2 owns t1-0
            topic t2 1
                write regex t.* is {"t1", "t2"}, group epoch 3, target a t1-0 t2-0, target epoch 3
            after 1s
            beat a 2 owned=t1-0
                write current a at 3 Stable t1-0 t2-0
                reply a at 3 owns t1-0 t2-0
            topic u 1
            untopic t1
                write regex t.* is {"t2"}, group epoch 4, target a t2-0, target epoch 4
            after 1s
            beat a 3
                write current a at 3 UnrevokedPartitions t2-0 revoking gone-0
                reply a at 3 owns t2-0
            beat a 3 owned=t2-0
                write current a at 4 Stable t2-0
                reply a at 4
            leave a
                write no current a, no target a, no member a, no regex t.*, group epoch 5
                reply a at -1
        "#]],
    );
}

#[test]
fn a_dropped_topic_is_revoked_before_the_next_assignment() {
    check(
        "topic t 1
        topic u 1
        join a topics=t,u
        join b topics=t,u
        beat a 2 topics=t owned=t-0,u-0
        beat a 2 owned=t-0
        after 1s
        beat a 2 owned=t-0
        beat b 2 owned=",
        expect![[r#"
            topic t 1
            topic u 1
            join a topics=t,u
                write member a, group epoch 2, target a t-0 u-0, target epoch 2, current a at 2 Stable t-0 u-0
                reply a at 2 owns t-0 u-0
            join b topics=t,u
                write member b, group epoch 3, current b at 2 Stable nothing
                reply b at 2 owns nothing
            beat a 2 topics=t owned=t-0,u-0
                write member a, group epoch 4, current a at 2 UnrevokedPartitions t-0 revoking u-0
                reply a at 2 owns t-0
            beat a 2 owned=t-0
                write current a at 2 Stable t-0
                reply a at 2
            after 1s
                write target a t-0, target b u-0, target epoch 4
            beat a 2 owned=t-0
                write current a at 4 Stable t-0
                reply a at 4
            beat b 2 owned=
                write current b at 4 Stable u-0
                reply b at 4 owns u-0
        "#]],
    );
}

#[test]
fn the_assignor_that_most_members_prefer_is_used() {
    check(
        "topic t 2\njoin a topics=t assignor=range\ndescribe",
        expect![[r#"
        topic t 2
        join a topics=t assignor=range
            write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
            reply a at 2 owns t-0 t-1
        describe
            reply Stable epoch 2 assignment 2 range; a at 2 owns t-0 t-1, target t-0 t-1
    "#]],
    );
}

#[test]
fn a_group_survives_a_restart_of_its_coordinator() {
    check(
        "topic t 2\njoin a topics=t\nrestart\nbeat a 2\ntopic t 3\nbeat a 2\nafter 45s",
        expect![[r#"
            topic t 2
            join a topics=t
                write member a, group epoch 2, target a t-0 t-1, target epoch 2, current a at 2 Stable t-0 t-1
                reply a at 2 owns t-0 t-1
            restart
            beat a 2
                reply a at 2
            topic t 3
                write group epoch 3, target a t-0 t-1 t-2, target epoch 3
            beat a 2
                write current a at 3 Stable t-0 t-1 t-2
                reply a at 3 owns t-0 t-1 t-2
            after 45s
                write no current a, no target a, no member a, group epoch 4
        "#]],
    );
}

#[test]
fn a_topic_that_changed_while_nobody_looked_is_seen_after_a_restart() {
    let mut bench = Bench::new(ConsumerSettings::PRODUCTION);
    for line in ["topic t 1", "join a topics=t"] {
        bench.run(line);
    }
    let topic = bench.topics.by_name("t").unwrap();
    bench.topics.insert("t", super::TopicView { partition_count: 2, ..topic });
    let effects = bench.restart();
    let trace: Vec<String> = effects.iter().map(|it| bench.render(it)).collect();
    expect!["write group epoch 3, target a t-0 t-1, target epoch 3"].assert_eq(&trace.join("\n"));
}

#[test]
fn only_an_empty_group_is_deleted_and_then_it_is_gone() {
    check(
        "topic t 1\njoin a topics=t\ndelete\nleave a\ndescribe\ndelete\ndescribe\nrestart\ndescribe",
        expect![[r#"
            topic t 1
            join a topics=t
                write member a, group epoch 2, target a t-0, target epoch 2, current a at 2 Stable t-0
                reply a at 2 owns t-0
            delete
                refuse NON_EMPTY_GROUP
            leave a
                write no current a, no target a, no member a, group epoch 3
                reply a at -1
            describe
                reply Empty epoch 3 assignment 2 uniform
            delete
                write no target, no group
                reply deleted
            describe
                refuse GROUP_ID_NOT_FOUND
            restart
            describe
                refuse GROUP_ID_NOT_FOUND
        "#]],
    );
}
