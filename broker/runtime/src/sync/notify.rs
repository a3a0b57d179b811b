//! A flag that tasks wait for.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::rc::Rc;

/// Wakes every waiter. A notification that nobody waits for is kept for the next waiter, so that
/// none is lost between a check and the wait.
#[derive(Clone, Default)]
pub struct Notify(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// Counts notifications; a waiter is done when it has moved on since it began.
    round: u64,
    /// The round that some waiter has already seen.
    seen: u64,
    waiting: Vec<Waker>,
}

impl Notify {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn notify(&self) {
        let woken = {
            let mut state = self.0.borrow_mut();
            state.round += 1;
            core::mem::take(&mut state.waiting)
        };
        for waker in woken {
            waker.wake();
        }
    }

    /// Completes at the next notification, or at once when one came since the last wait ended.
    pub async fn notified(&self) {
        let began = self.0.borrow().seen;
        poll_fn(|context| {
            let mut state = self.0.borrow_mut();
            if state.round > began {
                state.seen = state.seen.max(state.round);
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|w| w.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::polling::{Polled, pending, ready};

    #[test]
    fn every_waiter_is_woken() {
        let notify = Notify::new();
        let mut one = Polled::new(notify.notified());
        let mut two = Polled::new(notify.notified());
        assert_eq!((one.poll(), two.poll()), (None, None));
        notify.notify();
        assert_eq!((one.woken(), two.woken()), (1, 1));
        assert_eq!((one.poll(), two.poll()), (Some(()), Some(())));
    }

    #[test]
    fn a_notification_without_a_waiter_is_kept_once() {
        let notify = Notify::new();
        notify.notify();
        notify.notify();
        ready(notify.notified());
        pending(notify.notified());
    }

    #[test]
    fn a_wait_that_was_dropped_passes_the_notification_on() {
        let notify = Notify::new();
        let mut wait = Polled::new(notify.notified());
        assert_eq!(wait.poll(), None);
        notify.notify();
        drop(wait);
        ready(notify.notified());
    }

    #[test]
    fn polls_without_need_leave_one_waker() {
        let notify = Notify::new();
        let mut wait = Polled::new(notify.notified());
        for _ in 0..3 {
            assert_eq!(wait.poll(), None);
        }
        notify.notify();
        assert_eq!(wait.woken(), 1);
    }
}
