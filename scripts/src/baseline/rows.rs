//! What is measured: one line per row of the report.

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// As in file names and `--only`.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) work: Work,
    /// Also measured by `--rows quick`.
    pub(super) quick: bool,
    /// What the durable default of Odradek should reach: metric and limit.
    pub(super) goals: &'static [(&'static str, f64)],
}

/// What is done in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Work {
    /// Closed loop, 4 connections with 5 requests in flight; each request is one batch.
    Requests {
        records: u32,
        size: u32,
    },
    /// Open loop.
    Latency {
        rate: u32,
        size: u32,
        producers: u32,
        partitions: u32,
    },
    /// Closed loop of 4 connections that read the same partition again and again.
    Fetch {
        max_bytes: u32,
        load_bytes: u64,
    },
    /// Start, idle, stop, start.
    Lifecycle,
    /// 1,000 partitions are created, written to, and the broker is killed.
    Crash,
    /// Open loop, broker and client both on every CPU.
    FreeForAll {
        rate: u32,
        size: u32,
    },
    /// The highest rate that still meets the p99, found by a ladder of short open-loop runs.
    Ceiling {
        from: u32,
        producers: u32,
    },
    /// Open loop, first undisturbed, then beside something else.
    Beside(Disturbance),
    /// The broker is killed while it takes records at full rate, and starts with a cold page cache.
    Restart,
    Groups(GroupWork),
}

/// What consumer groups do in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupWork {
    /// New groups of one member join and read their first record, by both protocols.
    Join,
    /// 1,000 groups of 10 members send heartbeats every 3 s.
    Members,
    /// Open loop in pairs of windows, one of them beside commits of offsets.
    Commits,
    /// A node with a million commits in one partition starts.
    Reload,
}

/// What goes on beside a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// 8 consumers read old records from the disk, paced.
    ColdReaders,
    /// The same from the page cache: the control, what readers cost that are not cold.
    WarmReaders,
    /// A topic with 1,000 partitions is created.
    Creation,
}

/// What a row reports, where it lies in the raw run, and what is better.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    /// JSON pointer into the result of a raw run.
    pub(super) pointer: &'static str,
    /// Raw figures are multiplied by it.
    pub(super) scale: f64,
}

impl Work {
    /// Whether the row cannot share a node with others.
    pub(super) fn starts_its_own_node(self) -> bool {
        use Work::{Crash, FreeForAll, Groups, Lifecycle, Restart};
        matches!(self, Lifecycle | Crash | FreeForAll { .. } | Restart | Groups(GroupWork::Reload))
    }

    pub(super) fn metrics(self) -> &'static [Metric] {
        const ALONE: Metric = metric("e2e p99 alone ms", "/alone/e2e/p99_us", 1e-3);
        const BESIDE: Metric = metric("e2e p99 beside ms", "/disturbed/e2e/p99_us", 1e-3);
        const RATIO: Metric = metric("beside ÷ alone", "/p99_ratio", 1.0);
        match self {
            Work::Requests { .. } => {
                &const {
                    [
                        metric("broker µs/request", "/broker_us_per_request", 1.0),
                        metric("machine µs/request", "/machine_us_per_request", 1.0),
                        metric("requests/s", "/requests_per_s", 1.0),
                    ]
                }
            }
            Work::Latency { .. } | Work::FreeForAll { .. } => {
                &const {
                    [
                        metric("e2e p50 ms", "/e2e/p50_us", 1e-3),
                        metric("e2e p99 ms", "/e2e/p99_us", 1e-3),
                        metric("e2e p99.9 ms", "/e2e/p999_us", 1e-3),
                        metric("ack p99 ms", "/ack/p99_us", 1e-3),
                        metric("floor p99 ms", "/floor/p99_us", 1e-3),
                        metric("achieved/s", "/achieved_rate", 1.0),
                        metric("machine CPU s/M", "/resources/cpu_s_per_million", 1.0),
                    ]
                }
            }
            Work::Fetch { .. } => {
                &const {
                    [
                        metric("broker CPU s/GB", "/broker_s_per_gb", 1.0),
                        metric("machine CPU s/GB", "/machine_s_per_gb", 1.0),
                        metric("GB/s", "/gb_per_s", 1.0),
                    ]
                }
            }
            Work::Lifecycle => {
                &const {
                    [
                        metric("fresh start ms", "/fresh_start_ms", 1.0),
                        metric("start after stop ms", "/start_after_stop_ms", 1.0),
                        metric("stop ms", "/stop_ms", 1.0),
                        metric("idle RSS MB", "/idle_rss_bytes", 1e-6),
                        metric("idle CPU % after first start", "/idle_cpu_ratio", 100.0),
                        metric("idle CPU %", "/settled_idle_cpu_ratio", 100.0),
                    ]
                }
            }
            Work::Crash => {
                &const {
                    [
                        metric("create 1,000 partitions ms", "/create/answered_ms", 1.0),
                        metric("until led ms", "/create/led_ms", 1.0),
                        metric("RSS after load MB", "/rss_bytes", 1e-6),
                        metric("start after kill ms", "/start_after_kill_ms", 1.0),
                        metric("until led again ms", "/led_again_ms", 1.0),
                    ]
                }
            }
            Work::Ceiling { .. } => {
                &const {
                    [
                        metric("highest records/s", "/highest_rate", 1.0),
                        metric("its e2e p99 ms", "/highest/e2e/p99_us", 1e-3),
                        metric("its machine CPU s/M", "/highest/resources/cpu_s_per_million", 1.0),
                    ]
                }
            }
            Work::Beside(Disturbance::Creation) => {
                &const { [ALONE, BESIDE, RATIO, metric("1,000 led ms", "/beside/led_ms", 1.0)] }
            }
            Work::Beside(Disturbance::ColdReaders | Disturbance::WarmReaders) => {
                &const { [ALONE, BESIDE, RATIO, metric("readers MB/s", "/beside/mb_per_s", 1.0)] }
            }
            Work::Groups(work) => work.metrics(),
            Work::Restart => {
                &const {
                    [
                        metric("GB written", "/written_gb", 1.0),
                        metric("in s", "/written_s", 1.0),
                        metric("ready again ms", "/ready_ms", 1.0),
                        metric("first ack ms", "/first_ack_ms", 1.0),
                    ]
                }
            }
        }
    }
}

impl GroupWork {
    fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Join => {
                &const {
                    [
                        metric("classic p50 ms", "/classic/p50_ms", 1.0),
                        metric("classic p99 ms", "/classic/p99_ms", 1.0),
                        metric("KIP-848 p50 ms", "/consumer/p50_ms", 1.0),
                        metric("KIP-848 p99 ms", "/consumer/p99_ms", 1.0),
                    ]
                }
            }
            Self::Members => {
                &const {
                    [
                        metric("broker % of a core", "/broker_core_ratio", 100.0),
                        metric("broker µs/heartbeat", "/broker_us_per_heartbeat", 1.0),
                        metric("heartbeats/s", "/heartbeats_per_s", 1.0),
                        metric("all joined s", "/joined_s", 1.0),
                    ]
                }
            }
            Self::Commits => {
                &const {
                    [
                        metric("beside ÷ alone", "/ratio_median", 1.0),
                        metric("95 % from", "/ratio_low", 1.0),
                        metric("95 % to", "/ratio_high", 1.0),
                    ]
                }
            }
            Self::Reload => {
                &const {
                    [
                        metric("start to first offset ms", "/offsets_ms", 1.0),
                        metric("produce p99 loading ms", "/reloaded/while_loading_p99_ms", 1.0),
                        metric("produce p99 after ms", "/reloaded/afterwards_p99_ms", 1.0),
                        metric("loading ÷ after", "/reloaded/ratio", 1.0),
                    ]
                }
            }
        }
    }
}

const fn metric(name: &'static str, pointer: &'static str, scale: f64) -> Metric {
    Metric { name, pointer, scale }
}

const fn latency(rate: u32, size: u32, producers: u32, partitions: u32) -> Work {
    Work::Latency { rate, size, producers, partitions }
}

const MIB: u64 = 1 << 20;

/// Every row, in the order of the report.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row { name: "lifecycle", title: "Start, idle, stop", work: Work::Lifecycle, quick: true,
          goals: &[("fresh start ms", 100.0), ("start after stop ms", 100.0), ("idle RSS MB", 40.0), ("idle CPU %", 0.2)] },
    Row { name: "requests-1x100", title: "CPU per request of 1 × 100 B",
          work: Work::Requests { records: 1, size: 100 }, quick: true,
          goals: &[("broker µs/request", 6.0), ("requests/s", 50_000.0)] },
    Row { name: "requests-150x100", title: "CPU per request of 150 × 100 B",
          work: Work::Requests { records: 150, size: 100 }, quick: true, goals: &[("broker µs/request", 15.0)] },
    Row { name: "requests-16x1k", title: "CPU per request of 16 × 1 KB",
          work: Work::Requests { records: 16, size: 1_000 }, quick: true, goals: &[("broker µs/request", 14.0)] },
    Row { name: "e2e-10k", title: "10 k records/s × 100 B, one producer", work: latency(10_000, 100, 1, 6), quick: true,
          goals: &[("e2e p50 ms", 0.3), ("e2e p99 ms", 0.8), ("e2e p99.9 ms", 2.0)] },
    Row { name: "e2e-50k", title: "50 k records/s × 100 B", work: latency(50_000, 100, 2, 6), quick: true,
          goals: &[("e2e p99 ms", 1.0), ("e2e p99.9 ms", 4.0)] },
    Row { name: "e2e-200k", title: "200 k records/s × 100 B", work: latency(200_000, 100, 2, 6), quick: true,
          goals: &[("e2e p99 ms", 1.0), ("e2e p99.9 ms", 4.0)] },
    Row { name: "e2e-700k", title: "700 k records/s × 100 B", work: latency(700_000, 100, 2, 6), quick: false,
          goals: &[("e2e p99 ms", 2.0), ("e2e p99.9 ms", 4.0)] },
    Row { name: "e2e-1m", title: "1 M records/s × 100 B", work: latency(1_000_000, 100, 2, 6), quick: true,
          goals: &[("e2e p99 ms", 2.0)] },
    Row { name: "e2e-50k-1kb", title: "50 k records/s × 1 KB", work: latency(50_000, 1_000, 2, 6), quick: false,
          goals: &[("e2e p99 ms", 1.0)] },
    Row { name: "e2e-20k-32p", title: "20 k records/s × 100 B from 32 producers", work: latency(20_000, 100, 32, 32), quick: false,
          goals: &[("e2e p99 ms", 1.0)] },
    Row { name: "e2e-40k-32p", title: "40 k records/s × 100 B from 32 producers", work: latency(40_000, 100, 32, 32), quick: false,
          goals: &[("e2e p99 ms", 1.5)] },
    Row { name: "e2e-100k", title: "100 k records/s × 100 B", work: latency(100_000, 100, 2, 6), quick: false,
          goals: &[("e2e p99 ms", 1.0)] },
    Row { name: "partitions-1", title: "20 k records/s × 100 B over 1 partition", work: latency(20_000, 100, 1, 1), quick: false,
          goals: &[] },
    Row { name: "partitions-1000", title: "20 k records/s × 100 B over 1,000 partitions", work: latency(20_000, 100, 2, 1_000), quick: true,
          goals: &[] },
    Row { name: "fetch-64k", title: "Fetches of 64 KiB, 1 GiB in the page cache",
          work: Work::Fetch { max_bytes: 1 << 16, load_bytes: 1_024 * MIB }, quick: false, goals: &[("broker CPU s/GB", 0.15)] },
    Row { name: "fetch-1m", title: "Fetches of 1 MiB, 1 GiB in the page cache",
          work: Work::Fetch { max_bytes: 1 << 20, load_bytes: 1_024 * MIB }, quick: false, goals: &[("broker CPU s/GB", 0.06)] },
    Row { name: "fetch-64k-tail", title: "Fetches of 64 KiB, the newest 32 MiB",
          work: Work::Fetch { max_bytes: 1 << 16, load_bytes: 32 * MIB }, quick: true, goals: &[("broker CPU s/GB", 0.15)] },
    Row { name: "fetch-1m-tail", title: "Fetches of 1 MiB, the newest 32 MiB",
          work: Work::Fetch { max_bytes: 1 << 20, load_bytes: 32 * MIB }, quick: true, goals: &[("broker CPU s/GB", 0.06)] },
    Row { name: "free-for-all", title: "1 M records/s × 100 B, broker and client on every CPU",
          work: Work::FreeForAll { rate: 1_000_000, size: 100 }, quick: false, goals: &[("e2e p99 ms", 2.0)] },
    Row { name: "ceiling", title: "Highest rate of 100 B with e2e p99 ≤ 2 ms, 2 producers",
          work: Work::Ceiling { from: 200_000, producers: 2 }, quick: false, goals: &[("highest records/s", 1_000_000.0)] },
    Row { name: "ceiling-32p", title: "Highest rate of 100 B with e2e p99 ≤ 2 ms, 32 producers",
          work: Work::Ceiling { from: 10_000, producers: 32 }, quick: false, goals: &[("highest records/s", 100_000.0)] },
    Row { name: "cold-readers", title: "50 k records/s × 100 B beside 8 readers of a cold log, 10 MB/s each",
          work: Work::Beside(Disturbance::ColdReaders), quick: false, goals: &[("beside ÷ alone", 1.5)] },
    Row { name: "warm-readers", title: "The same beside 8 readers of a warm log",
          work: Work::Beside(Disturbance::WarmReaders), quick: false, goals: &[] },
    Row { name: "creation", title: "50 k records/s × 100 B while a topic of 1,000 partitions is created",
          work: Work::Beside(Disturbance::Creation), quick: false, goals: &[("beside ÷ alone", 2.0), ("1,000 led ms", 1_000.0)] },
    Row { name: "restart", title: "Start after kill -9 at full rate over 100 partitions, page cache dropped",
          work: Work::Restart, quick: false, goals: &[("first ack ms", 2_000.0)] },
    Row { name: "group-join", title: "Join of a new group to its first record, no initial delay",
          work: Work::Groups(GroupWork::Join), quick: false, goals: &[] },
    Row { name: "group-members", title: "1,000 groups of 10 members, heartbeats every 3 s",
          work: Work::Groups(GroupWork::Members), quick: false, goals: &[("broker % of a core", 5.0)] },
    Row { name: "group-commits", title: "50 k records/s × 100 B beside 200 commit requests/s of 6 partitions: e2e p99",
          work: Work::Groups(GroupWork::Commits), quick: false, goals: &[("95 % to", 1.1)] },
    Row { name: "group-reload", title: "Start with 1 M commits in one offsets partition",
          work: Work::Groups(GroupWork::Reload), quick: false, goals: &[("start to first offset ms", 2_000.0), ("loading ÷ after", 2.0)] },
    Row { name: "crash", title: "1,000 partitions, and a start after kill -9", work: Work::Crash, quick: true, goals: &[] },
];

#[cfg(test)]
mod tests {
    use super::ROWS;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_stands_for_one_row() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn a_goal_limits_a_metric_of_its_row() {
        for row in ROWS {
            for (goal, _) in row.goals {
                let known = row.work.metrics().iter().any(|metric| metric.name == *goal);
                assert!(known, "{}: {goal}", row.name);
            }
        }
    }
}
