//! A child process of the simulator: it is given seeds, one after the other, and answers with a line
//! of JSON for each.
//!
//! Promises: a child that works for half a minute and says nothing is told apart from one that ended,
//! and from one that a busy machine keeps waiting; none outlives its handle. Does not: start another
//! one; whoever asks decides that.
#![expect(
    clippy::disallowed_methods,
    reason = "children are real processes and their silence is measured in real time"
)]

use core::fmt;
use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use serde_json::Value;

/// CPU time after which a silent child hangs: a run takes well under a second of it.
const HANG: Duration = Duration::from_secs(30);
/// Real time after which it hangs in any case: it may wait for something that never comes.
const HANG_ASLEEP: Duration = Duration::from_mins(10);
/// Real time between two looks at what it has used.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

/// Why a child gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Silence {
    Hang,
    /// The process is gone; how it ended.
    Ended(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hang => {
                let (busy, asleep) = (HANG.as_secs(), HANG_ASLEEP.as_secs());
                write!(f, "no answer within {busy} s of CPU time, or {asleep} s in all")
            }
            Self::Ended(how) => write!(f, "the process ended: {how}"),
        }
    }
}

/// This very program, to be started again.
///
/// # Errors
/// The system does not say where it lies.
pub(crate) fn this_program() -> Result<Command, String> {
    std::env::current_exe().map(Command::new).map_err(|error| error.to_string())
}

impl Worker {
    /// # Errors
    /// The child cannot be started.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("cannot start a child: {error}"))?;
        let input = child.stdin.take().ok_or("a child without an input")?;
        let output = child.stdout.take().ok_or("a child without an output")?;
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, lines })
    }

    /// What the child says of a seed.
    ///
    /// # Errors
    /// It says nothing: this worker is of no use any more.
    pub(crate) fn ask(&mut self, seed: u64) -> Result<Value, Silence> {
        if writeln!(self.input, "{seed}").and_then(|()| self.input.flush()).is_err() {
            return Err(self.ended());
        }
        let mut silent_since = (Instant::now(), self.cpu_time());
        loop {
            match self.lines.recv_timeout(LOOK) {
                Ok(line) => match serde_json::from_str::<Value>(&line) {
                    Ok(value) if value["seed"] == seed => return Ok(value),
                    // It begins.
                    Ok(_) => silent_since = (Instant::now(), self.cpu_time()),
                    Err(_) => return Err(Silence::Ended(format!("it says `{line}`"))),
                },
                Err(RecvTimeoutError::Timeout) => {
                    let (since, used) = silent_since;
                    let used =
                        self.cpu_time().zip(used).map(|(now, then)| now.saturating_sub(then));
                    if used.is_some_and(|it| it >= HANG) || since.elapsed() >= HANG_ASLEEP {
                        return Err(Silence::Hang);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
    }

    /// What the child has used of the CPUs so far; `None` where the system does not tell.
    fn cpu_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.ok().and_then(|stat| cpu_time_of(&stat))
    }

    fn ended(&mut self) -> Silence {
        let how = self.child.wait();
        Silence::Ended(how.map_or_else(|error| error.to_string(), |status| status.to_string()))
    }
}

/// `USER_HZ` of every Linux in use is 100.
const TICK: Duration = Duration::from_millis(10);

/// User and system time in a line of `/proc/PID/stat` (proc_pid_stat(5): fields 14 and 15, in ticks).
/// The second field, a name in parentheses, may hold anything.
fn cpu_time_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * ticks()? + TICK * ticks()?)
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "42 (a ) name) R 1 42 42 0 -1 4194304 113 0 0 0 250 31 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_time_of(stat), Some(Duration::from_millis(2_810)));
        assert_eq!(cpu_time_of("42 (short) R 1"), None);
        assert_eq!(cpu_time_of(""), None);
    }
}
