//! What directories keep of their changes.

use super::*;

/// Runs a script, loses power with every change on its way lost, and lists the root.
fn after_loss(script: impl FnOnce(&mut Names), survivors: u64) -> Vec<String> {
    let mut names = Names::new(4096, &[]);
    script(&mut names);
    names.lose_power(|ordinal| ordinal < survivors);
    let entries = names.list(Path::new("/")).unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}

fn create(names: &mut Names, path: &str) {
    names.create_file(Path::new(path)).unwrap();
}

fn sync(names: &mut Names, path: &str) {
    let directory = names.find(Path::new(path)).unwrap();
    names.sync_directory(directory, names.changes_so_far());
}

#[test]
fn a_name_is_durable_after_its_directory_was_synced() {
    let script = |names: &mut Names| {
        create(names, "/kept");
        sync(names, "/");
        create(names, "/gone");
    };
    assert_eq!(after_loss(script, 0), ["kept"]);
    assert_eq!(after_loss(script, 2), ["gone", "kept"]);
}

#[test]
fn a_rename_is_seen_wholly_or_not_at_all() {
    let script = |names: &mut Names| {
        create(names, "/old");
        create(names, "/target");
        sync(names, "/");
        names.rename(Path::new("/old"), Path::new("/target")).unwrap();
    };
    assert_eq!(after_loss(script, 0), ["old", "target"]);
    assert_eq!(after_loss(script, 3), ["target"]);
}

#[test]
fn a_removed_name_comes_back_unless_its_directory_was_synced() {
    let script = |names: &mut Names| {
        create(names, "/file");
        sync(names, "/");
        names.remove(Path::new("/file")).unwrap();
    };
    assert_eq!(after_loss(script, 0), ["file"]);
    let synced = |names: &mut Names| {
        script(names);
        sync(names, "/");
    };
    assert_eq!(after_loss(synced, 0), [""; 0]);
}

#[test]
fn a_synced_directory_that_nobody_can_reach_is_lost_with_all_it_holds() {
    let script = |names: &mut Names| {
        names.create_directories(Path::new("/a")).unwrap();
        create(names, "/a/file");
        sync(names, "/a");
    };
    assert_eq!(after_loss(script, 0), [""; 0]);
    assert_eq!(after_loss(script, 1), ["a"]);
}

#[test]
fn a_move_between_directories_leaves_exactly_one_name() {
    for survivors in 0..5 {
        for synced in ["/a", "/b"] {
            let mut names = Names::new(4096, &[]);
            names.create_directories(Path::new("/a")).unwrap();
            names.create_directories(Path::new("/b")).unwrap();
            sync(&mut names, "/");
            create(&mut names, "/a/file");
            names.rename(Path::new("/a/file"), Path::new("/b/file")).unwrap();
            sync(&mut names, synced);
            names.lose_power(|ordinal| ordinal < survivors);
            assert_eq!(names.find(Path::new("/a/file")), Err(Error::NotFound));
            assert!(names.find(Path::new("/b/file")).is_ok());
        }
    }
}

#[test]
fn the_bytes_of_a_removed_file_stay_until_the_last_handle_closes() {
    let mut names = Names::new(4096, &[]);
    let inode = names.create_file(Path::new("/file")).unwrap();
    names.retain(inode);
    names.remove(Path::new("/file")).unwrap();
    sync(&mut names, "/");
    assert_eq!(names.content(inode).len(), 0);
    names.release(inode);
    assert_eq!(names.files().count(), 0);
}

#[test]
fn a_directory_is_removed_only_when_empty() {
    let mut names = Names::new(4096, &[]);
    names.create_directories(Path::new("/a/b")).unwrap();
    assert_eq!(names.remove(Path::new("/a")), Err(Error::Failed(ENOTEMPTY)));
    names.remove(Path::new("/a/b")).unwrap();
    names.remove(Path::new("/a")).unwrap();
    assert_eq!(names.find(Path::new("/a")), Err(Error::NotFound));
}
