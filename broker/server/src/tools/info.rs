//! `broker storage info`.

use std::path::PathBuf;

use runtime::Runtime;
use storage::{LogFacts, inspect_directory};

use super::ToolError;

pub(super) async fn info<R: Runtime>(
    rt: &R,
    directories: &[PathBuf],
    say: &mut impl FnMut(&str),
) -> Result<(), ToolError> {
    for path in directories {
        let facts = inspect_directory(rt, path).await?;
        let Some(identity) = facts.identity else {
            return Err(ToolError::NotFormatted(path.clone()));
        };
        say(&format!(
            "{}: cluster {} node {} directory {}, {}",
            path.display(),
            identity.cluster_id,
            identity.node_id,
            identity.directory_id,
            if facts.clean { "clean" } else { "not clean" },
        ));
        facts.logs.iter().for_each(|log| say(&line(log)));
    }
    Ok(())
}

fn line(log: &LogFacts) -> String {
    let id = log.topic_id.map_or_else(|| "without a topic id".to_owned(), |id| id.to_string());
    let (segments, bytes) = (log.segment_count, log.size_bytes);
    format!("  {} {id} segments={segments} bytes={bytes}", log.directory_name())
}
