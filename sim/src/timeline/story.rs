//! A report as lanes over time. Times are microseconds since the beginning of the world.

use std::collections::BTreeMap;

use model::{NodeId, Observation, TopicId, TopicPartition};
use serde::Serialize;

use super::members;
use crate::checkers::event::{Consumed, NodeChange, Outcome, ProduceAttempt};
use crate::checkers::{Fact, Violation};
use crate::cluster::BEGINNING_NS;
use crate::plan::{ClientPlan, Plan, Through};
use crate::run::{Fate, Report, Stroke};

/// More marks than this are left out, and the page says so: nobody could read it, nor a browser.
const MARKS_MAX: usize = 40_000;
/// Clients with numbers from here on are the harness's own.
const OWN_CLIENTS: u32 = 1_000;

pub(super) struct Story {
    pub(super) end_us: u64,
    pub(super) phases: Vec<Stretch>,
    pub(super) nodes: Vec<Node>,
    pub(super) faults: Vec<Faults>,
    pub(super) partitions: Vec<Partition>,
    pub(super) clients: Vec<Client>,
    pub(super) pin: Option<Pin>,
    pub(super) left_out: usize,
}

/// A bar.
pub(super) struct Stretch {
    pub(super) from_us: u64,
    pub(super) until_us: u64,
    /// A class of the style sheet.
    pub(super) style: &'static str,
    pub(super) label: String,
    pub(super) text: String,
}

pub(super) struct Node {
    pub(super) name: String,
    pub(super) lives: Vec<Stretch>,
    /// What it wrote for its operator, from warnings upwards.
    pub(super) lines: Vec<Mark>,
}

/// Faults of one kind, in rows without overlap.
pub(super) struct Faults {
    pub(super) kind: &'static str,
    pub(super) rows: Vec<Vec<Stretch>>,
}

/// An operation or a line of text: from, until, style, what hovering tells.
#[derive(Serialize)]
pub(super) struct Mark(pub(super) u64, pub(super) u64, pub(super) &'static str, pub(super) String);

pub(super) struct Client {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) marks: Vec<Mark>,
}

/// An offset over time: (time, offset from then on).
pub(super) type Steps = Vec<(u64, i64)>;

#[derive(Default)]
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) log_end: Steps,
    pub(super) durable_end: Steps,
    pub(super) high_watermark: Steps,
    pub(super) log_start: Steps,
    /// The first violation is about this partition, and about this offset if one is named.
    pub(super) is_hit: bool,
    pub(super) hit_offset: Option<i64>,
}

/// The first property that broke.
pub(super) struct Pin {
    pub(super) at_us: u64,
    pub(super) class: String,
    /// Partition and offset, as far as one is named.
    pub(super) place: String,
    pub(super) text: String,
}

impl Story {
    pub(super) fn of(plan: &Plan, report: &Report) -> Self {
        let end_us = report.counters.virtual_ms * 1_000 + 1_000;
        let names = topic_names(report);
        let mut clients = clients(plan, report, &names);
        let left_out = leave_out(&mut clients);
        Self {
            end_us,
            phases: phases(report, end_us),
            nodes: nodes(report, end_us),
            faults: faults(&report.strokes, end_us),
            partitions: partitions(report, &names),
            clients,
            pin: report.violation.as_ref().map(|violation| pin(violation, &names)),
            left_out,
        }
    }
}

pub(super) fn us(at_ns: u64) -> u64 {
    at_ns.saturating_sub(BEGINNING_NS) / 1_000
}

/// A time for people, in seconds.
pub(super) fn seconds(at_us: u64) -> String {
    format!("{}.{:06} s", at_us / 1_000_000, at_us % 1_000_000)
}

fn pin(violation: &Violation, names: &BTreeMap<TopicId, String>) -> Pin {
    let place = violation.place.map_or_else(String::new, |place| {
        let offset = place.offset.map(|offset| format!(" offset {offset}")).unwrap_or_default();
        format!(" in {}{offset}", named(names, place.at))
    });
    let (class, text) = (violation.class.clone(), violation.text.clone());
    Pin { at_us: us(violation.at_ns), class, place, text }
}

fn topic_names(report: &Report) -> BTreeMap<TopicId, String> {
    let created = report.history.iter().filter_map(|event| match &event.fact {
        Fact::TopicCreated { topic, name, .. } => Some((*topic, name.clone())),
        _ => None,
    });
    let metadata = (TopicId::METADATA, "__cluster_metadata".to_owned());
    created.chain([metadata]).collect()
}

pub(super) fn named(names: &BTreeMap<TopicId, String>, at: TopicPartition) -> String {
    let topic = names.get(&at.topic).cloned().unwrap_or_else(|| at.topic.to_string());
    format!("{topic}-{}", at.partition)
}

// Phases and nodes.

fn phases(report: &Report, end_us: u64) -> Vec<Stretch> {
    let healed = report.history.iter().find(|event| matches!(event.fact, Fact::Healed { .. }));
    let drained = report.history.iter().find(|event| matches!(event.fact, Fact::Resources { .. }));
    let starts = [
        (Some(0), "setup", "setup", "the node boots and topics are created"),
        (report.began_ns.map(us), "suffer", "faults", "clients work and faults strike"),
        (healed.map(|event| us(event.at_ns)), "live", "healed", "every partition must serve again"),
        (drained.map(|event| us(event.at_ns)), "setup", "end", "the node stops, files are read"),
    ];
    let known: Vec<_> = starts
        .into_iter()
        .filter_map(|(at, style, label, text)| Some((at?, style, label, text)))
        .collect();
    let ends = known.iter().skip(1).map(|(at, ..)| *at).chain([end_us]);
    known
        .iter()
        .zip(ends)
        .map(|((from_us, style, label, text), until_us)| Stretch {
            from_us: *from_us,
            until_us,
            style,
            label: (*label).to_owned(),
            text: (*text).to_owned(),
        })
        .collect()
}

fn nodes(report: &Report, end_us: u64) -> Vec<Node> {
    let mut turns: BTreeMap<NodeId, Vec<(u64, &'static str, &'static str)>> = BTreeMap::new();
    for event in &report.history {
        if let Fact::Node { node, change } = event.fact {
            let (style, label) = match change {
                NodeChange::Booted => ("starting", "recovering"),
                NodeChange::Killed => ("down", "killed"),
                NodeChange::PowerLost => ("dark", "power lost"),
                NodeChange::Stopped => ("down", "stopped"),
                NodeChange::GaveUp => ("down", "gave up"),
                NodeChange::Paused => ("paused", "paused"),
                NodeChange::Resumed => ("up", "up"),
            };
            turns.entry(node).or_default().push((us(event.at_ns), style, label));
        }
    }
    for line in report.lines.iter().filter(|line| line.text.starts_with("started ")) {
        turns.entry(line.node).or_default().push((us(line.at.0), "up", "up"));
    }
    turns.into_iter().map(|(node, turns)| node_lane(report, node, turns, end_us)).collect()
}

fn node_lane(
    report: &Report,
    node: NodeId,
    mut turns: Vec<(u64, &'static str, &'static str)>,
    end_us: u64,
) -> Node {
    turns.sort_by_key(|(at, ..)| *at);
    let ends = turns.iter().skip(1).map(|(at, ..)| *at).chain([end_us]);
    let lives = turns.iter().zip(ends).map(|((from_us, style, label), until_us)| Stretch {
        from_us: *from_us,
        until_us,
        style,
        label: (*label).to_owned(),
        text: format!("{label} from {} to {}", seconds(*from_us), seconds(until_us)),
    });
    let lines = report.lines.iter().filter(|line| line.node == node);
    let lines = lines.filter_map(|line| {
        let style = match line.level {
            server::Level::Error => "refused",
            server::Level::Warn => "unknown",
            server::Level::Info | server::Level::Debug => return None,
        };
        let text = format!("{:?}, shard {}: {}", line.level, line.shard, line.text);
        Some(Mark(us(line.at.0), us(line.at.0), style, text))
    });
    Node { name: format!("node {node}"), lives: lives.collect(), lines: lines.collect() }
}

// Faults.

fn faults(strokes: &[Stroke], end_us: u64) -> Vec<Faults> {
    let mut kinds: BTreeMap<&'static str, Vec<Stretch>> = BTreeMap::new();
    for stroke in strokes {
        kinds.entry(stroke.fault.kind.name()).or_default().push(fault(stroke, end_us));
    }
    let rows = |mut bars: Vec<Stretch>| {
        bars.sort_by_key(|bar| bar.from_us);
        let mut rows: Vec<Vec<Stretch>> = Vec::new();
        for bar in bars {
            let ends = |row: &Vec<Stretch>| row.last().map_or(0, |last| last.until_us);
            match rows.iter_mut().find(|row| ends(row) < bar.from_us) {
                Some(row) => row.push(bar),
                None => rows.push(vec![bar]),
            }
        }
        rows
    };
    kinds.into_iter().map(|(kind, bars)| Faults { kind, rows: rows(bars) }).collect()
}

fn fault(stroke: &Stroke, end_us: u64) -> Stretch {
    let (style, fate) = match stroke.fate {
        Fate::Struck => ("struck", "struck"),
        Fate::Missed => ("missed", "missed: its target or its moment was not there"),
        Fate::Refused => ("missed", "refused: outside of what the run must survive"),
    };
    let from_us = us(stroke.from_ns);
    let until_us = match stroke.fate {
        Fate::Struck => us(stroke.until_ns).min(end_us),
        Fate::Missed | Fate::Refused => from_us,
    };
    let data = toml::to_string(&stroke.fault).unwrap_or_default();
    let text = format!("{fate}, {} to {}\n{data}", seconds(from_us), seconds(until_us));
    Stretch { from_us, until_us, style, label: stroke.fault.target.to_string(), text }
}

// Partitions.

fn partitions(report: &Report, names: &BTreeMap<TopicId, String>) -> Vec<Partition> {
    let mut lanes: BTreeMap<TopicPartition, Partition> = BTreeMap::new();
    for event in &report.history {
        if let Fact::Observed { observation, .. } = event.fact {
            observe(&mut lanes, us(event.at_ns), observation);
        }
    }
    if let Some(place) = report.violation.as_ref().and_then(|violation| violation.place) {
        let lane = lanes.entry(place.at).or_default();
        lane.is_hit = true;
        lane.hit_offset = place.offset.map(|offset| offset.0);
    }
    let mut lanes: Vec<Partition> = lanes
        .into_iter()
        .map(|(at, lane)| Partition { name: named(names, at), ..lane })
        .filter(|lane| lane.is_hit || lane.highest() > 0)
        .collect();
    lanes.sort_by(|a, b| (!a.is_hit, &a.name).cmp(&(!b.is_hit, &b.name)));
    lanes
}

fn observe(lanes: &mut BTreeMap<TopicPartition, Partition>, at_us: u64, seen: Observation) {
    let mut push = |at, line: fn(&mut Partition) -> &mut Steps, offset: i64| {
        let line = line(lanes.entry(at).or_default());
        if line.last().is_none_or(|(_, last)| *last != offset) {
            line.push((at_us, offset));
        }
    };
    match seen {
        Observation::Appended { at, end, .. } => push(at, |it| &mut it.log_end, end.0),
        Observation::Persisted { at, end } => push(at, |it| &mut it.durable_end, end.0),
        Observation::HighWatermarkMoved { at, high_watermark, .. } => {
            push(at, |it| &mut it.high_watermark, high_watermark.0);
        }
        Observation::LogStartMoved { at, log_start_offset } => {
            push(at, |it| &mut it.log_start, log_start_offset.0);
        }
        Observation::Truncated { at, end } | Observation::RecoveryCut { at, end, .. } => {
            push(at, |it| &mut it.log_end, end.0);
            push(at, |it| &mut it.durable_end, end.0);
        }
        Observation::DeletionBegun { .. }
        | Observation::IsrChanged { .. }
        | Observation::EpochStarted { .. }
        | Observation::Acknowledged { .. } => {}
    }
}

impl Partition {
    /// The lines by name and style, the widest first: where they coincide all can be seen.
    pub(super) fn lines(&self) -> [(&'static str, &'static str, &Steps); 4] {
        [
            ("log end", "log-end", &self.log_end),
            ("durable end", "durable-end", &self.durable_end),
            ("high watermark", "high-watermark", &self.high_watermark),
            ("log start", "log-start", &self.log_start),
        ]
    }

    pub(super) fn highest(&self) -> i64 {
        let offsets = self.lines().into_iter().flat_map(|(_, _, line)| line);
        let highest = offsets.map(|(_, offset)| *offset).max().unwrap_or_default();
        highest.max(self.hit_offset.unwrap_or_default())
    }
}

// Clients.

fn clients(plan: &Plan, report: &Report, names: &BTreeMap<TopicId, String>) -> Vec<Client> {
    let mut lanes: BTreeMap<u32, Vec<Mark>> = BTreeMap::new();
    let mut topics = Vec::new();
    let mut polls: BTreeMap<u32, u64> = BTreeMap::new();
    for event in &report.history {
        let at_us = us(event.at_ns);
        match &event.fact {
            Fact::Produced(attempt) => {
                let lane = lanes.entry(attempt.client.min(OWN_CLIENTS)).or_default();
                lane.push(produced(attempt, at_us, &named(names, attempt.at)));
            }
            Fact::Consumed(consumed) => {
                let lane = lanes.entry(consumed.consumer.min(OWN_CLIENTS)).or_default();
                let same_poll = polls.insert(consumed.consumer, consumed.poll);
                let text = read(consumed, &named(names, consumed.at));
                let style = if consumed.batches.is_empty() { "empty" } else { "read" };
                match lane.last_mut().filter(|last| last.0 == at_us) {
                    Some(last) if same_poll == Some(consumed.poll) => {
                        last.3.push_str(&format!("\n{text}"));
                        if style == "read" {
                            last.2 = style;
                        }
                    }
                    _ => lane.push(Mark(at_us, at_us, style, text)),
                }
            }
            Fact::Group(fact) => {
                let mark = members::mark(fact, at_us, names);
                lanes.entry(fact.client.min(OWN_CLIENTS)).or_default().extend(mark);
            }
            Fact::TopicCreated { name, .. } => {
                topics.push(Mark(at_us, at_us, "read", format!("topic {name} is known")));
            }
            Fact::TopicDeleted { topic } => {
                let name = names.get(topic).cloned().unwrap_or_default();
                topics.push(Mark(at_us, at_us, "unknown", format!("topic {name} is deleted")));
            }
            Fact::RulesChanged { topic, rules } => {
                let name = names.get(topic).cloned().unwrap_or_default();
                let text = format!("topic {name} changes: {rules:?}");
                topics.push(Mark(at_us, at_us, "unknown", text));
            }
            Fact::RecordsDeleted { at, before } => {
                let text = format!("{}: records below {before} are deleted", named(names, *at));
                topics.push(Mark(at_us, at_us, "unknown", text));
            }
            _ => {}
        }
    }
    let changes = Client {
        name: "topics".to_owned(),
        about: "created, changed, deleted".to_owned(),
        marks: topics,
    };
    let lanes = lanes.into_iter().map(|(number, marks)| {
        let (name, about) = introduce(plan, number);
        Client { name, about, marks }
    });
    let mut clients: Vec<Client> = lanes.chain([changes]).collect();
    clients.retain(|client| !client.marks.is_empty());
    clients
}

fn introduce(plan: &Plan, number: u32) -> (String, String) {
    let index = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
    let client = index.and_then(|index| plan.clients.get(index));
    let through = |through: &Through| match through {
        Through::Client => "client crate",
        Through::Frames => "raw frames",
    };
    match client {
        Some(ClientPlan::Producer(client)) => {
            let kind = if client.idempotent { ", idempotent" } else { "" };
            (
                format!("producer {number}"),
                format!(
                    "{}, acks {}{kind}, {}",
                    client.topic,
                    client.acks,
                    through(&client.through)
                ),
            )
        }
        Some(ClientPlan::Consumer(client)) => {
            let kind = if client.sessions { ", session" } else { "" };
            (
                format!("consumer {number}"),
                format!("{}{kind}, {}", client.topic, through(&client.through)),
            )
        }
        Some(ClientPlan::Member(client)) => {
            (format!("member {number}"), format!("{}, {}", client.group, through(&client.through)))
        }
        Some(ClientPlan::Admin(_)) => (format!("admin {number}"), "topics".to_owned()),
        Some(ClientPlan::Crowd(client)) => {
            (format!("crowd {number}"), format!("{} connections", client.connections))
        }
        None => ("harness".to_owned(), "signs of life, final reads".to_owned()),
    }
}

fn produced(attempt: &ProduceAttempt, at_us: u64, place: &str) -> Mark {
    let (style, outcome) = match attempt.outcome {
        Outcome::Acked { base_offset: Some(offset) } => {
            ("acked", format!("acknowledged at {offset}"))
        }
        Outcome::Acked { base_offset: None } => {
            ("acked", "acknowledged, place not told".to_owned())
        }
        Outcome::Refused(code) => ("refused", format!("refused: {code:?}")),
        Outcome::Unknown => ("unknown", "no answer".to_owned()),
    };
    let again = match attempt.attempt {
        0 => String::new(),
        number => format!(", attempt {}", number + 1),
    };
    let producer = attempt.producer.map(|it| format!(", {it:?}")).unwrap_or_default();
    let text = format!(
        "produce {place}: {outcome}\noperation {}{again}, {} records, acks {:?}{producer}",
        attempt.operation, attempt.content.count, attempt.acks
    );
    Mark(us(attempt.invoked_ns), at_us, style, text)
}

fn read(consumed: &Consumed, place: &str) -> String {
    let found = match (consumed.batches.first(), consumed.batches.last()) {
        (Some(first), Some(last)) => {
            let batches = consumed.batches.len();
            format!("{batches} batches, {} to {}", first.base_offset, last.last_offset)
        }
        _ => "nothing".to_owned(),
    };
    let watermark = consumed.high_watermark.map(|offset| format!(", high watermark {offset}"));
    format!("fetch {place} from {}: {found}{}", consumed.from, watermark.unwrap_or_default())
}

/// Keeps the last marks of every client, which are the ones next to a failure.
fn leave_out(clients: &mut [Client]) -> usize {
    let each = MARKS_MAX / clients.len().max(1);
    let mut left_out = 0;
    for client in clients {
        let surplus = client.marks.len().saturating_sub(each);
        client.marks.drain(..surplus);
        left_out += surplus;
    }
    left_out
}
