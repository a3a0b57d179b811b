//! One fault, as data: when, where, what, for how long.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A line of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Microseconds since the faults began.
    pub at_us: u64,
    /// From `at_us` on, the moment for which the fault waits; none: `at_us` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Trigger>,
    pub target: Target,
    /// How long it lasts; a fault of a moment ignores it.
    #[serde(default)]
    pub duration_us: u64,
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The atlas refused it in an earlier run of this schedule: it would leave the budget.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub refused: bool,
}

/// A moment that a core or the store reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Records were given their place and are not durable yet.
    Append,
    Persisted,
    HighWatermarkMoved,
    /// A producer was told that its records are safe.
    Acknowledged,
    LogStartMoved,
    SegmentRolled,
    JournalWrapped,
    /// The node's process has just been started, recovery begins.
    Boot,
}

impl Trigger {
    pub const ALL: [Self; 8] = [
        Self::Append,
        Self::Persisted,
        Self::HighWatermarkMoved,
        Self::Acknowledged,
        Self::LogStartMoved,
        Self::SegmentRolled,
        Self::JournalWrapped,
        Self::Boot,
    ];
}

/// What happens. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultKind {
    /// The process dies; the page cache stays. It is started again after the duration.
    Kill,
    /// The machine goes dark and is started again after the duration.
    PowerLoss {
        keeps: Keeps,
    },
    /// Asked to stop in good order; started again after the duration.
    Stop,
    /// Stopped in good order and started with another number of shards.
    Reshard {
        shards: u16,
    },
    /// Operations of one kind fail: `skip` of them pass first, then `count` fail.
    DiskError {
        verb: Verb,
        path: String,
        skip: u64,
        count: u64,
    },
    /// The disk has so many bytes left when the fault begins.
    DiskFull {
        left_bytes: u64,
    },
    ReadOnly,
    /// Every disk operation takes so many times longer.
    SlowDisk {
        factor: u64,
    },
    /// The disk answers nothing for the duration.
    StalledDisk,
    /// The kernel failed to write dirty pages back in the background: they are clean now, and each
    /// open handle hears of it once.
    WritebackError {
        path: String,
    },
    /// The kernel drops its clean pages.
    Evict,
    /// The process stands still, as under SIGSTOP; its machine does not.
    Pause,
    /// Everything on one shard takes so many times longer.
    SlowCore {
        shard: u16,
        factor: u64,
    },
    /// One shard runs nothing for the duration.
    StalledCore {
        shard: u16,
    },
    /// The monotonic clock runs fast, or slow.
    Drift {
        ppm: i32,
    },
    /// The wall clock is set.
    WallStep {
        by_ms: i64,
    },
    /// Something is wrong with one direction of a link.
    Link {
        trouble: LinkTrouble,
    },
    /// Every connection of the link's machines is reset.
    Reset,
}

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkTrouble {
    /// No packet arrives; nobody is told.
    Cut,
    /// Packets stay inside and come out in order at the end.
    Clog,
    Lossy {
        per_million: u32,
    },
    LosesLarge {
        above_bytes: u32,
    },
    Slow {
        factor: u32,
    },
    Narrow {
        bytes_per_second: u64,
    },
    Flapping {
        cut_ms: u32,
        up_ms: u32,
    },
    /// Segments arrive by half and the connection is reset.
    Resets {
        per_million: u32,
    },
}

impl FaultKind {
    /// Its name in schedules and reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::PowerLoss { .. } => "power-loss",
            Self::Stop => "stop",
            Self::Reshard { .. } => "reshard",
            Self::DiskError { .. } => "disk-error",
            Self::DiskFull { .. } => "disk-full",
            Self::ReadOnly => "read-only",
            Self::SlowDisk { .. } => "slow-disk",
            Self::StalledDisk => "stalled-disk",
            Self::WritebackError { .. } => "writeback-error",
            Self::Evict => "evict",
            Self::Pause => "pause",
            Self::SlowCore { .. } => "slow-core",
            Self::StalledCore { .. } => "stalled-core",
            Self::Drift { .. } => "drift",
            Self::WallStep { .. } => "wall-step",
            Self::Link { .. } => "link",
            Self::Reset => "reset",
        }
    }
}

/// What a disk keeps of its unsynced sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeps {
    /// Each sector by its own draw.
    Drawn,
    Nothing,
    Everything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    Open,
    Append,
    Read,
    Sync,
    SetLen,
    Names,
    SyncDir,
}

/// A machine of a run, numbered from 1 among its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    Node(u16),
    Client(u16),
}

/// Where a fault strikes, written `node-1` or, for one direction of a link, `client-2->node-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    At(Machine),
    Link { from: Machine, to: Machine },
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(number) => write!(f, "node-{number}"),
            Self::Client(number) => write!(f, "client-{number}"),
        }
    }
}

impl FromStr for Machine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no machine: write node-1 or client-1");
        let (kind, number) = text.rsplit_once('-').ok_or_else(wrong)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
        match kind {
            "node" => Ok(Self::Node(number)),
            "client" => Ok(Self::Client(number)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(machine) => machine.fmt(f),
            Self::Link { from, to } => write!(f, "{from}->{to}"),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once("->") {
            Some((from, to)) => Ok(Self::Link { from: from.parse()?, to: to.parse()? }),
            None => Ok(Self::At(text.parse()?)),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_written_as_it_is_read() {
        for text in ["node-1", "client-3->node-1", "node-1->client-2"] {
            assert_eq!(Target::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        assert!(Target::try_from("broker".to_owned()).is_err());
        assert!(Target::try_from("node-0".to_owned()).is_err());
    }
}
