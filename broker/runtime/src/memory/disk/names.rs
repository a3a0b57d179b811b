//! Directories: what a look-up sees, and what a power loss would leave.
//!
//! Every directory has two maps of names, the cached one and the durable one, and every change since
//! the last `sync_dir` waits in one list. Promises: a power loss keeps, for each directory, a prefix
//! of its changes; a rename happens wholly or not at all; what a synced directory shows needs no
//! sync of another one, but for the directories above it.
//! Does not: hold bytes (`content.rs`), know faults or time.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::content::Content;
use crate::memory::trace::Fold;
use crate::{Entry, EntryKind, Error, Result};

pub(in crate::memory) type InodeId = u64;

pub(super) const ROOT: InodeId = 0;

const EXDEV: i32 = 18;
const ENOTDIR: i32 = 20;
const EISDIR: i32 = 21;
const EINVAL: i32 = 22;
const ENOTEMPTY: i32 = 39;

/// Files are shared between copies of the names until one of them changes.
#[derive(Clone)]
enum Kind {
    File(Rc<Content>),
    Directory { cached: BTreeMap<String, InodeId>, durable: BTreeMap<String, InodeId> },
}

#[derive(Clone)]
struct Inode {
    kind: Kind,
    /// Which of the node's devices holds it.
    device: usize,
    /// What draws know it by: where it was created, whatever else was.
    identity: u64,
    /// Names in both images, changes on their way to the medium, open handles and locks.
    reference_count: u64,
    /// The handles among them.
    handle_count: u64,
}

#[derive(Clone)]
struct Place {
    directory: InodeId,
    name: String,
}

/// A change of names that is not durable yet.
#[derive(Clone)]
struct Change {
    ordinal: u64,
    removed: Option<Place>,
    set: Option<(Place, InodeId)>,
}

impl Change {
    fn directories(&self) -> impl Iterator<Item = InodeId> {
        let removed = self.removed.as_ref().map(|place| place.directory);
        removed.into_iter().chain(self.set.as_ref().map(|(place, _)| place.directory))
    }
}

#[derive(Clone)]
pub(super) struct Names {
    inodes: BTreeMap<InodeId, Inode>,
    created: u64,
    changes: Vec<Change>,
    changed: u64,
    sector_bytes: u64,
    /// Directories with a device of their own, which are numbered from 1; the rest is on device 0.
    mounts: Rc<[PathBuf]>,
}

impl Names {
    pub(super) fn new(sector_bytes: u64, mounts: &[PathBuf]) -> Self {
        let kind = Kind::Directory { cached: BTreeMap::new(), durable: BTreeMap::new() };
        let root = Inode { kind, device: 0, identity: 0, reference_count: 1, handle_count: 0 };
        Self {
            inodes: BTreeMap::from([(ROOT, root)]),
            created: 1,
            changes: Vec::new(),
            changed: 0,
            sector_bytes,
            mounts: Rc::from(mounts),
        }
    }

    /// The device that holds what is created at a path.
    pub(super) fn device_of(&self, path: &Path) -> usize {
        let inside = |(_, mount): &(usize, &PathBuf)| path.starts_with(mount);
        let deepest = self.mounts.iter().enumerate().filter(inside);
        let deepest = deepest.max_by_key(|(_, mount)| mount.components().count());
        deepest.map_or(0, |(index, _)| index + 1)
    }

    pub(super) fn device(&self, inode: InodeId) -> usize {
        self.inodes[&inode].device
    }

    pub(super) fn identity(&self, inode: InodeId) -> u64 {
        self.inodes[&inode].identity
    }

    /// The inode that a path names.
    pub(super) fn find(&self, path: &Path) -> Result<InodeId> {
        let mut at = ROOT;
        for name in components(path)? {
            at = *self.cached(at)?.get(name).ok_or(Error::NotFound)?;
        }
        Ok(at)
    }

    pub(super) fn find_file(&self, path: &Path) -> Result<InodeId> {
        let inode = self.find(path)?;
        match self.inodes[&inode].kind {
            Kind::File(_) => Ok(inode),
            Kind::Directory { .. } => Err(Error::Failed(EISDIR)),
        }
    }

    pub(super) fn create_file(&mut self, path: &Path) -> Result<InodeId> {
        let place = self.place(path)?;
        let content = Content::new(self.sector_bytes);
        self.create(place, path, Kind::File(Rc::new(content)))
    }

    pub(super) fn create_directories(&mut self, path: &Path) -> Result<()> {
        let mut at = ROOT;
        let mut here = PathBuf::from("/");
        for name in components(path)? {
            here.push(name);
            at = match self.cached(at)?.get(name) {
                Some(inode) => *inode,
                None => {
                    let place = Place { directory: at, name: name.to_owned() };
                    let (cached, durable) = (BTreeMap::new(), BTreeMap::new());
                    self.create(place, &here, Kind::Directory { cached, durable })?
                }
            };
        }
        self.cached(at).map(|_| ())
    }

    pub(super) fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let names = self.cached(self.find(path)?)?;
        let entry = |(name, inode): (&String, &InodeId)| {
            let kind = match self.inodes[inode].kind {
                Kind::File(_) => EntryKind::File,
                Kind::Directory { .. } => EntryKind::Directory,
            };
            Entry { name: name.clone(), kind }
        };
        Ok(names.iter().map(entry).collect())
    }

    /// Every file below the root with its path, as look-ups see them, in the order of the paths.
    pub(super) fn walk(&self) -> Vec<(PathBuf, InodeId)> {
        let mut found = Vec::new();
        let mut left = vec![(PathBuf::from("/"), ROOT)];
        while let Some((path, at)) = left.pop() {
            match &self.inodes[&at].kind {
                Kind::File(_) => found.push((path, at)),
                Kind::Directory { cached, .. } => {
                    left.extend(cached.iter().rev().map(|(name, at)| (path.join(name), *at)));
                }
            }
        }
        found
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let inode = self.find(from)?;
        let (from_place, to_place) = (self.place(from)?, self.place(to)?);
        if components(to)?.starts_with(&components(from)?) && from != to {
            return Err(Error::Failed(EINVAL));
        }
        self.check_device(inode, to)?;
        match self.find(to) {
            Ok(replaced) if replaced == inode => return Ok(()),
            Ok(replaced) => self.check_replaceable(inode, replaced)?,
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        self.change(Some(from_place), Some((to_place, inode)));
        Ok(())
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) -> Result<()> {
        let inode = self.find_file(from)?;
        let place = self.place(to)?;
        if self.find(to).is_ok() {
            return Err(Error::Exists);
        }
        self.check_device(inode, to)?;
        self.change(None, Some((place, inode)));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> Result<()> {
        let inode = self.find(path)?;
        let place = self.place(path)?;
        self.check_empty(inode)?;
        self.change(Some(place), None);
        Ok(())
    }

    /// The bytes of a file that somebody still refers to.
    pub(super) fn content(&self, inode: InodeId) -> &Content {
        match self.inodes.get(&inode).map(|inode| &inode.kind) {
            Some(Kind::File(content)) => content,
            _ => panic!("inode {inode} is not a file that anybody refers to"),
        }
    }

    pub(super) fn content_mut(&mut self, inode: InodeId) -> &mut Content {
        match self.inodes.get_mut(&inode).map(|inode| &mut inode.kind) {
            Some(Kind::File(content)) => Rc::make_mut(content),
            _ => panic!("inode {inode} is not a file that anybody refers to"),
        }
    }

    /// Every byte of a file as reads see them.
    pub(super) fn whole(&self, inode: InodeId) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.content(inode).read(0, usize::MAX, &mut bytes);
        bytes
    }

    /// The files that a power loss would change, with what draws know them by.
    pub(super) fn unsettled_mut(&mut self) -> impl Iterator<Item = (InodeId, u64, &mut Content)> {
        self.inodes.iter_mut().filter_map(|(id, inode)| match &mut inode.kind {
            Kind::File(content) if !content.is_durable() => {
                Some((*id, inode.identity, Rc::make_mut(content)))
            }
            Kind::File(_) | Kind::Directory { .. } => None,
        })
    }

    /// Whether anybody still refers to it: an operation may outlive the process that asked for it.
    pub(super) fn exists(&self, inode: InodeId) -> bool {
        self.inodes.contains_key(&inode)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (InodeId, &Content)> {
        self.inodes.iter().filter_map(|(id, inode)| match &inode.kind {
            Kind::File(content) => Some((*id, &**content)),
            Kind::Directory { .. } => None,
        })
    }

    /// Pages that take room on one device.
    pub(super) fn placed_page_count(&self, device: usize) -> u64 {
        let here = |(inode, _): &(InodeId, &Content)| self.device(*inode) == device;
        self.files().filter(here).map(|(_, content)| content.placed_page_count()).sum()
    }

    /// An open handle keeps the bytes of a removed file.
    pub(super) fn open_handle(&mut self, inode: InodeId) {
        self.retain(inode);
        self.inodes.get_mut(&inode).expect("just retained").handle_count += 1;
    }

    pub(super) fn close_handle(&mut self, inode: InodeId) {
        self.inodes.get_mut(&inode).expect("closed once for each opening").handle_count -= 1;
        self.release(inode);
    }

    pub(super) fn is_open(&self, inode: InodeId) -> bool {
        self.inodes[&inode].handle_count > 0
    }

    /// One more reference to an inode.
    pub(super) fn retain(&mut self, inode: InodeId) {
        self.inodes.get_mut(&inode).expect("retained while it is named").reference_count += 1;
    }

    /// Forgets an inode together with its last reference.
    pub(super) fn release(&mut self, inode: InodeId) {
        let node = self.inodes.get_mut(&inode).expect("released once for each reference");
        node.reference_count -= 1;
        if node.reference_count > 0 {
            return;
        }
        let kind = self.inodes.remove(&inode).expect("just seen").kind;
        if let Kind::Directory { cached, durable } = kind {
            for inode in cached.into_values().chain(durable.into_values()) {
                self.release(inode);
            }
        }
    }

    /// What a `sync_dir` that begins now covers.
    pub(super) fn changes_so_far(&self) -> u64 {
        self.changed
    }

    /// Makes the names of one directory durable, as they were after the first `covered` changes.
    /// Changes of other directories that these depend on go with them.
    pub(super) fn sync_directory(&mut self, directory: InodeId, covered: u64) {
        let mut wanted = BTreeSet::from([directory]);
        let mut synced = BTreeSet::new();
        for change in self.changes.iter().rev().filter(|change| change.ordinal < covered) {
            if change.directories().any(|at| wanted.contains(&at)) {
                wanted.extend(change.directories());
                synced.insert(change.ordinal);
            }
        }
        let changes = core::mem::take(&mut self.changes);
        for change in changes {
            if synced.contains(&change.ordinal) {
                self.make_durable(change);
            } else {
                self.changes.push(change);
            }
        }
    }

    /// The power is gone: of each directory's changes a drawn prefix survives, and the cached names
    /// are read from the medium again. Returns how many changes were lost.
    pub(super) fn lose_power(&mut self, survives: impl Fn(u64) -> bool) -> u64 {
        let mut stopped = BTreeSet::new();
        let mut lost = 0;
        for change in core::mem::take(&mut self.changes) {
            let cut = change.directories().any(|at| stopped.contains(&at));
            if cut || !survives(change.ordinal) {
                stopped.extend(change.directories());
                lost += 1;
            } else {
                self.make_durable(change);
            }
        }
        for inode in self.inodes.values_mut() {
            if let Kind::Directory { cached, durable } = &mut inode.kind {
                cached.clone_from(durable);
            }
        }
        self.forget_handles();
        lost
    }

    /// No process has a file open any more: what only a handle kept is gone.
    pub(super) fn forget_handles(&mut self) {
        // Counted anew from the root and from the changes on their way.
        let mut counts = BTreeMap::from([(ROOT, 1_u64)]);
        let mut reachable = vec![ROOT];
        let set = self.changes.iter().filter_map(|change| change.set.as_ref());
        let mut found: Vec<InodeId> = set.map(|(_, inode)| *inode).collect();
        loop {
            for inode in found.drain(..) {
                let count = counts.entry(inode).or_insert(0);
                *count += 1;
                if *count == 1 {
                    reachable.push(inode);
                }
            }
            let Some(next) = reachable.pop() else { break };
            if let Kind::Directory { cached, durable } = &self.inodes[&next].kind {
                found.extend(cached.values().chain(durable.values()));
            }
        }
        self.inodes.retain(|id, inode| {
            inode.reference_count = counts.get(id).copied().unwrap_or(0);
            inode.handle_count = 0;
            inode.reference_count > 0
        });
    }

    fn cached(&self, directory: InodeId) -> Result<&BTreeMap<String, InodeId>> {
        match &self.inodes[&directory].kind {
            Kind::Directory { cached, .. } => Ok(cached),
            Kind::File(_) => Err(Error::Failed(ENOTDIR)),
        }
    }

    /// Where the last component of a path is or would be.
    fn place(&self, path: &Path) -> Result<Place> {
        let names = components(path)?;
        let (name, above) = names.split_last().ok_or(Error::Failed(EINVAL))?;
        let mut directory = ROOT;
        for name in above {
            directory = *self.cached(directory)?.get(*name).ok_or(Error::NotFound)?;
        }
        self.cached(directory)?;
        Ok(Place { directory, name: (*name).to_owned() })
    }

    /// Names refer to inodes of their own device only.
    fn check_device(&self, inode: InodeId, path: &Path) -> Result<()> {
        let same = self.device(inode) == self.device_of(path);
        if same { Ok(()) } else { Err(Error::Failed(EXDEV)) }
    }

    fn check_replaceable(&self, inode: InodeId, replaced: InodeId) -> Result<()> {
        match (&self.inodes[&inode].kind, &self.inodes[&replaced].kind) {
            (Kind::File(_), Kind::Directory { .. }) => Err(Error::Failed(EISDIR)),
            (Kind::Directory { .. }, Kind::File(_)) => Err(Error::Failed(ENOTDIR)),
            _ => self.check_empty(replaced),
        }
    }

    fn check_empty(&self, inode: InodeId) -> Result<()> {
        match &self.inodes[&inode].kind {
            Kind::Directory { cached, .. } if !cached.is_empty() => Err(Error::Failed(ENOTEMPTY)),
            _ => Ok(()),
        }
    }

    fn create(&mut self, place: Place, path: &Path, kind: Kind) -> Result<InodeId> {
        if self.cached(place.directory)?.contains_key(&place.name) {
            return Err(Error::Exists);
        }
        let inode = self.created;
        self.created += 1;
        let device = self.device_of(path);
        let identity = Fold::bytes(path.as_os_str().as_encoded_bytes());
        let new = Inode { kind, device, identity, reference_count: 0, handle_count: 0 };
        self.inodes.insert(inode, new);
        self.change(None, Some((place, inode)));
        Ok(inode)
    }

    /// Changes the cached names and notes the change for the medium.
    fn change(&mut self, removed: Option<Place>, set: Option<(Place, InodeId)>) {
        if let Some((_, inode)) = &set {
            self.retain(*inode);
        }
        let change = Change { ordinal: self.changed, removed, set };
        self.changed += 1;
        self.apply(&change, Image::Cached);
        self.changes.push(change);
    }

    fn make_durable(&mut self, change: Change) {
        self.apply(&change, Image::Durable);
        if let Some((_, inode)) = change.set {
            self.release(inode);
        }
    }

    fn apply(&mut self, change: &Change, image: Image) {
        // The new name first: a renamed inode must not be without any reference in between.
        let mut gone = Vec::new();
        if let Some((place, inode)) = &change.set
            && let Some(names) = self.names_mut(place.directory, image)
        {
            gone.extend(names.insert(place.name.clone(), *inode));
            self.retain(*inode);
        }
        if let Some(place) = &change.removed
            && let Some(names) = self.names_mut(place.directory, image)
        {
            gone.extend(names.remove(&place.name));
        }
        for inode in gone {
            self.release(inode);
        }
    }

    /// `None` when the directory itself is gone from both images.
    fn names_mut(&mut self, at: InodeId, image: Image) -> Option<&mut BTreeMap<String, InodeId>> {
        match (&mut self.inodes.get_mut(&at)?.kind, image) {
            (Kind::Directory { cached, .. }, Image::Cached) => Some(cached),
            (Kind::Directory { durable, .. }, Image::Durable) => Some(durable),
            (Kind::File(_), _) => panic!("inode {at} was a directory when it was changed"),
        }
    }
}

#[derive(Clone, Copy)]
enum Image {
    Cached,
    Durable,
}

/// The names on the way to a path. Absolute and relative paths both begin at the root.
fn components(path: &Path) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str().ok_or(Error::Failed(EINVAL))?),
            Component::ParentDir | Component::Prefix(_) => return Err(Error::Failed(EINVAL)),
        }
    }
    Ok(names)
}
