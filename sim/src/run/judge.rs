//! Puts a time on every fact and shows it to every checker.

use model::{NodeId, Observation, Site};
use runtime::memory::{NodeIndex, World};

use super::inspect::Promises;
use super::report::{RecoveredEnd, Seeing};
use crate::checkers::event::{Outcome, ProduceAttempt};
use crate::checkers::{self, Checker, Event, Fact, Violation};
use crate::history::History;
use crate::names::name_of;
use crate::plan::Trigger;
use crate::probe::SimProbe;
use crate::workload::CALL_LIMIT;

pub(super) struct Judge {
    first_node: NodeId,
    node: NodeIndex,
    checkers: Vec<Box<dyn Checker>>,
    violation: Option<Violation>,
    /// Moments that somebody waits for and that have just come.
    triggers: Vec<Trigger>,
    rolled: u64,
    wrapped: u64,
    promises: Promises,
    /// More than this is not kept: a page of it could not be read.
    history_left: usize,
    seeing: Seeing,
}

/// Facts that a report keeps when it is asked to.
const HISTORY_MAX: usize = 500_000;

impl Judge {
    pub(super) fn new(first_node: NodeId, node: NodeIndex, records: bool) -> Self {
        Self {
            first_node,
            node,
            checkers: checkers::all(),
            violation: None,
            triggers: Vec::new(),
            rolled: 0,
            wrapped: 0,
            promises: Promises::default(),
            history_left: if records { HISTORY_MAX } else { 0 },
            seeing: Seeing::default(),
        }
    }

    /// Takes in what one step of the world told. `awaited` are the moments that a fault waits for.
    pub(super) fn absorb(
        &mut self,
        world: &World,
        history: &History,
        probe: &SimProbe,
        awaited: &[Trigger],
    ) {
        let at_ns = world.now().0;
        for (node, observation) in probe.take_observations() {
            self.notice(awaited, trigger_of(&observation));
            self.promises.hear(&observation);
            let index = i32::try_from(node).expect("few nodes");
            let node = NodeId(self.first_node.0 + index);
            self.show(&Event { at_ns, fact: Fact::Observed { node, observation } });
        }
        for fact in history.take_facts() {
            self.show(&Event { at_ns, fact });
        }
        for complaint in history.take_complaints() {
            let read_from = complaint.read_from.as_deref();
            if read_from.is_some_and(|log| self.was_misread(world, log)) {
                continue;
            }
            let violation = Violation::new("client", complaint.kind, at_ns, complaint.text);
            self.violation.get_or_insert(violation.at(complaint.at, None));
        }
        if !awaited.is_empty() {
            self.notice_sites(probe, awaited);
        }
    }

    /// Whether the disk gave other bytes of a log than were written, to an answer that is as young as
    /// clients wait for. A kernel that failed to write pages back calls them clean and may drop them;
    /// nobody can know before the next sync, and a client's checksum is what finds it.
    fn was_misread(&self, world: &World, log: &str) -> bool {
        let misread = world.last_wrong_read(self.node, log);
        misread.is_some_and(|at| world.now().since(at) <= CALL_LIMIT)
    }

    fn show(&mut self, event: &Event) {
        match &event.fact {
            Fact::Produced(ProduceAttempt { outcome: Outcome::Acked { .. }, .. }) => {
                self.seeing.acked_batches += 1;
            }
            Fact::Consumed(consumed) => {
                self.seeing.consumed_batches += consumed.batches.len() as u64;
            }
            _ => {}
        }
        self.seeing.facts += 1;
        // Scanned files are large, and nobody draws them.
        let is_file = matches!(event.fact, Fact::FinalLog { .. } | Fact::Recovered(_));
        if self.history_left > 0 && !is_file {
            self.history_left -= 1;
            self.seeing.history.push(event.clone());
        }
        if let Fact::Recovered(recovered) = &event.fact
            && self.history_left > 0
        {
            self.history_left -= 1;
            self.seeing.recovered.push(RecoveredEnd {
                at_ns: event.at_ns,
                at: recovered.at,
                log_end_offset: recovered.after.log_end_offset,
            });
        }
        for checker in &mut self.checkers {
            if let Err(violation) = checker.check(event) {
                self.violation.get_or_insert(violation);
            }
        }
    }

    fn notice(&mut self, awaited: &[Trigger], trigger: Option<Trigger>) {
        self.triggers.extend(trigger.filter(|trigger| awaited.contains(trigger)));
    }

    fn notice_sites(&mut self, probe: &SimProbe, awaited: &[Trigger]) {
        let rolled = probe.times(Site::SegmentRolled);
        let wrapped = probe.times(Site::JournalWrapped);
        if rolled > core::mem::replace(&mut self.rolled, rolled) {
            self.notice(awaited, Some(Trigger::SegmentRolled));
        }
        if wrapped > core::mem::replace(&mut self.wrapped, wrapped) {
            self.notice(awaited, Some(Trigger::JournalWrapped));
        }
    }

    /// A moment that the run itself knows of.
    pub(super) fn saw(&mut self, trigger: Trigger) {
        self.triggers.push(trigger);
    }

    pub(super) fn needs_attention(&self) -> bool {
        self.violation.is_some() || !self.triggers.is_empty()
    }

    pub(super) fn triggers(&self) -> Vec<Trigger> {
        self.triggers.clone()
    }

    pub(super) fn forget_triggers(&mut self) {
        self.triggers.clear();
    }

    pub(super) fn promises(&self) -> &Promises {
        &self.promises
    }

    pub(super) fn take_violation(&mut self) -> Option<Violation> {
        self.violation.take()
    }

    /// What the checkers find at the end.
    pub(super) fn finish(&mut self) -> Option<Violation> {
        self.checkers.iter_mut().find_map(|checker| checker.finish().err())
    }

    pub(super) fn into_seeing(mut self, probe: &SimProbe) -> Seeing {
        for checker in &self.checkers {
            self.seeing.evaluations.insert(checker.name().to_owned(), checker.evaluations());
        }
        let sites = probe.sites().into_iter();
        self.seeing.sites = sites.map(|(site, times)| (name_of(site), times)).collect();
        let choices = probe.rare_choices().into_iter();
        self.seeing.rare_choices = choices.map(|(place, times)| (name_of(place), times)).collect();
        self.seeing
    }
}

fn trigger_of(observation: &Observation) -> Option<Trigger> {
    match observation {
        Observation::Appended { .. } => Some(Trigger::Append),
        Observation::Persisted { .. } => Some(Trigger::Persisted),
        Observation::HighWatermarkMoved { .. } => Some(Trigger::HighWatermarkMoved),
        Observation::Acknowledged { .. } => Some(Trigger::Acknowledged),
        Observation::LogStartMoved { .. } => Some(Trigger::LogStartMoved),
        _ => None,
    }
}
