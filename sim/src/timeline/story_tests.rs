//! What a small history becomes as lanes.

use expect_test::{Expect, expect};
use model::{ErrorCode, LeaderEpoch, NodeId, Observation, Offset, PartitionIndex, TopicId};
use model::{TopicPartition, splitmix};

use super::story::{Story, Stretch};
use crate::checkers::event::{Acks, Content, NodeChange, Outcome, ProduceAttempt, TopicRules};
use crate::checkers::group_facts::{
    CommitOutcome, GroupChange, GroupFact, GroupProtocol, MemberName,
};
use crate::checkers::{Event, Fact, Violation};
use crate::plan::{
    ClientPlan, Fault, FaultKind, Machine, MemberPlan, Mischief, Plan, Protocol, Target, Through,
};
use crate::run::{Counters, Coverage, Fate, RecoveredEnd, Report, Stroke, Verdict};

const TOPIC: TopicId = TopicId(*b"a topic of a run");
const OFFSETS: TopicId = TopicId(*b"group's own one.");
const PLACE: TopicPartition = TopicPartition { topic: TOPIC, partition: PartitionIndex(2) };
const SECOND_NS: u64 = 1_000_000_000;

fn member(protocol: Protocol) -> ClientPlan {
    ClientPlan::Member(MemberPlan {
        through: Through::Frames,
        group: "group-0".to_owned(),
        protocol,
        topics: vec!["topic-0".to_owned()],
        pattern: None,
        instance_id: None,
        session_ms: 2_000,
        pause_us: 1_000,
        max_bytes: 1,
        commit_every: 1,
        mischief: Mischief::default(),
        starts_us: 0,
        rounds_max: None,
    })
}

/// Clients 1 and 2 are members, 3 is a tool.
fn plan() -> Plan {
    let clients =
        vec![member(Protocol::Classic), member(Protocol::Classic), member(Protocol::Tool)];
    Plan { clients, schedule: Vec::new(), ..Plan::from_seed(1) }
}

/// A history of facts, one each second; it ends with the violation if there is one.
fn report(facts: Vec<Fact>, violation: Option<Violation>) -> Report {
    let topic = Fact::TopicCreated {
        topic: TOPIC,
        name: "topic-0".to_owned(),
        rules: TopicRules::default(),
    };
    let facts = [topic].into_iter().chain(facts);
    let history: Vec<Event> =
        (1..).zip(facts).map(|(at, fact)| Event { at_ns: at * SECOND_NS, fact }).collect();
    Report {
        verdict: if violation.is_some() { Verdict::Failed } else { Verdict::Passed },
        violation,
        trace_hash: splitmix::hash(1),
        checkpoints: Vec::new(),
        kept_events: String::new(),
        counters: Counters { virtual_ms: 9_000, ..Counters::default() },
        coverage: Coverage::default(),
        began_ns: Some(SECOND_NS),
        strokes: Vec::new(),
        operations: std::collections::BTreeMap::new(),
        history,
        recovered: Vec::new(),
        lines: Vec::new(),
        last_events: String::new(),
    }
}

fn group(client: u32, change: GroupChange) -> Fact {
    Fact::Group(GroupFact { group: "group-0".to_owned(), client, change })
}

fn name(member_id: &str) -> MemberName {
    let member_id = member_id.to_owned();
    MemberName { protocol: GroupProtocol::Classic, member_id, epoch: 1, instance_id: None }
}

fn owns(client: u32, member_id: &str, partitions: &[TopicPartition]) -> Fact {
    let (member, partitions) = (name(member_id), partitions.to_vec());
    let session_ns = 2 * SECOND_NS;
    group(client, GroupChange::Assigned { member, partitions, invoked_ns: 1, session_ns })
}

fn appended(at: TopicPartition, base_offset: i64, end: i64) -> Fact {
    let (base_offset, end) = (Offset(base_offset), Offset(end));
    let observation = Observation::Appended { at, leader_epoch: LeaderEpoch(0), base_offset, end };
    Fact::Observed { node: NodeId(1), observation }
}

fn acked(client: u32, operation: u64, offset: i64) -> Fact {
    Fact::Produced(ProduceAttempt {
        operation,
        attempt: 0,
        client,
        at: PLACE,
        acks: Acks::All,
        producer: None,
        transactional: false,
        invoked_ns: SECOND_NS,
        content: Content { count: 2, hash: None, records: Vec::new() },
        outcome: Outcome::Acked { base_offset: Some(Offset(offset)) },
    })
}

fn bars(bars: &[Stretch]) -> String {
    let seconds = |at_us: u64| at_us / 1_000_000;
    let each = bars.iter().map(|bar| {
        let (from, until) = (seconds(bar.from_us), seconds(bar.until_us));
        format!("{from} to {until}: {} | {}\n", bar.style, bar.label)
    });
    each.collect()
}

fn check(report: &Report, told: fn(&Story) -> String, expected: &Expect) {
    expected.assert_eq(&told(&Story::of(&plan(), report)));
}

/// The bars of the first client.
fn owned(story: &Story) -> String {
    bars(&story.clients[0].owned)
}

fn broken(story: &Story) -> String {
    let claim = story.claim.as_ref().expect("there is a violation");
    let witnesses: String = claim.witnesses.iter().map(|it| format!("\n- {}", it.text)).collect();
    let hit = story.clients.iter().filter(|it| it.is_hit).map(|it| it.name.as_str());
    let hit = hit.chain(story.partitions.iter().filter(|it| it.is_hit).map(|it| it.name.as_str()));
    let hit = hit.collect::<Vec<_>>().join(", ");
    format!("{}{witnesses}\nlanes: {hit}", claim.text)
}

#[test]
fn a_member_owns_until_it_gives_up_or_ends() {
    let member = || name("m");
    let facts = vec![
        owns(1, "m", &[PLACE]),
        group(1, GroupChange::Released { member: member() }),
        owns(1, "m", &[PLACE]),
        group(1, GroupChange::Confirmed { member: member(), invoked_ns: 1 }),
        group(1, GroupChange::Ended { member: member(), left: true }),
    ];
    let expected = expect![[r#"
        2 to 3: owned | topic-0: 2
        3 to 4: owns-nothing | owns nothing
        4 to 6: owned | topic-0: 2
    "#]];
    check(&report(facts, None), owned, &expected);
}

#[test]
fn a_member_without_an_answer_for_its_session_looks_different_until_the_next_one() {
    let confirmed = || group(1, GroupChange::Confirmed { member: name("m"), invoked_ns: 1 });
    let others = || appended(PLACE, 0, 1);
    let facts = vec![owns(1, "m", &[PLACE]), others(), others(), others(), confirmed()];
    let expected = expect![[r#"
        2 to 4: owned | topic-0: 2
        4 to 6: owned unheard | topic-0: 2
        6 to 8: owned | topic-0: 2
        8 to 10: owned unheard | topic-0: 2
    "#]];
    check(&report(facts, None), owned, &expected);
}

#[test]
fn a_violation_of_a_group_is_told_with_the_names_of_the_lanes() {
    let text = format!("group group-0, client 1: {TOPIC}-2 was given to client 2 too early");
    let violation = Violation::new("c9-groups", "two-owners", 4 * SECOND_NS, text);
    let facts = vec![owns(1, "m", &[PLACE]), owns(2, "n", &[PLACE])];
    let report = report(facts, Some(violation));
    let expected = expect![[r#"
        group group-0, member 1: topic-0-2 was given to member 2 too early
        - member 1 is told that it owns topic-0-2
        - member 2 is told that it owns topic-0-2
        lanes: member 1, member 2, topic-0-2"#]];
    check(&report, broken, &expected);
    let contested = expect![[r#"
        2 to 4: owned contested | topic-0: 2
    "#]];
    check(&report, owned, &contested);
}

#[test]
fn both_operations_that_were_told_an_offset_are_named() {
    let text = "operation 8 was told offsets 1 to 2, another operation 9 to 1".to_owned();
    let violation = Violation::new("c1-acked-stays", "claimed-twice", 4 * SECOND_NS, text);
    let violation = violation.at(PLACE, Some(Offset(1)));
    let report = report(vec![acked(1, 7, 0), acked(1, 9, 2), acked(2, 8, 1)], Some(violation));
    let expected = expect![[r#"
        operation 8 was told offsets 1 to 2, another operation 9 to 1
        - operation 7 of member 1 in topic-0-2: acknowledged at offset 0
        - operation 8 of member 2 in topic-0-2: acknowledged at offset 1
        lanes: member 1, member 2, topic-0-2"#]];
    check(&report, broken, &expected);
}

#[test]
fn records_that_were_lost_at_a_start_leave_the_line_there() {
    let booted = Fact::Node { node: NodeId(1), change: NodeChange::Booted };
    let facts = vec![appended(PLACE, 0, 5), booted, appended(PLACE, 2, 3)];
    let line = |story: &Story| format!("{:?}", story.partitions[0].log_end);
    let expected = expect!["[(2000000, 5), (3000000, 2), (4000000, 3)]"];
    check(&report(facts, None), line, &expected);
}

#[test]
fn a_log_ends_where_its_recovery_left_it() {
    let facts = vec![appended(PLACE, 0, 5), appended(PLACE, 5, 8)];
    let log_end_offset = Offset(5);
    let recovered = vec![RecoveredEnd { at_ns: 4 * SECOND_NS, at: PLACE, log_end_offset }];
    let line = |story: &Story| format!("{:?}", story.partitions[0].log_end);
    let expected = expect!["[(2000000, 5), (3000000, 8), (4000000, 5)]"];
    check(&Report { recovered, ..report(facts, None) }, line, &expected);
}

#[test]
fn the_topic_that_no_client_created_is_the_groups_own() {
    let own = TopicPartition { topic: OFFSETS, partition: PartitionIndex(3) };
    let lanes = |story: &Story| {
        let names = story.partitions.iter().map(|lane| lane.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let facts = vec![appended(PLACE, 0, 5), appended(own, 0, 1)];
    check(&report(facts, None), lanes, &expect!["__consumer_offsets-3, topic-0-2"]);
}

#[test]
fn a_tool_deletes_an_offset_in_words() {
    let commit = |outcome| GroupChange::Committed {
        member: None,
        at: PLACE,
        offset: None,
        invoked_ns: 1,
        outcome,
    };
    let facts = vec![
        group(3, commit(CommitOutcome::Open)),
        group(3, commit(CommitOutcome::Refused(ErrorCode::GroupIdNotFound))),
    ];
    let marks = |story: &Story| {
        let tool = &story.clients[0];
        let texts = tool.marks.iter().map(|mark| mark.3.as_str());
        format!("{}: {}", tool.name, texts.collect::<Vec<_>>().join("\n"))
    };
    let expected = expect![
        "tool 3: group-0: a tool deletes the offset of topic-0-2: refused: GROUP_ID_NOT_FOUND (69)"
    ];
    check(&report(facts, None), marks, &expected);
}

#[test]
fn faults_with_and_without_an_effect_differ_and_every_row_has_a_name() {
    let stroke = |fate, effective| Stroke {
        fault: Fault {
            at_us: 500_000,
            after: None,
            target: Target::Link { from: Machine::Client(3), to: Machine::Node(1) },
            duration_us: 1_000_000,
            kind: FaultKind::Reset,
            refused: false,
        },
        fate,
        from_ns: SECOND_NS + SECOND_NS / 2,
        until_ns: 3 * SECOND_NS,
        effective,
    };
    let strokes = vec![
        stroke(Fate::Struck, Some(true)),
        stroke(Fate::Struck, Some(false)),
        stroke(Fate::Missed, None),
        stroke(Fate::Refused, None),
    ];
    let rows = |story: &Story| {
        let rows = story.faults.iter().map(|row| format!("{}\n{}", row.name, bars(&row.bars)));
        rows.collect::<String>()
    };
    let expected = expect![[r#"
        reset
        1 to 3: struck | tool 3 → node 1
        reset, row 2
        1 to 3: idle | tool 3 → node 1
        reset, row 3
        1 to 1: missed | tool 3 → node 1
        reset, row 4
        1 to 1: refusal | tool 3 → node 1
    "#]];
    check(&Report { strokes, ..report(Vec::new(), None) }, rows, &expected);
}
