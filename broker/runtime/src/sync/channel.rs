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
                    let waker = context.waker();
                    let mut state = self.0.borrow_mut();
                    // Once per task, however often it is polled without need.
                    if !state.senders.iter().any(|waiting| waiting.will_wake(waker)) {
                        state.senders.push(waker.clone());
                    }
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
        let (unread, senders) = {
            let mut state = self.0.borrow_mut();
            state.receiver_gone = true;
            (core::mem::take(&mut state.queue), core::mem::take(&mut state.senders))
        };
        // Not under the borrow: a value may hold a sender of this very queue.
        drop(unread);
        for waker in senders {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::polling::{Polled, pending, ready};

    #[test]
    fn values_arrive_in_order_and_the_bound_gives_back() {
        let (sender, mut receiver) = channel(2);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Ok(()));
        assert_eq!(sender.try_send(3), Err(3));
        assert_eq!(ready(receiver.recv()), Some(1));
        assert_eq!(receiver.try_recv(), Some(2));
        assert_eq!(receiver.try_recv(), None);
    }

    #[test]
    fn a_sender_waits_for_room_and_is_woken_once_there_is() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        let mut send = Polled::new(sender.send(2));
        for _ in 0..3 {
            assert_eq!(send.poll(), None);
        }
        assert_eq!(send.woken(), 0);
        assert_eq!(ready(receiver.recv()), Some(1));
        assert_eq!(send.woken(), 1, "polls without need leave one waker");
        assert_eq!(send.poll(), Some(Ok(())));
        assert_eq!(ready(receiver.recv()), Some(2));
    }

    #[test]
    fn a_receiver_is_woken_by_a_value_and_by_the_end() {
        let (sender, mut receiver) = channel(1);
        let other = sender.clone();
        let mut recv = Polled::new(receiver.recv());
        assert_eq!(recv.poll(), None);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(recv.woken(), 1);
        assert_eq!(recv.poll(), Some(Some(1)));
        drop(recv);
        let mut recv = Polled::new(receiver.recv());
        drop(sender);
        assert_eq!(recv.poll(), None, "one sender is left");
        drop(other);
        assert_eq!((recv.woken(), recv.poll()), (1, Some(None)));
    }

    #[test]
    fn the_end_comes_behind_what_was_queued() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        drop(sender);
        assert_eq!(ready(receiver.recv()), Some(1));
        assert_eq!(ready(receiver.recv()), None);
    }

    #[test]
    fn a_gone_receiver_gives_values_back_and_wakes_senders() {
        let (sender, receiver) = channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        let mut send = Polled::new(sender.send(2));
        assert_eq!(send.poll(), None);
        drop(receiver);
        assert_eq!((send.woken(), send.poll()), (1, Some(Err(2))));
        assert_eq!(sender.try_send(3), Err(3));
    }

    #[test]
    fn an_unread_value_may_hold_a_sender_of_its_own_queue() {
        struct Nested(#[expect(dead_code, reason = "held to be dropped")] Option<Sender<Nested>>);
        let (sender, receiver) = channel(2);
        assert!(sender.try_send(Nested(Some(sender.clone()))).is_ok());
        drop(receiver);
        assert!(sender.try_send(Nested(None)).is_err());
    }

    #[test]
    fn a_dropped_receive_takes_nothing() {
        let (sender, mut receiver) = channel(1);
        pending(receiver.recv());
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(ready(receiver.recv()), Some(1));
    }
}
