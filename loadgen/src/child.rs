//! Child processes: the embedded broker and the sink, both this executable run again.
//!
//! Promises: whatever ends the parent, a kill included, also ends the child and removes its data.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::args::IoArg;

/// First argument of the embedded broker.
pub const BROKER: &str = "__broker";
/// First argument of the sink.
pub const SINK: &str = "__sink";

/// Where and how a child runs.
#[derive(Debug, Clone)]
pub struct Seat {
    /// One shard for each.
    pub cpus: Vec<usize>,
    /// Kept on its CPUs; otherwise the scheduler decides.
    pub pinned: bool,
    /// Others on its CPUs go first.
    pub gives_way: bool,
    pub io: IoArg,
}

/// A running child that said where it listens.
pub struct Served {
    child: Child,
    pub address: String,
    folder: Option<Folder>,
}

impl Served {
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder that holds its data.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(|folder| folder.0.as_path())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Its data goes with it, so there is nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that is removed with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts a broker with an empty data directory on a free port of the loopback interface.
///
/// # Errors
/// A sentence for the user, with what the broker said last.
pub fn broker(seat: &Seat, settings: &[String]) -> Result<Served, String> {
    let folder = folder()?;
    let data = folder.0.join("data");
    start(seat, broker_arguments(&data, settings), Some(folder))
}

/// No port is a fixed one: whatever else runs on this machine may have it.
fn broker_arguments(data: &Path, settings: &[String]) -> Vec<String> {
    let words =
        [BROKER, "--data", &data.display().to_string(), "--log-level", "warn", "--ready-line"];
    let mut arguments: Vec<String> = words.map(str::to_owned).into();
    let ports = ["listeners=PLAINTEXT://127.0.0.1:0", "http.listener="];
    for setting in ports.into_iter().chain(settings.iter().map(String::as_str)) {
        arguments.extend(["--set", setting].map(str::to_owned));
    }
    arguments
}

/// For the child: ends this process when its parent is gone, however that went. Removes the folder
/// that the parent made for it.
pub fn end_with_parent(folder: Option<PathBuf>) {
    std::thread::spawn(move || {
        // Nothing ever comes; an error ends the wait as well as the end does.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        if let Some(folder) = folder {
            let _ = fs::remove_dir_all(folder);
        }
        std::process::exit(1);
    });
}

/// The folder that [`broker`] made, from the arguments that it gave.
#[must_use]
pub fn folder_in(words: &[OsString]) -> Option<PathBuf> {
    let data = words.iter().skip_while(|word| *word != "--data").nth(1)?;
    Path::new(data).parent().map(Path::to_path_buf)
}

/// Starts a sink on a free port of the loopback interface.
///
/// # Errors
/// A sentence for the user.
pub fn sink(seat: &Seat) -> Result<Served, String> {
    start(seat, vec![SINK.to_owned()], None)
}

fn start(seat: &Seat, arguments: Vec<String>, folder: Option<Folder>) -> Result<Served, String> {
    let itself = std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    let mut command = Command::new(itself);
    command.args(arguments).args(["--cpus", &cpu_text(&seat.cpus), "--io", seat.io.name()]);
    if !seat.pinned {
        command.arg("--no-pin");
    }
    let said_at = folder.as_ref().map(|folder| folder.0.join("said"));
    let errors = match &said_at {
        Some(path) => File::create(path).map(Stdio::from).map_err(|error| error.to_string())?,
        None => Stdio::inherit(),
    };
    // Held open and never written to: its end tells the child that this process is gone.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
    let child = command.spawn().map_err(|error| format!("cannot start a child: {error}"))?;
    let mut served = Served { child, address: String::new(), folder };
    let output = served.child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if let Some(ready) = line.strip_prefix("ready ") {
            let address = address_in(ready).ok_or_else(|| format!("no address in `{line}`"))?;
            served.address = address;
            return Ok(served);
        }
    }
    let said = said_at.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    Err(format!("the embedded broker did not start:\n{}", said.trim_end()))
}

/// The first `host:port` of a ready line, such as `listeners=PLAINTEXT://127.0.0.1:9092`.
fn address_in(ready: &str) -> Option<String> {
    let listeners = ready.split_whitespace().find_map(|word| word.strip_prefix("listeners="))?;
    let first = listeners.split(',').next()?;
    Some(first.rsplit("//").next()?.to_owned())
}

/// A fresh folder under `target` where there is one, else in the system's place for such things.
fn folder() -> Result<Folder, String> {
    let parent = Some(PathBuf::from("target")).filter(|path| path.is_dir());
    let parent = parent.unwrap_or_else(std::env::temp_dir);
    let path = parent.join(format!("loadgen-{}", std::process::id()));
    let failed = |error| format!("cannot create {}: {error}", path.display());
    fs::create_dir_all(&path).map_err(failed)?;
    Ok(Folder(path))
}

/// CPU numbers as the command lines take them.
#[must_use]
pub fn cpu_text(cpus: &[usize]) -> String {
    cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_one_around_the_data() {
        let words = ["loadgen", "--data", "/t/loadgen-7/data", "--set"].map(OsString::from);
        assert_eq!(folder_in(&words), Some(PathBuf::from("/t/loadgen-7")));
        assert_eq!(folder_in(&words[..2]), None);
    }

    #[test]
    fn what_the_user_sets_comes_after_what_is_set_for_him() {
        let arguments = broker_arguments(Path::new("/t/data"), &["http.listener=:1".to_owned()]);
        let settings = arguments.windows(2).filter(|pair| pair[0] == "--set");
        let settings: Vec<&str> = settings.map(|pair| pair[1].as_str()).collect();
        let expected = ["listeners=PLAINTEXT://127.0.0.1:0", "http.listener=", "http.listener=:1"];
        assert_eq!(settings, expected);
    }

    #[test]
    fn a_ready_line_names_the_address() {
        let address = |line| address_in(line);
        assert_eq!(address("listeners=127.0.0.1:9092 io=uring"), Some("127.0.0.1:9092".to_owned()));
        let named = "shards=1 listeners=PLAINTEXT://[::1]:1,CONTROLLER://[::1]:2";
        assert_eq!(address(named), Some("[::1]:1".to_owned()));
        assert_eq!(address("nothing"), None);
    }
}
