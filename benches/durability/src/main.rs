//! Durability experiment: append -> durable latency, per-file syncs against one journal per shard.
//!
//! Promises: open loop (an append arrives when the schedule says so, however late the disk is), latency from the
//! intended arrival, group commit (one sync in flight, everything that arrived meanwhile rides the next).
//! Does not: use the broker's code, checksum anything, or measure the network.
//!
//! `cargo run --release -p durability -- DIR [SECONDS] [REPETITIONS] [MODE]` prints one tab-separated line per row;
//! `MODE` keeps only the modes whose name contains it.

mod flush;
mod journal;
mod readers;
mod row;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::flush::Mode;
use crate::journal::JournalSync;
use crate::readers::ColdLoad;
use crate::row::{Outcome, Row};

const KIB: usize = 1024;

const MODES: [Mode; 6] = [
    Mode::PerFile,
    Mode::Journal(JournalSync::Fdatasync),
    Mode::Journal(JournalSync::Dsync),
    Mode::Journal(JournalSync::DirectDsync),
    Mode::JournalEager(JournalSync::DirectDsync),
    Mode::Adaptive(JournalSync::DirectDsync),
];

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(directory) = args.next().map(PathBuf::from) else {
        eprintln!("usage: durability DIR [SECONDS] [REPETITIONS] [MODE]");
        std::process::exit(2);
    };
    let seconds: f64 = args.next().and_then(|text| text.parse().ok()).unwrap_or(1.5);
    let repetitions: usize = args.next().and_then(|text| text.parse().ok()).unwrap_or(2);

    let wanted = args.next().unwrap_or_default();

    std::fs::create_dir_all(&directory)?;
    readers::prepare(&directory)?;
    println!("{}", Outcome::HEADER);
    for repetition in 0..repetitions {
        let mut rows = plan(Duration::from_secs_f64(seconds));
        // A different order each time, so that no row always follows the same neighbour.
        let shift = repetition * rows.len() / repetitions.max(1);
        rows.rotate_left(shift);
        for row in rows.iter().filter(|row| row.mode.to_string().contains(&wanted)) {
            println!("{repetition}\t{}", run(row, &directory)?);
        }
    }
    std::fs::remove_dir_all(&directory)
}

fn run(row: &Row, directory: &Path) -> std::io::Result<Outcome> {
    let place = directory.join("row");
    std::fs::create_dir_all(&place)?;
    let outcome = row.run(&place, directory)?;
    // Deleting is part of no row: settle the file system before the next one starts.
    std::fs::remove_dir_all(&place)?;
    std::fs::File::open(directory)?.sync_all()?;
    Ok(outcome)
}

/// Every row of one repetition. Rates are far below the disk's bandwidth except in the last group,
/// where the journal's second copy of each byte should hurt.
fn plan(duration: Duration) -> Vec<Row> {
    let mut rows = Vec::new();
    for (append_bytes, rate) in [(64, 20_000), (4 * KIB, 10_000), (64 * KIB, 1_000)] {
        for log_count in [1, 10, 100, 1_000] {
            for mode in MODES {
                rows.push(Row {
                    mode,
                    log_count,
                    append_bytes,
                    rate,
                    cold_readers: ColdLoad::None,
                    duration,
                });
            }
        }
        for cold_readers in [ColdLoad::Paced, ColdLoad::Unpaced] {
            for mode in MODES {
                rows.push(Row { mode, log_count: 100, append_bytes, rate, cold_readers, duration });
            }
        }
    }
    for log_count in [1, 10, 100] {
        for mode in MODES {
            let (append_bytes, rate) = (64 * KIB, 8_000);
            rows.push(Row {
                mode,
                log_count,
                append_bytes,
                rate,
                cold_readers: ColdLoad::None,
                duration,
            });
        }
    }
    rows
}
