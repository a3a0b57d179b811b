//! One value, once: the way back of a request.

use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::rc::Rc;

struct State<T> {
    value: Option<T>,
    waiting: Option<Waker>,
    promise_dropped: bool,
}

/// The side that answers. Dropping it unanswered completes the other side with `None`.
pub struct Promise<T>(Rc<RefCell<State<T>>>);

/// The side that waits: `Some(value)`, or `None` when the promise was dropped.
pub struct Reply<T>(Rc<RefCell<State<T>>>);

#[must_use]
pub fn oneshot<T>() -> (Promise<T>, Reply<T>) {
    let state = State { value: None, waiting: None, promise_dropped: false };
    let shared = Rc::new(RefCell::new(state));
    (Promise(Rc::clone(&shared)), Reply(shared))
}

impl<T> Promise<T> {
    /// Gives the value; nobody may be listening any more, then it is dropped.
    pub fn fulfil(self, value: T) {
        self.0.borrow_mut().value = Some(value);
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.borrow_mut();
            state.promise_dropped = true;
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl<T> Reply<T> {
    /// Whether a wait would complete at once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let state = self.0.borrow();
        state.value.is_some() || state.promise_dropped
    }
}

impl<T> Future for Reply<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.borrow_mut();
        if let Some(value) = state.value.take() {
            return Poll::Ready(Some(value));
        }
        if state.promise_dropped {
            return Poll::Ready(None);
        }
        state.waiting = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::polling::{Polled, ready};

    #[test]
    fn a_value_wakes_who_waits() {
        let (promise, reply) = oneshot();
        let mut reply = Polled::new(reply);
        assert_eq!(reply.poll(), None);
        promise.fulfil(7);
        assert_eq!((reply.woken(), reply.poll()), (1, Some(Some(7))));
    }

    #[test]
    fn a_value_waits_for_who_comes_later() {
        let (promise, reply) = oneshot();
        promise.fulfil(7);
        assert_eq!(ready(reply), Some(7));
    }

    #[test]
    fn a_dropped_promise_is_an_answer() {
        let (promise, reply) = oneshot::<u8>();
        let mut reply = Polled::new(reply);
        assert_eq!(reply.poll(), None);
        drop(promise);
        assert_eq!((reply.woken(), reply.poll()), (1, Some(None)));
    }

    #[test]
    fn nobody_needs_to_listen() {
        let (promise, reply) = oneshot();
        drop(reply);
        promise.fulfil(7);
    }
}
