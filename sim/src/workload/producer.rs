//! A producer: rounds of batches, some sent again, each attempt told.
//!
//! A round sends up to `in_flight` batches before it waits for the first answer, then decides what
//! to do about those that were not acknowledged. So batches of an idempotent producer keep their
//! sequence order, as in a real client, and no more than one round is ever open.

use model::{ErrorCode, Offset, ProducerEpoch, ProducerId, TopicPartition};
use runtime::Clock;
use runtime::sync::{First, race};
use wire::batch::BatchProducer;
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};

use super::channel::Channel;
use super::records::Draft;
use super::{CALL_LIMIT, Seat};
use crate::checkers::Fact;
use crate::checkers::event::{Acks, Outcome, ProduceAttempt};
use crate::plan::ProducerPlan;

/// Attempts of one batch.
const ATTEMPTS_MAX: u32 = 5;
/// Mean pause before a batch is sent again.
const RETRY_US: u64 = 100_000;

/// A batch on its way.
struct Sending {
    draft: Draft,
    at: TopicPartition,
    producer: Option<BatchProducer>,
    attempt: u32,
}

/// The id of an idempotent producer and the sequence that each partition expects next.
struct Identity {
    id: ProducerId,
    epoch: ProducerEpoch,
    sequences: std::collections::BTreeMap<TopicPartition, i32>,
}

impl Identity {
    /// The stamp of the next batch of so many records.
    fn stamp(&mut self, at: TopicPartition, record_count: i32) -> BatchProducer {
        let next = self.sequences.entry(at).or_default();
        let base_sequence = *next;
        *next += record_count;
        BatchProducer { id: self.id, epoch: self.epoch, base_sequence }
    }
}

pub(super) async fn produce(mut seat: Seat, plan: ProducerPlan) {
    let mut channel = Channel::new(plan.through, &mut seat);
    let mut identity = None;
    let mut again: Vec<Sending> = Vec::new();
    if plan.rounds_max == Some(0) || !seat.wait(plan.starts_us).await {
        return;
    }
    for _ in 0..plan.rounds_max.unwrap_or(u64::MAX) {
        let pause_us = if again.is_empty() { plan.pause_us } else { RETRY_US.min(plan.pause_us) };
        if !seat.pause(pause_us).await {
            return;
        }
        if plan.idempotent && identity.is_none() {
            again.clear();
            identity = new_identity(&seat, &mut channel).await;
            if identity.is_none() {
                continue;
            }
        }
        let round = match again.is_empty() {
            true => new_round(&mut seat, &plan, &mut identity),
            false => core::mem::take(&mut again),
        };
        let outcomes = send_round(&seat, &plan, &mut channel, &round).await;
        let broken = outcomes.iter().any(|outcome| !matches!(outcome, Outcome::Acked { .. }));
        if !broken {
            continue;
        }
        again = worth_another_try(&plan, round, &outcomes);
        if again.is_empty() {
            // Whether a sequence was used up is unknown now: only a new id is safe (KIP-98).
            identity = None;
        }
    }
}

/// The batches that a producer with retries sends again, in order; none when it gives up.
fn worth_another_try(
    plan: &ProducerPlan,
    round: Vec<Sending>,
    outcomes: &[Outcome],
) -> Vec<Sending> {
    let open = |(_, outcome): &(Sending, &Outcome)| !matches!(outcome, Outcome::Acked { .. });
    let open: Vec<_> = round.into_iter().zip(outcomes).filter(open).collect();
    let hopeless = |(sending, outcome): &(Sending, &Outcome)| {
        let final_code = matches!(outcome, Outcome::Refused(code) if !may_pass_later(*code));
        final_code || sending.attempt + 1 == ATTEMPTS_MAX
    };
    if !plan.retries || open.iter().any(hopeless) {
        return Vec::new();
    }
    open.into_iter()
        .map(|(sending, _)| Sending { attempt: sending.attempt + 1, ..sending })
        .collect()
}

/// Codes that a producer answers with another attempt (Kafka `RetriableException`), as far as one
/// broker sends them.
fn may_pass_later(code: ErrorCode) -> bool {
    [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::LeaderNotAvailable,
        ErrorCode::NotLeaderOrFollower,
        ErrorCode::RequestTimedOut,
        ErrorCode::NotEnoughReplicas,
        ErrorCode::NotEnoughReplicasAfterAppend,
        ErrorCode::KafkaStorageError,
        ErrorCode::ThrottlingQuotaExceeded,
        ErrorCode::UnknownTopicId,
    ]
    .contains(&code)
}

async fn new_identity(seat: &Seat, channel: &mut Channel) -> Option<Identity> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let response = channel.call(seat, &request).await.ok()?;
    (response.error_code == 0).then(|| Identity {
        id: ProducerId(response.producer_id),
        epoch: ProducerEpoch(response.producer_epoch),
        sequences: std::collections::BTreeMap::new(),
    })
}

fn new_round(
    seat: &mut Seat,
    plan: &ProducerPlan,
    identity: &mut Option<Identity>,
) -> Vec<Sending> {
    let Some(topic) = seat.shared.topic(&plan.topic) else { return Vec::new() };
    let partition = u16::try_from(seat.dice.index(topic.partitions.into())).expect("below a u16");
    let at = topic.partition(partition);
    let count = seat.dice.within(1..=u64::from(plan.in_flight.max(1)));
    let mut round = Vec::new();
    for _ in 0..count {
        let wall_ms = seat.rt.now().wall_ms;
        let draft = Draft::new(seat, plan, wall_ms);
        let stamp = |identity: &mut Identity| identity.stamp(at, draft.record_count());
        let producer = identity.as_mut().map(stamp);
        round.push(Sending { draft, at, producer, attempt: 0 });
    }
    round
}

async fn send_round(
    seat: &Seat,
    plan: &ProducerPlan,
    channel: &mut Channel,
    round: &[Sending],
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let shared = match channel.shared(seat).await {
        Ok(Some(connection)) if plan.acks != 0 => connection,
        Ok(_) => {
            for sending in round {
                outcomes.push(send_alone(seat, plan, channel, sending).await);
            }
            return outcomes;
        }
        Err(_) => {
            // Nothing was sent; the next attempt is the first that anybody may see.
            return vec![Outcome::Refused(ErrorCode::NetworkException); round.len()];
        }
    };
    let mut replies = Vec::new();
    for sending in round {
        let invoked_ns = seat.now_ns();
        let request = request(plan, sending);
        // The answer's limit runs from here, also while the broker reads slowly.
        let deadline = seat.rt.now().mono + CALL_LIMIT;
        let reply = match race(shared.submit(&request), seat.rt.sleep_until(deadline)).await {
            First::Left(Ok(reply)) => Some(reply),
            First::Left(Err(_)) | First::Right(()) => None,
        };
        replies.push((sending, invoked_ns, deadline, reply));
    }
    for (sending, invoked_ns, deadline, reply) in replies {
        let answer = match reply {
            Some(reply) => match race(reply, seat.rt.sleep_until(deadline)).await {
                First::Left(answer) => answer.ok(),
                First::Right(()) => None,
            },
            None => None,
        };
        let outcome = answer.as_ref().map_or(Outcome::Unknown, outcome_of);
        tell(seat, plan, sending, invoked_ns, outcome);
        outcomes.push(outcome);
    }
    if outcomes.contains(&Outcome::Unknown) {
        channel.close();
    }
    outcomes
}

async fn send_alone(
    seat: &Seat,
    plan: &ProducerPlan,
    channel: &mut Channel,
    sending: &Sending,
) -> Outcome {
    let invoked_ns = seat.now_ns();
    let request = request(plan, sending);
    let outcome = if plan.acks == 0 {
        match channel.call_unanswered(seat, &request).await {
            Ok(()) => Outcome::Acked { base_offset: None },
            Err(_) => Outcome::Unknown,
        }
    } else {
        let answer = channel.call(seat, &request).await;
        answer.as_ref().map_or(Outcome::Unknown, outcome_of)
    };
    tell(seat, plan, sending, invoked_ns, outcome);
    outcome
}

fn request(plan: &ProducerPlan, sending: &Sending) -> ProduceRequest {
    produce_request(plan.acks, &plan.topic, sending.at, sending.draft.batch(sending.producer))
}

pub(super) fn produce_request(
    acks: i16,
    topic: &str,
    at: TopicPartition,
    batch: model::Buf,
) -> ProduceRequest {
    ProduceRequest {
        transactional_id: None,
        acks,
        timeout_ms: 5_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            topic_id: at.topic,
            partition_data: vec![PartitionProduceData {
                index: at.partition.0,
                records: Some(batch),
            }],
        }],
    }
}

/// What the answer says about the request's one batch.
pub(super) fn outcome_of(response: &ProduceResponse) -> Outcome {
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    let Some(answer) = partitions.next() else { return Outcome::Unknown };
    match ErrorCode::from_code(answer.error_code) {
        Some(ErrorCode::None) => {
            let known = answer.base_offset >= 0;
            Outcome::Acked { base_offset: known.then_some(Offset(answer.base_offset)) }
        }
        Some(code) => Outcome::Refused(code),
        None => Outcome::Refused(ErrorCode::UnknownServerError),
    }
}

fn tell(seat: &Seat, plan: &ProducerPlan, sending: &Sending, invoked_ns: u64, outcome: Outcome) {
    seat.performs();
    seat.shared.history.tell(Fact::Produced(ProduceAttempt {
        operation: sending.draft.operation,
        attempt: sending.attempt,
        client: seat.number,
        at: sending.at,
        acks: match plan.acks {
            0 => Acks::None,
            1 => Acks::Leader,
            _ => Acks::All,
        },
        producer: sending.producer,
        transactional: false,
        invoked_ns,
        content: sending.draft.content(),
        outcome,
    }));
}
