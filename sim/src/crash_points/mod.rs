//! A crash at every disk operation of a fixed workload, and the recovery from each.
//!
//! ```text
//! workload ──► operation 1, 2, 3 …       at each: what would a power loss leave?
//!                   │                    nothing, everything, only the last, all but the first, 4 draws
//!                   ▼
//!              image ──► another machine ──► recovery ──► judge
//! ```
//!
//! Promises: replaces luck by counting: no boundary between two disk operations of a workload goes
//! untried. A power loss right after a recovery must change nothing.
//! Does not: crash a whole broker (`run`); what is stored is the storage's business alone.
//! Source: simulator.md section 20.

mod feature;
mod judge;
mod node;
mod parallel;
mod play;
mod promise;

use std::collections::{BTreeMap, BTreeSet};

use model::Bug;
use runtime::memory::{DiskImage, Life, PowerLoss};

pub use feature::Feature;
use feature::LOGS;
use judge::{Finding, Recovered, judge};
pub use parallel::sweep_all;

use node::{LIMIT, Running, StorageNode};
use play::Shared;
use promise::Promise;

use crate::checkers::Violation;

/// The checker's name, as those of runs have theirs.
pub const NAME: &str = "c14-crash-points";

/// What survives of the unsynced sectors.
const LOSSES: [PowerLoss; 8] = [
    PowerLoss::KeepsNothing,
    PowerLoss::KeepsEverything,
    PowerLoss::OnlyLast,
    PowerLoss::AllButFirst,
    PowerLoss::DrawnAs(0),
    PowerLoss::DrawnAs(1),
    PowerLoss::DrawnAs(2),
    PowerLoss::DrawnAs(3),
];

/// How thoroughly to look.
#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    pub bugs: BTreeSet<Bug>,
    /// Looks at every n-th boundary; 1 is all.
    pub stride: u64,
    /// Stops at the first broken promise.
    pub stops_early: bool,
}

/// Which of the boundaries that the stride leaves: every `of`th, from `number` on.
#[derive(Debug, Clone, Copy)]
struct Share {
    number: u64,
    of: u64,
}

impl Share {
    const WHOLE: Self = Self { number: 0, of: 1 };

    fn has(self, boundary: u64) -> bool {
        boundary % self.of == self.number
    }
}

/// What a sweep over one workload found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Disk operations of the workload.
    pub operations: u64,
    pub images: u64,
    /// Of them, those that held unsynced sectors: the others prove little.
    pub unsynced_images: u64,
    /// Kills that were followed by a power loss.
    pub second_crashes: u64,
    /// The first of each class.
    pub violations: Vec<Violation>,
}

impl Report {
    fn add(&mut self, at_ns: u64, (kind, text): Finding, place: &str) {
        let violation = Violation::new(NAME, kind, at_ns, format!("{place}: {text}"));
        if self.violations.iter().all(|known| known.class != violation.class) {
            self.violations.push(violation);
        }
    }

    /// The report of a workload from those of its shares, each of which played all of it.
    fn joined(shares: Vec<Self>) -> Self {
        let operations = shares.iter().map(|share| share.operations).max().unwrap_or_default();
        let mut whole = Self::default();
        shares.into_iter().for_each(|share| whole.merge(share));
        Self { operations, ..whole }
    }

    /// Adds another sweep's figures.
    pub fn merge(&mut self, other: Self) {
        self.operations += other.operations;
        self.images += other.images;
        self.unsynced_images += other.unsynced_images;
        self.second_crashes += other.second_crashes;
        for violation in other.violations {
            if self.violations.iter().all(|known| known.class != violation.class) {
                self.violations.push(violation);
            }
        }
    }
}

/// Runs one workload and crashes it everywhere.
#[must_use]
pub fn sweep(feature: Feature, options: &Options) -> Report {
    sweep_share(feature, options, Share::WHOLE)
}

fn sweep_share(feature: Feature, options: &Options, share: Share) -> Report {
    let mut report = Report::default();
    let mut workload = match Workload::start(feature, options) {
        Ok(workload) => workload,
        Err(finding) => {
            report.add(0, finding, "the start");
            return report;
        }
    };
    let first = workload.node.world.disk_operation_count(workload.node.node);
    while workload.goes_on(first + report.operations + 1) {
        report.operations += 1;
        let is_meant = report.operations.is_multiple_of(options.stride);
        if !is_meant || !share.has(report.operations / options.stride) {
            continue;
        }
        for how in LOSSES {
            let image = workload.node.world.crash_image(workload.node.node, how);
            report.images += 1;
            report.unsynced_images += u64::from(image.unsynced_sector_count() > 0);
            let promises = workload.progress.borrow().promises.clone();
            if let Err(finding) = recover(feature, options, image, &promises) {
                let place = format!("{} operation {} {how:?}", feature.name(), report.operations);
                report.add(workload.node.world.now().0, finding, &place);
                if options.stops_early {
                    return report;
                }
            }
        }
        if report.operations.is_multiple_of(options.stride * 4) {
            report.second_crashes += 1;
            let at = report.operations;
            if let Err(finding) = crash_twice(feature, options, at) {
                report.add(0, finding, &format!("{} killed after {at}", feature.name()));
            }
        }
    }
    let at_ns = workload.node.world.now().0;
    let progress = workload.progress.borrow();
    for finding in &progress.findings {
        report.add(at_ns, finding.clone(), &feature.name());
    }
    if !progress.is_done {
        let why = workload.node.why_it_stands();
        report.add(at_ns, ("stands", why), &feature.name());
    }
    report
}

/// A workload under way.
struct Workload {
    node: StorageNode,
    progress: Shared,
}

impl Workload {
    fn start(feature: Feature, options: &Options) -> Result<Self, Finding> {
        let mut node = StorageNode::new(options.seed, &options.bugs, None);
        let running = node.boot().map_err(|why| ("start", why))?;
        let progress = Shared::default();
        let is_compacted = feature.config().cleanup != storage::Cleanup::Delete;
        let mut logs = Vec::new();
        for log in 0..LOGS {
            let promise = Promise::new(log, is_compacted);
            let opened = node.open(&running, &promise, feature.config());
            logs.push(opened.map_err(|why| ("start", why))?.0);
            progress.borrow_mut().promises.push(promise);
        }
        for fault in feature.faults() {
            node.world.plant(node.node, fault);
        }
        play::start(&running, logs, feature, &progress);
        Ok(Self { node, progress })
    }

    /// Runs to the given disk operation; false when there is none any more.
    fn goes_on(&mut self, count: u64) -> bool {
        self.node.world.run_until_disk_operation(self.node.node, count, LIMIT)
    }
}

/// Recovers an image on a machine of its own and judges every log.
fn recover(
    feature: Feature,
    options: &Options,
    image: DiskImage,
    promises: &[Promise],
) -> Result<(), Finding> {
    let mut node = StorageNode::new(options.seed, &options.bugs, Some(image));
    let (_running, recovered) = open_all(&mut node, feature, promises)?;
    promises
        .iter()
        .zip(&recovered)
        .try_for_each(|(promise, recovered)| judge(&node.world, node.node, promise, recovered))
}

fn open_all(
    node: &mut StorageNode,
    feature: Feature,
    promises: &[Promise],
) -> Result<(Running, Vec<Recovered>), Finding> {
    let running = node.boot().map_err(|why| ("does-not-open", why))?;
    let mut recovered = Vec::new();
    for promise in promises {
        let opened = node.open(&running, promise, feature.config());
        let (log, producers) = opened.map_err(|why| ("does-not-open", why))?;
        recovered.push(Recovered { start: log.start_offset(), end: log.end_offset(), producers });
    }
    Ok((running, recovered))
}

/// The process is killed; what it wrote is still in the page cache and is served by the next one. A
/// power loss right after that may not take back what was served.
fn crash_twice(feature: Feature, options: &Options, operations: u64) -> Result<(), Finding> {
    let mut workload = Workload::start(feature, options)?;
    let first = workload.node.world.disk_operation_count(workload.node.node);
    workload.goes_on(first + operations);
    let promises = workload.progress.borrow().promises.clone();
    let mut node = workload.node;
    node.world.kill(node.node);
    node.world.mend_disk(node.node);
    let (running, served) = open_all(&mut node, feature, &promises)?;
    for (promise, served) in promises.iter().zip(&served) {
        judge(&node.world, node.node, promise, served)?;
    }
    drop(running);
    node.world.power_loss(node.node, PowerLoss::KeepsNothing);
    assert_ne!(node.world.life(node.node), Life::Up, "the power is off");
    let (_running, left) = open_all(&mut node, feature, &promises)?;
    for ((promise, served), left) in promises.iter().zip(&served).zip(&left) {
        judge(&node.world, node.node, promise, left)?;
        if left.end < served.end {
            let text = format!("{} was served, then only {} is left", served.end, left.end);
            return Err(("served-and-lost", text));
        }
    }
    Ok(())
}

/// Names of the workloads, for the command line.
#[must_use]
pub fn by_name() -> BTreeMap<String, Feature> {
    Feature::ALL.iter().map(|feature| (feature.name(), *feature)).collect()
}
