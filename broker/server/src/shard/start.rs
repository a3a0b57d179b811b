//! How a shard comes up and stops.
//!
//! Every step is finished on all shards before the next begins where [`barrier`] says so: no log is
//! opened before every journal was replayed, no listener answers before every log is open, and a
//! directory is marked clean only when every shard has closed its logs.

use core::cell::OnceCell;
use std::rc::Rc;

use model::Site;
use runtime::sync::{First, Notify, channel, race};
use runtime::{Exit, Listener, Runtime, Signal, TaskClass};
use storage::{DirectoryInfo, Owner, Store, StoreOptions, prepare_directories};

use super::{FIRST, Shard, inbound, upkeep};
use crate::boot::{Boot, Level};
use crate::control;
use crate::mesh::{MeshClient, Message, Notice, Request};
use crate::{http, metrics, net};

/// Steps that all shards take together.
#[derive(Debug, Clone, Copy)]
enum Step {
    JournalsReplayed = 1,
    StoresOpen,
    LogsOpen,
    Stopped,
}

/// Runs one shard until the node stops. The same call on every shard.
pub async fn run<R: Runtime>(rt: R, mesh: R::Mesh<Message<R>>, boot: Boot) {
    let client = MeshClient::new(rt.clone(), mesh, &boot.limits);
    let (deltas, arrived) = channel(inbound::DELTAS_WAITING);
    let shard = Shard::new(rt.clone(), client, boot, deltas);
    let inbound = Rc::clone(&shard);
    rt.spawn("mesh inbound", TaskClass::Latency, async move { inbound::serve(&inbound).await });
    let applying = Rc::clone(&shard);
    rt.spawn("apply metadata", TaskClass::Replication, async move {
        inbound::apply_deltas(&applying, arrived).await;
    });

    // The locks are held for as long as this shard runs.
    let _locks = match start_unless_stopped(&shard).await {
        First::Left(Ok(locks)) => locks,
        First::Left(Err(reason)) => {
            shard.log(Level::Error, format!("cannot start: {reason}"));
            return rt.exit(Exit::Failed);
        }
        First::Right(_) => {
            shard.log(Level::Warn, "stopped while starting: the next start recovers the logs");
            return rt.exit(Exit::Clean);
        }
    };
    rt.signal().await;
    stop(&shard).await;
}

/// A start that reads much may be asked to stop. It then leaves as in a crash, which loses nothing: no
/// client was let in yet. The first shard decides that for all, since it lets clients in; the others
/// wait for it, or for the end of the node.
async fn start_unless_stopped<R: Runtime>(
    shard: &Rc<Shard<R>>,
) -> First<Result<Vec<R::Lock>, String>, Signal> {
    if shard.id == FIRST {
        race(start(shard), shard.rt.signal()).await
    } else {
        First::Left(start(shard).await)
    }
}

async fn start<R: Runtime>(shard: &Rc<Shard<R>>) -> Result<Vec<R::Lock>, String> {
    let mut listeners = Vec::new();
    let mut locks = Vec::new();
    if shard.id == FIRST {
        locks = prepare(shard).await?;
        for spec in &shard.boot.listeners {
            let bound = shard.rt.listen(spec.bind).await;
            listeners.push(bound.map_err(|error| format!("listener {}: {error}", spec.bind))?);
        }
    }
    let http = match shard.boot.http.filter(|_| shard.id == FIRST) {
        Some(at) => {
            let bound = shard.rt.listen(at).await;
            Some(bound.map_err(|error| format!("metrics listener {at}: {error}"))?)
        }
        None => None,
    };
    let directories = shard.directories.get().await;
    let options = StoreOptions { directories, limits: shard.limits.clone() };
    let replayed = Store::replay_journals(&shard.rt, &options).await;
    let replayed = replayed.map_err(|error| error.to_string())?;
    barrier(shard, Step::JournalsReplayed).await;
    let store = Store::open(shard.rt.clone(), options).await.map_err(|error| error.to_string())?;
    store.trust_replayed(replayed);
    assert!(shard.store.set(store).is_ok(), "a shard starts once");
    upkeep::spawn(shard);
    // The metadata that the first shard sends next makes the others open logs.
    barrier(shard, Step::StoresOpen).await;
    if shard.id == FIRST {
        let bound = listeners.iter().map(Listener::local_addr);
        let endpoints = shard.boot.listeners.iter().zip(bound).map(|(spec, bound)| {
            let port = spec.advertised_port.unwrap_or(bound.port());
            (spec.name.clone(), spec.advertised_host.clone(), port)
        });
        control::start(shard, endpoints.collect()).await?;
    }
    barrier(shard, Step::LogsOpen).await;
    net::spawn_idle_sweep(shard);
    if shard.id == FIRST {
        announce(shard, &listeners);
        for (index, listener) in listeners.into_iter().enumerate() {
            net::spawn_listener(shard, index, listener);
        }
    }
    if let Some(listener) = http {
        serve_http(shard, listener);
    }
    Ok(locks)
}

/// The start line: what runs, and where.
fn announce<R: Runtime>(shard: &Shard<R>, listeners: &[R::Listener]) {
    let bound = listeners.iter().map(|listener| listener.local_addr().to_string());
    let listeners = format!("listeners={}", bound.collect::<Vec<_>>().join(","));
    let (boot, image) = (&shard.boot, shard.image.borrow());
    let directories = boot.directories.iter().map(|path| path.display().to_string());
    let text = format!(
        "started version={} node={} {listeners} shards={} {} flush.messages={} directories={} \
         budget={}MiB topics={} partitions={}",
        boot.version,
        boot.node_id,
        shard.shard_count,
        boot.io,
        shard.broker_number("log.flush.interval.messages"),
        directories.collect::<Vec<_>>().join(","),
        budget_mib(shard),
        image.topic_count(),
        image.partition_count(),
    );
    shard.log(Level::Info, text);
    (boot.ready)(&listeners);
}

/// What the bounded buffers of all shards may take together; index and page cache come on top.
fn budget_mib<R: Runtime>(shard: &Shard<R>) -> usize {
    let limits = &shard.limits;
    let receive_pool = limits.receive_buffers * limits.receive_buffer_bytes;
    let buffers =
        limits.receive_bytes + limits.unsynced_bytes + limits.response_bytes + receive_pool;
    (buffers * usize::from(shard.shard_count)) >> 20
}

fn serve_http<R: Runtime>(shard: &Rc<Shard<R>>, listener: R::Listener) {
    let serving = Rc::clone(shard);
    let page = async move |path: &str| metrics::page(&serving, path).await;
    let serve = http::serve(shard.rt.clone(), listener, page);
    shard.rt.spawn("http listener", TaskClass::Background, serve);
}

/// Locks and reads the data directories, and tells every shard what is there.
async fn prepare<R: Runtime>(shard: &Shard<R>) -> Result<Vec<R::Lock>, String> {
    let owner = Owner { node_id: shard.boot.node_id, cluster_id: None };
    let prepared = prepare_directories(&shard.rt, &shard.boot.directories, &owner).await;
    let (directories, locks) = prepared.map_err(|error| error.to_string())?;
    for to in shard.shards().filter(|to| *to != FIRST) {
        shard.mesh.notify(to, Notice::Directories(directories.clone())).await;
    }
    shard.directories.set(directories);
    Ok(locks)
}

/// Finishes what is owed, then leaves. The first shard ends the node when every log is closed.
async fn stop<R: Runtime>(shard: &Rc<Shard<R>>) {
    shard.stopping.set(true);
    shard.stop_asked.notify();
    // Who waits for a rebalance may wait for minutes.
    shard.coordinators.stop(shard);
    net::close_all(shard).await;
    // Until here another shard's connection may still append to a log of this one.
    barrier(shard, Step::Stopped).await;
    if shard.id != FIRST {
        return;
    }
    let exit = match upkeep::close_all(shard).await {
        Ok(()) => {
            shard.sometimes(Site::StoppedClean);
            Exit::Clean
        }
        Err(reason) => {
            shard.log(Level::Error, format!("the directories are not clean: {reason}"));
            Exit::Failed
        }
    };
    shard.rt.exit(exit);
}

/// Waits until every shard has come to this step.
async fn barrier<R: Runtime>(shard: &Shard<R>, step: Step) {
    let _ = shard.mesh.call(FIRST, Request::Barrier(step as u32)).await;
}

/// The data directories, once the first shard has looked at them.
#[derive(Default)]
pub(super) struct Directories {
    found: OnceCell<Vec<DirectoryInfo>>,
    changed: Notify,
}

impl Directories {
    pub(super) fn set(&self, directories: Vec<DirectoryInfo>) {
        assert!(self.found.set(directories).is_ok(), "directories are prepared once");
        self.changed.notify();
    }

    /// # Panics
    /// Before the start has come that far.
    pub(super) fn known(&self) -> &[DirectoryInfo] {
        self.found.get().expect("directories are prepared before anything asks")
    }

    async fn get(&self) -> Vec<DirectoryInfo> {
        loop {
            if let Some(found) = self.found.get() {
                return found.clone();
            }
            self.changed.notified().await;
        }
    }
}
