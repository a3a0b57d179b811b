//! Which offset each partition gets.
//!
//! Promises: an offset that a partition does not have is brought to its nearest end, and that is told.

use client::{NamedPartition, Positions};
use model::Offset;
use std::collections::BTreeSet;

/// What to move to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Earliest,
    Latest,
    Current,
    Offset(i64),
    Shift(i64),
    /// Milliseconds since 1970; the end where no record is that young.
    Time(i64),
}

/// What the partitions have.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) starts: Positions,
    pub(super) ends: Positions,
    /// For [`To::Time`]; absent where no record is that young.
    pub(super) at_time: Positions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) at: NamedPartition,
    /// What was committed before.
    pub(super) from: Option<Offset>,
    pub(super) to: Offset,
}

/// What to do, and what of it is not as it was asked for.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) moves: Vec<Move>,
    /// Moves to another place than the one that was named, in sentences.
    pub(super) brought_back: Vec<String>,
    /// Partitions that stay where they are, in sentences.
    pub(super) left_out: Vec<String>,
}

pub(super) fn plan(
    partitions: &BTreeSet<NamedPartition>,
    to: To,
    committed: &Positions,
    bounds: &Bounds,
) -> Plan {
    let mut plan = Plan::default();
    for at in partitions {
        let (Some(start), Some(end)) = (bounds.starts.get(at), bounds.ends.get(at)) else {
            plan.left_out.push(format!("{at}: its offsets are not known, left as it is"));
            continue;
        };
        let from = committed.get(at).copied();
        let wanted = match to {
            To::Earliest => *start,
            To::Latest => *end,
            To::Current => from.unwrap_or(*end),
            To::Offset(offset) => Offset(offset),
            To::Time(_) => bounds.at_time.get(at).copied().unwrap_or(*end),
            To::Shift(count) => match from {
                Some(from) => Offset(from.0.saturating_add(count)),
                None => {
                    let why = "nothing is committed that could be shifted";
                    plan.left_out.push(format!("{at}: {why}"));
                    continue;
                }
            },
        };
        let to = wanted.clamp(*start, (*end).max(*start));
        if to != wanted {
            plan.brought_back.push(format!("{at} has {start} to {end}, not {wanted}: taking {to}"));
        }
        plan.moves.push(Move { at: at.clone(), from, to });
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Partitions 0 and 1 have offsets 10 to 100; the group has committed 50 in the first.
    fn check(to: To, expected: &[&str]) {
        let at = |number| NamedPartition::new(&"t".into(), number);
        let both = |offset| Positions::from([(at(0), Offset(offset)), (at(1), Offset(offset))]);
        let bounds = Bounds {
            starts: both(10),
            ends: both(100),
            at_time: Positions::from([(at(0), Offset(70))]),
        };
        let committed = Positions::from([(at(0), Offset(50))]);
        let plan = plan(&BTreeSet::from([at(0), at(1)]), to, &committed, &bounds);
        let moved = plan.moves.iter().map(|it| format!("{} {}", it.at, it.to));
        let lines: Vec<String> = moved.chain(plan.brought_back).chain(plan.left_out).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn every_place_is_found() {
        check(To::Earliest, &["t-0 10", "t-1 10"]);
        check(To::Latest, &["t-0 100", "t-1 100"]);
        check(To::Current, &["t-0 50", "t-1 100"]);
        check(To::Offset(20), &["t-0 20", "t-1 20"]);
        check(To::Time(5), &["t-0 70", "t-1 100"]);
    }

    #[test]
    fn what_is_not_there_is_brought_to_the_nearest_end_and_told() {
        check(
            To::Offset(500),
            &[
                "t-0 100",
                "t-1 100",
                "t-0 has 10 to 100, not 500: taking 100",
                "t-1 has 10 to 100, not 500: taking 100",
            ],
        );
        check(
            To::Shift(-45),
            &[
                "t-0 10",
                "t-0 has 10 to 100, not 5: taking 10",
                "t-1: nothing is committed that could be shifted",
            ],
        );
    }
}
