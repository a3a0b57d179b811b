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
