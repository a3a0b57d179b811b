//! Side threads for work that must not run on a shard: `offload`, and file operations that block.

use core::future::poll_fn;
use core::task::{Poll, Waker};
use runtime::{Error, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;

/// A bounded queue served by a fixed number of threads.
pub(crate) struct Pool {
    shared: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(crate) fn start(name: &str, threads: usize, capacity: usize) -> Result<Self> {
        assert!(threads > 0 && capacity > 0, "a pool needs a thread and room for one job");
        let state = Mutex::new(State { jobs: VecDeque::new(), closed: false });
        let shared = Arc::new(Queue { state, changed: Condvar::new(), capacity });
        let mut pool = Self { shared: Arc::clone(&shared), threads: Vec::with_capacity(threads) };
        for _ in 0..threads {
            let queue = Arc::clone(&shared);
            let thread = Builder::new().name(name.to_owned()).spawn(move || queue.serve());
            pool.threads.push(thread.map_err(|_| Error::Full)?);
        }
        Ok(pool)
    }

    /// Runs `work` on a side thread and waits for its value. A panic there continues here.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let cell = Arc::new(Mutex::new(Cell::<T> { value: None, waker: None }));
        let theirs = Arc::clone(&cell);
        self.shared.add(Box::new(move || {
            let value = catch_unwind(AssertUnwindSafe(work));
            let mut cell = lock(&theirs);
            cell.value = Some(value);
            let waker = cell.waker.take();
            drop(cell);
            if let Some(waker) = waker {
                waker.wake();
            }
        }))?;
        let value = poll_fn(|context| {
            let mut cell = lock(&cell);
            match cell.value.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    cell.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        Ok(value.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

struct Cell<T> {
    value: Option<thread::Result<T>>,
    waker: Option<Waker>,
}

impl Queue {
    fn add(&self, job: Job) -> Result<()> {
        let mut state = lock(&self.state);
        if state.jobs.len() == self.capacity {
            return Err(Error::Full);
        }
        state.jobs.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    fn serve(&self) {
        loop {
            let mut state = lock(&self.state);
            let job = loop {
                if let Some(job) = state.jobs.pop_front() {
                    break job;
                }
                if state.closed {
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            job();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
