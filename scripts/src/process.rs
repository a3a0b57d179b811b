//! Child processes: run to the end, or in the background with a handle that never leaks one.

use crate::{Doing, Failed, Outcome};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `command` with our own standard streams until it ends.
///
/// # Errors
/// When it cannot start or ends with another status than success.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().doing(|| format!("start {}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(Failed(format!("{}: {status}", shown(command)))) }
}

/// Runs `command` silently; returns what it wrote to standard output.
///
/// # Errors
/// When it cannot start or fails; the text ends with the last lines of what it printed.
pub fn capture(command: &mut Command) -> Outcome<String> {
    let output =
        command.stdin(Stdio::null()).output().doing(|| format!("start {}", shown(command)))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let printed = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    Err(Failed(format!("{}: {}\n{}", shown(command), output.status, last_lines(&printed, 25))))
}

/// Whether a program of this name can be found on the path.
pub fn is_installed(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Asks `ready` every 2 ms until it says yes: start times are told from it.
///
/// # Errors
/// When `patience` is over, or as soon as `ready` itself fails.
pub fn wait_until(
    what: &str,
    patience: Duration,
    mut ready: impl FnMut() -> Outcome<bool>,
) -> Outcome {
    let deadline = Instant::now() + patience;
    while !ready()? {
        if Instant::now() > deadline {
            return Err(Failed(format!("{what}: not within {} s", patience.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// A child process that is killed when this value is dropped, so that no task leaves one behind.
#[derive(Debug)]
pub struct Background {
    child: Child,
    name: String,
}

impl Background {
    /// Starts `command`; the caller has already chosen its streams.
    ///
    /// # Errors
    /// When it cannot start.
    pub fn start(command: &mut Command) -> Outcome<Background> {
        let name = shown(command);
        let child = command.spawn().doing(|| format!("start {name}"))?;
        Ok(Background { child, name })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Lets it outlive us, on purpose; returns its process id.
    pub fn detach(self) -> u32 {
        let pid = self.pid();
        std::mem::forget(self);
        pid
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn is_running(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait().doing(|| self.name.clone())?.is_none())
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it does not end within `patience`; it is killed then.
    pub fn stop(mut self, patience: Duration) -> Outcome {
        signal(self.pid(), "TERM")?;
        let name = self.name.clone();
        wait_until(&format!("stop {name}"), patience, || Ok(!self.is_running()?))
    }

    /// Kills it (SIGKILL) without warning and waits for its end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(mut self) -> Outcome {
        self.child.kill().doing(|| format!("kill {}", self.name))?;
        self.child.wait().doing(|| format!("wait for {}", self.name))?;
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Both fail only when the child has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name to a process that we started.
///
/// # Errors
/// When there is no such process.
pub fn signal(pid: u32, name: &str) -> Outcome {
    capture(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string())).map(|_| ())
}

/// Resident memory of a process, KiB as the kernel counts it.
///
/// # Errors
/// When there is no such process, or it has ended and only waits to be reaped.
pub fn rss_kib(pid: u32) -> Outcome<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).doing(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| Failed(format!("{path} names no VmRSS")))
}

/// The last `count` lines of a text file, for error messages; empty when it cannot be read.
pub fn tail(file: &Path, count: usize) -> String {
    last_lines(&std::fs::read_to_string(file).unwrap_or_default(), count)
}

/// The first `count` lines of a text file that contain one of `words`.
pub fn matching(file: &Path, words: &[&str], count: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let told = text.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    told.take(count).collect::<Vec<_>>().join("\n")
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    const SHOWN_MAX: usize = 200;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_that_of_the_process_asked_for() {
        assert!(rss_kib(std::process::id()).unwrap() > 0);
        assert!(rss_kib(u32::MAX).is_err());
    }
}
