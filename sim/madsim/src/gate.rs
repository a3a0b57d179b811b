//! Waiting until something holds.

use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Poll, Waker};

/// Those who wait for a change of some state.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Vec<Waker>>);

impl Gate {
    /// The state has changed: everybody looks again.
    pub(crate) fn changed(&self) {
        let waiting = std::mem::take(&mut *self.0.lock().expect("one thread"));
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Completes with the first value that `look` finds.
    pub(crate) async fn wait_for<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| match look() {
            Some(found) => Poll::Ready(found),
            None => {
                let mut waiting = self.0.lock().expect("one thread");
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
                Poll::Pending
            }
        })
        .await
    }
}
