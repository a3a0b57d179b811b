//! Consumer groups of a run: their members, and how badly these behave.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::client::{AdminOperation, AdminPlan, Through};
use super::dice::Dice;
use super::setup::TopicPlan;
use super::{ClientPlan, Span};

/// One member of a group on a machine of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberPlan {
    pub through: Through,
    pub group: String,
    pub protocol: Protocol,
    pub topics: Vec<String>,
    /// With [`Protocol::Consumer`], instead of the topics: those that match a pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A static member (KIP-345).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// With [`Protocol::Consumer`] it is the broker's `group.consumer.session.timeout.ms`.
    pub session_ms: u32,
    /// Mean pause between two rounds, each a heartbeat and a fetch; far below the session.
    pub pause_us: u64,
    pub max_bytes: u32,
    /// Rounds between two commits, at least 1.
    pub commit_every: u16,
    #[serde(default)]
    pub mischief: Mischief,
    /// Begins so long after the faults did.
    #[serde(default)]
    pub starts_us: u64,
    /// Rounds after which it crashes for good; none: as many as there is time for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds_max: Option<u64>,
}

/// How a client keeps its place in the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Classic,
    /// KIP-848.
    Consumer,
    /// No member: a tool that commits, deletes and looks at offsets.
    Tool,
}

/// One round in so many begins with this; 0: none does. It ends when the faults do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mischief {
    /// The process dies, and another one comes after a while.
    pub crash_every: u16,
    /// The member leaves, and comes again as a new one.
    pub leave_every: u16,
    /// It is silent for longer than its session, then goes on.
    pub silence_every: u16,
    /// It commits once more in the name of an earlier generation.
    pub late_commit_every: u16,
}

/// Sessions that end within a run.
const SESSIONS_MS: [u64; 4] = [800, 1_500, 3_000, 6_000];

/// Groups for one run of three, as clients behind the others. Runs of days have none: sessions as
/// short as these would fill them with heartbeats.
pub(super) fn draw(
    dice: &mut Dice,
    span: Span,
    topics: &[TopicPlan],
    properties: &mut BTreeMap<String, String>,
) -> Vec<ClientPlan> {
    if span == Span::TEN_DAYS || !dice.one_in(3) {
        return Vec::new();
    }
    let session_ms = dice.pick(&SESSIONS_MS);
    let mut set = |name: &str, value: u64| properties.insert(name.to_owned(), value.to_string());
    set("group.min.session.timeout.ms", 100);
    set("group.initial.rebalance.delay.ms", dice.pick(&[0, 100, 500]));
    set("group.consumer.session.timeout.ms", session_ms);
    set("group.consumer.heartbeat.interval.ms", session_ms / 4);
    set("group.consumer.assignment.interval.ms", dice.pick(&[0, 200, 1_000]));
    set("offsets.topic.num.partitions", dice.pick(&[1, 2, 4]));
    // What expires by the wall clock would be missed by a run that steps it.
    set("offsets.retention.minutes", i32::MAX.unsigned_abs().into());
    let mut clients = Vec::new();
    for number in 0..dice.within(1..=2) {
        let protocol = dice.pick(&[Protocol::Classic, Protocol::Consumer]);
        clients.extend(group(dice, span, topics, session_ms, &format!("group-{number}"), protocol));
    }
    if dice.one_in(2) {
        clients.extend(group(dice, span, topics, session_ms, "tools", Protocol::Tool));
    }
    clients.into_iter().map(ClientPlan::Member).collect()
}

fn group(
    dice: &mut Dice,
    span: Span,
    topics: &[TopicPlan],
    session_ms: u64,
    name: &str,
    protocol: Protocol,
) -> Vec<MemberPlan> {
    let all = topics.iter().map(|topic| topic.name.clone());
    let topics = match dice.one_in(2) {
        true => all.collect(),
        false => vec![dice.pick(topics).name],
    };
    let pattern = protocol == Protocol::Consumer && dice.one_in(2);
    let is_static = dice.one_in(3);
    let mischief = mischief(dice);
    let count = if protocol == Protocol::Tool { 1 } else { dice.within(1..=3) };
    let mut members = Vec::new();
    for number in 0..count {
        let instance_id = is_static.then(|| format!("{name}-{number}"));
        let pause_us = dice.log_uniform(session_ms * 20..=session_ms * 80);
        let ends = number > 0 && dice.one_in(4);
        members.push(MemberPlan {
            through: dice.pick(&[Through::Client, Through::Frames]),
            group: name.to_owned(),
            protocol,
            topics: topics.clone(),
            pattern: pattern.then(|| "(topic|late)-.*".to_owned()),
            instance_id: instance_id.filter(|_| protocol != Protocol::Tool),
            session_ms: u32::try_from(session_ms).expect("a few seconds"),
            pause_us,
            max_bytes: dice.pick(&[4_096, 65_536, 1 << 20]),
            commit_every: dice.pick(&[1, 2, 5]),
            mischief,
            starts_us: dice.pick(&[0, 0, 1, 2]) * dice.within(0..=span.faults_us / 4),
            rounds_max: ends.then(|| dice.within(1..=span.faults_us / pause_us)),
        });
    }
    // A second process with the name of the first, by mistake.
    if is_static && protocol != Protocol::Tool && dice.one_in(2) {
        let starts_us = dice.within(0..=span.faults_us / 2);
        members.push(MemberPlan { starts_us, rounds_max: None, ..members[0].clone() });
    }
    members
}

/// For two of three runs in which a group reads by pattern: a client that creates topics for it, when the
/// group has seen those that were there before.
pub(super) fn topics_to_come(
    dice: &mut Dice,
    span: Span,
    clients: &[ClientPlan],
) -> Option<ClientPlan> {
    let by_pattern = |it: &ClientPlan| match it {
        ClientPlan::Member(member) => member.pattern.is_some(),
        _ => false,
    };
    if !clients.iter().any(by_pattern) || dice.one_in(3) {
        return None;
    }
    let mut create = |number: u64| AdminOperation::Create {
        at_us: dice.within(span.faults_us / 3..=span.faults_us),
        topic: format!("late-for-pattern-{number}"),
        partitions: dice.pick(&[1, 2]),
    };
    let mut operations = vec![create(0), create(1)];
    operations.sort_by_key(AdminOperation::at_us);
    Some(ClientPlan::Admin(AdminPlan { operations }))
}

/// Some of the ways to misbehave, each rarely enough that groups get on in between.
fn mischief(dice: &mut Dice) -> Mischief {
    let mut every = || if dice.one_in(2) { dice.pick(&[15, 40, 120]) } else { 0 };
    Mischief {
        crash_every: every(),
        leave_every: every(),
        silence_every: every(),
        late_commit_every: every(),
    }
}
