//! One machine: a disk that outlives its processes, and the process that runs on it.

use madsim::runtime::{Handle, NodeHandle};
use madsim::task::NodeId;
use model::{Live, Probe, ShardId};
use runtime::Exit;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::disk::Disk;
use crate::gate::Gate;
use crate::mesh::{MadsimMesh, Queues};
use crate::runtime::MadsimRuntime;

/// Messages in each queue of the mesh.
const QUEUE_LEN: usize = 64;

/// A node of the world, up or not.
pub struct Machine {
    node: NodeHandle,
    ip: IpAddr,
    disk: Arc<Disk>,
    process: Option<Arc<Process>>,
}

/// One life of a machine, from boot to end.
#[derive(Default)]
pub(crate) struct Process {
    life: Mutex<Life>,
    pub(crate) changed: Gate,
    pub(crate) offloads: Mutex<usize>,
}

#[derive(Default)]
struct Life {
    stop_asked: bool,
    exit: Option<Exit>,
}

impl Process {
    pub(crate) fn ask_to_stop(&self) {
        self.life.lock().expect("one thread").stop_asked = true;
        self.changed.changed();
    }

    pub(crate) fn is_asked_to_stop(&self) -> bool {
        self.life.lock().expect("one thread").stop_asked
    }

    /// The first call counts.
    pub(crate) fn exit(&self, how: Exit) {
        self.life.lock().expect("one thread").exit.get_or_insert(how);
        self.changed.changed();
    }

    fn exited(&self) -> Option<Exit> {
        self.life.lock().expect("one thread").exit
    }
}

impl Machine {
    /// A machine with an empty disk. Only inside a madsim runtime.
    #[must_use]
    pub fn new(name: &str, ip: IpAddr) -> Self {
        let node = Handle::current().create_node().name(name).ip(ip).build();
        Self { node, ip, disk: Arc::new(Disk::new()), process: None }
    }

    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    #[must_use]
    pub fn id(&self) -> NodeId {
        self.node.id()
    }

    /// Starts `main` on every shard.
    ///
    /// # Panics
    /// When the machine is up.
    pub fn boot<P, M, F, Main>(&mut self, shards: u16, probe: P, main: F)
    where
        P: Probe + Send,
        M: Send + 'static,
        F: Fn(MadsimRuntime<P>, MadsimMesh<M>) -> Main + Clone + Send + 'static,
        Main: Future<Output = ()> + 'static,
    {
        assert!(self.process.is_none(), "it is up already");
        let process = Arc::new(Process::default());
        let queues = Arc::new(Queues::new(shards, QUEUE_LEN));
        for shard in (0..shards).map(ShardId) {
            let (process, disk) = (Arc::clone(&process), Arc::clone(&self.disk));
            let (queues, probe, main) = (Arc::clone(&queues), probe.clone(), main.clone());
            self.node.spawn(async move {
                let rt = MadsimRuntime::new(process, disk, shard, shards, probe);
                madsim::task::spawn_local(main(rt, MadsimMesh::new(shard, queues)));
            });
        }
        self.process = Some(process);
    }

    /// Starts a client's work on one shard of this machine; the future tells what it found.
    pub fn run<T: Send + 'static, F, Work>(
        &self,
        work: F,
    ) -> impl Future<Output = T> + use<T, F, Work>
    where
        F: FnOnce(MadsimRuntime<Live>) -> Work + Send + 'static,
        Work: Future<Output = T> + 'static,
    {
        let (found, answer) = (Arc::new(Mutex::new(None)), Arc::new(Gate::default()));
        let (slot, told) = (Arc::clone(&found), Arc::clone(&answer));
        let disk = Arc::clone(&self.disk);
        self.node.spawn(async move {
            let rt = MadsimRuntime::new(Arc::default(), disk, ShardId(0), 1, Live);
            madsim::task::spawn_local(async move {
                let value = work(rt).await;
                *slot.lock().expect("one thread") = Some(value);
                told.changed();
            });
        });
        async move { answer.wait_for(|| found.lock().expect("one thread").take()).await }
    }

    /// A way to do what SIGTERM does.
    ///
    /// # Panics
    /// When the machine is down.
    #[must_use]
    pub fn stopper(&self) -> Arc<dyn Fn() + Send + Sync> {
        let process = Arc::clone(self.process.as_ref().expect("it is up"));
        Arc::new(move || process.ask_to_stop())
    }

    /// Waits until the process has ended by itself, and tells how.
    ///
    /// # Panics
    /// When the machine is down.
    pub async fn ended(&mut self) -> Exit {
        let process = Arc::clone(self.process.as_ref().expect("it is up"));
        let how = process.changed.wait_for(|| process.exited()).await;
        self.kill();
        how
    }

    /// The process dies at once. Its disk keeps everything: madsim has no power loss.
    pub fn kill(&mut self) {
        let handle = Handle::current();
        handle.kill(self.node.id());
        // A killed node takes new tasks only after this, and only through a new handle.
        let id = self.node.id();
        handle.restart(id);
        self.node = handle.get_node(id).expect("it was just restarted");
        self.disk.forget_locks();
        self.process = None;
    }

    /// Nothing of the machine runs until [`Machine::resume`].
    pub fn pause(&self) {
        Handle::current().pause(self.node.id());
    }

    pub fn resume(&self) {
        Handle::current().resume(self.node.id());
    }
}
