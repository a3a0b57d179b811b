//! What members of groups own, and what they and tools tell of themselves.

use std::collections::BTreeMap;

use model::TopicPartition;

use super::claim::Claim;
use super::clock::{told, us};
use super::names::Names;
use super::story::{Mark, Stretch};
use crate::checkers::Fact;
use crate::checkers::group_facts::{CommitOutcome, GroupChange, GroupFact, MemberName};
use crate::run::Report;

/// `None` for what would only fill the lane: commits on their way, offsets that were asked for, and
/// heartbeats but for the one with which the run ended.
pub(super) fn mark(fact: &GroupFact, at_us: u64, is_last: bool, names: &Names<'_>) -> Option<Mark> {
    let (from_us, style, text) = match &fact.change {
        GroupChange::Assigned { member, partitions, invoked_ns, .. } => {
            let text = format!("{} {}", who(member), owns(partitions, names));
            (us(*invoked_ns), "told", text)
        }
        GroupChange::Confirmed { member, invoked_ns } => {
            if !is_last {
                return None;
            }
            let text = format!("the heartbeat of {} is answered: it goes on", who(member));
            (us(*invoked_ns), "told", text)
        }
        GroupChange::Released { member } => {
            (at_us, "told", format!("{} gives up what it owned", who(member)))
        }
        GroupChange::Ended { member, left } => {
            let how = if *left { "leaves" } else { "is gone" };
            (at_us, "left", format!("{} {how}", who(member)))
        }
        GroupChange::Committed { member, at, offset, invoked_ns, outcome } => {
            let (style, outcome) = match outcome {
                CommitOutcome::Open => return None,
                CommitOutcome::Acked => ("commit", "acknowledged".to_owned()),
                CommitOutcome::Refused(code) => ("refused", format!("refused: {code}")),
                CommitOutcome::Unknown => ("unknown", "no answer".to_owned()),
            };
            let text = format!("{}: {outcome}", committed(member.as_ref(), *at, *offset, names));
            (us(*invoked_ns), style, text)
        }
        GroupChange::Fetched { .. } => return None,
    };
    Some(Mark(from_us, at_us, style, format!("{}: {text}", fact.group)))
}

/// What an attempt to commit asks for.
pub(super) fn committed(
    member: Option<&MemberName>,
    at: TopicPartition,
    offset: Option<model::Offset>,
    names: &Names<'_>,
) -> String {
    let place = names.partition(at);
    let who = member.map_or_else(|| "a tool".to_owned(), who);
    match offset {
        Some(offset) => format!("{who} commits {offset} for {place}"),
        None => format!("{who} deletes the offset of {place}"),
    }
}

fn who(member: &MemberName) -> String {
    let instance = member.instance_id.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    format!("{}{instance} in epoch {}", member.member_id, member.epoch)
}

pub(super) fn owns(partitions: &[TopicPartition], names: &Names<'_>) -> String {
    if partitions.is_empty() {
        return "owns nothing".to_owned();
    }
    let all: Vec<String> = partitions.iter().map(|at| names.partition(*at)).collect();
    format!("owns {}", all.join(", "))
}

/// What a member believes to own.
#[derive(Clone, Copy)]
struct Holding<'h> {
    since_us: u64,
    /// When the coordinator answered it last.
    heard_us: u64,
    session_us: u64,
    client: u32,
    group: &'h str,
    member: &'h MemberName,
    partitions: &'h [TopicPartition],
}

impl Holding<'_> {
    /// Until then nobody else may be given what it owns.
    fn held_us(&self) -> u64 {
        self.heard_us.saturating_add(self.session_us)
    }
}

/// Bars by client: what each owned by its own account, until it said otherwise.
pub(super) fn ownership(
    report: &Report,
    claim: Option<&Claim>,
    names: &Names<'_>,
    end_us: u64,
) -> BTreeMap<u32, Vec<Stretch>> {
    let mut bars: BTreeMap<u32, Vec<Stretch>> = BTreeMap::new();
    let mut holdings: BTreeMap<u32, Holding<'_>> = BTreeMap::new();
    for event in &report.history {
        let Fact::Group(fact) = &event.fact else { continue };
        let at_us = us(event.at_ns);
        let holding = |member, partitions, session_us| Holding {
            since_us: at_us,
            heard_us: at_us,
            session_us,
            client: fact.client,
            group: &fact.group,
            member,
            partitions,
        };
        let before = holdings.get(&fact.client).copied();
        let next = match &fact.change {
            GroupChange::Assigned { member, partitions, session_ns, .. } => {
                Some(holding(member, partitions.as_slice(), session_ns / 1_000))
            }
            GroupChange::Released { member } => Some(holding(member, &[], 0)),
            GroupChange::Ended { .. } => None,
            GroupChange::Confirmed { .. } => match before {
                Some(before) if at_us <= before.held_us() => {
                    holdings.insert(fact.client, Holding { heard_us: at_us, ..before });
                    continue;
                }
                before => before.map(|it| Holding { since_us: at_us, heard_us: at_us, ..it }),
            },
            GroupChange::Committed { .. } | GroupChange::Fetched { .. } => continue,
        };
        let over = before.into_iter().flat_map(|it| stretches(&it, at_us, claim, names));
        bars.entry(fact.client).or_default().extend(over);
        match next {
            Some(next) => holdings.insert(fact.client, next),
            None => holdings.remove(&fact.client),
        };
    }
    for holding in holdings.values() {
        let last = stretches(holding, end_us, claim, names);
        bars.entry(holding.client).or_default().extend(last);
    }
    bars
}

/// While it was heard of within its session, and after that.
fn stretches(
    holding: &Holding<'_>,
    until_us: u64,
    claim: Option<&Claim>,
    names: &Names<'_>,
) -> Vec<Stretch> {
    let held_us = match holding.partitions {
        [] => until_us,
        _ => holding.held_us().min(until_us),
    };
    let heard = (holding.since_us, held_us, Hearing::Heard);
    let unheard = (held_us, until_us, Hearing::Unheard);
    let parts = [heard, unheard].into_iter().filter(|(from_us, until_us, _)| until_us > from_us);
    parts.map(|part| stretch(holding, part, claim, names)).collect()
}

#[derive(Clone, Copy)]
enum Hearing {
    Heard,
    /// Its session is over as far as it can know.
    Unheard,
}

fn stretch(
    holding: &Holding<'_>,
    (from_us, until_us, hearing): (u64, u64, Hearing),
    claim: Option<&Claim>,
    names: &Names<'_>,
) -> Stretch {
    let Holding { client, group, member, partitions, .. } = *holding;
    let is_contested = claim.is_some_and(|claim| {
        let holds = partitions.iter().any(|at| claim.partitions.contains(at));
        holds && claim.clients.contains(&client)
    });
    let style = match (partitions, is_contested, hearing) {
        ([], ..) => "owns-nothing",
        (_, false, Hearing::Heard) => "owned",
        (_, false, Hearing::Unheard) => "owned unheard",
        (_, true, Hearing::Heard) => "owned contested",
        (_, true, Hearing::Unheard) => "owned contested unheard",
    };
    let label = match partitions {
        [] => "owns nothing".to_owned(),
        _ => names.partitions(partitions),
    };
    let unheard = match hearing {
        Hearing::Heard => "",
        Hearing::Unheard => ", and had no answer for longer than its session",
    };
    let what = owns(partitions, names);
    let times = format!("{} to {}", told(from_us), told(until_us));
    let text = format!("{group}: {} {what}{unheard}\n{times}", who(member));
    Stretch { from_us, until_us, style, label, text }
}
