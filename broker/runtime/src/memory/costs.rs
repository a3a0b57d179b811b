//! What the program's own work costs in virtual time.
//!
//! The figures set latency only: they decide how long a core is busy, never what happens. They are
//! part of every recorded seed and of every counted percentile, hence the version.

/// Virtual nanoseconds of processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostTable {
    /// Named beside every percentile that was counted with this table.
    pub version: u32,
    /// One poll of a task; half of it to five times as much is drawn.
    pub poll_ns: u64,
    /// Each operation that is handed to the machine.
    pub syscall_ns: u64,
    /// Each KiB that is copied between the program and the machine.
    pub copy_ns_per_kib: u64,
    /// Each KiB that arrives from the network: whoever receives it checks it.
    pub crc_ns_per_kib: u64,
}

impl CostTable {
    /// The table of an ordinary run.
    pub const V1: Self =
        Self { version: 1, poll_ns: 300, syscall_ns: 250, copy_ns_per_kib: 60, crc_ns_per_kib: 50 };

    /// For counted percentiles: with polls for nothing, one more `await` changes no figure.
    pub const V1_FREE_POLLS: Self = Self { poll_ns: 0, ..Self::V1 };
}

impl Default for CostTable {
    fn default() -> Self {
        Self::V1
    }
}
