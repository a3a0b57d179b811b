//! `replication`: what a leader decides per batch, from the append to the acknowledgement.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use model::{
    LeaderEpoch, Live, NodeId, Now, Offset, PartitionIndex, ProducerEpoch, ProducerId, TopicId,
    TopicPartition,
};
use replication::{Acks, Batch, Effect, Event, LogEnds, ProducerStamp, Producers, Replica};

/// Appends per measured step group: what one group commit collects under load.
const APPENDS: i32 = 16;
const RECORDS: u32 = 40;

fn leader() -> Replica {
    let at = TopicPartition { topic: TopicId([7; 16]), partition: PartitionIndex(0) };
    let producers = Producers::new(1_000, i64::MAX);
    let mut replica = Replica::new(at, NodeId(1), 1, LogEnds::default(), producers);
    let event = Event::BecomeLeader {
        leader_epoch: LeaderEpoch(1),
        isr: vec![NodeId(1)],
        replicas: vec![NodeId(1)],
    };
    replica.step(Now::default(), event, &mut Vec::new(), &mut Live);
    replica
}

/// Appends of one producer, then the one sync that makes them durable.
fn append_and_persist(replica: &mut Replica, idempotent: bool, effects: &mut Vec<Effect>) {
    for index in 0..APPENDS {
        let producer = idempotent.then(|| ProducerStamp {
            id: ProducerId(1),
            epoch: ProducerEpoch(0),
            base_sequence: index * RECORDS.cast_signed(),
        });
        let batch =
            Batch { record_count: RECORDS, max_timestamp_ms: 0, producer, transactional: false };
        let event = Event::Append { batch, acks: Acks::All, request_leader_epoch: None };
        replica.step(Now::default(), event, effects, &mut Live);
    }
    let end = Offset(i64::from(APPENDS) * i64::from(RECORDS));
    replica.step(Now::default(), Event::Persisted { end }, effects, &mut Live);
    assert!(effects.iter().any(|it| matches!(it, Effect::Acknowledge { .. })), "{effects:?}");
    effects.clear();
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("replication");
    for (name, idempotent) in [("plain", false), ("idempotent", true)] {
        let mut effects = Vec::with_capacity(64);
        group.bench_function(format!("16 appends and a persist, {name}"), |b| {
            b.iter_batched_ref(
                leader,
                |replica| append_and_persist(replica, idempotent, &mut effects),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
