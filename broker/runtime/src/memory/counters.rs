//! How much a run did: whole numbers that depend on nothing but the run.

/// What a run counted so far, over all nodes and lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Entries of the trace.
    pub events: u64,
    pub polls: u64,
    /// Polls that were woken, left their task waiting and asked nothing of the machine.
    pub idle_polls: u64,
    /// Polls without need, made up by the world; not among the idle ones.
    pub unneeded_polls: u64,
    pub tasks_spawned: u64,
    pub timers_armed: u64,
    /// Timers that came due before somebody dropped them.
    pub timers_fired: u64,
    /// Messages between shards.
    pub mesh_hops: u64,
    /// Calls of `send` and `send_file`.
    pub sends: u64,
    /// Pieces of streams that arrived.
    pub segments: u64,
    /// Bytes that went into connections and out of them again, files sent without a copy left out.
    pub network_copied_bytes: u64,
    pub connections_opened: u64,
    /// Of files and of directories.
    pub disk_syncs: u64,
    /// Requests of dead processes: what their destructors still asked for.
    pub late_submissions: u64,
}
