//! From options to running shards and back to an exit.

use core::fmt;
use core::future::Future;
use model::ShardId;
use runtime::{Error, Exit, TaskClass};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as SignalStream};
use signal_hook::low_level::emulate_default_handler;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::arena::Arena;
use crate::choice::{Backend, Refused, choose};
use crate::live::Live;
use crate::mesh::{self, Ends, LiveMesh};
use crate::options::{Options, Pinning, Signals};
use crate::pool::Pool;
use crate::random::Random;
use crate::ring::{Core, KernelRing, Ring, SoftRing};
use crate::shard::{Parts, Shard};
use crate::shared::{Node, Shared};
use crate::sys::{self, Errno};

/// Side threads of the node for file operations without a place in the ring.
const FILE_THREADS: usize = 4;
const FILE_QUEUE_LEN: usize = 4096;

/// Why no shard ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// io_uring was demanded and is not to be had.
    Refused(Refused),
    /// The named step failed.
    Step(&'static str, Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Step(step, error) => write!(f, "cannot start: {step}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

fn step(name: &'static str) -> impl Fn(Errno) -> StartError {
    move |errno| StartError::Step(name, errno.into())
}

/// Runs `main` as the root task of every shard, one thread each, and returns when [`exit`] was
/// called or every main has ended. Tasks that are left are dropped.
///
/// [`exit`]: runtime::Spawn::exit
///
/// # Errors
/// When the backend or a thread cannot be had; no main has run to an effect that lasts then.
///
/// # Panics
/// Continues the panic of a shard, after the other shards have stopped.
pub fn run<M, Main, Task>(options: &Options, main: Main) -> Result<Exit, StartError>
where
    M: Send + 'static,
    Main: Fn(Live, LiveMesh<M>) -> Task + Clone + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    assert!(!options.cpus.is_empty(), "a node has at least one shard");
    // A refusal leaves the limit that the operator chose; opening past it answers `Full`.
    let _ = raise_descriptor_limit();
    let backend = choose(options.io).map_err(StartError::Refused)?.backend;
    let shards = options.cpus.len();
    let node = Arc::new(Node::new(shards));
    let peers: Arc<[Arc<Shared>]> = (0..shards)
        .map(|_| Shared::new(Arc::clone(&node)).map(Arc::new))
        .collect::<Result<_, _>>()
        .map_err(step("eventfd"))?;
    let pool = |name, threads, len| {
        Pool::start(name, threads, len).map(Arc::new).map_err(|error| StartError::Step(name, error))
    };
    let offload = pool("offload", options.offload_threads, options.offload_queue_len)?;
    let files = pool("files", FILE_THREADS, FILE_QUEUE_LEN)?;
    let signals = Signalling::start(options.signals, &peers)?;

    let mut threads = Vec::with_capacity(shards);
    let ends = mesh::build::<M>(shards, options.limits.mesh_queue_len);
    for (id, ends) in (0u16..).zip(ends) {
        let seed = Seed {
            id: ShardId(id),
            backend,
            options: options.clone(),
            peers: Arc::clone(&peers),
            offload: Arc::clone(&offload),
            files: Arc::clone(&files),
        };
        let main = main.clone();
        let thread = Builder::new()
            .name(format!("shard {id}"))
            .spawn(move || seed.grow(ends, main))
            .map_err(|error| step("shard thread")(error.into()));
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                stop_all(&peers, Exit::Failed);
                join(threads)?;
                return Err(error);
            }
        }
    }
    join(threads)?;
    drop(signals);
    Ok(node.ended().unwrap_or(Exit::Failed))
}

/// Raises this process's limit of open descriptors as far as it may; returns what holds now. [`run`]
/// does this too.
///
/// # Errors
/// When the limit cannot be read.
pub fn raise_descriptor_limit() -> Result<u64, Error> {
    sys::raise_descriptor_limit().map_err(Error::from)
}

fn stop_all(peers: &[Arc<Shared>], how: Exit) {
    peers[0].node.exit(how);
    peers.iter().for_each(|peer| peer.alarm());
}

/// Waits for all threads, then reports the first failure or continues the first panic.
fn join(threads: Vec<JoinHandle<Result<(), StartError>>>) -> Result<(), StartError> {
    let ended: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
    let mut first = Ok(());
    for result in ended {
        match result {
            Ok(result) => first = first.and(result),
            Err(panic) => resume_unwind(panic),
        }
    }
    first
}

/// What a shard's thread needs to build its shard.
struct Seed {
    id: ShardId,
    backend: Backend,
    options: Options,
    peers: Arc<[Arc<Shared>]>,
    offload: Arc<Pool>,
    files: Arc<Pool>,
}

impl Seed {
    /// The life of a shard's thread.
    fn grow<M, Main, Task>(self, ends: Ends<M>, main: Main) -> Result<(), StartError>
    where
        M: Send + 'static,
        Main: Fn(Live, LiveMesh<M>) -> Task,
        Task: Future<Output = ()> + 'static,
    {
        // However this thread ends, the others must not run on without it.
        let _stop = StopOthers(Arc::clone(&self.peers));
        let shard = self.build()?;
        let _leak = LeakOnPanic(Rc::clone(&shard));
        let root = main(Live(Rc::clone(&shard)), LiveMesh::new(&shard, ends));
        let watched = Live(Rc::clone(&shard));
        shard.executor.spawn("main", TaskClass::Latency, async move {
            root.await;
            let shard = &watched.0;
            shard.shared.node.main_ended();
            if let Some(how) = shard.shared.node.ended() {
                shard.exit(how);
            }
        });
        shard.run();
        Ok(())
    }

    fn build(self) -> Result<Rc<Shard>, StartError> {
        let index = usize::from(self.id.0);
        // The rings' side threads may help on any processor of the node, and on no other.
        let mut helpers: &[usize] = &[];
        if self.options.pinning == Pinning::EachToItsCpu {
            helpers = &self.options.cpus;
            sys::stay_on(&helpers[index..=index]).map_err(step("cpu affinity"))?;
        }
        if self.options.gives_way {
            sys::give_way().map_err(step("niceness"))?;
        }
        let limits = &self.options.limits;
        let shared = &self.peers[index];
        let buffers = u16::try_from(limits.receive_buffers).unwrap_or(1 << 15);
        let arena = Arena::new(buffers, limits.receive_buffer_bytes, Arc::clone(shared));
        let core = Core::new(limits.operations, limits.connections, Arc::clone(&arena));
        let bell = shared.bell().clone();
        let ring = match self.backend {
            Backend::Uring => {
                let ring = KernelRing::new(arena, bell, helpers)
                    .map_err(|(name, errno)| step(name)(errno))?;
                shared.publish_ring(ring.descriptor());
                Ring::Kernel(ring)
            }
            Backend::Epoll => {
                Ring::Soft(SoftRing::new(arena, bell, helpers).map_err(step("epoll"))?)
            }
        };
        let random = Random::new().map_err(step("getrandom"))?;
        let (id, peers) = (self.id, self.peers);
        let (offload, files) = (self.offload, self.files);
        let idle_poll = self.options.idle_poll;
        Ok(Shard::new(Parts { id, peers, core, ring, random, offload, files, idle_poll }))
    }
}

/// Ends the node when a shard's thread ends for a reason of its own.
struct StopOthers(Arc<[Arc<Shared>]>);

impl Drop for StopOthers {
    fn drop(&mut self) {
        // The first answer decides: after a regular end this changes nothing.
        stop_all(&self.0, Exit::Failed);
    }
}

/// Keeps a shard's memory for ever when its thread panics: the kernel may still write to it, and
/// nobody waits for that any more.
struct LeakOnPanic(Rc<Shard>);

impl Drop for LeakOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::mem::forget(Rc::clone(&self.0));
        }
    }
}

/// Turns SIGTERM and SIGINT into the seam's signal for as long as it lives.
struct Signalling(Option<(Handle, JoinHandle<()>)>);

impl Signalling {
    fn start(signals: Signals, peers: &Arc<[Arc<Shared>]>) -> Result<Self, StartError> {
        if signals == Signals::Leave {
            return Ok(Self(None));
        }
        let failed = |error: std::io::Error| step("signals")(error.into());
        let mut stream = SignalStream::new([SIGTERM, SIGINT]).map_err(failed)?;
        let handle = stream.handle();
        let peers = Arc::clone(peers);
        let listen = move || {
            let mut interrupted = false;
            for signal in stream.forever() {
                // Whoever interrupts twice does not want to wait for a clean end any more.
                if signal == SIGINT && interrupted {
                    let _ = emulate_default_handler(signal);
                }
                interrupted |= signal == SIGINT;
                peers[0].node.ask_to_stop();
                peers.iter().for_each(|peer| peer.alarm());
            }
        };
        let thread = Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed)?;
        Ok(Self(Some((handle, thread))))
    }
}

impl Drop for Signalling {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.0.take() {
            handle.close();
            let _ = thread.join();
        }
    }
}
