//! One suite for every backend: what a broker may rely on, stated as behaviour.
//!
//! A backend implements [`Harness`] in a test of its own and runs all [`cases`]. The suite asks for
//! nothing that a backend may choose: no timing, no chunk sizes, no order that the seam leaves open.
//! A case ends by itself; a backend that hangs fails by its test's own limit.
//!
//! ```no_run
//! # fn check<H: runtime::conformance::Harness>(harness: &mut H) {
//! for case in runtime::conformance::cases() {
//!     println!("{}", case.name);
//!     (case.run)(harness);
//! }
//! # }
//! ```

mod cancel;
mod clock;
mod files;
mod mesh;
mod names;
mod node;
mod send_file;
mod streams;
mod tasks;

use core::future::Future;
use core::time::Duration;
use model::{Buf, Bufs};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Conn, Exit, Listener, Runtime, Spawn};

/// How the suite starts a node of the backend under test.
pub trait Harness: 'static {
    type Runtime: Runtime;

    /// Runs `main` once on every shard of a fresh node and returns when the node has ended. A panic
    /// on any shard must come out of this call.
    fn run<M, Main, Task>(&mut self, shards: u16, main: Main) -> Exit
    where
        M: Send + 'static,
        Main: Fn(Self::Runtime, <Self::Runtime as Runtime>::Mesh<M>, Scratch) -> Task
            + Clone
            + Send
            + 'static,
        Task: Future<Output = ()> + 'static;
}

/// What a case may use up; fresh for every run, the same on all of its shards.
#[derive(Clone)]
pub struct Scratch {
    /// Exists and is empty.
    pub directory: PathBuf,
    /// Does to this node what a signal to stop does.
    pub ask_to_stop: Arc<dyn Fn() + Send + Sync>,
}

/// One behaviour that a backend must show; it panics otherwise.
pub struct Case<H> {
    pub name: &'static str,
    pub run: fn(&mut H),
}

/// The whole suite.
#[must_use]
pub fn cases<H: Harness>() -> Vec<Case<H>> {
    let groups = [
        clock::cases(),
        tasks::cases(),
        streams::cases(),
        cancel::cases(),
        files::cases(),
        names::cases(),
        send_file::cases(),
        mesh::cases(),
        node::cases(),
    ];
    groups.into_iter().flatten().collect()
}

type MeshOf<H, M> = <<H as Harness>::Runtime as Runtime>::Mesh<M>;

/// Runs a body on the only shard of a node.
fn alone<H, Body, Task>(harness: &mut H, body: Body)
where
    H: Harness,
    Body: Fn(H::Runtime, Scratch) -> Task + Clone + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    let main = move |rt: H::Runtime, _: MeshOf<H, ()>, scratch| {
        let body = body(rt.clone(), scratch);
        async move {
            body.await;
            rt.exit(Exit::Clean);
        }
    };
    assert_eq!(harness.run(1, main), Exit::Clean);
}

/// Runs a body on every shard of a node; one of them calls `exit`.
fn together<H, M, Body, Task>(harness: &mut H, shards: u16, body: Body)
where
    H: Harness,
    M: Send + 'static,
    Body: Fn(H::Runtime, MeshOf<H, M>, Scratch) -> Task + Clone + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    assert_eq!(harness.run(shards, body), Exit::Clean);
}

/// Long enough for anything on one machine.
const LIMIT: Duration = Duration::from_secs(10);

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Both ends of a new connection, the caller's first.
async fn pair<R: Runtime>(rt: &R) -> (R::Conn, R::Conn) {
    let listener = rt.listen(anywhere()).await.unwrap();
    let caller = rt.connect(listener.local_addr(), LIMIT).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    assert_eq!(caller.peer_addr(), accepted.local_addr());
    (caller, accepted)
}

async fn pause<R: Runtime>(rt: &R, pause: Duration) {
    rt.sleep_until(rt.now().mono + pause).await;
}

/// Lets the others go on for a while.
async fn yield_times<R: Runtime>(rt: &R, count: usize) {
    for _ in 0..count {
        rt.yield_now().await;
    }
}

/// Bytes that tell their own position, the same wherever a piece begins.
fn pattern(start: usize, size: usize) -> Vec<u8> {
    let skip = start % 8;
    let mut bytes = Vec::with_capacity(size + 16);
    for word in start / 8..(start + size).div_ceil(8) {
        bytes.extend_from_slice(
            &(word as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes(),
        );
    }
    bytes.truncate(skip + size);
    bytes.split_off(skip)
}

fn one(bytes: Vec<u8>) -> Bufs {
    vec![Buf::from(bytes)]
}

/// Everything up to the end of the stream; a reset counts as an end.
async fn drain<C: Conn>(conn: &C) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(bytes) = conn.recv_any().await {
        if bytes.is_empty() {
            break;
        }
        all.extend_from_slice(&bytes);
    }
    all
}

/// Exactly so many bytes, in whatever pieces they come.
async fn take<C: Conn>(conn: &C, count: usize) -> Vec<u8> {
    let (result, bytes) = conn.recv_exact(Vec::with_capacity(count), count).await;
    assert_eq!(result, Ok(()));
    assert_eq!(bytes.len(), count);
    bytes
}
