//! Every bound that is not a protocol constant, in one place, given at construction.
//!
//! A bound that is reached is back-pressure or a Kafka error code, never growth.

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Per shard unless a field says otherwise. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests waiting between one pair of shards.
    pub mesh_queue_len: usize,
    /// Open client connections.
    pub connections: usize,
    /// Pipelined requests of one connection whose replies are still owed.
    pub requests_in_flight: usize,
    /// Bytes of received frames that are being decoded or appended.
    pub receive_bytes: usize,
    /// A frame above this size reserves from `receive_bytes` before it is read.
    pub frame_unreserved_bytes: usize,
    /// Largest frame, `socket.request.max.bytes`.
    pub frame_bytes: usize,
    /// Appended and not yet durable.
    pub unsynced_bytes: usize,
    /// Response bytes under construction, file ranges not counted.
    pub response_bytes: usize,
    /// Parked fetches and produces.
    pub waiters: usize,
    /// Incremental fetch sessions (KIP-227).
    pub fetch_sessions: usize,
    /// Partitions remembered by all fetch sessions together.
    pub fetch_session_partitions: usize,
    /// Remembered idempotent producers of one partition.
    pub producers_per_partition: usize,
    /// Journal file size; a multiple of 4 KiB.
    pub journal_bytes: usize,
    /// Disk space kept for a full disk, per data directory: deletions and metadata go on with it.
    pub reserve_bytes: usize,
    /// Batch positions that each active log keeps in memory.
    pub tail_positions: usize,
    /// Segments whose files are open at the same time.
    pub open_segments: usize,
    /// Indexes of sealed segments in memory; an active segment's are bounded by `segment.index.bytes`.
    pub index_bytes: usize,
    /// Provided receive buffers.
    pub receive_buffers: usize,
    /// Size of one provided receive buffer.
    pub receive_buffer_bytes: usize,
    /// Operations submitted to the kernel at the same time.
    pub operations: usize,
    /// Memory of the compaction map, per node (`log.cleaner.dedupe.buffer.size`).
    pub cleaner_map_bytes: usize,
    /// Consumer groups of one `__consumer_offsets` partition.
    pub groups: usize,
    /// Members of one group, as far as `group.max.size` allows more.
    pub group_members: usize,
    /// Bytes that the clients of one group chose: protocols, assignments, ids. A record holds them.
    pub group_bytes: usize,
    /// Committed offsets of one `__consumer_offsets` partition.
    pub committed_offsets: usize,
    /// Writes of one group coordinator that are not durable yet.
    pub coordinator_writes: usize,
    /// Topics of one node's metadata image.
    pub topics: usize,
    /// Partitions of one node.
    pub partitions: usize,
}

impl Limits {
    pub const PRODUCTION: Self = Self {
        mesh_queue_len: 1024,
        connections: 20_000,
        requests_in_flight: 64,
        receive_bytes: 256 * MIB,
        frame_unreserved_bytes: 64 * KIB,
        frame_bytes: 100 * MIB,
        unsynced_bytes: 128 * MIB,
        response_bytes: 64 * MIB,
        waiters: 65_536,
        fetch_sessions: 1_000,
        fetch_session_partitions: 100_000,
        producers_per_partition: 10_000,
        journal_bytes: 256 * MIB,
        reserve_bytes: 16 * MIB,
        tail_positions: 1_024,
        open_segments: 4_096,
        index_bytes: 256 * MIB,
        receive_buffers: 256,
        receive_buffer_bytes: 16 * KIB,
        operations: 32_768,
        cleaner_map_bytes: 128 * MIB,
        groups: 100_000,
        group_members: 10_000,
        group_bytes: 1_000_000,
        committed_offsets: 4_000_000,
        coordinator_writes: 10_000,
        topics: 100_000,
        partitions: 200_000,
    };

    /// Small enough that a simulated node boots in a millisecond and rare paths are common.
    #[must_use]
    pub fn tiny() -> Self {
        Self {
            mesh_queue_len: 8,
            connections: 64,
            requests_in_flight: 4,
            receive_bytes: 512 * KIB,
            frame_unreserved_bytes: KIB,
            frame_bytes: 128 * KIB,
            unsynced_bytes: 256 * KIB,
            response_bytes: 256 * KIB,
            waiters: 64,
            fetch_sessions: 4,
            fetch_session_partitions: 64,
            producers_per_partition: 16,
            journal_bytes: 256 * KIB,
            reserve_bytes: 64 * KIB,
            tail_positions: 16,
            open_segments: 8,
            index_bytes: 4 * KIB,
            receive_buffers: 8,
            receive_buffer_bytes: KIB,
            operations: 256,
            cleaner_map_bytes: 16 * KIB,
            groups: 32,
            group_members: 8,
            group_bytes: 16 * KIB,
            committed_offsets: 1_024,
            coordinator_writes: 32,
            topics: 64,
            partitions: 256,
        }
    }

    /// Checks that the bounds fit together.
    ///
    /// # Errors
    /// A sentence that names the first pair of bounds that contradict each other.
    pub fn validate(&self) -> Result<(), &'static str> {
        let rules = [
            (self.mesh_queue_len > 0, "mesh_queue_len must hold at least one request"),
            (self.requests_in_flight > 0, "requests_in_flight must be at least 1"),
            (self.frame_bytes <= self.receive_bytes, "receive_bytes must hold one largest frame"),
            (
                self.frame_unreserved_bytes <= self.frame_bytes,
                "frame_unreserved_bytes exceeds frame_bytes",
            ),
            (
                self.journal_bytes.is_multiple_of(4 * KIB),
                "journal_bytes must be a multiple of 4 KiB",
            ),
            (
                self.journal_bytes >= 2 * self.frame_bytes,
                "the journal must hold two largest frames",
            ),
            (self.group_bytes <= self.frame_bytes, "a largest frame must hold a group's record"),
            (self.receive_buffers.is_power_of_two(), "receive_buffers must be a power of two"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn the_shipped_limits_are_consistent() {
        assert_eq!(Limits::PRODUCTION.validate(), Ok(()));
        assert_eq!(Limits::tiny().validate(), Ok(()));
    }

    #[test]
    fn a_contradiction_is_named() {
        let limits = Limits { receive_bytes: 1, ..Limits::tiny() };
        assert_eq!(limits.validate(), Err("receive_bytes must hold one largest frame"));
    }
}
