//! A broker of this build on loopback, for tests of the real program.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs, process};

/// A data directory that goes when the test ends.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("odradek-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A broker that answers; killed when dropped.
pub(crate) struct Broker {
    child: Child,
    pub(crate) at: SocketAddr,
}

impl Broker {
    /// On a free port.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_at(directory, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Where another one was, so that its clients find this one.
    pub(crate) fn start_at(directory: &Path, at: SocketAddr) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_broker"))
            .args(["--ready-line", "--no-pin", "--log-level", "error", "--data"])
            .arg(directory)
            // Tests run side by side: no fixed port, that of the metrics included.
            .args(["--set", &format!("listeners=PLAINTEXT://{at}"), "--set", "http.listener="])
            // A group of one does not wait for others, nor long for those that were killed.
            .args(["--set", "group.initial.rebalance.delay.ms=0"])
            .args(["--set", "group.min.session.timeout.ms=100"])
            .args(["--set", "offsets.topic.num.partitions=1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = line.trim().rsplit(['=', '/']).next().and_then(|at| at.parse().ok());
        Self { at: at.unwrap_or_else(|| panic!("no address in {line:?}")), child }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
