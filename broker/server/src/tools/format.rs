//! `broker storage format`.
//!
//! Promises: looks at every directory before it writes to any; all get the same cluster id.

use std::path::PathBuf;

use model::{NodeId, TopicId};
use runtime::Runtime;
use storage::{Owner, format_directory, inspect_directory};

use super::ToolError;

pub(super) struct Asked {
    pub(super) node_id: NodeId,
    pub(super) cluster_id: Option<String>,
    pub(super) ignore_formatted: bool,
}

pub(super) async fn format<R: Runtime>(
    rt: &R,
    directories: &[PathBuf],
    asked: &Asked,
    say: &mut impl FnMut(&str),
) -> Result<(), ToolError> {
    let mut owner = Owner { node_id: asked.node_id, cluster_id: asked.cluster_id.clone() };
    if let Some(text) = asked.cluster_id.as_ref().filter(|text| TopicId::from_text(text).is_none())
    {
        return Err(ToolError::ClusterId(text.clone()));
    }
    let mut empty = Vec::new();
    for path in directories {
        let facts = inspect_directory(rt, path).await?;
        match facts.identity {
            Some(_) if !asked.ignore_formatted => {
                return Err(ToolError::AlreadyFormatted(path.clone()));
            }
            Some(identity) => {
                // A new directory beside it joins its cluster.
                let cluster_id =
                    owner.cluster_id.get_or_insert_with(|| identity.cluster_id.clone());
                if *cluster_id != identity.cluster_id {
                    let found = identity.cluster_id;
                    return Err(ToolError::OtherCluster { path: path.clone(), found });
                }
                say(&format!("{} is formatted already", path.display()));
            }
            None if facts.logs.is_empty() => empty.push(path),
            None => return Err(ToolError::HoldsLogs(path.clone())),
        }
    }
    for path in empty {
        let identity = format_directory(rt, path, &owner).await?;
        say(&format!(
            "{} formatted: cluster {} node {} directory {}",
            path.display(),
            identity.cluster_id,
            identity.node_id,
            identity.directory_id
        ));
        owner.cluster_id = Some(identity.cluster_id);
    }
    Ok(())
}
