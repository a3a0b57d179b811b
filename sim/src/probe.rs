//! The probe of a simulated node: plants bugs, and keeps what the cores tell.
//!
//! Promises: observations come out in the order in which they were made, each with the node that
//! made it. Does not: judge them.

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::{Bug, Observation, Probe, Site};

/// What one run has seen so far; shared by the probes of all its nodes.
#[derive(Debug, Default)]
struct Seen {
    observations: Vec<(usize, Observation)>,
    sites: BTreeMap<Site, u64>,
    copied_bytes: u64,
}

/// Given to a node at boot. Clones of one probe, and the probes of one run, share what they see.
#[derive(Debug, Clone)]
pub struct SimProbe {
    node: usize,
    bugs: Rc<BTreeSet<Bug>>,
    seen: Rc<RefCell<Seen>>,
}

impl SimProbe {
    /// The probe of the first node of a run in which these bugs are planted.
    #[must_use]
    pub fn new(bugs: BTreeSet<Bug>) -> Self {
        Self { node: 0, bugs: Rc::new(bugs), seen: Rc::default() }
    }

    /// The probe of another node of the same run.
    #[must_use]
    pub fn of_node(&self, node: usize) -> Self {
        Self { node, ..self.clone() }
    }

    /// Takes what was observed since the last call, with the node's number.
    #[must_use]
    pub fn take_observations(&self) -> Vec<(usize, Observation)> {
        core::mem::take(&mut self.seen.borrow_mut().observations)
    }

    /// How often each rare state was reached.
    #[must_use]
    pub fn sites(&self) -> BTreeMap<Site, u64> {
        self.seen.borrow().sites.clone()
    }

    /// Record bytes that were copied.
    #[must_use]
    pub fn copied_bytes(&self) -> u64 {
        self.seen.borrow().copied_bytes
    }
}

impl Probe for SimProbe {
    const ON: bool = true;

    fn planted(&self, bug: Bug) -> bool {
        self.bugs.contains(&bug)
    }

    fn observe(&mut self, observation: Observation) {
        self.seen.borrow_mut().observations.push((self.node, observation));
    }

    fn sometimes(&mut self, site: Site) {
        *self.seen.borrow_mut().sites.entry(site).or_default() += 1;
    }

    fn copied(&mut self, bytes: usize) {
        self.seen.borrow_mut().copied_bytes += bytes as u64;
    }
}
