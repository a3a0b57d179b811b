//! The first of two futures.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

/// Which future came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First<A, B> {
    Left(A),
    Right(B),
}

/// Completes with the first of the two; the other is dropped. When both are ready the left one wins,
/// so that a run of the simulator takes the same turn every time.
pub async fn race<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(value) = left.as_mut().poll(context) {
            return Poll::Ready(First::Left(value));
        }
        right.as_mut().poll(context).map(First::Right)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::polling::{Polled, ready};
    use crate::sync::{Notify, oneshot};

    #[test]
    fn the_left_one_wins_when_both_are_ready() {
        let (left, right) = (core::future::ready(1), core::future::ready(2));
        assert_eq!(ready(race(left, right)), First::Left(1));
    }

    #[test]
    fn either_one_wakes_the_race_and_the_other_is_dropped() {
        let notify = Notify::new();
        let (promise, reply) = oneshot::<u8>();
        let (held, alive) = oneshot::<u8>();
        let left = async move {
            let _held = held;
            reply.await
        };
        let mut race = Polled::new(race(left, notify.notified()));
        let mut alive = Polled::new(alive);
        assert_eq!((race.poll(), alive.poll()), (None, None));
        notify.notify();
        assert_eq!((race.woken(), race.poll()), (1, Some(First::Right(()))));
        drop(race);
        assert_eq!(alive.poll(), Some(None), "what the loser held is gone");
        promise.fulfil(1);
    }
}
