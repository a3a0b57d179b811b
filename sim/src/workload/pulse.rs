//! A sign of life: one record into one partition, acknowledged and read again.

use core::time::Duration;

use model::TopicPartition;
use runtime::Clock;

use super::Seat;
use super::channel::Channel;
use super::consumer::read_to_end;
use super::producer::{outcome_of, produce_request};
use super::records::Draft;
use crate::checkers::Fact;
use crate::checkers::event::{Acks, Outcome, ProduceAttempt};
use crate::plan::Through;

/// Tries until one record of its own was acknowledged, then reads the partition to its end; true
/// when both succeeded. Ends early when clients are asked to stop.
pub(crate) async fn pulse(mut seat: Seat, topic: String, at: TopicPartition) -> bool {
    let mut channel = Channel::new(Through::Frames, &mut seat);
    loop {
        if seat.shared.stop.get() {
            return false;
        }
        // Each try is an operation of its own: nothing here retries.
        let draft = Draft::pulse(&seat, seat.rt.now().wall_ms);
        let invoked_ns = seat.now_ns();
        let request = produce_request(-1, &topic, at, draft.batch(None));
        let answer = channel.call(&seat, &request).await;
        let outcome = answer.as_ref().map_or(Outcome::Unknown, outcome_of);
        seat.shared.history.tell(Fact::Produced(ProduceAttempt {
            operation: draft.operation,
            attempt: 0,
            client: seat.number,
            at,
            acks: Acks::All,
            producer: None,
            transactional: false,
            invoked_ns,
            content: draft.content(),
            outcome,
        }));
        if matches!(outcome, Outcome::Acked { .. }) {
            break;
        }
        seat.sleep(Duration::from_millis(200)).await;
    }
    read_to_end(seat, topic, at).await
}
