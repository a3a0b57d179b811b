//! The kinds of fault, one row each.

/// A kind of fault, for people and for coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// As in schedules and reports.
    pub name: &'static str,
    pub summary: &'static str,
    /// What counts as an effect that somebody could observe.
    pub effect: &'static str,
    /// Inside the atlas budget: no acknowledged record may be lost through it.
    pub budget: Budget,
}

/// When a fault of this kind is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    Always,
    /// Only where every acknowledgement waited for the disk.
    Durable,
}

pub const KINDS: &[Kind] = &[
    Kind {
        name: "kill",
        summary: "the process dies at once; the page cache stays",
        effect: "a running process ended",
        budget: Budget::Always,
    },
    Kind {
        name: "power-loss",
        summary: "the machine goes dark; unsynced sectors are lost, kept or torn by draw",
        effect: "a running process ended, and sectors were lost",
        budget: Budget::Durable,
    },
    Kind {
        name: "stop",
        summary: "the node is asked to stop, as by SIGTERM, and started again",
        effect: "the process ended by itself",
        budget: Budget::Always,
    },
    Kind {
        name: "reshard",
        summary: "the node is stopped and started with another number of shards",
        effect: "it runs with the new number",
        budget: Budget::Always,
    },
    Kind {
        name: "disk-error",
        summary: "some operations of one kind answer EIO; a failed sync leaves pages clean",
        effect: "an operation failed",
        budget: Budget::Always,
    },
    Kind {
        name: "disk-full",
        summary: "only a few bytes are left on the disk for a while",
        effect: "the space ran out",
        budget: Budget::Always,
    },
    Kind {
        name: "read-only",
        summary: "the file system is mounted read-only after an error",
        effect: "the disk took no byte although requests came",
        budget: Budget::Always,
    },
    Kind {
        name: "slow-disk",
        summary: "every disk operation takes many times longer",
        effect: "a disk operation ran meanwhile",
        budget: Budget::Always,
    },
    Kind {
        name: "stalled-disk",
        summary: "the disk answers nothing for a while",
        effect: "an operation waited",
        budget: Budget::Always,
    },
    Kind {
        name: "writeback-error",
        summary: "the kernel failed to write dirty pages back and calls them clean",
        effect: "a sync told of it",
        budget: Budget::Durable,
    },
    Kind {
        name: "evict",
        summary: "the kernel drops its clean pages",
        effect: "the pages are gone",
        budget: Budget::Always,
    },
    Kind {
        name: "pause",
        summary: "the process stands still, as under SIGSTOP; time has jumped when it goes on",
        effect: "a running process stood still",
        budget: Budget::Always,
    },
    Kind {
        name: "slow-core",
        summary: "everything on one shard takes many times longer",
        effect: "a process ran on it",
        budget: Budget::Always,
    },
    Kind {
        name: "stalled-core",
        summary: "one shard runs nothing for a while",
        effect: "a process ran on it",
        budget: Budget::Always,
    },
    Kind {
        name: "drift",
        summary: "the monotonic clock runs fast or slow",
        effect: "the clock differs from the world's",
        budget: Budget::Always,
    },
    Kind {
        name: "wall-step",
        summary: "the wall clock is set forward or back",
        effect: "the clock shows another time",
        budget: Budget::Always,
    },
    Kind {
        name: "link",
        summary: "one direction of a link is cut, clogged, lossy, slow, narrow, flapping or resets",
        effect: "packets met it",
        budget: Budget::Always,
    },
    Kind {
        name: "reset",
        summary: "every connection between two machines is reset",
        effect: "a connection was open",
        budget: Budget::Always,
    },
];
