//! What the caller chooses.

use core::time::Duration;
use model::Limits;
use std::fs;

use crate::sys;

/// Which ring carries the I/O.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Io {
    /// io_uring where the kernel lets us, else the fallback.
    #[default]
    Auto,
    /// io_uring or refuse to start.
    Uring,
    /// The fallback.
    Epoll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pinning {
    /// Shard i runs on `cpus[i]` and nowhere else.
    #[default]
    EachToItsCpu,
    /// The scheduler decides.
    Free,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signals {
    /// SIGTERM and SIGINT become `Signal::Stop` on every shard; a second SIGINT ends the process.
    #[default]
    Deliver,
    /// They keep what they meant before.
    Leave,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub io: Io,
    /// One shard for each, in this order; at least one.
    pub cpus: Vec<usize>,
    pub pinning: Pinning,
    pub signals: Signals,
    /// The shards leave their processors to anybody else who wants them (SCHED_IDLE): for a load that
    /// never sleeps beside what it measures.
    pub gives_way: bool,
    /// How long a shard without work keeps looking before it sleeps. Sleeping and waking cost about
    /// 20 µs each way; looking costs the whole core, so zero unless the cores are ours alone.
    pub idle_poll: Duration,
    /// `receive_buffers`, `receive_buffer_bytes`, `operations`, `connections` and `mesh_queue_len`
    /// are used here.
    pub limits: Limits,
    /// Threads of the side pool for `offload`, at least 1.
    pub offload_threads: usize,
    /// Work that waits for those threads; past it `offload` answers `Full`.
    pub offload_queue_len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            io: Io::Auto,
            cpus: default_cpus(),
            pinning: Pinning::EachToItsCpu,
            signals: Signals::Deliver,
            gives_way: false,
            idle_poll: Duration::ZERO,
            limits: Limits::PRODUCTION,
            offload_threads: 2,
            offload_queue_len: 1024,
        }
    }
}

/// The processors that this process may use: its affinity, cut to the cpu limit of its control
/// group (version 2, rounded up). Never empty.
#[must_use]
pub fn default_cpus() -> Vec<usize> {
    let mut cpus = sys::affinity().unwrap_or_default();
    if cpus.is_empty() {
        cpus.push(0);
    }
    let own_group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = cgroup_paths(&own_group)
        .filter_map(|path| fs::read_to_string(path).ok())
        .filter_map(|text| cpu_limit(&text))
        .min();
    if let Some(limit) = limit {
        cpus.truncate(limit.max(1));
    }
    cpus
}

/// `cpu.max` of the group and of each of its parents: the tightest counts.
fn cgroup_paths(own_group: &str) -> impl Iterator<Item = String> + '_ {
    let group = own_group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let group = group.trim_matches('/');
    let ends = group.match_indices('/').map(|(at, _)| at).chain([group.len()]);
    let parents = ends.filter(|end| *end > 0).map(|end| format!("/{}", &group[..end]));
    parents.chain([String::new()]).map(|path| format!("/sys/fs/cgroup{path}/cpu.max"))
}

/// Whole processors of a `cpu.max` line, "quota period" in microseconds or "max period".
fn cpu_limit(text: &str) -> Option<usize> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period) = (quota.parse::<usize>().ok()?, period.parse::<usize>().ok()?);
    (period > 0).then(|| quota.div_ceil(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_limit_is_rounded_up_and_max_is_none() {
        assert_eq!(cpu_limit("150000 100000\n"), Some(2));
        assert_eq!(cpu_limit("50000 100000\n"), Some(1));
        assert_eq!(cpu_limit("max 100000\n"), None);
        assert_eq!(cpu_limit("nonsense"), None);
    }

    #[test]
    fn every_parent_group_is_asked() {
        let paths: Vec<_> = cgroup_paths("0::/a/b\n").collect();
        let expected = ["/a", "/a/b", ""].map(|group| format!("/sys/fs/cgroup{group}/cpu.max"));
        assert_eq!(paths, expected);
        assert_eq!(cgroup_paths("0::/\n").collect::<Vec<_>>(), ["/sys/fs/cgroup/cpu.max"]);
    }
}
