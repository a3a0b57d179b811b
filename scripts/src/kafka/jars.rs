//! Kafka's jars: fetched once with Maven from the pinned pom, kept in the build folder.

use crate::{Doing, Failed, Outcome, paths, process};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Written last, so that an interrupted fetch is not taken for a finished one.
const COMPLETE: &str = "complete";

/// The folder with Kafka's jars; fetches them if they are missing.
///
/// # Errors
/// When Maven or Java is missing, or a jar cannot be had.
pub fn fetch() -> Outcome<PathBuf> {
    fetch_pom("kafka", &paths::root().join("scripts/kafka/pom.xml"))
}

/// The jars that `pom` names, in the build folder under `kafka/NAME-CHECKSUM`: a changed pom gets a
/// fresh folder.
///
/// # Errors
/// When Maven or Java is missing, or a jar cannot be had.
pub fn fetch_pom(name: &str, pom: &Path) -> Outcome<PathBuf> {
    let text = std::fs::read_to_string(pom).doing(|| pom.display().to_string())?;
    let dir = paths::target().join("kafka").join(format!("{name}-{:08x}", checksum(&text)));
    if dir.join(COMPLETE).exists() {
        return Ok(dir);
    }
    for program in ["java", "mvn"] {
        if !process::is_installed(program) {
            return Err(Failed(format!("{program} is not installed")));
        }
    }
    println!("fetching the jars of {name}");
    process::capture(
        Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(pom)
            .arg(format!("-DoutputDirectory={}", dir.display()))
            .arg("dependency:copy-dependencies"),
    )?;
    std::fs::write(dir.join(COMPLETE), "").doing(|| dir.display().to_string())?;
    Ok(dir)
}

/// One of Kafka's command line tools, by its Java class.
pub fn tool(jars: &Path, class: &str) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xmx256m", "-XX:+UseSerialGC", "-cp"]).arg(class_path(jars)).arg(class);
    command
}

/// The class path with every jar of the folder.
pub fn class_path(jars: &Path) -> String {
    format!("{}/*", jars.display())
}

/// FNV-1a, only to tell two texts apart.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
