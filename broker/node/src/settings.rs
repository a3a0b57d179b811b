//! From the command line to properties, and from a machine to what the configuration needs of it.

use server::parse_properties;
use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::args::ConfigArgs;

/// Properties in the order of precedence: file, then `--data`, then `--set`.
pub(crate) fn properties(args: &ConfigArgs) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut properties = BTreeMap::new();
    if let Some(path) = &args.config {
        let text = fs::read_to_string(path)
            .map_err(|error| vec![format!("cannot read {}: {error}", path.display())])?;
        properties = parse_properties(&text)
            .map_err(|error| vec![format!("{}: {error}", path.display())])?;
    }
    if let Some(directory) = &args.data {
        let Some(text) = directory.to_str().filter(|text| !text.contains(',')) else {
            return Err(vec![format!(
                "--data {}: the path must be UTF-8 without a comma",
                directory.display()
            )]);
        };
        properties.insert("log.dirs".to_owned(), text.to_owned());
    }
    for assignment in &args.set {
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(vec![format!("--set {assignment}: write it as KEY=VALUE")]);
        };
        properties.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(properties)
}

/// The name that other machines know this one by, as far as it knows itself.
pub(crate) fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// The first address of a name, IPv4 before IPv6.
pub(crate) fn resolve(host: &str, port: u16) -> Option<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().ok()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.first().copied()
}

/// `0-3,8`: processors, each one shard.
pub(crate) fn cpu_list(text: &str) -> Result<Vec<usize>, String> {
    const CPUS_MAX: usize = 1024;
    let malformed = || format!("--cpus {text}: write it like 0-3,8");
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().map_err(|_| malformed())?;
        let last: usize = last.trim().parse().map_err(|_| malformed())?;
        if first > last || last >= CPUS_MAX {
            return Err(malformed());
        }
        cpus.extend(first..=last);
    }
    cpus.dedup();
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_list_is_ranges_and_single_numbers() {
        assert_eq!(cpu_list("0-2,5"), Ok(vec![0, 1, 2, 5]));
        assert_eq!(cpu_list("3"), Ok(vec![3]));
        for wrong in ["", "2-1", "a", "0-99999"] {
            assert_eq!(cpu_list(wrong), Err(format!("--cpus {wrong}: write it like 0-3,8")));
        }
    }

    #[test]
    fn later_sources_win() {
        let args = ConfigArgs {
            config: None,
            data: Some("/data".into()),
            set: vec!["log.dirs=/other".to_owned(), "node.id = 3".to_owned()],
            strict: false,
        };
        let properties = properties(&args).unwrap();
        assert_eq!(properties["log.dirs"], "/other");
        assert_eq!(properties["node.id"], "3");
    }
}
