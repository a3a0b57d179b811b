//! What a node is given when it starts.

use core::fmt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use model::{Limits, NodeId};

/// Everything that one shard needs to come up; the same value goes to every shard.
#[derive(Debug, Clone)]
pub struct Boot {
    pub node_id: NodeId,
    /// `log.dirs`, at least one.
    pub directories: Vec<PathBuf>,
    /// At least one.
    pub listeners: Vec<ListenerSpec>,
    /// Metrics and health over HTTP; `None` switches them off.
    pub http: Option<SocketAddr>,
    /// `connections.max.idle.ms`.
    pub idle_ms_max: u64,
    /// Other broker properties that were set, by Kafka's names; already checked against the table.
    pub properties: BTreeMap<String, String>,
    pub limits: Limits,
    /// Where text for the operator goes.
    pub log: LogSink,
    /// For the start line.
    pub version: &'static str,
    /// For the start line: which backend runs, and why.
    pub io: String,
    /// Called once, with `listeners=host:port,…`, when requests are answered.
    pub ready: fn(&str),
}

/// One address that clients connect to, and what they are told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSpec {
    /// Kafka's listener name, `PLAINTEXT` for example.
    pub name: String,
    /// Port 0 picks a free one.
    pub bind: SocketAddr,
    /// `advertised.listeners`; the bound port when it is `None`.
    pub advertised_host: String,
    pub advertised_port: Option<u16>,
}

/// Takes the lines for the operator, from any shard.
#[derive(Clone)]
pub struct LogSink(Arc<dyn Fn(Line) + Send + Sync>);

impl LogSink {
    pub fn new(write: impl Fn(Line) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    pub(crate) fn write(&self, line: Line) {
        (self.0)(line);
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSink")
    }
}

/// How much an operator should care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// One line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// The shard that speaks.
    pub shard: u16,
    pub text: String,
}
