//! The first violation in the words of the page, and the lanes and facts that it is about.
//!
//! Promises: whatever the text names by a raw id or a client's number is named as its lane is, and
//! that lane is marked. Does not: judge; what it adds are the facts of the history that name the same
//! operation, offset or partition.

use std::collections::BTreeSet;

use model::{Offset, TopicPartition};

use super::clients;
use super::clock::us;
use super::members::{committed, owns};
use super::names::Names;
use crate::checkers::event::{Outcome, ProduceAttempt};
use crate::checkers::group_facts::{CommitOutcome, GroupChange, GroupFact};
use crate::checkers::{Event, Fact, Violation};
use crate::run::Report;

/// Facts that are told beside the violation; the last ones are nearest to it.
const WITNESSES_MAX: usize = 6;

pub(super) struct Claim {
    pub(super) at_us: u64,
    pub(super) class: String,
    /// Partition and offset, as far as one is named.
    pub(super) place: String,
    pub(super) text: String,
    pub(super) partitions: BTreeSet<TopicPartition>,
    /// Lanes of clients.
    pub(super) clients: BTreeSet<u32>,
    pub(super) witnesses: Vec<Witness>,
}

/// A fact that the violation contradicts or rests on.
pub(super) struct Witness {
    pub(super) from_us: u64,
    pub(super) at_us: u64,
    pub(super) client: u32,
    pub(super) text: String,
}

/// What a text names.
#[derive(Default)]
struct Named {
    partitions: BTreeSet<TopicPartition>,
    clients: BTreeSet<u32>,
    operations: BTreeSet<u64>,
    group: Option<String>,
}

impl Claim {
    pub(super) fn of(report: &Report, names: &Names<'_>) -> Option<Self> {
        let violation = report.violation.as_ref()?;
        let (text, mut named) = in_words(&violation.text, names);
        let place = violation.place.map_or_else(String::new, |place| {
            let offset = place.offset.map(|offset| format!(" offset {offset}")).unwrap_or_default();
            format!(" in {}{offset}", names.partition(place.at))
        });
        let witnesses = witnesses(&report.history, violation, &named, names);
        named.partitions.extend(violation.place.map(|place| place.at));
        named.clients.extend(witnesses.iter().map(|it| it.client));
        Some(Self {
            at_us: us(violation.at_ns),
            class: violation.class.clone(),
            place,
            text,
            partitions: named.partitions,
            clients: named.clients.into_iter().map(Names::lane).collect(),
            witnesses,
        })
    }
}

/// The text with the names of the lanes in it, and what it names.
fn in_words(text: &str, names: &Names<'_>) -> (String, Named) {
    let mut named = Named::default();
    let mut said: Vec<String> = Vec::new();
    let another = ["another", "operation"].map(str::to_owned);
    for word in text.split(' ') {
        let bare = word.trim_end_matches([',', ':', '.', ';']);
        let rest = &word[bare.len()..];
        let number = bare.parse::<u32>().ok();
        match (said.last().map(String::as_str), number, names.written_as(bare)) {
            (Some("client"), Some(number), _) => {
                named.clients.insert(number);
                said.pop();
                said.push(format!("{}{rest}", names.client(number)));
            }
            // What follows "another operation" are offsets.
            (Some("operation"), Some(number), _) if !said.ends_with(&another) => {
                named.operations.insert(number.into());
                said.push(word.to_owned());
            }
            (_, _, Some(at)) => {
                named.partitions.insert(at);
                said.push(format!("{}{rest}", names.partition(at)));
            }
            (before, _, _) => {
                if before == Some("group") {
                    named.group = Some(bare.to_owned());
                }
                said.push(word.to_owned());
            }
        }
    }
    (said.join(" "), named)
}

fn witnesses(
    history: &[Event],
    violation: &Violation,
    named: &Named,
    names: &Names<'_>,
) -> Vec<Witness> {
    let place = violation.place.and_then(|place| Some((place.at, place.offset?)));
    let committed_at = violation.place.map(|place| place.at);
    let mut found: Vec<Witness> = Vec::new();
    for event in history {
        let witness = match &event.fact {
            Fact::Produced(attempt) if is_meant(attempt, place, &named.operations) => {
                Some(produced(attempt, event.at_ns, names))
            }
            Fact::Group(fact) if named.group.as_ref() == Some(&fact.group) => {
                group_fact(fact, event.at_ns, committed_at, named, names)
            }
            _ => None,
        };
        found.extend(witness);
    }
    // One of each client's are enough of a group: what it was told last.
    if named.group.is_some() {
        let mut seen = BTreeSet::new();
        found.reverse();
        found.retain(|it| seen.insert(it.client));
        found.reverse();
    }
    found.split_off(found.len().saturating_sub(WITNESSES_MAX))
}

/// Whether this attempt is named, or was told the place that is.
fn is_meant(
    attempt: &ProduceAttempt,
    place: Option<(TopicPartition, Offset)>,
    operations: &BTreeSet<u64>,
) -> bool {
    let lies_there = place.is_some_and(|(at, offset)| match attempt.outcome {
        Outcome::Acked { base_offset: Some(base) } => {
            let end = base.0 + i64::from(attempt.content.count);
            attempt.at == at && (base.0..end).contains(&offset.0)
        }
        _ => false,
    });
    lies_there || operations.contains(&attempt.operation)
}

fn produced(attempt: &ProduceAttempt, at_ns: u64, names: &Names<'_>) -> Witness {
    let (_, outcome) = clients::told(attempt.outcome);
    let (client, place) = (names.client(attempt.client), names.partition(attempt.at));
    Witness {
        from_us: us(attempt.invoked_ns),
        at_us: us(at_ns),
        client: attempt.client,
        text: format!("operation {} of {client} in {place}: {outcome}", attempt.operation),
    }
}

/// Who was told to own a partition that is named, and commits of the place.
fn group_fact(
    fact: &GroupFact,
    at_ns: u64,
    place: Option<TopicPartition>,
    named: &Named,
    names: &Names<'_>,
) -> Option<Witness> {
    let client = names.client(fact.client);
    let (invoked_ns, text) = match &fact.change {
        GroupChange::Assigned { partitions, invoked_ns, .. } => {
            let is_named = named.clients.contains(&fact.client);
            let holds = partitions.iter().any(|at| named.partitions.contains(at));
            if !is_named || !holds {
                return None;
            }
            (*invoked_ns, format!("{client} is told that it {}", owns(partitions, names)))
        }
        GroupChange::Committed { at, offset, invoked_ns, outcome, member } => {
            if Some(*at) != place || *outcome != CommitOutcome::Acked {
                return None;
            }
            let what = committed(member.as_ref(), *at, *offset, names);
            (*invoked_ns, format!("{client}: {what}, acknowledged"))
        }
        GroupChange::Confirmed { .. }
        | GroupChange::Released { .. }
        | GroupChange::Ended { .. }
        | GroupChange::Fetched { .. } => return None,
    };
    Some(Witness { from_us: us(invoked_ns), at_us: us(at_ns), client: fact.client, text })
}
