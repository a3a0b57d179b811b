//! C14, second half: at the end, the replicas of a partition hold the same batches, byte for byte.
//!
//! Compared over the offsets that both have; how their segments are cut may differ. Compacted topics
//! are left out: each replica cleans by itself.

use model::{LeaderEpoch, NodeId, Offset, TopicPartition};
use std::collections::BTreeMap;

use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};
use crate::scan::LogScan;

const NAME: &str = "c14-replicas-identical";

#[derive(Debug, Default)]
pub(super) struct ReplicasIdentical {
    topics: Topics,
    first: BTreeMap<TopicPartition, (NodeId, Batches)>,
    evaluations: u64,
}

/// Base offset → last offset, leader epoch and checksum.
type Batches = BTreeMap<Offset, (Offset, Option<LeaderEpoch>, u32)>;

impl Checker for ReplicasIdentical {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        let Fact::FinalLog { node, at, log } = &event.fact else { return Ok(()) };
        if self.topics.rules(at.topic).compacted {
            return Ok(());
        }
        let batches = batches(log);
        let Some((first_node, first)) = self.first.get(at) else {
            self.first.insert(*at, (*node, batches));
            return Ok(());
        };
        self.evaluations += 1;
        let (Some(from), Some(last)) = (
            first.keys().next().max(batches.keys().next()),
            first.keys().next_back().min(batches.keys().next_back()),
        ) else {
            return Ok(());
        };
        if from > last {
            return Ok(());
        }
        let mut pairs = first.range(from..=last).zip(batches.range(from..=last));
        let Some(((offset, _), _)) = pairs.find(|(a, b)| a != b) else { return Ok(()) };
        let text = format!("the logs of nodes {first_node} and {node} differ from {offset} on");
        Err(Violation::new(NAME, "differ", event.at_ns, text).at(*at, Some(*offset)))
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

fn batches(log: &LogScan) -> Batches {
    let placed = log.segments.iter().flat_map(|segment| &segment.batches);
    let of = placed.map(|placed| {
        let batch = &placed.batch;
        (batch.base_offset, (batch.last_offset, batch.leader_epoch, placed.crc))
    });
    of.collect()
}

#[cfg(test)]
mod tests {
    use super::super::event::{BatchSeen, Event, Fact};
    use super::super::testing::{PLACE, batch, check, event, scan};
    use super::ReplicasIdentical;
    use expect_test::expect;
    use model::{LeaderEpoch, NodeId};

    fn on(node: i32, batches: &[BatchSeen]) -> Event {
        event(9, Fact::FinalLog { node: NodeId(node), at: PLACE, log: scan(batches) })
    }

    #[test]
    fn replicas_that_agree_where_both_have_data_are_fine() {
        let events = [on(1, &[batch(0, 2), batch(2, 2)]), on(2, &[batch(2, 2), batch(4, 1)])];
        check(ReplicasIdentical::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn another_batch_or_another_epoch_is_found() {
        let events = [on(1, &[batch(0, 2), batch(2, 2)]), on(2, &[batch(0, 2), batch(2, 3)])];
        check(
            ReplicasIdentical::default(),
            &events,
            expect![[r#"
            differ at 2: the logs of nodes 1 and 2 differ from 2 on
            1 evaluations"#]],
        );
        let epoch = BatchSeen { leader_epoch: Some(LeaderEpoch(4)), ..batch(0, 2) };
        check(
            ReplicasIdentical::default(),
            &[on(1, &[batch(0, 2)]), on(2, &[epoch])],
            expect![[r#"
            differ at 0: the logs of nodes 1 and 2 differ from 0 on
            1 evaluations"#]],
        );
    }
}
