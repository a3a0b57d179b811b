//! C14: what recovery makes of a crash image is a prefix of the log before, with all synced data.
//!
//! The end may lie anywhere between what was promised to be durable and what was appended. A batch
//! that only the journal had is allowed, since it was appended; one that nobody appended is not. In a
//! compacted topic batches are not compared: the crash may have undone or done a cleaning. Nor where
//! the files made no sense before the crash: a kernel that failed to write pages back may have dropped
//! them, and recovery brings them back from the journal. A log start that the node had announced may
//! have come into the files only with the recovery.
//! Source: simulator.md sections 10 and 20, design.md section 5.

use core::ops::Range;

use model::{NodeId, Observation, Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::Recovered;
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};
use crate::scan::{LogScan, PlacedBatch, SegmentScan};

const NAME: &str = "c14-recovery-keeps-synced";

#[derive(Debug, Default)]
pub(super) struct RecoveryKeepsSynced {
    topics: Topics,
    appended_ends: BTreeMap<(NodeId, TopicPartition), Offset>,
    log_starts: BTreeMap<(NodeId, TopicPartition), Offset>,
    evaluations: u64,
}

impl Checker for RecoveryKeepsSynced {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Observed { node, observation: Observation::Appended { at, end, .. } } => {
                self.appended_ends.insert((*node, *at), *end);
                Ok(())
            }
            Fact::Observed {
                node,
                observation:
                    Observation::LogStartMoved { at, log_start_offset: start }
                    | Observation::DeletionBegun { at, keep_from: start },
            } => {
                let known = self.log_starts.entry((*node, *at)).or_default();
                *known = (*known).max(*start);
                Ok(())
            }
            Fact::Recovered(recovered) => self.check_recovery(event.at_ns, recovered),
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl RecoveryKeepsSynced {
    fn check_recovery(&mut self, at_ns: u64, recovered: &Recovered) -> Result<(), Violation> {
        let Recovered { node, at, before, persisted_end, after } = recovered;
        // Asked for while the node was down or starting: nothing has to be left of it.
        if self.topics.is_deleted(at.topic) {
            return Ok(());
        }
        self.evaluations += 1;
        let tell = |kind, offset: Offset, text: String| {
            let text = format!("node {node}: {text}");
            Err(Violation::new(NAME, kind, at_ns, text).at(*at, Some(offset)))
        };
        let end = after.log_end_offset;
        if end < *persisted_end {
            let text =
                format!("the log ends at {end}, everything below {persisted_end} was synced");
            return tell("synced-lost", end, text);
        }
        let appended_end = self.appended_ends.get(&(*node, *at)).copied().unwrap_or_default();
        let written_end = before.log_end_offset.max(appended_end);
        if end > written_end {
            let text =
                format!("the log ends at {end}, nothing at or above {written_end} was written");
            return tell("invented", written_end, text);
        }
        let announced = self.log_starts.get(&(*node, *at)).copied().unwrap_or_default();
        let before_start = before.log_start_offset.max(announced);
        if after.log_start_offset > before_start {
            let (old, new) = (before_start, after.log_start_offset);
            let text = format!("the log starts at {new}, it started at {old} before the crash");
            return tell("head-lost", old, text);
        }
        if let Some(torn) = after.segments.iter().find_map(|segment| segment.torn.as_ref()) {
            let text =
                format!("recovery left {} bytes that make no sense: {}", torn.bytes, torn.why);
            return tell("torn", end, text);
        }
        match first_difference(before, after) {
            Some(_) if self.topics.rules(at.topic).compacted => Ok(()),
            Some(offset) => tell("changed", offset, format!("another batch lies at {offset} now")),
            None => Ok(()),
        }
    }
}

/// The first offset at which the recovered log is not what the log before was.
fn first_difference(before: &LogScan, after: &LogScan) -> Option<Offset> {
    let from = before.log_start_offset.max(after.log_start_offset);
    let senseless = senseless(before);
    let end = after.log_end_offset.min(before.log_end_offset);
    let of = |log: &LogScan| -> Vec<(Offset, Offset, u32)> {
        let placed = log.segments.iter().flat_map(|segment| &segment.batches);
        let inside = placed.filter(|placed| {
            let (base, last) = (placed.batch.base_offset, placed.batch.last_offset);
            let is_readable = !senseless.iter().any(|range| range.contains(&base));
            last >= from && base < end && is_readable
        });
        inside.map(identity).collect()
    };
    let (before, after) = (of(before), of(after));
    let at = before.iter().zip(&after).position(|(a, b)| a != b);
    let at =
        at.or_else(|| (before.len() != after.len()).then_some(before.len().min(after.len())))?;
    let offset = |batches: &[(Offset, Offset, u32)]| batches.get(at).map(|it| it.0);
    offset(&before).into_iter().chain(offset(&after)).min()
}

/// Offsets of which the files say nothing, although they go on behind them.
fn senseless(log: &LogScan) -> Vec<Range<Offset>> {
    let torn = log.segments.windows(2).filter(|pair| pair[0].torn.is_some());
    let rest = |pair: &[SegmentScan]| {
        let whole = pair[0].batches.last().map(|placed| placed.batch.last_offset.after(1));
        whole.unwrap_or(pair[0].base_offset)..pair[1].base_offset
    };
    torn.map(rest).collect()
}

/// The checksum covers everything but the base offset and the leader epoch.
fn identity(placed: &PlacedBatch) -> (Offset, Offset, u32) {
    (placed.batch.base_offset, placed.batch.last_offset, placed.crc)
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact, Recovered, TopicRules};
    use super::super::testing::{NODE, PLACE, batch, check, created, event, scan};
    use super::RecoveryKeepsSynced;
    use crate::scan::{SegmentScan, Torn};
    use expect_test::expect;
    use model::{LeaderEpoch, Observation, Offset};

    /// Three batches before the crash, the first two of them synced; `after` come back.
    fn recovered(after: &[(i64, i64)]) -> Recovered {
        let batches = |of: &[(i64, i64)]| {
            let of = of.iter().map(|(base, count)| batch(*base, *count));
            scan(&of.collect::<Vec<_>>())
        };
        let before = batches(&[(0, 3), (3, 2), (5, 1)]);
        let persisted_end = Offset(5);
        Recovered { node: NODE, at: PLACE, before, persisted_end, after: batches(after) }
    }

    fn crash(after: &[(i64, i64)]) -> Event {
        event(3, Fact::Recovered(recovered(after)))
    }

    #[test]
    fn the_synced_data_and_any_prefix_of_the_rest_is_fine() {
        let events = [crash(&[(0, 3), (3, 2)]), crash(&[(0, 3), (3, 2), (5, 1)])];
        check(RecoveryKeepsSynced::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn synced_data_that_is_gone_is_found() {
        check(
            RecoveryKeepsSynced::default(),
            &[crash(&[(0, 3)])],
            expect![[r#"
            synced-lost at 3: node 1: the log ends at 3, everything below 5 was synced
            1 evaluations"#]],
        );
        check(
            RecoveryKeepsSynced::default(),
            &[crash(&[(3, 2)])],
            expect![[r#"
            head-lost at 0: node 1: the log starts at 3, it started at 0 before the crash
            1 evaluations"#]],
        );
    }

    #[test]
    fn a_topic_that_was_to_be_deleted_meanwhile_keeps_nothing() {
        let gone = event(2, Fact::TopicDeleted { topic: PLACE.topic });
        let events = [created(TopicRules::default()), gone, crash(&[])];
        check(RecoveryKeepsSynced::default(), &events, expect!["0 evaluations"]);
    }

    #[test]
    fn other_data_in_its_place_is_found() {
        check(
            RecoveryKeepsSynced::default(),
            &[crash(&[(0, 3), (3, 1), (4, 1)])],
            expect![[r#"
            changed at 3: node 1: another batch lies at 3 now
            1 evaluations"#]],
        );
        let mut other = recovered(&[(0, 3), (3, 2)]);
        other.after.segments[0].batches[1].crc = 9;
        check(
            RecoveryKeepsSynced::default(),
            &[event(3, Fact::Recovered(other))],
            expect![[r#"
            changed at 3: node 1: another batch lies at 3 now
            1 evaluations"#]],
        );
    }

    #[test]
    fn data_that_nobody_appended_is_found() {
        let longer = crash(&[(0, 3), (3, 2), (5, 1), (6, 2)]);
        check(
            RecoveryKeepsSynced::default(),
            core::slice::from_ref(&longer),
            expect![[r#"
            invented at 6: node 1: the log ends at 8, nothing at or above 6 was written
            1 evaluations"#]],
        );
        let observation = Observation::Appended {
            at: PLACE,
            leader_epoch: LeaderEpoch(0),
            base_offset: Offset(6),
            end: Offset(8),
        };
        let appended = event(1, Fact::Observed { node: NODE, observation });
        check(RecoveryKeepsSynced::default(), &[appended, longer], expect!["1 evaluations"]);
    }

    #[test]
    fn a_log_start_that_was_meant_before_the_crash_may_come_with_the_recovery() {
        for observation in [
            Observation::LogStartMoved { at: PLACE, log_start_offset: Offset(3) },
            Observation::DeletionBegun { at: PLACE, keep_from: Offset(3) },
        ] {
            let moved = event(1, Fact::Observed { node: NODE, observation });
            let events = [moved, crash(&[(3, 2)])];
            check(RecoveryKeepsSynced::default(), &events, expect!["1 evaluations"]);
            let events = [events[0].clone(), crash(&[(5, 1)])];
            check(
                RecoveryKeepsSynced::default(),
                &events,
                expect![[r#"
                head-lost at 3: node 1: the log starts at 5, it started at 3 before the crash
                1 evaluations"#]],
            );
        }
    }

    #[test]
    fn what_made_no_sense_before_the_crash_may_come_back_and_nothing_else() {
        let mut recovered = recovered(&[(0, 3), (3, 2), (5, 1)]);
        let whole = recovered.before.segments[0].clone();
        let torn = Torn { position_bytes: 0, bytes: 99, why: "zeros".to_owned() };
        let (base_offset, batches) = (Offset(5), whole.batches[2..].to_vec());
        let last = SegmentScan { base_offset, batches, ..SegmentScan::default() };
        let first = SegmentScan { batches: Vec::new(), torn: Some(torn), ..whole };
        recovered.before.segments = vec![first, last];
        let crash = |recovered: &Recovered| event(3, Fact::Recovered(recovered.clone()));
        let came_back = crash(&recovered);
        check(RecoveryKeepsSynced::default(), &[came_back], expect!["1 evaluations"]);
        recovered.after.segments[0].batches[2].crc = 9;
        check(
            RecoveryKeepsSynced::default(),
            &[crash(&recovered)],
            expect![[r#"
            changed at 5: node 1: another batch lies at 5 now
            1 evaluations"#]],
        );
    }

    #[test]
    fn a_torn_tail_that_stays_is_found() {
        let mut torn = recovered(&[(0, 3), (3, 2)]);
        let why = "checksum".to_owned();
        torn.after.segments[0].torn = Some(Torn { position_bytes: 9, bytes: 4, why });
        check(
            RecoveryKeepsSynced::default(),
            &[event(3, Fact::Recovered(torn))],
            expect![[r#"
            torn at 5: node 1: recovery left 4 bytes that make no sense: checksum
            1 evaluations"#]],
        );
    }
}
