//! A scenario is text: one event per line in, its effects out.
//!
//! ```text
//! leader epoch=5 isr=1,2 replicas=1,2,3      follower leader=2 epoch=6
//! append records=3 acks=all producer=7/0/12  persisted 3      at 2 epoch=5 end=3
//! isr epoch=5 isr=1                          min_isr 2        failed
//! ```

use core::fmt::Write as _;

use expect_test::{Expect, expect};
use model::{
    Bug, LeaderEpoch, NodeId, Now, Observation, Offset, PartitionIndex, Probe, ProducerEpoch,
    ProducerId, Site, TopicId, TopicPartition,
};

use proptest::prelude::*;

use super::{LogEnds, Replica};
use crate::{Acks, Batch, Effect, Event, ProducerStamp, Producers};

/// Plants at most one bug and watches nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Planted(Option<Bug>);

impl Probe for Planted {
    const ON: bool = true;
    fn planted(&self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
    fn observe(&mut self, _: Observation) {}
    fn sometimes(&mut self, _: Site) {}
    fn copied(&mut self, _: usize) {}
}

fn check(scenario: &str, expected: Expect) {
    check_with(Planted(None), scenario, expected);
}

fn check_with(mut probe: Planted, scenario: &str, expected: Expect) {
    let at = TopicPartition { topic: TopicId::METADATA, partition: PartitionIndex(0) };
    let producers = Producers::new(4, 1_000);
    let mut replica = Replica::new(at, NodeId(1), 1, LogEnds::default(), producers);
    let mut trace = String::new();
    for line in scenario.trim().lines() {
        let mut effects = Vec::new();
        replica.step(Now::default(), parse(line.trim()), &mut effects, &mut probe);
        writeln!(trace, "{}", line.trim()).unwrap();
        for effect in effects {
            writeln!(trace, "    {}", render(&effect)).unwrap();
        }
    }
    expected.assert_eq(&trace);
}

fn parse(line: &str) -> Event {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let value =
        |key: &str| rest.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let nodes = |key| -> Vec<NodeId> {
        value(key).unwrap_or("1").split(',').map(|node| NodeId(node.parse().unwrap())).collect()
    };
    let first = || rest.split(' ').next().unwrap();
    let leader_epoch = || LeaderEpoch(value("epoch").unwrap().parse().unwrap());
    let end = |text: &str| Offset(text.parse().unwrap());
    match name {
        "leader" => Event::BecomeLeader {
            leader_epoch: leader_epoch(),
            isr: nodes("isr"),
            replicas: nodes("replicas"),
        },
        "follower" => Event::BecomeFollower {
            leader: value("leader").map(|node| NodeId(node.parse().unwrap())),
            leader_epoch: leader_epoch(),
        },
        "append" => Event::Append {
            batch: Batch {
                record_count: value("records").unwrap_or("1").parse().unwrap(),
                max_timestamp_ms: 0,
                producer: value("producer").map(stamp),
                transactional: rest.contains("transactional"),
            },
            acks: match value("acks").unwrap_or("all") {
                "0" => Acks::None,
                "1" => Acks::Leader,
                _ => Acks::All,
            },
            request_leader_epoch: value("epoch").map(|_| leader_epoch()),
        },
        "persisted" => Event::Persisted { end: end(first()) },
        "failed" => Event::LogFailed,
        "start" => Event::LogStartMoved { log_start_offset: end(first()) },
        "isr" => Event::IsrChanged { leader_epoch: leader_epoch(), isr: nodes("isr") },
        "at" => Event::FollowerAt {
            follower: NodeId(first().parse().unwrap()),
            leader_epoch: leader_epoch(),
            end: end(value("end").unwrap()),
        },
        "min_isr" => Event::MinIsrChanged { min_isr: first().parse().unwrap() },
        other => panic!("no event is called {other}"),
    }
}

/// `id/epoch/base sequence`.
fn stamp(text: &str) -> ProducerStamp {
    let [id, epoch, sequence] = text.split('/').collect::<Vec<_>>()[..] else { panic!("{text}") };
    ProducerStamp {
        id: ProducerId(id.parse().unwrap()),
        epoch: ProducerEpoch(epoch.parse().unwrap()),
        base_sequence: sequence.parse().unwrap(),
    }
}

fn render(effect: &Effect) -> String {
    match effect {
        Effect::Persist { base_offset, end, leader_epoch } => {
            format!("persist {base_offset}..{end} epoch={leader_epoch}")
        }
        Effect::Refuse(error) => format!("refuse {}: {error}", error.code().name()),
        Effect::Duplicate { base_offset, end, complete, .. } => {
            format!("duplicate {base_offset}..{end}{}", if *complete { "" } else { " waits" })
        }
        Effect::Acknowledge { acks, end } => format!("acknowledge {acks:?} {end}"),
        Effect::FailWaiters(error) => format!("fail waiters {}: {error}", error.code().name()),
        Effect::StartLeaderEpoch { leader_epoch, start } => {
            format!("epoch {leader_epoch} starts at {start}")
        }
        Effect::WakeReaders { high_watermark, last_stable_offset } => {
            format!("readers hw={high_watermark} lso={last_stable_offset}")
        }
    }
}

#[test]
fn a_single_replica_acknowledges_what_is_durable() {
    check(
        "leader epoch=0
         append records=3
         append records=2 acks=1
         persisted 3
         persisted 5
         persisted 4",
        expect![[r#"
            leader epoch=0
                epoch 0 starts at 0
            append records=3
                persist 0..3 epoch=0
            append records=2 acks=1
                persist 3..5 epoch=0
            persisted 3
                acknowledge Leader 3
                acknowledge All 3
                readers hw=3 lso=3
            persisted 5
                acknowledge Leader 5
                acknowledge All 5
                readers hw=5 lso=5
            persisted 4
        "#]],
    );
}

#[test]
fn a_checkpointed_watermark_is_taken_as_far_as_the_log_goes() {
    let at = TopicPartition { topic: TopicId::METADATA, partition: PartitionIndex(0) };
    for (checkpointed, expected) in [(0, 5), (7, 7), (12, 9)] {
        let ends = LogEnds {
            log_start_offset: Offset(5),
            high_watermark: Offset(checkpointed),
            durable_end: Offset(9),
            log_end_offset: Offset(9),
        };
        let replica = Replica::new(at, NodeId(1), 1, ends, Producers::new(1, 1));
        assert_eq!(replica.high_watermark(), Offset(expected));
    }
}

#[test]
fn nobody_but_the_leader_of_the_asked_epoch_appends() {
    check(
        "append
         leader epoch=5
         append epoch=4
         append epoch=6
         append epoch=5
         follower leader=2 epoch=6
         append
         leader epoch=6",
        expect![[r#"
            append
                refuse NOT_LEADER_OR_FOLLOWER: the partition has no leader
            leader epoch=5
                epoch 5 starts at 0
            append epoch=4
                refuse FENCED_LEADER_EPOCH: leader epoch 4 is over, the current one is 5
            append epoch=6
                refuse UNKNOWN_LEADER_EPOCH: leader epoch 6 has not begun here, the current one is 5
            append epoch=5
                persist 0..1 epoch=5
            follower leader=2 epoch=6
                fail waiters NOT_LEADER_OR_FOLLOWER: node 2 is the leader
            append
                refuse NOT_LEADER_OR_FOLLOWER: node 2 is the leader
            leader epoch=6
        "#]],
    );
}

#[test]
fn the_high_watermark_is_the_smallest_durable_end_in_sync() {
    check(
        "leader epoch=1 isr=1,2 replicas=1,2,3
         append records=4 acks=1
         persisted 4
         at 3 epoch=1 end=4
         at 2 epoch=0 end=4
         at 2 epoch=1 end=3
         at 2 epoch=1 end=1
         isr epoch=1 isr=1",
        expect![[r#"
            leader epoch=1 isr=1,2 replicas=1,2,3
                epoch 1 starts at 0
            append records=4 acks=1
                persist 0..4 epoch=1
            persisted 4
                acknowledge Leader 4
            at 3 epoch=1 end=4
            at 2 epoch=0 end=4
            at 2 epoch=1 end=3
                acknowledge All 3
                readers hw=3 lso=3
            at 2 epoch=1 end=1
            isr epoch=1 isr=1
                acknowledge All 4
                readers hw=4 lso=4
        "#]],
    );
}

#[test]
fn acks_all_is_refused_and_the_watermark_waits_below_min_isr() {
    check(
        "min_isr 2
         leader epoch=5 isr=1 replicas=1,2,3
         append records=3
         append records=3 acks=1
         persisted 3
         isr epoch=5 isr=1,2
         at 2 epoch=5 end=3
         append records=1",
        expect![[r#"
            min_isr 2
            leader epoch=5 isr=1 replicas=1,2,3
                epoch 5 starts at 0
            append records=3
                refuse NOT_ENOUGH_REPLICAS: 1 replicas are in sync, acks=all needs 2
            append records=3 acks=1
                persist 0..3 epoch=5
            persisted 3
                acknowledge Leader 3
            isr epoch=5 isr=1,2
            at 2 epoch=5 end=3
                acknowledge All 3
                readers hw=3 lso=3
            append records=1
                persist 3..4 epoch=5
        "#]],
    );
}

#[test]
fn one_replica_is_enough_where_only_one_is_assigned() {
    check(
        "min_isr 2
         leader epoch=5
         append
         persisted 1",
        expect![[r#"
            min_isr 2
            leader epoch=5
                epoch 5 starts at 0
            append
                persist 0..1 epoch=5
            persisted 1
                acknowledge Leader 1
                acknowledge All 1
                readers hw=1 lso=1
        "#]],
    );
}

#[test]
fn a_duplicate_waits_for_what_its_original_waits_for() {
    check(
        "leader epoch=0 isr=1,2 replicas=1,2
         append records=2 producer=7/0/0
         append records=2 producer=7/0/0
         persisted 2
         append records=2 producer=7/0/0
         append records=2 producer=7/0/0 acks=1
         at 2 epoch=0 end=2
         append records=2 producer=7/0/0
         append records=2 producer=7/0/0 acks=0",
        expect![[r#"
            leader epoch=0 isr=1,2 replicas=1,2
                epoch 0 starts at 0
            append records=2 producer=7/0/0
                persist 0..2 epoch=0
            append records=2 producer=7/0/0
                duplicate 0..2 waits
            persisted 2
                acknowledge Leader 2
            append records=2 producer=7/0/0
                duplicate 0..2 waits
            append records=2 producer=7/0/0 acks=1
                duplicate 0..2
            at 2 epoch=0 end=2
                acknowledge All 2
                readers hw=2 lso=2
            append records=2 producer=7/0/0
                duplicate 0..2
            append records=2 producer=7/0/0 acks=0
                duplicate 0..2
        "#]],
    );
}

#[test]
fn records_that_retention_took_were_durable() {
    check(
        "leader epoch=0
         append records=3
         start 2
         persisted 3
         start 3",
        expect![[r#"
            leader epoch=0
                epoch 0 starts at 0
            append records=3
                persist 0..3 epoch=0
            start 2
                acknowledge Leader 2
                acknowledge All 2
                readers hw=2 lso=2
            persisted 3
                acknowledge Leader 3
                acknowledge All 3
                readers hw=3 lso=3
            start 3
        "#]],
    );
}

#[test]
fn a_failed_log_refuses_everything_for_good() {
    check(
        "leader epoch=0
         append
         failed
         persisted 1
         append
         leader epoch=1
         append",
        expect![[r#"
            leader epoch=0
                epoch 0 starts at 0
            append
                persist 0..1 epoch=0
            failed
                fail waiters KAFKA_STORAGE_ERROR: the log is offline after a failed write
            persisted 1
            append
                refuse KAFKA_STORAGE_ERROR: the log is offline after a failed write
            leader epoch=1
            append
                refuse KAFKA_STORAGE_ERROR: the log is offline after a failed write
        "#]],
    );
}

#[test]
fn an_open_transaction_holds_the_last_stable_offset() {
    check(
        "leader epoch=0
         append records=2
         append producer=7/0/0 transactional
         append producer=7/0/1
         append
         persisted 4",
        expect![[r#"
            leader epoch=0
                epoch 0 starts at 0
            append records=2
                persist 0..2 epoch=0
            append producer=7/0/0 transactional
                persist 2..3 epoch=0
            append producer=7/0/1
                refuse INVALID_TXN_STATE: producer 7 has an open transaction and wrote outside it
            append
                persist 3..4 epoch=0
            persisted 4
                acknowledge Leader 4
                acknowledge All 4
                readers hw=4 lso=2
        "#]],
    );
}

#[test]
fn planted_bugs_change_what_they_name() {
    let scenario = "leader epoch=0
         append producer=7/0/0
         append producer=7/0/0";
    check_with(
        Planted(Some(Bug::AckBeforeSync)),
        scenario,
        expect![[r#"
        leader epoch=0
            epoch 0 starts at 0
        append producer=7/0/0
            persist 0..1 epoch=0
            acknowledge Leader 1
            acknowledge All 1
        append producer=7/0/0
            duplicate 0..1 waits
    "#]],
    );
    check_with(
        Planted(Some(Bug::DuplicateAnsweredEarly)),
        scenario,
        expect![[r#"
        leader epoch=0
            epoch 0 starts at 0
        append producer=7/0/0
            persist 0..1 epoch=0
        append producer=7/0/0
            duplicate 0..1
    "#]],
    );
    check_with(
        Planted(Some(Bug::HighWatermarkCountsUnsynced)),
        scenario,
        expect![[r#"
        leader epoch=0
            epoch 0 starts at 0
        append producer=7/0/0
            persist 0..1 epoch=0
            acknowledge All 1
            readers hw=1 lso=1
        append producer=7/0/0
            duplicate 0..1
    "#]],
    );
    check_with(
        Planted(Some(Bug::DedupWindowOfOne)),
        "leader epoch=0
         append producer=7/0/0
         append producer=7/0/1
         append producer=7/0/0",
        expect![[r#"
            leader epoch=0
                epoch 0 starts at 0
            append producer=7/0/0
                persist 0..1 epoch=0
            append producer=7/0/1
                persist 1..2 epoch=0
            append producer=7/0/0
                persist 2..3 epoch=0
        "#]],
    );
}

/// Three replicas, this one is node 1. Ends are chosen below what a replica can have by then.
#[derive(Debug, Clone)]
enum Step {
    Append(u32),
    Persist(u64),
    Follower { node: i32, share: u64 },
    Isr(Vec<i32>),
    NewEpoch,
    MinIsr(u32),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_u32..4).prop_map(Step::Append),
        (0_u64..=4).prop_map(Step::Persist),
        (2_i32..4, 0_u64..=4).prop_map(|(node, share)| Step::Follower { node, share }),
        prop::sample::subsequence(vec![2, 3], 0..=2).prop_map(Step::Isr),
        Just(Step::NewEpoch),
        (1_u32..4).prop_map(Step::MinIsr),
    ]
}

proptest! {
    /// The model keeps every replica's durable end and takes the minimum anew after each step.
    #[test]
    fn the_watermark_never_passes_what_an_in_sync_replica_could_lose(
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let at = TopicPartition { topic: TopicId::METADATA, partition: PartitionIndex(0) };
        let producers = Producers::new(1, 1);
        let mut replica = Replica::new(at, NodeId(1), 1, LogEnds::default(), producers);
        let nodes = |ids: &[i32]| ids.iter().copied().map(NodeId).collect::<Vec<_>>();
        let lead = |epoch, isr: &[i32]| Event::BecomeLeader {
            leader_epoch: LeaderEpoch(epoch),
            isr: nodes(isr),
            replicas: nodes(&[1, 2, 3]),
        };
        let (mut epoch, mut isr, mut min_isr) = (0, vec![1, 2, 3], 1);
        // Durable ends of nodes 1, 2 and 3; `None`: not heard of in this epoch.
        let mut durable = [Some(0_i64), None, None];
        let mut events = vec![lead(epoch, &isr)];
        let mut watermark = 0;
        for step in steps {
            let end = replica.log_end_offset().0;
            let part = |share: u64| end * i64::try_from(share).unwrap() / 4;
            events.push(match step {
                Step::Append(record_count) => Event::Append {
                    batch: Batch {
                        record_count,
                        max_timestamp_ms: 0,
                        producer: None,
                        transactional: false,
                    },
                    acks: Acks::Leader,
                    request_leader_epoch: None,
                },
                Step::Persist(share) => {
                    durable[0] = durable[0].max(Some(part(share)));
                    Event::Persisted { end: Offset(part(share)) }
                }
                Step::Follower { node, share } => {
                    durable[usize::try_from(node).unwrap() - 1] = Some(part(share));
                    Event::FollowerAt {
                        follower: NodeId(node),
                        leader_epoch: LeaderEpoch(epoch),
                        end: Offset(part(share)),
                    }
                }
                Step::Isr(others) => {
                    isr = [vec![1], others].concat();
                    Event::IsrChanged { leader_epoch: LeaderEpoch(epoch), isr: nodes(&isr) }
                }
                Step::NewEpoch => {
                    epoch += 1;
                    durable[1..].fill(None);
                    lead(epoch, &isr)
                }
                Step::MinIsr(count) => {
                    min_isr = count;
                    Event::MinIsrChanged { min_isr }
                }
            });
            let mut effects = Vec::new();
            for event in events.drain(..) {
                replica.step(Now::default(), event, &mut effects, &mut Planted(None));
            }
            let ends: Option<Vec<i64>> =
                isr.iter().map(|node| durable[usize::try_from(*node).unwrap() - 1]).collect();
            let enough = isr.len() >= usize::try_from(min_isr).unwrap();
            if let Some(ends) = ends.filter(|_| enough) {
                watermark = watermark.max(ends.into_iter().min().unwrap());
            }
            prop_assert_eq!(replica.high_watermark(), Offset(watermark));
            for effect in effects {
                if let Effect::Acknowledge { acks: Acks::All, end } = effect {
                    prop_assert_eq!(end, Offset(watermark));
                }
            }
        }
    }
}
