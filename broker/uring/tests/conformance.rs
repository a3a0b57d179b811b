//! The seam's own suite, on both backends.

use model::Limits;
use runtime::Exit;
use runtime::conformance::{Harness, Scratch, cases};
use signal_hook::consts::SIGTERM;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uring::{Io, Live, LiveMesh, Options, Pinning, run};

/// Signals belong to the process: one backend at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Backend {
    io: Io,
    limits: Limits,
}

impl Harness for Backend {
    type Runtime = Live;

    fn run<M, Main, Task>(&mut self, shards: u16, main: Main) -> Exit
    where
        M: Send + 'static,
        Main: Fn(Live, LiveMesh<M>, Scratch) -> Task + Clone + Send + 'static,
        Task: Future<Output = ()> + 'static,
    {
        let options = Options {
            io: self.io,
            cpus: vec![0; shards.into()],
            pinning: Pinning::Free,
            limits: self.limits.clone(),
            ..Options::default()
        };
        let scratch = Scratch {
            directory: fresh_directory(),
            ask_to_stop: Arc::new(|| signal_hook::low_level::raise(SIGTERM).unwrap()),
        };
        let own = scratch.clone();
        let ended = run(&options, move |live, mesh| main(live, mesh, own.clone()));
        std::fs::remove_dir_all(&scratch.directory).unwrap();
        ended.unwrap()
    }
}

fn fresh_directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("uring-conformance-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn check(io: Io, limits: &Limits) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for case in cases::<Backend>() {
        let name = format!("{io:?}: {}", case.name);
        println!("{name}");
        let _ended = end_what_hangs(name);
        (case.run)(&mut Backend { io, limits: limits.clone() });
    }
}

/// No case waits for more than moments: one that lasts this long lost a wake-up.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// Ends the process, and says in which case, unless what it returns is dropped in time: a test that
/// hangs would keep its output to itself.
fn end_what_hangs(case: String) -> Sender<()> {
    let (ended, wait) = channel();
    std::thread::spawn(move || {
        if wait.recv_timeout(HANGS_AFTER) == Err(RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "hangs: {case}");
            std::process::abort();
        }
    });
    ended
}

/// Few and small buffers and queues: starvation and full queues become common.
fn tight() -> Limits {
    let tiny = Limits::tiny();
    Limits {
        receive_buffers: tiny.receive_buffers,
        receive_buffer_bytes: tiny.receive_buffer_bytes,
        mesh_queue_len: tiny.mesh_queue_len,
        ..Limits::PRODUCTION
    }
}

#[test]
fn io_uring_conforms() {
    check(Io::Auto, &Limits::PRODUCTION);
}

#[test]
fn io_uring_conforms_with_tight_limits() {
    check(Io::Auto, &tight());
}

#[test]
fn epoll_conforms() {
    check(Io::Epoll, &Limits::PRODUCTION);
}

#[test]
fn epoll_conforms_with_tight_limits() {
    check(Io::Epoll, &tight());
}
