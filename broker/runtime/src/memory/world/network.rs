//! What happens to the links between machines.
//!
//! Links have a direction: a fault from one node to another leaves the way back alone.

use super::machine::Change;
use super::{NodeIndex, World};
use crate::memory::net::{LinkFault, LinkOptions, NetStats};
use crate::memory::trace::Fold;

impl World {
    /// What a link is like without faults; holds for what is sent from now on.
    pub fn set_link(&mut self, from: NodeIndex, to: NodeIndex, options: LinkOptions) {
        let mut state = self.shared.borrow_mut();
        state.net.set_link(from.0, to.0, options);
        state.change(from, Change::Link, to.0 as u64);
    }

    /// Adds a fault to those that a link has; one that it has already begins anew.
    pub fn add_link_fault(&mut self, from: NodeIndex, to: NodeIndex, fault: LinkFault) {
        let mut state = self.shared.borrow_mut();
        let now = state.now;
        state.net.add_fault(from.0, to.0, fault, now);
        let text = Fold::bytes(format!("{fault:?}").as_bytes());
        state.change(from, Change::LinkFault, (to.0 as u64) << 48 ^ text >> 16);
    }

    /// Removes one fault of a link, if it has it. A clog lets go of what it held.
    pub fn remove_link_fault(&mut self, from: NodeIndex, to: NodeIndex, fault: LinkFault) {
        self.remove_link_faults(from, to, Some(fault));
    }

    /// Packets from one node to the other get lost until [`World::mend_link`].
    pub fn cut_link(&mut self, from: NodeIndex, to: NodeIndex) {
        self.add_link_fault(from, to, LinkFault::Cut);
    }

    /// Removes all faults of a link. What got lost is sent again when its sender comes to that.
    pub fn mend_link(&mut self, from: NodeIndex, to: NodeIndex) {
        self.remove_link_faults(from, to, None);
    }

    /// Removes all faults of all links.
    pub fn mend_links(&mut self) {
        let faulty = self.shared.borrow().net.faulty_links();
        for (from, to) in faulty {
            self.mend_link(NodeIndex(from), NodeIndex(to));
        }
    }

    /// Resets every open connection between two nodes, in the middle of what is under way; returns how
    /// many there were.
    pub fn reset_connections(&mut self, one: NodeIndex, other: NodeIndex) -> usize {
        self.read_notes();
        let mut state = self.shared.borrow_mut();
        state.change(one, Change::Reset, other.0 as u64);
        state.reset_connections(one.0, other.0)
    }

    /// What a link did so far.
    #[must_use]
    pub fn net_stats(&self, from: NodeIndex, to: NodeIndex) -> NetStats {
        self.shared.borrow().net.stats(from.0, to.0)
    }

    /// What all links did so far.
    #[must_use]
    pub fn net_total(&self) -> NetStats {
        self.shared.borrow().net.total()
    }

    fn remove_link_faults(&mut self, from: NodeIndex, to: NodeIndex, only: Option<LinkFault>) {
        let mut state = self.shared.borrow_mut();
        let was_clogged = state.net.is_clogged(from.0, to.0);
        state.net.remove_faults(from.0, to.0, only);
        state.change(from, Change::Mend, to.0 as u64);
        if was_clogged && !state.net.is_clogged(from.0, to.0) {
            state.release_link(from.0, to.0);
        }
    }
}
