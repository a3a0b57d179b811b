//! The nodes of a run: the shipped `server`, booted on machines of a seeded world.
//!
//! Promises: a node is configured from properties as a real one is, and runs `server::run` and
//! nothing else; whatever ends its process, the machine can be started again on the disk as it was
//! left. Does not: decide when; that is the plan's and the run's.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use model::{Bug, Instant, NodeId};
use runtime::memory::{
    Life, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions, World, WorldOptions,
};
use server::{Configured, Level, Line, LogSink, Message, Surroundings};

use crate::buggify::Choices;
use crate::plan::{Plan, Setup};
use crate::probe::SimProbe;

pub(crate) const PORT: u16 = 9092;

/// Of the only node.
pub(crate) const NODE_ID: NodeId = NodeId(1);

/// A line that a node wrote for its operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: Instant,
    pub node: NodeId,
    pub level: Level,
    pub shard: u16,
    pub text: String,
}

/// What the clock of a fresh world shows.
pub(crate) const BEGINNING_NS: u64 = 1_000_000_000;

/// Lines that are kept; a run that writes more forgets the oldest half.
const LINES_MAX: usize = 20_000;

/// The text that nodes write.
pub(crate) struct Lines {
    incoming: Receiver<(NodeId, Line)>,
    kept: Vec<LogLine>,
    start_count: u64,
}

impl Lines {
    /// Takes in what was written since the last call. True when a node said that it answers
    /// requests.
    pub(crate) fn read(&mut self, now: Instant) -> bool {
        let mut started = false;
        while let Ok((node, line)) = self.incoming.try_recv() {
            started |= line.text.starts_with("started ");
            if self.kept.len() == LINES_MAX {
                self.kept.drain(..LINES_MAX / 2);
            }
            let Line { level, shard, text } = line;
            self.kept.push(LogLine { at: now, node, level, shard, text });
        }
        self.start_count += u64::from(started);
        started
    }

    pub(crate) fn kept(&self) -> &[LogLine] {
        &self.kept
    }
}

/// One node of a cluster.
struct Member {
    index: NodeIndex,
    id: NodeId,
    shards: u16,
}

pub(crate) struct Cluster {
    pub(crate) world: World,
    setup: Setup,
    /// Those of the plan; their machines come right after the node's.
    clients: usize,
    pub(crate) probe: SimProbe,
    member: Member,
    pub(crate) lines: Lines,
    lines_out: Sender<(NodeId, Line)>,
}

impl Cluster {
    /// A world with one node that is not up yet.
    pub(crate) fn new(plan: &Plan, bugs: BTreeSet<Bug>) -> Self {
        Self::with_options(plan, bugs, WorldOptions::default())
    }

    /// As [`Cluster::new`], in another kind of world.
    pub(crate) fn with_options(plan: &Plan, bugs: BTreeSet<Bug>, options: WorldOptions) -> Self {
        let setup = &plan.setup;
        let mut world = World::with_options(plan.world_seed(), options);
        world.survive_panics();
        let mut probe = SimProbe::new(bugs);
        if setup.rare_choices {
            probe = probe.with_choices(Choices::new(plan.seed), world.clock());
        }
        let mut options = NodeOptions {
            shards: setup.shards,
            wall_offset_ms: setup.wall_offset_ms,
            ..NodeOptions::default()
        };
        if let Some(len) = setup.side_pool_len {
            options.offload_queue_len = len.into();
        }
        let member = Member { index: world.add_node(options), id: NODE_ID, shards: setup.shards };
        let (lines_out, incoming) = channel();
        let lines = Lines { incoming, kept: Vec::new(), start_count: 0 };
        Self {
            world,
            setup: setup.clone(),
            clients: plan.clients.len(),
            probe,
            member,
            lines,
            lines_out,
        }
    }

    /// Whether the node can be started at all.
    ///
    /// # Errors
    /// The plan's properties or bounds are refused.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.configured().map(|_| ())
    }

    pub(crate) fn node(&self) -> NodeIndex {
        self.member.index
    }

    pub(crate) fn node_id(&self) -> NodeId {
        self.member.id
    }

    pub(crate) fn life(&self) -> Life {
        self.world.life(self.member.index)
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.world.ip(self.member.index), PORT)
    }

    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        (0..self.setup.directories).map(|number| PathBuf::from(format!("/data-{number}"))).collect()
    }

    /// The number of shards from the next start on.
    pub(crate) fn reshard(&mut self, shards: u16) {
        self.member.shards = shards;
    }

    /// Starts the node's process.
    ///
    /// # Errors
    /// The plan's properties are refused.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        let mut boot = self.configured()?.boot;
        boot.version = env!("CARGO_PKG_VERSION");
        self.world.set_shards(self.member.index, self.member.shards);
        let probe = self.probe.of_node(self.member.index.0);
        self.world.boot(
            self.member.index,
            probe,
            move |rt: MemoryRuntime<SimProbe>,
                  mesh: MemoryMesh<Message<MemoryRuntime<SimProbe>>>| {
                server::run(rt, mesh, boot.clone())
            },
        );
        Ok(())
    }

    fn configured(&self) -> Result<Configured, String> {
        let text = |path: &PathBuf| path.display().to_string();
        let directories: Vec<String> = self.directories().iter().map(text).collect();
        let mut properties = format!(
            "node.id={}\nlog.dirs={}\nlisteners=PLAINTEXT://{}\nhttp.listener=\n",
            self.member.id,
            directories.join(","),
            self.address()
        );
        for (name, value) in &self.setup.properties {
            properties.push_str(&format!("{name}={value}\n"));
        }
        let properties =
            server::parse_properties(&properties).map_err(|error| format!("{error:?}"))?;
        let (id, lines) = (self.member.id, self.lines_out.clone());
        let surroundings = Surroundings {
            hostname: self.world.ip(self.member.index).to_string(),
            resolve: |host, port| Some(SocketAddr::new(host.parse::<IpAddr>().ok()?, port)),
            limits: self.setup.limits()?,
            // The receiver lives as long as the run; a line after its end is nobody's.
            log: LogSink::new(move |line| drop(lines.send((id, line)))),
            strict: true,
        };
        server::configure(properties, surroundings).map_err(|refusals| refusals.join("\n"))
    }

    /// How often a node came up far enough to answer requests.
    pub(crate) fn start_count(&self) -> u64 {
        self.lines.start_count
    }

    /// The last few steps of the world, by the numbers that nodes and clients have in a plan.
    pub(crate) fn last_events(&self) -> String {
        let node = self.member.index;
        let clients = self.clients;
        self.world.last_events_by(|machine| match machine {
            _ if machine == node => format!("node {}", self.member.id),
            NodeIndex(number) if number <= clients => format!("client {number}"),
            NodeIndex(_) => "own client".to_owned(),
        })
    }

    pub(crate) fn into_lines(self) -> Vec<LogLine> {
        self.lines.kept
    }
}
