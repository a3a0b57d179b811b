//! What members of groups and tools tell of themselves, as marks on their lanes.

use std::collections::BTreeMap;

use model::TopicId;

use super::story::{Mark, named, us};
use crate::checkers::group_facts::{CommitOutcome, GroupChange, GroupFact, MemberName};

/// `None` for what would only fill the lane: commits on their way, and offsets that were asked for.
pub(super) fn mark(
    fact: &GroupFact,
    at_us: u64,
    names: &BTreeMap<TopicId, String>,
) -> Option<Mark> {
    let (from_us, style, text) = match &fact.change {
        GroupChange::Assigned { member, partitions, invoked_ns, .. } => {
            let owned: Vec<String> = partitions.iter().map(|at| named(names, *at)).collect();
            (us(*invoked_ns), "read", format!("{} owns {}", who(member), owned.join(", ")))
        }
        GroupChange::Confirmed { member, invoked_ns } => {
            (us(*invoked_ns), "empty", format!("{} goes on", who(member)))
        }
        GroupChange::Released { member } => {
            (at_us, "unknown", format!("{} owns nothing", who(member)))
        }
        GroupChange::Ended { member, left } => {
            let how = if *left { "leaves" } else { "is gone" };
            (at_us, "unknown", format!("{} {how}", who(member)))
        }
        GroupChange::Committed { member, at, offset, invoked_ns, outcome } => {
            let (style, outcome) = match outcome {
                CommitOutcome::Open => return None,
                CommitOutcome::Acked => ("acked", "acknowledged".to_owned()),
                CommitOutcome::Refused(code) => ("refused", format!("refused: {code:?}")),
                CommitOutcome::Unknown => ("unknown", "no answer".to_owned()),
            };
            let who = member.as_ref().map_or_else(|| "nobody".to_owned(), who);
            let offset = offset.map_or_else(|| "nothing".to_owned(), |it| it.to_string());
            let text = format!("commit {} {offset} as {who}: {outcome}", named(names, *at));
            (us(*invoked_ns), style, text)
        }
        GroupChange::Fetched { .. } => return None,
    };
    Some(Mark(from_us, at_us, style, format!("{}: {text}", fact.group)))
}

fn who(member: &MemberName) -> String {
    let instance = member.instance_id.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    format!("{}{instance} in epoch {}", member.member_id, member.epoch)
}
