//! A bounded queue between tasks of one shard.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::collections::VecDeque;
use std::rc::Rc;

struct State<T> {
    queue: VecDeque<T>,
    capacity: usize,
    receiver: Option<Waker>,
    senders: Vec<Waker>,
    sender_count: usize,
    receiver_gone: bool,
}

/// Clones feed the same queue; when the last is dropped the receiver sees the end.
pub struct Sender<T>(Rc<RefCell<State<T>>>);

pub struct Receiver<T>(Rc<RefCell<State<T>>>);

/// A queue of at most `capacity` values (at least 1).
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel holds at least one value");
    let shared = Rc::new(RefCell::new(State {
        queue: VecDeque::new(),
        capacity,
        receiver: None,
        senders: Vec::new(),
        sender_count: 1,
        receiver_gone: false,
    }));
    (Sender(Rc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Queues the value now.
    ///
    /// # Errors
    /// Gives it back when the queue is full or the receiver is gone.
    pub fn try_send(&self, value: T) -> Result<(), T> {
        let receiver = {
            let mut state = self.0.borrow_mut();
            if state.receiver_gone || state.queue.len() == state.capacity {
                return Err(value);
            }
            state.queue.push_back(value);
            state.receiver.take()
        };
        if let Some(waker) = receiver {
            waker.wake();
        }
        Ok(())
    }

    /// Queues the value once there is room.
    ///
    /// # Errors
    /// Gives it back when the receiver is gone.
    pub async fn send(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        poll_fn(|context| {
            let taken = value.take().expect("polled after completion");
            match self.try_send(taken) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(back) if self.0.borrow().receiver_gone => Poll::Ready(Err(back)),
                Err(back) => {
                    value = Some(back);
                    self.0.borrow_mut().senders.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.borrow_mut().sender_count += 1;
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let receiver = {
            let mut state = self.0.borrow_mut();
            state.sender_count -= 1;
            if state.sender_count == 0 { state.receiver.take() } else { None }
        };
        if let Some(waker) = receiver {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The next value; `None` when every sender is gone and the queue is empty.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|context| {
            let (value, senders) = {
                let mut state = self.0.borrow_mut();
                let Some(value) = state.queue.pop_front() else {
                    if state.sender_count == 0 {
                        return Poll::Ready(None);
                    }
                    state.receiver = Some(context.waker().clone());
                    return Poll::Pending;
                };
                (value, core::mem::take(&mut state.senders))
            };
            for waker in senders {
                waker.wake();
            }
            Poll::Ready(Some(value))
        })
        .await
    }

    /// The next value if one is queued.
    pub fn try_recv(&mut self) -> Option<T> {
        let (value, senders) = {
            let mut state = self.0.borrow_mut();
            (state.queue.pop_front(), core::mem::take(&mut state.senders))
        };
        for waker in senders {
            waker.wake();
        }
        value
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let senders = {
            let mut state = self.0.borrow_mut();
            state.receiver_gone = true;
            state.queue.clear();
            core::mem::take(&mut state.senders)
        };
        for waker in senders {
            waker.wake();
        }
    }
}
