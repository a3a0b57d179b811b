//! Clock, tasks and randomness of one shard.

use madsim::time::TimeHandle;
use model::{Instant, Now, Probe, ShardId};
use runtime::{Clock, Error, Exit, Purpose, Result, Runtime, Signal, Spawn, TaskClass};
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::disk::Disk;
use crate::machine::Process;
use crate::mesh::MadsimMesh;

/// Work that waits in the side pool.
const OFFLOADS_MAX: usize = 16;
/// So that no instant of a run is the start of time.
const ORIGIN: Instant = Instant(1_000_000_000);

/// One shard's handle to its machine.
#[derive(Clone)]
pub struct MadsimRuntime<P> {
    pub(crate) process: Arc<Process>,
    pub(crate) disk: Arc<Disk>,
    shard: ShardId,
    shards: u16,
    probe: P,
}

impl<P> MadsimRuntime<P> {
    pub(crate) fn new(
        process: Arc<Process>,
        disk: Arc<Disk>,
        shard: ShardId,
        shards: u16,
        probe: P,
    ) -> Self {
        Self { process, disk, shard, shards, probe }
    }
}

impl<P: Probe> Runtime for MadsimRuntime<P> {
    type Probe = P;
    type Mesh<M: Send + 'static> = MadsimMesh<M>;

    fn probe(&self) -> P {
        self.probe.clone()
    }
}

impl<P: Probe> Clock for MadsimRuntime<P> {
    fn now(&self) -> Now {
        let time = TimeHandle::current();
        let wall = time.now_time().duration_since(UNIX_EPOCH).expect("madsim starts after 1970");
        let wall_ms = i64::try_from(wall.as_millis()).expect("292 million years");
        Now { mono: ORIGIN + time.elapsed(), wall_ms }
    }

    fn now_exact(&self) -> Now {
        self.now()
    }

    async fn sleep_until(&self, at: Instant) {
        if at == Instant::FAR {
            return pending().await;
        }
        loop {
            let left = at.since(self.now().mono);
            if left.is_zero() {
                return;
            }
            // At least a millisecond: madsim has no shorter one.
            madsim::time::sleep(left).await;
        }
    }
}

impl<P: Probe> Spawn for MadsimRuntime<P> {
    fn shard(&self) -> ShardId {
        self.shard
    }

    fn shard_count(&self) -> u16 {
        self.shards
    }

    fn spawn(&self, _: &'static str, _: TaskClass, task: impl Future<Output = ()> + 'static) {
        madsim::task::spawn_local(task);
    }

    /// madsim runs ready tasks in any order: only when time goes on has every other one run.
    async fn yield_now(&self) {
        madsim::time::sleep(Duration::from_nanos(1)).await;
    }

    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        {
            let mut offloads = self.process.offloads.lock().expect("one thread");
            if *offloads == OFFLOADS_MAX {
                return Err(Error::Full);
            }
            *offloads += 1;
        }
        let process = Arc::clone(&self.process);
        let done = madsim::task::spawn_local(async move {
            madsim::task::yield_now().await;
            *process.offloads.lock().expect("one thread") -= 1;
            work()
        });
        done.await.map_err(|_| Error::Cancelled)
    }

    fn random(&self, _: Purpose) -> u64 {
        madsim::rand::random()
    }

    async fn signal(&self) -> Signal {
        let process = &self.process;
        let asked = || process.is_asked_to_stop().then_some(Signal::Stop);
        process.changed.wait_for(asked).await
    }

    fn exit(&self, how: Exit) {
        self.process.exit(how);
    }
}
