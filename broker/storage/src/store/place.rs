//! Which data directory a log lies in.

use runtime::Runtime;

use super::Shared;
use crate::log::Place;
use crate::{LogId, StorageError};

impl<R: Runtime> Shared<R> {
    /// Where the log lies; a new one goes where the fewest are.
    pub(crate) async fn place(&self, id: &LogId) -> Result<Place, StorageError> {
        let name = id.directory_name();
        let rt = &self.rt;
        for (directory, place) in self.directories.iter().enumerate() {
            let path = place.info.path.join(&name);
            match rt.list(&path).await {
                Ok(_) => {}
                Err(runtime::Error::NotFound) => continue,
                Err(error) => return Err(StorageError::disk(&path, "list")(error)),
            }
            let checkpoints = &place.info.checkpoints;
            return Ok(Place {
                path,
                directory,
                exists: true,
                clean: place.info.clean,
                recovery_point: checkpoints.recovery_points.get(&name).copied(),
                log_start: checkpoints.log_starts.get(&name).copied(),
                first_dirty: checkpoints.first_dirty.get(&name).copied(),
            });
        }
        let logs = self.logs.borrow();
        let count = |directory| {
            let open_count = logs.values().filter(|log| log.directory == directory).count();
            open_count + self.directories[directory].opening_count.get()
        };
        let online = (0..self.directories.len()).filter(|at| self.directories[*at].online.get());
        let directory = online.min_by_key(|directory| count(*directory)).unwrap_or(0);
        Ok(Place {
            path: self.directories[directory].info.path.join(name),
            directory,
            exists: false,
            clean: true,
            recovery_point: None,
            log_start: None,
            first_dirty: None,
        })
    }
}
