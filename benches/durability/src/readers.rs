//! Cold readers: sequential 1 MiB reads that never hit the page cache, as catch-up consumers would cause.
//!
//! `O_DIRECT` keeps every read cold without dropping anybody else's cache.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const FILE_BYTES: u64 = 2 << 30;
const READ_BYTES: usize = 1 << 20;
/// Of one paced reader: two of them ask for about a third of the reference disk.
const READS_PER_S: u32 = 200;
const ALIGN: usize = 4096;
const FILE_NAME: &str = "cold";

/// Writes the file that the readers read; once per run.
pub(crate) fn prepare(directory: &Path) -> std::io::Result<()> {
    let block: Vec<u8> = (0..=250).cycle().take(READ_BYTES).collect();
    let file = File::create(directory.join(FILE_NAME))?;
    for at in (0..FILE_BYTES).step_by(READ_BYTES) {
        file.write_all_at(&block, at)?;
    }
    file.sync_all()
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ColdLoad {
    None,
    /// Two readers, each at a fixed rate.
    Paced,
    /// Two readers, each as fast as the disk lets it.
    Unpaced,
}

pub(crate) struct ColdReaders {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl ColdReaders {
    pub(crate) fn start(directory: &Path, load: ColdLoad) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let (count, interval) = match load {
            ColdLoad::None => (0, Duration::ZERO),
            ColdLoad::Paced => (2, Duration::from_secs(1) / READS_PER_S),
            ColdLoad::Unpaced => (2, Duration::ZERO),
        };
        for index in 0..count {
            let path = directory.join(FILE_NAME);
            let file = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(path)?;
            let stop = stop.clone();
            let from = FILE_BYTES / count * index;
            threads.push(std::thread::spawn(move || read_until(&stop, &file, from, interval)));
        }
        Ok(ColdReaders { stop, threads })
    }

    /// Returns the bytes read by all of them.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().expect("a reader does not panic")).sum()
    }
}

fn read_until(stop: &AtomicBool, file: &File, from: u64, interval: Duration) -> u64 {
    let mut memory = vec![0; READ_BYTES + ALIGN];
    let skip = memory.as_ptr().align_offset(ALIGN);
    let buffer = &mut memory[skip..skip + READ_BYTES];
    let (mut at, mut total) = (from, 0);
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        file.read_exact_at(buffer, at).expect("the experiment ends with its disk");
        total += READ_BYTES as u64;
        at = (at + READ_BYTES as u64) % FILE_BYTES;
        std::thread::sleep(interval.saturating_sub(started.elapsed()));
    }
    total
}
