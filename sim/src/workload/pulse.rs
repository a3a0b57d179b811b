//! A sign of life: one record into one partition, acknowledged and read again.

use core::time::Duration;

use model::{Offset, TopicPartition};
use runtime::Clock;

use super::Seat;
use super::channel::Channel;
use super::consumer::read_to_end;
use super::producer::{outcome_of, produce_request};
use super::records::Draft;
use crate::checkers::Fact;
use crate::checkers::event::{Acks, Outcome, ProduceAttempt};
use crate::plan::Through;

/// Tries until one record of its own was acknowledged, then reads the partition until it was given
/// that record; true when both succeeded. Ends early when clients are asked to stop.
pub(crate) async fn pulse(mut seat: Seat, topic: String, at: TopicPartition) -> bool {
    const PAUSE: Duration = Duration::from_millis(200);
    let mut channel = Channel::new(Through::Frames, &mut seat);
    let end_min = loop {
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
        if let Outcome::Acked { base_offset } = outcome {
            break base_offset.map_or(Offset::ZERO, |base| base.after(1));
        }
        seat.sleep(PAUSE).await;
    };
    // A fetch that brings nothing proves nothing: there is time until the bound.
    while !read_to_end(&mut seat, &topic, at, end_min).await {
        if seat.shared.stop.get() {
            return false;
        }
        seat.sleep(PAUSE).await;
    }
    true
}
