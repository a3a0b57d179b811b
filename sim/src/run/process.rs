//! The lives of the node's process: boots, stops, and ends that nobody asked for.

use core::time::Duration;

use model::Instant;
use runtime::Exit;
use runtime::memory::Life;

use super::conduct::{Conduct, Step};
use crate::checkers::Fact;
use crate::checkers::event::NodeChange;
use crate::plan::Trigger;

/// A process that ended by itself is started again after this, as by a supervisor.
const SUPERVISOR_PAUSE: Duration = Duration::from_secs(1);
/// While faults last, the pause doubles with each end before the node served, so often: a disk may be
/// read-only for days.
const DOUBLINGS_MAX: u32 = 6;

/// Why the node is not up, or will not be for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plight {
    None,
    /// Asked to stop; started again so long after it has.
    Stopping {
        pause: Duration,
    },
    /// Down until then.
    Down {
        until: Instant,
    },
}

impl Plight {
    pub(super) fn restart_at(self) -> Option<Instant> {
        match self {
            Self::Down { until } => Some(until),
            Self::None | Self::Stopping { .. } => None,
        }
    }
}

impl Conduct<'_> {
    pub(super) fn boot(&mut self) -> Step {
        if let Err(reason) = self.cluster.start() {
            return self.wrong("plan", &reason);
        }
        self.plight = Plight::None;
        // A process starts with a disk that it has not seen fail.
        self.disk_failed = self.schedule.disk_is_failing();
        self.disk_errors_at_boot = self.disk_errors();
        self.counters.boots += 1;
        self.changed(NodeChange::Booted);
        self.judge.saw(Trigger::Boot);
        Step::Continue(())
    }

    pub(super) fn restart_if_due(&mut self) -> Step {
        match self.plight.restart_at() {
            Some(at) if self.now() >= at => self.boot(),
            _ => Step::Continue(()),
        }
    }

    pub(super) fn ask_to_stop(&mut self) {
        self.stop_for(Duration::ZERO);
    }

    /// Asks the node to stop; it is started again so long after it has.
    pub(super) fn stop_for(&mut self, pause: Duration) {
        self.plight = Plight::Stopping { pause };
        let node = self.cluster.node();
        self.cluster.world.ask_to_stop(node);
    }

    pub(super) fn changed(&self, change: NodeChange) {
        self.tell(Fact::Node { node: self.cluster.node_id(), change });
    }

    /// Whether the node has had a reason to give up a log since it was started. What the kernel
    /// failed to write back before that is told to whoever syncs the file first, which may be the
    /// replay of a journal: the node does not start then, and does the same work again next time.
    pub(super) fn disk_may_have_failed(&self) -> bool {
        self.disk_failed || self.disk_errors() > self.disk_errors_at_boot
    }

    /// Operations of the node's disk that a fault answered, or whose answer it changed.
    fn disk_errors(&self) -> u64 {
        let stats = self.cluster.world.disk_stats(self.cluster.node());
        stats.failed_count
            + stats.no_space_count
            + stats.writeback_error_count
            + stats.wrong_read_count
    }

    /// Notices that the process has ended, and says so if it should not have.
    pub(super) fn look_at_node(&mut self) -> Step {
        if !self.cluster.world.failures().is_empty() {
            return self.panicked();
        }
        if matches!(self.plight, Plight::Down { .. }) {
            return Step::Continue(());
        }
        match self.cluster.life() {
            Life::Exited(how) => self.exited(how),
            _ => Step::Continue(()),
        }
    }

    fn exited(&mut self, how: Exit) -> Step {
        self.changed(match how {
            Exit::Clean => NodeChange::Stopped,
            Exit::Failed => NodeChange::GaveUp,
        });
        if how == Exit::Failed && !self.disk_may_have_failed() {
            let text = format!("the node gave up without a fault: {}", self.last_error());
            return self.wrong("exit", &text);
        }
        let pause = match self.plight {
            Plight::Stopping { pause } => pause,
            _ if how == Exit::Clean => {
                return self.wrong("exit", "the node ended without being asked");
            }
            _ => self.supervisor_pause(),
        };
        self.plight = Plight::Down { until: self.now() + pause };
        Step::Continue(())
    }

    fn supervisor_pause(&mut self) -> Duration {
        if !self.schedule.is_on() {
            return SUPERVISOR_PAUSE;
        }
        let doublings = self.failed_starts.min(DOUBLINGS_MAX);
        self.failed_starts += 1;
        SUPERVISOR_PAUSE * 2_u32.pow(doublings)
    }

    fn last_error(&self) -> String {
        let lines = self.cluster.lines.kept().iter().rev();
        let error = lines.into_iter().find(|line| line.level == server::Level::Error);
        error.map_or_else(|| "it says nothing".to_owned(), |line| line.text.clone())
    }

    fn panicked(&self) -> Step {
        let failure = self.cluster.world.failures().last().expect("a panic is listed");
        let place = self.options.panics.as_ref().and_then(|panics| panics.try_iter().last());
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        let machine = failure.node.0 + 1;
        let task = failure.task;
        let text = format!("machine {machine}, task {task} at {place}: {}", failure.message);
        self.wrong(&format!("panic at {place}"), &text)
    }
}
