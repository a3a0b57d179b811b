//! Names: creating, renaming, linking, removing, listing.

use std::path::Path;

use super::{Case, Harness, Scratch, alone, one, pattern};
use crate::{EntryKind, Error, Open, Runtime};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "directories are made with their parents", run: |h| alone(h, directories) },
        Case { name: "a listing is sorted and tells kinds", run: |h| alone(h, listing) },
        Case { name: "a rename replaces", run: |h| alone(h, rename) },
        Case { name: "a directory is renamed with what it holds", run: |h| alone(h, rename_dir) },
        Case { name: "a link is a second name", run: |h| alone(h, link) },
        Case { name: "a removed file lives on in its handles", run: |h| alone(h, remove_open) },
        Case { name: "a directory is removed when empty", run: |h| alone(h, remove_directory) },
        Case { name: "what is missing is not found", run: |h| alone(h, missing) },
    ]
}

async fn write<R: Runtime>(rt: &R, path: &Path, bytes: &[u8]) {
    let file = rt.open(path, Open::Create).await.unwrap();
    rt.append(&file, 0, one(bytes.to_vec())).await.unwrap();
}

async fn read<R: Runtime>(rt: &R, path: &Path) -> Vec<u8> {
    let file = rt.open(path, Open::Read).await.unwrap();
    let (result, bytes) = rt.read(&file, 0, Vec::with_capacity(1_000), 1_000).await;
    assert_eq!(result, Ok(bytes.len()));
    bytes
}

async fn listed<R: Runtime>(rt: &R, path: &Path) -> Vec<String> {
    rt.list(path).await.unwrap().into_iter().map(|entry| entry.name).collect()
}

async fn directories<R: Runtime>(rt: R, scratch: Scratch) {
    let deep = scratch.directory.join("a").join("b").join("c");
    rt.create_dir(&deep).await.unwrap();
    rt.create_dir(&deep).await.unwrap();
    assert_eq!(listed(&rt, &scratch.directory).await, ["a"]);
    rt.sync_dir(&deep).await.unwrap();
    write(&rt, &deep.join("file"), b"x").await;
    assert_eq!(listed(&rt, &deep).await, ["file"]);
}

async fn listing<R: Runtime>(rt: R, scratch: Scratch) {
    let at = |name: &str| scratch.directory.join(name);
    for name in ["b", "a", "C", "10", "9"] {
        write(&rt, &at(name), b"").await;
    }
    rt.create_dir(&at("dir")).await.unwrap();
    let entries = rt.list(&scratch.directory).await.unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| &entry.name[..]).collect();
    assert_eq!(names, ["10", "9", "C", "a", "b", "dir"]);
    assert!(entries.iter().all(|e| (e.kind == EntryKind::Directory) == (e.name == "dir")));
}

async fn rename<R: Runtime>(rt: R, scratch: Scratch) {
    let (from, to) = (scratch.directory.join("from"), scratch.directory.join("to"));
    write(&rt, &from, b"new").await;
    write(&rt, &to, b"old").await;
    let replaced = rt.open(&to, Open::Read).await.unwrap();
    rt.rename(&from, &to).await.unwrap();
    assert_eq!(listed(&rt, &scratch.directory).await, ["to"]);
    assert_eq!(read(&rt, &to).await, b"new");
    let (result, bytes) = rt.read(&replaced, 0, Vec::with_capacity(10), 10).await;
    assert_eq!((result, &bytes[..]), (Ok(3), &b"old"[..]), "an open handle keeps its file");
}

async fn rename_dir<R: Runtime>(rt: R, scratch: Scratch) {
    let (from, to) = (scratch.directory.join("topic-0"), scratch.directory.join("topic-0-delete"));
    rt.create_dir(&from).await.unwrap();
    write(&rt, &from.join("file"), b"bytes").await;
    rt.rename(&from, &to).await.unwrap();
    assert_eq!(listed(&rt, &scratch.directory).await, ["topic-0-delete"]);
    assert_eq!(read(&rt, &to.join("file")).await, b"bytes");
}

async fn link<R: Runtime>(rt: R, scratch: Scratch) {
    let (one, two) = (scratch.directory.join("one"), scratch.directory.join("two"));
    write(&rt, &one, b"shared").await;
    rt.link(&one, &two).await.unwrap();
    assert_eq!(rt.link(&one, &two).await, Err(Error::Exists));
    rt.remove(&one).await.unwrap();
    assert_eq!(read(&rt, &two).await, b"shared");
}

async fn remove_open<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    rt.append(&file, 0, one(pattern(0, 500))).await.unwrap();
    rt.remove(&path).await.unwrap();
    assert_eq!(listed(&rt, &scratch.directory).await, [""; 0]);
    rt.append(&file, 500, one(pattern(500, 500))).await.unwrap();
    let (result, bytes) = rt.read(&file, 0, Vec::with_capacity(1_000), 1_000).await;
    assert_eq!(result, Ok(1_000));
    assert!(bytes == pattern(0, 1_000));
    write(&rt, &path, b"another").await;
    assert_eq!(rt.len(&file).await, Ok(1_000), "the same name is another file");
}

async fn remove_directory<R: Runtime>(rt: R, scratch: Scratch) {
    let directory = scratch.directory.join("dir");
    rt.create_dir(&directory).await.unwrap();
    write(&rt, &directory.join("file"), b"").await;
    assert!(rt.remove(&directory).await.is_err());
    rt.remove(&directory.join("file")).await.unwrap();
    rt.remove(&directory).await.unwrap();
    assert_eq!(rt.list(&directory).await, Err(Error::NotFound));
}

async fn missing<R: Runtime>(rt: R, scratch: Scratch) {
    let (path, other) = (scratch.directory.join("missing"), scratch.directory.join("other"));
    assert_eq!(rt.remove(&path).await, Err(Error::NotFound));
    assert_eq!(rt.rename(&path, &other).await, Err(Error::NotFound));
    assert_eq!(rt.link(&path, &other).await, Err(Error::NotFound));
    assert_eq!(rt.list(&path).await, Err(Error::NotFound));
}
