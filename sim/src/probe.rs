//! The probe of a simulated node: plants bugs, makes rare choices, and keeps what the cores tell.
//!
//! Promises: observations come out in the order in which they were made, each with the node that
//! made it. Does not: judge them.

use core::cell::RefCell;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::{Bug, Buggify, Instant, Observation, Probe, Site};

use crate::buggify::{Choices, Moment};

/// What one run has seen so far; shared by the probes of all its nodes.
#[derive(Debug, Default)]
struct Seen {
    observations: Vec<(usize, Observation)>,
    sites: BTreeMap<Site, u64>,
    rare_choices: BTreeMap<Buggify, u64>,
    lives: BTreeMap<usize, u32>,
    copied_bytes: u64,
}

/// Given to a node at boot. Clones of one probe, and the probes of one run, share what they see.
#[derive(Debug, Clone)]
pub struct SimProbe {
    node: usize,
    life: u32,
    bugs: Rc<BTreeSet<Bug>>,
    choosing: Option<Choosing>,
    seen: Rc<RefCell<Seen>>,
}

#[derive(Clone)]
struct Choosing {
    choices: Rc<Choices>,
    clock: Rc<dyn Fn() -> Instant>,
}

impl fmt::Debug for Choosing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.choices.fmt(f)
    }
}

impl SimProbe {
    /// The probe of the first node of a run in which these bugs are planted.
    #[must_use]
    pub fn new(bugs: BTreeSet<Bug>) -> Self {
        Self { node: 0, life: 0, bugs: Rc::new(bugs), choosing: None, seen: Rc::default() }
    }

    /// From now on rare choices are made; `clock` is the world's (`World::clock`).
    #[must_use]
    pub fn with_choices(self, choices: Choices, clock: impl Fn() -> Instant + 'static) -> Self {
        Self {
            choosing: Some(Choosing { choices: Rc::new(choices), clock: Rc::new(clock) }),
            ..self
        }
    }

    /// The probe of the next life of a node of the same run.
    #[must_use]
    pub fn of_node(&self, node: usize) -> Self {
        let life = {
            let mut seen = self.seen.borrow_mut();
            let life = seen.lives.entry(node).or_default();
            *life += 1;
            *life
        };
        Self { node, life, ..self.clone() }
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

    /// How often each place chose the rare way.
    #[must_use]
    pub fn rare_choices(&self) -> BTreeMap<Buggify, u64> {
        self.seen.borrow().rare_choices.clone()
    }

    /// How often one rare state was reached.
    #[must_use]
    pub fn times(&self, site: Site) -> u64 {
        self.seen.borrow().sites.get(&site).copied().unwrap_or_default()
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

    fn buggify(&self, site: Buggify) -> bool {
        let Some(choosing) = &self.choosing else { return false };
        let moment = Moment { node: self.node, life: self.life, at: (choosing.clock)() };
        let fires = choosing.choices.fires(site, moment);
        if fires {
            *self.seen.borrow_mut().rare_choices.entry(site).or_default() += 1;
        }
        fires
    }
}
