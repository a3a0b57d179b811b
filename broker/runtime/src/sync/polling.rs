//! Polls one future by hand, so that a test decides every step.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) struct Polled<F> {
    future: Pin<Box<F>>,
    count: Arc<Count>,
    waker: Waker,
}

impl<F: Future> Polled<F> {
    pub(super) fn new(future: F) -> Self {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        Self { future: Box::pin(future), count, waker }
    }

    /// The value, once there is one.
    pub(super) fn poll(&mut self) -> Option<F::Output> {
        match self.future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    /// How often the future has asked to be polled.
    pub(super) fn woken(&self) -> usize {
        self.count.0.load(Ordering::Relaxed)
    }
}

/// The value of a future that needs no wait.
pub(super) fn ready<F: Future>(future: F) -> F::Output {
    Polled::new(future).poll().expect("ready at its first poll")
}

/// Polls a future that has to wait, and drops it.
pub(super) fn pending<F: Future>(future: F) {
    assert!(Polled::new(future).poll().is_none(), "nothing to wait for");
}
