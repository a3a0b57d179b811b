//! `broker storage …`: the server's tools on one shard of the live backend.

use server::Configured;
use server::tools::{self, Tool, Voice};
use std::io::Write;
use std::process::ExitCode;

use crate::args::Storage;
use crate::{refuse, serve};

pub(crate) fn storage(task: Storage) -> ExitCode {
    let (config, tool) = match task {
        Storage::Format { config, cluster_id, ignore_formatted } => {
            (config, Tool::Format { cluster_id, ignore_formatted })
        }
        Storage::Info { config } => (config, Tool::Info),
        Storage::Fsck { config } => (config, Tool::Fsck),
    };
    // Warnings are about listeners and keys of a running broker: not asked for here.
    let boot = match serve::configured(&config) {
        Ok(Configured { boot, .. }) => boot,
        Err(reasons) => return refuse(&reasons),
    };
    serve::abort_on_panic();
    let options = uring::Options {
        cpus: uring::default_cpus().into_iter().take(1).collect(),
        pinning: uring::Pinning::Free,
        limits: boot.limits.clone(),
        ..uring::Options::default()
    };
    let voice = Voice { say, complain };
    serve::exit_code(uring::run(&options, move |rt, _: uring::LiveMesh<()>| {
        tools::run(rt, boot.clone(), tool.clone(), voice)
    }))
}

fn say(line: &str) {
    // A reader that has seen enough, such as `head`, is no failure.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn complain(reason: &str) {
    eprintln!("broker: {reason}");
}
