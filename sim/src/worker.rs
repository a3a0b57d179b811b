//! A child process of the simulator: it is given seeds, one after the other, and answers with a line
//! of JSON for each.
//!
//! Promises: a child that says nothing for half a minute is told apart from one that ended; none
//! outlives its handle. Does not: start another one; whoever asks decides that.
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

use serde_json::Value;

/// Real time after which a silent child hangs.
const HANG: Duration = Duration::from_secs(30);

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
            Self::Hang => write!(f, "no answer within {} s", HANG.as_secs()),
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
        loop {
            match self.lines.recv_timeout(HANG) {
                Ok(line) => match serde_json::from_str::<Value>(&line) {
                    Ok(value) if value["seed"] == seed => return Ok(value),
                    // It begins.
                    Ok(_) => {}
                    Err(_) => return Err(Silence::Ended(format!("it says `{line}`"))),
                },
                Err(RecvTimeoutError::Timeout) => return Err(Silence::Hang),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
    }

    fn ended(&mut self) -> Silence {
        let how = self.child.wait();
        Silence::Ended(how.map_or_else(|error| error.to_string(), |status| status.to_string()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
