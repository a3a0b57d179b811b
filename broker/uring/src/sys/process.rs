//! Processors, clocks and entropy.

use super::fd::{Sys, retry};
use model::{Instant, Now};
use std::mem::{MaybeUninit, size_of};

/// The processors that this thread may run on, ascending.
pub(crate) fn affinity() -> Sys<Vec<usize>> {
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { MaybeUninit::zeroed().assume_init() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: pid 0 is this thread; the pointer names a live set of `size` bytes.
    retry(|| unsafe { libc::sched_getaffinity(0, size, &raw mut set) } as isize)?;
    let is_set = |cpu: &usize| {
        // SAFETY: `cpu` is below CPU_SETSIZE, so it lies inside the set.
        unsafe { libc::CPU_ISSET(*cpu, &set) }
    };
    Ok((0..libc::CPU_SETSIZE as usize).filter(is_set).collect())
}

/// Those processors as the kernel wants them; numbers past its sets are left out.
pub(crate) fn cpu_set(cpus: &[usize]) -> libc::cpu_set_t {
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { MaybeUninit::zeroed().assume_init() };
    for cpu in cpus.iter().filter(|cpu| **cpu < libc::CPU_SETSIZE as usize) {
        // SAFETY: below CPU_SETSIZE, so it lies inside the set.
        unsafe { libc::CPU_SET(*cpu, &mut set) };
    }
    set
}

/// Keeps this thread on those processors.
pub(crate) fn stay_on(cpus: &[usize]) -> Sys<()> {
    let set = cpu_set(cpus);
    // SAFETY: pid 0 is this thread; the pointer names a live set of the given size.
    retry(|| unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } as isize)
        .map(drop)
}

/// Lets every other thread that wants this thread's processor have it at once. A low priority would
/// not: the scheduler lets a thread finish its slice of milliseconds unless it is an idle one.
pub(crate) fn give_way() -> Sys<()> {
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: pid 0 is this thread; the pointer names a live parameter, which the call only reads.
    retry(|| unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none) } as isize)
        .map(drop)
}

/// Raises the number of descriptors that this process may open to the most it may ask for; returns
/// what holds now.
pub(crate) fn raise_descriptor_limit() -> Sys<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer names a live rlimit.
    retry(|| unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } as isize)?;
    let wanted = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: as above; the call only reads.
    let raised =
        retry(|| unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } as isize);
    Ok(if raised.is_ok() { limit.rlim_max } else { limit.rlim_cur })
}

/// Unpredictable words from the kernel.
pub(crate) fn entropy() -> Sys<[u64; 4]> {
    let mut seed = [0u64; 4];
    // SAFETY: the pointer and size name a live array. Requests up to 256 bytes are never cut short.
    retry(|| unsafe { libc::getrandom(seed.as_mut_ptr().cast(), size_of_val(&seed), 0) })?;
    Ok(seed)
}

/// Both clocks. Every shard and every process of the machine reads the same monotonic one.
pub(crate) fn clocks() -> Now {
    let mono = read_clock(libc::CLOCK_MONOTONIC);
    let wall = read_clock(libc::CLOCK_REALTIME);
    Now {
        mono: Instant(mono.tv_sec as u64 * 1_000_000_000 + mono.tv_nsec as u64),
        wall_ms: wall.tv_sec * 1_000 + wall.tv_nsec / 1_000_000,
    }
}

/// The monotonic clock alone.
pub(crate) fn mono() -> Instant {
    let mono = read_clock(libc::CLOCK_MONOTONIC);
    Instant(mono.tv_sec as u64 * 1_000_000_000 + mono.tv_nsec as u64)
}

fn read_clock(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer names a live timespec; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time
}
