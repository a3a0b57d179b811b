//! The shipped broker on a machine of madsim.

use model::{Limits, Live, NodeId};
use server::{Boot, ListenerSpec, LogSink};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::Machine;

const PORT: u16 = 9092;

/// Where clients connect to.
#[must_use]
pub fn address(machine: &Machine) -> SocketAddr {
    SocketAddr::new(machine.ip(), PORT)
}

/// Starts it on the disk as it was left.
pub fn start(machine: &mut Machine, shards: u16) {
    let boot = Boot {
        node_id: NodeId(1),
        directories: vec![PathBuf::from("/data")],
        listeners: vec![ListenerSpec {
            name: "PLAINTEXT".to_owned(),
            bind: address(machine),
            advertised_host: machine.ip().to_string(),
            advertised_port: None,
        }],
        http: None,
        idle_ms_max: 600_000,
        properties: BTreeMap::new(),
        limits: Limits::tiny(),
        log: LogSink::new(|_| {}),
        version: "madsim",
        io: "madsim".to_owned(),
        ready: |_| {},
    };
    machine.boot(shards, Live, move |rt, mesh| server::run(rt, mesh, boot.clone()));
}
