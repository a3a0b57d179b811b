//! A bound on the bytes of large requests, shared by all connections of a shard.
//!
//! First come, first served: a connection that wants more than is left waits, and stops reading.
//! That is Kafka's `queued.max.request.bytes`.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use runtime::sync::{Promise, oneshot};

#[derive(Clone)]
pub(crate) struct ReceiveBudget(Rc<RefCell<State>>);

struct State {
    free_bytes: usize,
    waiting: VecDeque<(usize, Promise<Permit>)>,
}

/// Bytes taken from the budget, returned when dropped.
pub(crate) struct Permit {
    budget: ReceiveBudget,
    bytes: usize,
}

impl ReceiveBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Rc::new(RefCell::new(State { free_bytes: bytes, waiting: VecDeque::new() })))
    }

    /// Whether [`ReceiveBudget::take`] would wait.
    pub(crate) fn is_short_of(&self, bytes: usize) -> bool {
        let state = self.0.borrow();
        !state.waiting.is_empty() || bytes > state.free_bytes
    }

    /// Takes `bytes`, at most the whole budget, once they are free and everybody who came earlier
    /// has been served.
    pub(crate) async fn take(&self, bytes: usize) -> Permit {
        let turn = {
            let mut state = self.0.borrow_mut();
            if state.waiting.is_empty() && bytes <= state.free_bytes {
                state.free_bytes -= bytes;
                return Permit { budget: self.clone(), bytes };
            }
            let (promise, turn) = oneshot();
            state.waiting.push_back((bytes, promise));
            turn
        };
        turn.await.expect("a promise leaves the queue only with a permit")
    }

    fn give_back(&self, bytes: usize) {
        let mut turns = Vec::new();
        {
            let mut state = self.0.borrow_mut();
            state.free_bytes += bytes;
            while let Some((wanted, _)) = state.waiting.front()
                && *wanted <= state.free_bytes
            {
                let (wanted, promise) = state.waiting.pop_front().expect("a front was seen");
                state.free_bytes -= wanted;
                turns.push((wanted, promise));
            }
        }
        // A permit whose asker is gone is dropped here and comes back through this function.
        for (bytes, promise) in turns {
            promise.fulfil(Permit { budget: self.clone(), bytes });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}
