//! `broker group …`.

mod delete;
mod delete_offsets;
mod describe;
mod facts;
mod list;
mod reset;
mod scope;

use clap::Subcommand;
use std::process::ExitCode;

use super::session::{Interrupt, Session, Target, Wanted, on_a_shard};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GroupArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// List groups.
    List(list::Args),
    /// Show how far groups are: committed offset, end, lag and reader of each partition.
    Describe(describe::Args),
    /// Move the committed offsets of a group that has no members. Shows what would happen, unless told to --execute.
    Reset(reset::Args),
    /// Delete groups that have no members, with their offsets.
    Delete(delete::Args),
    /// Forget what a group has committed for topics that it does not read any more.
    DeleteOffsets(delete_offsets::Args),
}

pub(crate) fn run(args: GroupArgs) -> ExitCode {
    on_a_shard(Interrupt::Ends, move |rt| {
        let args = args.clone();
        async move {
            let session = Session::open(rt, &args.target, args.wanted.format()).await?;
            match &args.task {
                Task::List(args) => list::run(&session, args).await,
                Task::Describe(args) => Box::pin(describe::run(&session, args)).await,
                Task::Reset(args) => Box::pin(reset::run(&session, args)).await,
                Task::Delete(args) => delete::run(&session, args).await,
                Task::DeleteOffsets(args) => delete_offsets::run(&session, args).await,
            }
        }
    })
}
