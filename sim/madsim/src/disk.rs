//! A disk that never fails and never forgets.
//!
//! madsim's own file system cannot reopen a file for writing, so this is a map in memory. Everything
//! happens at once when a verb is called, whoever drops the future; only a sync takes time.

use model::{Bufs, Probe};
use runtime::{Advice, Entry, EntryKind, Error, File, Open, Result, Space};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::runtime::MadsimRuntime;

/// madsim's shortest sleep; so that commits form groups.
const SYNC_TIME: Duration = Duration::from_millis(1);
const LOCK_PATIENCE: u32 = 20;
const LOCK_STEP: Duration = Duration::from_millis(100);
const CAPACITY_BYTES: u64 = 1 << 40;
/// EBADF, ENOTEMPTY, EISDIR.
const BAD_HANDLE: Error = Error::Failed(9);
const NOT_EMPTY: Error = Error::Failed(39);
const IS_A_DIRECTORY: Error = Error::Failed(21);

type Content = Arc<Mutex<Vec<u8>>>;

#[derive(Clone)]
enum Node {
    Directory,
    File(Content),
}

/// All names and bytes of one machine.
pub(crate) struct Disk {
    names: Mutex<BTreeMap<PathBuf, Node>>,
    locks: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// An open file.
#[derive(Clone)]
pub struct MadsimFile {
    content: Content,
    writable: bool,
}

impl File for MadsimFile {}

/// A lock, held until dropped.
pub struct MadsimLock {
    path: PathBuf,
    locks: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Drop for MadsimLock {
    fn drop(&mut self) {
        self.locks.lock().expect("one thread").remove(&self.path);
    }
}

impl MadsimFile {
    /// Bytes of a range; `None` when the file ends inside it.
    pub(crate) fn range(&self, range: Range<u64>) -> Option<Vec<u8>> {
        let content = self.content.lock().expect("one thread");
        content.get(to_usize(range.start)..to_usize(range.end)).map(<[u8]>::to_vec)
    }

    fn for_writing(&self) -> Result<&Mutex<Vec<u8>>> {
        if self.writable { Ok(&self.content) } else { Err(BAD_HANDLE) }
    }
}

impl Disk {
    pub(crate) fn new() -> Self {
        let names = BTreeMap::from([(PathBuf::from("/"), Node::Directory)]);
        Self { names: Mutex::new(names), locks: Arc::default() }
    }

    /// Locks belong to a process, and that one is dead.
    pub(crate) fn forget_locks(&self) {
        self.locks.lock().expect("one thread").clear();
    }

    fn open(&self, path: &Path, how: Open) -> Result<MadsimFile> {
        let mut names = self.names.lock().expect("one thread");
        let content = match (names.get(path), how) {
            (Some(Node::Directory), _) => return Err(IS_A_DIRECTORY),
            (Some(Node::File(_)), Open::CreateNew) => return Err(Error::Exists),
            (Some(Node::File(content)), _) => Arc::clone(content),
            (None, Open::Read | Open::Write) => return Err(Error::NotFound),
            (None, Open::Create | Open::CreateNew) => {
                parent_of(&names, path)?;
                let content = Content::default();
                names.insert(path.to_path_buf(), Node::File(Arc::clone(&content)));
                content
            }
        };
        Ok(MadsimFile { content, writable: how != Open::Read })
    }

    fn create_dir(&self, path: &Path) -> Result<()> {
        let mut names = self.names.lock().expect("one thread");
        for path in path.ancestors() {
            match names.get(path) {
                Some(Node::File(_)) => return Err(Error::Exists),
                Some(Node::Directory) => {}
                None => {
                    names.insert(path.to_path_buf(), Node::Directory);
                }
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let names = self.names.lock().expect("one thread");
        let Some(Node::Directory) = names.get(path) else { return Err(Error::NotFound) };
        let children = names.iter().filter(|(child, _)| child.parent() == Some(path));
        let mut entries: Vec<Entry> = children
            .map(|(child, node)| Entry {
                name: child.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                kind: match node {
                    Node::Directory => EntryKind::Directory,
                    Node::File(_) => EntryKind::File,
                },
            })
            .collect();
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut names = self.names.lock().expect("one thread");
        let Some(node) = names.get(from).cloned() else { return Err(Error::NotFound) };
        parent_of(&names, to)?;
        if let Node::File(_) = node {
            names.remove(from);
            names.insert(to.to_path_buf(), node);
            return Ok(());
        }
        let moved: Vec<PathBuf> =
            names.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for path in moved {
            let node = names.remove(&path).expect("just listed");
            let rest = path.strip_prefix(from).expect("it starts with it");
            // Joined with nothing, a path would end in a slash.
            let new = if rest.as_os_str().is_empty() { to.to_path_buf() } else { to.join(rest) };
            names.insert(new, node);
        }
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> Result<()> {
        let mut names = self.names.lock().expect("one thread");
        let Some(node @ Node::File(_)) = names.get(from).cloned() else {
            return Err(Error::NotFound);
        };
        if names.contains_key(to) {
            return Err(Error::Exists);
        }
        parent_of(&names, to)?;
        names.insert(to.to_path_buf(), node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let mut names = self.names.lock().expect("one thread");
        if !names.contains_key(path) {
            return Err(Error::NotFound);
        }
        if names.keys().any(|child| child.parent() == Some(path)) {
            return Err(NOT_EMPTY);
        }
        names.remove(path);
        Ok(())
    }

    fn is_directory(&self, path: &Path) -> bool {
        matches!(self.names.lock().expect("one thread").get(path), Some(Node::Directory))
    }

    fn used_bytes(&self) -> u64 {
        let names = self.names.lock().expect("one thread");
        let bytes = names.values().map(|node| match node {
            Node::Directory => 0,
            Node::File(content) => content.lock().expect("one thread").len() as u64,
        });
        bytes.sum()
    }
}

fn parent_of(names: &BTreeMap<PathBuf, Node>, path: &Path) -> Result<()> {
    match path.parent().and_then(|parent| names.get(parent)) {
        Some(Node::Directory) => Ok(()),
        _ => Err(Error::NotFound),
    }
}

impl<P: Probe> runtime::Disk for MadsimRuntime<P> {
    type File = MadsimFile;
    type Lock = MadsimLock;

    async fn open(&self, path: &Path, how: Open) -> Result<MadsimFile> {
        self.disk.open(path, how)
    }

    async fn append(&self, file: &MadsimFile, at: u64, pieces: Bufs) -> Result<()> {
        let mut content = file.for_writing()?.lock().expect("one thread");
        let mut at = to_usize(at);
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let end = at + piece.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[at..end].copy_from_slice(piece);
            at = end;
        }
        Ok(())
    }

    async fn read(
        &self,
        file: &MadsimFile,
        at: u64,
        mut into: Vec<u8>,
        count: usize,
    ) -> (Result<usize>, Vec<u8>) {
        let content = file.content.lock().expect("one thread");
        let start = to_usize(at).min(content.len());
        let end = start.saturating_add(count).min(content.len());
        into.extend_from_slice(&content[start..end]);
        (Ok(end - start), into)
    }

    async fn sync_data(&self, _: &MadsimFile) -> Result<()> {
        madsim::time::sleep(SYNC_TIME).await;
        Ok(())
    }

    async fn len(&self, file: &MadsimFile) -> Result<u64> {
        Ok(file.content.lock().expect("one thread").len() as u64)
    }

    async fn set_len(&self, file: &MadsimFile, len: u64) -> Result<()> {
        file.for_writing()?.lock().expect("one thread").resize(to_usize(len), 0);
        Ok(())
    }

    async fn allocate(&self, file: &MadsimFile, _: Range<u64>) -> Result<()> {
        file.for_writing().map(|_| ())
    }

    async fn advise(&self, _: &MadsimFile, _: Range<u64>, _: Advice) {}

    async fn create_dir(&self, path: &Path) -> Result<()> {
        self.disk.create_dir(path)
    }

    async fn sync_dir(&self, path: &Path) -> Result<()> {
        if !self.disk.is_directory(path) {
            return Err(Error::NotFound);
        }
        madsim::time::sleep(SYNC_TIME).await;
        Ok(())
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        self.disk.list(path)
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.rename(from, to)
    }

    async fn link(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.link(from, to)
    }

    async fn remove(&self, path: &Path) -> Result<()> {
        self.disk.remove(path)
    }

    async fn lock(&self, path: &Path) -> Result<MadsimLock> {
        self.disk.open(path, Open::Create)?;
        for _ in 0..LOCK_PATIENCE {
            if self.disk.locks.lock().expect("one thread").insert(path.to_path_buf()) {
                let locks = Arc::clone(&self.disk.locks);
                return Ok(MadsimLock { path: path.to_path_buf(), locks });
            }
            madsim::time::sleep(LOCK_STEP).await;
        }
        Err(Error::Locked)
    }

    async fn space(&self, _: &Path) -> Result<Space> {
        let free_bytes = CAPACITY_BYTES.saturating_sub(self.disk.used_bytes());
        Ok(Space { total_bytes: CAPACITY_BYTES, free_bytes })
    }
}

fn to_usize(position: u64) -> usize {
    usize::try_from(position).expect("it lies inside something that is in memory")
}
