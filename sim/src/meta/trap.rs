//! A trap for reads of the clock that no audit of system calls can see: on x86-64 the kernel's page
//! in every process answers them from the time stamp counter, and the counter can be made to fault.
//!
//! Promises: armed only while runs are made; that it bites is proved on this machine before it is
//! relied on. Does not: exist elsewhere than on Linux on x86-64, nor bite where the kernel keeps time
//! without the counter; both are told, not passed over.

use std::process::Stdio;

use crate::worker::this_program;

/// From now on a read of the time stamp counter ends this thread's process (SIGSEGV), also in
/// threads that it starts. Source: prctl(2), `PR_SET_TSC`.
///
/// # Errors
/// The machine has no such trap.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn arm() -> Result<(), String> {
    use rustix::process::{TimeStampCounterReadability, set_time_stamp_counter_readability};
    set_time_stamp_counter_readability(TimeStampCounterReadability::RaiseSIGSEGV)
        .map_err(|error| format!("the clock cannot be trapped: {error}"))
}

/// # Errors
/// The machine has no such trap.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn arm() -> Result<(), String> {
    Err("only Linux on x86-64 can trap reads of the clock".to_owned())
}

/// Reads the clock, for the proof that the trap bites.
#[must_use]
pub fn read_clock() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the very read that the trap is for")]
    let now = std::time::Instant::now();
    now.elapsed().as_secs() < u64::MAX
}

/// Starts a child that arms the trap and reads the clock: it must not live.
///
/// # Errors
/// It lives.
pub(super) fn prove() -> Result<(), String> {
    let mut command = this_program()?;
    command.args(["fingerprint", "--trap-clock", "--read-clock"]).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("cannot start a child: {error}"))?;
    // Ended by a signal: there is no code.
    if output.status.code().is_none() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("the clock trap does not bite on this machine: {}", said.trim()))
}
