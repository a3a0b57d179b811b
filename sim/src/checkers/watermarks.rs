//! C5: high watermark and log start only move forward, and no consumer is given a record at or
//! above the high watermark.
//!
//! Forward: within one partition and leader epoch, as the leader's core observes it and as one
//! consumer is told. A log start that DeleteRecords moved is durable with the next checkpoint, as in
//! Kafka: a crash may take it back, and so may a node that gives up with its disk. In every answer log start <= last stable offset <= high watermark; the log end
//! is at or above it in the files.
//! Source: simulator.md section 10; KIP-101.

use model::{LeaderEpoch, NodeId, Observation, Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::{Consumed, NodeChange};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c5-watermarks";

#[derive(Debug, Default)]
pub(super) struct Watermarks {
    high_watermarks: BTreeMap<(NodeId, TopicPartition, LeaderEpoch), Offset>,
    log_starts: BTreeMap<(NodeId, TopicPartition), Offset>,
    /// What each consumer was told last.
    told: BTreeMap<(u32, TopicPartition), Told>,
    evaluations: u64,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    leader_epoch: Option<LeaderEpoch>,
    high_watermark: Option<Offset>,
    log_start_offset: Option<Offset>,
}

impl Checker for Watermarks {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        match &event.fact {
            Fact::Observed { node, observation } => {
                self.check_observation(event.at_ns, *node, *observation)
            }
            Fact::Consumed(consumed) => self.check_answer(event.at_ns, consumed),
            Fact::Node {
                node,
                change: NodeChange::Killed | NodeChange::PowerLost | NodeChange::GaveUp,
            } => {
                self.log_starts.retain(|(at, _), _| at != node);
                self.told.values_mut().for_each(|told| told.log_start_offset = None);
                Ok(())
            }
            Fact::FinalLog { node, at, log } => {
                let range = (*node, *at, LeaderEpoch(0))..=(*node, *at, LeaderEpoch(i32::MAX));
                let highest = self.high_watermarks.range(range).map(|(_, offset)| *offset).max();
                let Some(high_watermark) = highest else { return Ok(()) };
                self.evaluations += 1;
                at_most(
                    ("high watermark", high_watermark),
                    ("log end", log.log_end_offset),
                    event.at_ns,
                    *at,
                )
            }
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl Watermarks {
    fn check_observation(
        &mut self,
        at_ns: u64,
        node: NodeId,
        observation: Observation,
    ) -> Result<(), Violation> {
        let (what, at, now, before) = match observation {
            Observation::HighWatermarkMoved { at, leader_epoch, high_watermark } => {
                let place = (node, at, leader_epoch);
                let before = self.high_watermarks.insert(place, high_watermark);
                ("high watermark", at, high_watermark, before)
            }
            Observation::LogStartMoved { at, log_start_offset } => {
                let before = self.log_starts.insert((node, at), log_start_offset);
                ("log start", at, log_start_offset, before)
            }
            _ => return Ok(()),
        };
        self.evaluations += 1;
        forward(what, &format!("node {node}"), before, Some(now), at_ns, at)
    }

    fn check_answer(&mut self, at_ns: u64, consumed: &Consumed) -> Result<(), Violation> {
        let at = consumed.at;
        let now = Told {
            leader_epoch: consumed.leader_epoch,
            high_watermark: consumed.high_watermark,
            log_start_offset: consumed.log_start_offset,
        };
        let before = self.told.insert((consumed.consumer, at), now);
        if let Some(before) = before {
            let who = format!("consumer {}", consumed.consumer);
            let starts = (before.log_start_offset, now.log_start_offset);
            forward("log start", &who, starts.0, starts.1, at_ns, at)?;
            // Without a leader epoch nobody knows whether it is still the same leader.
            if before.leader_epoch.is_some() && before.leader_epoch == now.leader_epoch {
                let marks = (before.high_watermark, now.high_watermark);
                forward("high watermark", &who, marks.0, marks.1, at_ns, at)?;
            }
        }
        let Some(high_watermark) = consumed.high_watermark else { return Ok(()) };
        self.evaluations += 1;
        let stable = consumed.last_stable_offset.unwrap_or(high_watermark);
        at_most(("last stable offset", stable), ("high watermark", high_watermark), at_ns, at)?;
        if let Some(start) = consumed.log_start_offset {
            at_most(("log start", start), ("high watermark", high_watermark), at_ns, at)?;
        }
        let visible = if consumed.read_committed { stable } else { high_watermark };
        let Some(last) = consumed.batches.last().filter(|last| last.last_offset >= visible) else {
            return Ok(());
        };
        let text = format!(
            "consumer {} was given offset {}, readers may see what is below {visible}",
            consumed.consumer, last.last_offset
        );
        Err(Violation::new(NAME, "read-above", at_ns, text).at(at, Some(last.base_offset)))
    }
}

fn forward(
    what: &str,
    who: &str,
    before: Option<Offset>,
    now: Option<Offset>,
    at_ns: u64,
    at: TopicPartition,
) -> Result<(), Violation> {
    let Some((before, now)) = before.zip(now).filter(|(before, now)| now < before) else {
        return Ok(());
    };
    let text = format!("{who}: the {what} went back from {before} to {now}");
    Err(Violation::new(NAME, "went-back", at_ns, text).at(at, Some(now)))
}

fn at_most(
    (low, low_offset): (&str, Offset),
    (high, high_offset): (&str, Offset),
    at_ns: u64,
    at: TopicPartition,
) -> Result<(), Violation> {
    if low_offset <= high_offset {
        return Ok(());
    }
    let text = format!("the {low} {low_offset} is above the {high} {high_offset}");
    Err(Violation::new(NAME, "order", at_ns, text).at(at, Some(low_offset)))
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact, NodeChange};
    use super::super::testing::{NODE, PLACE, answer, batch, check, event, final_log};
    use super::Watermarks;
    use expect_test::expect;
    use model::{LeaderEpoch, Observation, Offset};

    fn moved(leader_epoch: i32, high_watermark: i64) -> Event {
        let observation = Observation::HighWatermarkMoved {
            at: PLACE,
            leader_epoch: LeaderEpoch(leader_epoch),
            high_watermark: Offset(high_watermark),
        };
        event(1, Fact::Observed { node: NODE, observation })
    }

    fn told(mut event: Event, start: i64, stable: i64, high_watermark: i64) -> Event {
        if let Fact::Consumed(consumed) = &mut event.fact {
            consumed.leader_epoch = Some(LeaderEpoch(0));
            consumed.log_start_offset = Some(Offset(start));
            consumed.last_stable_offset = Some(Offset(stable));
            consumed.high_watermark = Some(Offset(high_watermark));
        }
        event
    }

    #[test]
    fn marks_that_move_forward_are_fine_and_a_new_leader_may_start_lower() {
        let events = [
            moved(0, 3),
            moved(0, 5),
            moved(1, 4),
            told(answer(0, &[batch(0, 3)]), 0, 5, 5),
            told(answer(3, &[]), 2, 6, 7),
            final_log(&[batch(0, 5)]),
        ];
        check(Watermarks::default(), &events, expect!["6 evaluations"]);
    }

    #[test]
    fn a_mark_that_goes_back_is_found() {
        check(
            Watermarks::default(),
            &[moved(0, 5), moved(0, 4)],
            expect![[r#"
            went-back at 4: node 1: the high watermark went back from 5 to 4
            2 evaluations"#]],
        );
        let events = [told(answer(0, &[]), 0, 5, 5), told(answer(0, &[]), 0, 4, 4)];
        check(
            Watermarks::default(),
            &events,
            expect![[r#"
            went-back at 4: consumer 1: the high watermark went back from 5 to 4
            1 evaluations"#]],
        );
        let events = [told(answer(3, &[]), 3, 5, 5), told(answer(3, &[]), 2, 5, 5)];
        check(
            Watermarks::default(),
            &events,
            expect![[r#"
            went-back at 2: consumer 1: the log start went back from 3 to 2
            1 evaluations"#]],
        );
        let start =
            |offset| Observation::LogStartMoved { at: PLACE, log_start_offset: Offset(offset) };
        let started = |offset| event(1, Fact::Observed { node: NODE, observation: start(offset) });
        check(
            Watermarks::default(),
            &[started(3), started(1)],
            expect![[r#"
            went-back at 1: node 1: the log start went back from 3 to 1
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_record_at_the_high_watermark_is_found() {
        check(
            Watermarks::default(),
            &[told(answer(0, &[batch(0, 3)]), 0, 2, 2)],
            expect![[r#"
            read-above at 0: consumer 1 was given offset 2, readers may see what is below 2
            1 evaluations"#]],
        );
        let mut committed = told(answer(0, &[batch(0, 3)]), 0, 2, 9);
        check(Watermarks::default(), &[committed.clone()], expect!["1 evaluations"]);
        if let Fact::Consumed(consumed) = &mut committed.fact {
            consumed.read_committed = true;
        }
        check(
            Watermarks::default(),
            &[committed],
            expect![[r#"
            read-above at 0: consumer 1 was given offset 2, readers may see what is below 2
            1 evaluations"#]],
        );
    }

    #[test]
    fn offsets_of_one_answer_and_of_the_files_are_in_order() {
        check(
            Watermarks::default(),
            &[told(answer(0, &[]), 0, 6, 5)],
            expect![[r#"
            order at 6: the last stable offset 6 is above the high watermark 5
            1 evaluations"#]],
        );
        check(
            Watermarks::default(),
            &[told(answer(6, &[]), 6, 5, 5)],
            expect![[r#"
            order at 6: the log start 6 is above the high watermark 5
            1 evaluations"#]],
        );
        check(
            Watermarks::default(),
            &[moved(0, 6), final_log(&[batch(0, 5)])],
            expect![[r#"
            order at 6: the high watermark 6 is above the log end 5
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_crash_may_take_a_log_start_back() {
        let start = |offset| {
            let observation =
                Observation::LogStartMoved { at: PLACE, log_start_offset: Offset(offset) };
            event(1, Fact::Observed { node: NODE, observation })
        };
        let after = |change| {
            [
                start(3),
                told(answer(3, &[]), 3, 5, 5),
                event(2, Fact::Node { node: NODE, change }),
                start(1),
                told(answer(3, &[]), 1, 5, 5),
            ]
        };
        for crash in [NodeChange::Killed, NodeChange::PowerLost, NodeChange::GaveUp] {
            check(Watermarks::default(), &after(crash), expect!["4 evaluations"]);
        }
        check(
            Watermarks::default(),
            &after(NodeChange::Stopped),
            expect![[r#"
                went-back at 1: node 1: the log start went back from 3 to 1
                went-back at 1: consumer 1: the log start went back from 3 to 1
                3 evaluations"#]],
        );
    }
}
