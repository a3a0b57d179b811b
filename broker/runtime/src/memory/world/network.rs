//! What happens to the links between machines.

use super::machine::Change;
use super::{NodeIndex, World};

impl World {
    /// Packets from one node to the other get lost until [`World::mend_link`].
    pub fn cut_link(&mut self, from: NodeIndex, to: NodeIndex) {
        let mut state = self.shared.borrow_mut();
        state.net.cut(from.0, to.0);
        state.change(from, Change::Link, to.0 as u64);
    }

    pub fn mend_link(&mut self, from: NodeIndex, to: NodeIndex) {
        let mut state = self.shared.borrow_mut();
        state.net.mend(from.0, to.0);
        state.change(from, Change::Link, to.0 as u64);
    }
}
