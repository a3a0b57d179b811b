//! What clients did and were told, one lane each, and what became of topics.

use std::collections::BTreeMap;

use super::claim::Claim;
use super::clock::us;
use super::members;
use super::names::Names;
use super::story::{Mark, Stretch};
use crate::checkers::Fact;
use crate::checkers::event::{Acks, Consumed, Outcome, ProduceAttempt, TopicRules};
use crate::run::Report;

/// More marks than this are left out, and the page says so: nobody could read it, nor a browser.
const MARKS_MAX: usize = 40_000;

pub(super) struct Client {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) marks: Vec<Mark>,
    /// What a member of a group owned.
    pub(super) owned: Vec<Stretch>,
    /// The first violation names this client.
    pub(super) is_hit: bool,
    /// Facts to which the violation leads back.
    pub(super) witnesses: Vec<(u64, u64)>,
}

/// The lanes, and how many marks they left out.
pub(super) fn clients(
    report: &Report,
    claim: Option<&Claim>,
    names: &Names<'_>,
    end_us: u64,
) -> (Vec<Client>, usize) {
    let mut lanes = marks(report, claim, names);
    let left_out = leave_out(&mut lanes);
    let mut owned = members::ownership(report, claim, names, end_us);
    let mut clients = Vec::new();
    for (number, marks) in lanes {
        let seen = |it: &&super::claim::Witness| Names::lane(it.client) == number;
        let witnesses = claim.iter().flat_map(|claim| &claim.witnesses).filter(seen);
        clients.push(Client {
            name: names.client(number),
            about: names.about(number),
            marks,
            owned: owned.remove(&number).unwrap_or_default(),
            is_hit: claim.is_some_and(|claim| claim.clients.contains(&number)),
            witnesses: witnesses.map(|it| (it.from_us, it.at_us)).collect(),
        });
    }
    clients.sort_by_key(|client| !client.is_hit);
    let marks = topics(report, names);
    if !marks.is_empty() {
        clients.push(Client {
            name: "topics".to_owned(),
            about: "created, changed, deleted".to_owned(),
            marks,
            owned: Vec::new(),
            is_hit: false,
            witnesses: Vec::new(),
        });
    }
    (clients, left_out)
}

fn marks(report: &Report, claim: Option<&Claim>, names: &Names<'_>) -> BTreeMap<u32, Vec<Mark>> {
    let mut lanes: BTreeMap<u32, Vec<Mark>> = BTreeMap::new();
    let mut polls: BTreeMap<u32, u64> = BTreeMap::new();
    for event in &report.history {
        let at_us = us(event.at_ns);
        match &event.fact {
            Fact::Produced(attempt) => {
                let lane = lanes.entry(Names::lane(attempt.client)).or_default();
                lane.push(produced(attempt, at_us, &names.partition(attempt.at)));
            }
            Fact::Consumed(consumed) => {
                let lane = lanes.entry(Names::lane(consumed.consumer)).or_default();
                let same_poll = polls.insert(consumed.consumer, consumed.poll);
                let text = read(consumed, &names.partition(consumed.at));
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
                let is_last = claim.is_some_and(|claim| claim.at_us == at_us);
                let mark = members::mark(fact, at_us, is_last, names);
                lanes.entry(Names::lane(fact.client)).or_default().extend(mark);
            }
            _ => {}
        }
    }
    lanes
}

fn produced(attempt: &ProduceAttempt, at_us: u64, place: &str) -> Mark {
    let (style, outcome) = told(attempt.outcome);
    let again = match attempt.attempt {
        0 => String::new(),
        number => format!(", attempt {}", number + 1),
    };
    let acks = match attempt.acks {
        Acks::None => "0",
        Acks::Leader => "1",
        Acks::All => "all",
    };
    let producer = attempt.producer.map(|it| {
        let (id, epoch) = (it.id.0, it.epoch.0);
        format!("\nproducer id {id}, epoch {epoch}, sequence {}", it.base_sequence)
    });
    let text = format!(
        "produce {place}: {outcome}\noperation {}{again}, {} records, acks {acks}{}",
        attempt.operation,
        attempt.content.count,
        producer.unwrap_or_default()
    );
    Mark(us(attempt.invoked_ns), at_us, style, text)
}

/// The style and the words of an outcome.
pub(super) fn told(outcome: Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Acked { base_offset: Some(offset) } => {
            ("acked", format!("acknowledged at offset {offset}"))
        }
        Outcome::Acked { base_offset: None } => {
            ("acked", "acknowledged, place not told".to_owned())
        }
        Outcome::Refused(code) => ("refused", format!("refused: {code}")),
        Outcome::Unknown => ("unknown", "no answer".to_owned()),
    }
}

fn read(consumed: &Consumed, place: &str) -> String {
    let found = match (consumed.batches.first(), consumed.batches.last()) {
        (Some(first), Some(last)) => {
            let batches = match consumed.batches.len() {
                1 => "1 batch".to_owned(),
                count => format!("{count} batches"),
            };
            format!("{batches}, {} to {}", first.base_offset, last.last_offset)
        }
        _ => "nothing".to_owned(),
    };
    let watermark = consumed.high_watermark.map(|offset| format!(", high watermark {offset}"));
    format!("fetch {place} from {}: {found}{}", consumed.from, watermark.unwrap_or_default())
}

fn topics(report: &Report, names: &Names<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for event in &report.history {
        let text = match &event.fact {
            Fact::TopicCreated { topic, .. } => format!("topic {} is known", names.topic(*topic)),
            Fact::TopicDeleted { topic } => format!("topic {} is deleted", names.topic(*topic)),
            Fact::RulesChanged { topic, rules } => {
                format!("topic {} changes: {}", names.topic(*topic), ruled(rules))
            }
            Fact::RecordsDeleted { at, before } => {
                format!("{}: records below {before} are deleted", names.partition(*at))
            }
            _ => continue,
        };
        let style = if text.ends_with("known") { "created" } else { "changed" };
        marks.push(Mark(us(event.at_ns), us(event.at_ns), style, text));
    }
    marks
}

/// The rules of a topic that take records away or change them.
fn ruled(rules: &TopicRules) -> String {
    let tombstones = format!("tombstones stay for {} ms", rules.delete_retention_ms);
    let all = [
        (rules.compacted, "compacted"),
        (rules.compacted, &tombstones),
        (rules.retained_for_a_while, "retention by time or size"),
        (rules.append_time, "timestamps of the append"),
        (rules.producers_expire, "producers may expire"),
    ];
    let said: Vec<&str> = all.iter().filter(|(is, _)| *is).map(|(_, words)| *words).collect();
    if said.is_empty() { "keeps everything".to_owned() } else { said.join(", ") }
}

/// Keeps the last marks of every client, which are the ones next to a failure.
fn leave_out(lanes: &mut BTreeMap<u32, Vec<Mark>>) -> usize {
    let each = MARKS_MAX / lanes.len().max(1);
    let mut left_out = 0;
    for marks in lanes.values_mut() {
        let surplus = marks.len().saturating_sub(each);
        marks.drain(..surplus);
        left_out += surplus;
    }
    left_out
}
