//! What the machine and two processes did, from `/proc`.
//!
//! Promises: a figure that cannot be read is `None`, never zero. Does not: compute rates.

use std::fs;

/// Readings at one moment; counters since some start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Busy time of all CPUs, without idle, I/O wait and steal.
    pub busy_s: Option<f64>,
    pub steal_s: Option<f64>,
    /// Time of all CPUs together.
    pub total_s: Option<f64>,
    pub client_cpu_s: Option<f64>,
    pub broker_cpu_s: Option<f64>,
    pub broker_rss_bytes: Option<u64>,
    /// The kernel's `write_bytes` of the broker's process. It counts a whole folio for each page that
    /// is made dirty, so that small appends to large folios count several times.
    pub broker_written_bytes: Option<u64>,
    /// Bytes that the device with the broker's data was given to write, by whomever.
    pub device_written_bytes: Option<u64>,
    /// Time in which some task waited for a CPU, and for I/O (PSI).
    pub cpu_pressure_s: Option<f64>,
    pub io_pressure_s: Option<f64>,
    /// Time in which this thread was ready and did not run.
    pub run_delay_s: Option<f64>,
    pub dirty_bytes: Option<u64>,
}

/// Clock ticks per second in `/proc`, the same on every Linux that user space sees.
const TICKS_PER_S: f64 = 100.0;
const PAGE_BYTES: u64 = 4096;
/// In `/sys/dev/block`, whatever the device's own sector size.
const SECTOR_BYTES: u64 = 512;

/// Whom to look at besides this process and the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watched {
    /// The process of an embedded broker.
    pub broker_pid: Option<u32>,
    /// The block device with its data, `major:minor`.
    pub device: Option<String>,
}

/// Reads everything for this process and, when there is one, an embedded broker's.
#[must_use]
pub fn sample(watched: &Watched) -> Sample {
    let cpu = text("/proc/stat").and_then(|stat| cpu_times(&stat));
    let of_broker =
        |file: &str| watched.broker_pid.and_then(|pid| text(&format!("/proc/{pid}/{file}")));
    let broker_stat = of_broker("stat");
    Sample {
        busy_s: cpu.map(|cpu| cpu.busy_s),
        steal_s: cpu.map(|cpu| cpu.steal_s),
        total_s: cpu.map(|cpu| cpu.total_s),
        client_cpu_s: text("/proc/self/stat").and_then(|stat| process_cpu_s(&stat)),
        broker_cpu_s: broker_stat.as_deref().and_then(process_cpu_s),
        broker_rss_bytes: broker_stat.as_deref().and_then(process_rss_bytes),
        broker_written_bytes: of_broker("io").and_then(|io| field(&io, "write_bytes:")),
        device_written_bytes: watched
            .device
            .as_ref()
            .and_then(|device| text(&format!("/sys/dev/block/{device}/stat")))
            .and_then(|stat| device_written_bytes(&stat)),
        cpu_pressure_s: text("/proc/pressure/cpu").and_then(|psi| pressure_s(&psi)),
        io_pressure_s: text("/proc/pressure/io").and_then(|psi| pressure_s(&psi)),
        run_delay_s: text("/proc/thread-self/schedstat").and_then(|stat| run_delay_s(&stat)),
        dirty_bytes: text("/proc/meminfo").and_then(|info| dirty_bytes(&info)),
    }
}

/// Kernel release.
#[must_use]
pub fn kernel() -> String {
    text("/proc/sys/kernel/osrelease").map_or("unknown".to_owned(), |it| it.trim().to_owned())
}

/// Model name of the first CPU.
#[must_use]
pub fn cpu_model() -> String {
    let info = text("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or("unknown".to_owned(), |line| line.trim_start_matches(['\t', ' ', ':']).to_owned())
}

/// The block device that holds a path, `major:minor`. A file system over several devices has none.
#[must_use]
pub fn device_of(path: &std::path::Path) -> Option<String> {
    let device = std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).ok()?);
    // The encoding of glibc's `makedev`.
    let major = (device >> 8) & 0xfff | (device >> 32) & !0xfff;
    let minor = device & 0xff | (device >> 12) & !0xff;
    let number = format!("{major}:{minor}");
    text(&format!("/sys/dev/block/{number}/stat")).map(|_| number)
}

/// File system type and source of the mount that holds a path.
#[must_use]
pub fn disk_of(path: &std::path::Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = text("/proc/self/mounts")?;
    let mut best: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(source), Some(point), Some(kind)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if path.starts_with(point) && best.as_ref().is_none_or(|(length, _)| point.len() >= *length)
        {
            best = Some((point.len(), format!("{kind} on {source}")));
        }
    }
    best.map(|(_, disk)| disk)
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[derive(Clone, Copy)]
struct CpuTimes {
    busy_s: f64,
    steal_s: f64,
    total_s: f64,
}

/// The first line of `/proc/stat`: user nice system idle iowait irq softirq steal.
fn cpu_times(stat: &str) -> Option<CpuTimes> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> =
        line.split_whitespace().take(8).filter_map(|it| it.parse().ok()).collect();
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks.try_into().ok()?;
    let busy = user + nice + system + irq + softirq;
    Some(CpuTimes {
        busy_s: busy / TICKS_PER_S,
        steal_s: steal / TICKS_PER_S,
        total_s: (busy + idle + iowait + steal) / TICKS_PER_S,
    })
}

/// Fields after the name, which may hold spaces and parentheses; the first is the state.
fn process_fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace().collect())
}

fn process_cpu_s(stat: &str) -> Option<f64> {
    let fields = process_fields(stat)?;
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_S)
}

fn process_rss_bytes(stat: &str) -> Option<u64> {
    Some(process_fields(stat)?.get(21)?.parse::<u64>().ok()? * PAGE_BYTES)
}

/// `some avg10=… avg60=… avg300=… total=MICROSECONDS`.
fn pressure_s(psi: &str) -> Option<f64> {
    let line = psi.lines().find(|line| line.starts_with("some "))?;
    Some(line.rsplit_once("total=")?.1.trim().parse::<f64>().ok()? / 1e6)
}

/// `time on CPU, time waiting, slices`, in nanoseconds.
fn run_delay_s(stat: &str) -> Option<f64> {
    Some(stat.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1e9)
}

/// Seventh figure: sectors written.
fn device_written_bytes(stat: &str) -> Option<u64> {
    Some(stat.split_whitespace().nth(6)?.parse::<u64>().ok()? * SECTOR_BYTES)
}

fn dirty_bytes(info: &str) -> Option<u64> {
    Some((field(info, "Dirty:")? + field(info, "Writeback:")?) * 1024)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read() {
        let cpu = cpu_times("cpu  100 0 50 800 40 1 9 30 0 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!((cpu.busy_s, cpu.steal_s, cpu.total_s), (1.6, 0.3, 10.3));
        let stat = "7 (a (b) c) S 1 1 1 0 -1 4194560 1 2 3 4 250 150 0 0 20 0 3 0 9 1000 512 9 9";
        assert_eq!(process_cpu_s(stat), Some(4.0));
        assert_eq!(process_rss_bytes(stat), Some(512 * 4096));
        let psi = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0 total=1\n";
        assert_eq!(pressure_s(psi), Some(1.5));
        assert_eq!(run_delay_s("10 2000000000 5\n"), Some(2.0));
        assert_eq!(device_written_bytes(" 9 0 8 1 7 0 16 2 0 3\n"), Some(16 * 512));
        assert_eq!(dirty_bytes("MemTotal: 9 kB\nDirty:  3 kB\nWriteback: 1 kB\n"), Some(4096));
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        let device = Some("0:no such device".to_owned());
        let nobody = sample(&Watched { broker_pid: Some(u32::MAX), device });
        assert_eq!((nobody.broker_cpu_s, nobody.device_written_bytes), (None, None));
        assert!(cpu_times("garbage").is_none());
        assert!(process_cpu_s("7 (x) S 1").is_none());
    }
}
