//! Counters of one shard, as plain fields. Names, labels and units for dashboards are added where
//! they are exported.

/// Everything counts up from 0 at start, except where it says "now".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open now.
    pub connections: u64,
    pub connections_accepted: u64,
    /// Closed by us because of what the peer sent.
    pub connections_refused: u64,
    pub connections_idle_closed: u64,
    pub requests: u64,
    pub produce_requests: u64,
    pub produce_batches: u64,
    pub produce_records: u64,
    pub produce_bytes: u64,
    /// Partitions of Produce requests that were answered with an error.
    pub produce_failures: u64,
    /// Of these: not safe within the request's `timeout_ms`.
    pub produce_timeouts: u64,
    pub fetch_requests: u64,
    pub fetch_bytes: u64,
    pub fetch_failures: u64,
    pub fetches_parked: u64,
    /// Fetch sessions open now.
    pub fetch_sessions: u64,
    /// Requests to another shard that met a full queue.
    pub mesh_full: u64,
    /// Requests of other shards that waited until this shard had applied the metadata they were routed by.
    pub mesh_ahead: u64,
    /// Tokens of the mesh that found nothing: the asker was gone.
    pub mesh_late: u64,
}
