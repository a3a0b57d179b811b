//! What the harness itself looks at: resources in use, files on the disk.

use super::conduct::Conduct;
use crate::checkers::Fact;
use crate::checkers::event::ResourceUse;

impl Conduct<'_> {
    /// Every client has gone: what is still in use?
    pub(super) fn tell_resources(&self) {
        let limits = self.plan.setup.limits().expect("checked when the run began");
        let connections = ResourceUse {
            name: "connections",
            used: self.cluster.world.connection_count() as u64,
            limit: limits.connections as u64,
            zero_after_drain: true,
        };
        let node = self.cluster.node_id();
        self.tell(Fact::Resources { node, drained: true, uses: vec![connections] });
    }

    /// The files as they lie, read by the independent scanner.
    pub(super) fn tell_final_logs(&self) {}
}
