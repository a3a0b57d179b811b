//! A steady load twice: undisturbed, then beside something that a broker must bear.

use super::Arguments;
use super::alone::drop_page_cache;
use super::measure::{self, Load};
use super::node::Node;
use super::rows::{Disturbance, Row};
use crate::Outcome;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const RATE: u32 = 50_000;
const READERS: &str = "8";
/// Of each reader's partition: more than it reads in the longest window.
const READER_BYTES: u64 = 640 << 20;
const CREATED: &str = "1000";
/// A virtual machine's host goes on writing gigabytes after the guest's sync: for some seconds it stole
/// up to 8 % of each CPU, which would be taken for the readers' doing.
const HOST_SETTLES: Duration = Duration::from_secs(20);

pub(super) fn run(
    node: &Node,
    row: &Row,
    disturbance: Disturbance,
    args: &Arguments,
    json: &Path,
) -> Outcome<Value> {
    let load = Load::of_100_bytes(row.name, RATE);
    let other = format!("{}-other", row.name);
    let readers = |options: &[(&str, String)]| {
        let mut all = vec![("--readers", READERS.to_owned())];
        all.extend_from_slice(options);
        measure::drive("readers", node, &other, args.duration + args.warmup, &all)
    };
    if disturbance != Disturbance::Creation {
        let load_bytes = READER_BYTES.to_string();
        readers(&[("--load-bytes", load_bytes), ("--duration-s", "0".to_owned())])?;
        measure::settle()?;
        std::thread::sleep(HOST_SETTLES);
    }
    let alone = measure::loadgen(node, load, args, json)?;
    if disturbance == Disturbance::ColdReaders {
        drop_page_cache()?;
    }
    let window_s = (args.warmup + args.duration).as_secs_f64();
    let (disturbed, beside) = std::thread::scope(|scope| {
        let disturbing = scope.spawn(|| match disturbance {
            Disturbance::ColdReaders | Disturbance::WarmReaders => {
                readers(&[("--duration-s", window_s.to_string())])
            }
            Disturbance::Creation => {
                // In the middle of the window that counts.
                std::thread::sleep(floor(args) + args.warmup + args.duration / 2);
                let partitions = [("--partitions", CREATED.to_owned())];
                measure::drive("topic", node, &other, args.duration, &partitions)
            }
        });
        let disturbed = measure::loadgen(node, load, args, json);
        (disturbed, disturbing.join().expect("it does not panic"))
    });
    let (disturbed, beside) = (disturbed?, beside?);
    measure::drive("delete", node, &other, args.duration, &[])?;
    let p99_ratio = measure::p99_us(&disturbed)? / measure::p99_us(&alone)?;
    Ok(json!({
        "alone": alone,
        "disturbed": disturbed,
        "beside": beside,
        "p99_ratio": p99_ratio,
    }))
}

/// What loadgen does before its warm-up.
fn floor(args: &Arguments) -> Duration {
    if args.no_floor { Duration::ZERO } else { Duration::from_secs(3) }
}
