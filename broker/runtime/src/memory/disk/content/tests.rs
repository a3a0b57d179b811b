//! The images of one file against what they promise, and against two plain vectors.

use super::*;

const SECTOR: usize = PAGE;
const SECTOR_BYTES: u64 = PAGE_BYTES;

fn empty() -> Content {
    Content::new(PAGE_BYTES)
}

/// An ordinal that no write of this content had before.
fn next(content: &Content) -> u64 {
    let newest = content.dirty().map(|(_, written)| written & 0xffff_ffff).max().unwrap_or(0);
    content.syncs_begun << 32 | (newest + 1)
}

fn write(content: &mut Content, at: u64, bytes: &[u8]) {
    let ordinal = next(content);
    let written = content.write(at, &[Buf::from(bytes.to_vec())], Room::PLENTY, ordinal);
    assert_eq!(written, bytes.len() as u64);
}

fn sync(content: &mut Content) {
    let image = content.begin_sync();
    content.finish_sync(image);
}

fn read(content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    content.read(0, usize::MAX, &mut bytes);
    bytes
}

const NOTHING: Loss<'static> =
    Loss { survives: &|_, _| false, noise: &|_| None, keeps_cut: false, length_parts: 0 };

fn lose_all(content: &mut Content) -> Vec<u8> {
    content.lose_power(&NOTHING);
    read(content)
}

#[test]
fn a_power_loss_takes_back_what_was_not_synced() {
    let mut content = empty();
    write(&mut content, 0, b"first");
    sync(&mut content);
    write(&mut content, 0, b"other and longer");
    assert_eq!(read(&content), b"other and longer");
    assert_eq!(lose_all(&mut content), b"first");
}

#[test]
fn a_sync_covers_only_what_was_written_before_it_began() {
    let mut content = empty();
    write(&mut content, 0, b"a");
    let image = content.begin_sync();
    write(&mut content, 1, b"b");
    content.finish_sync(image);
    assert_eq!(read(&content), b"ab");
    assert_eq!(lose_all(&mut content), b"a");
}

#[test]
fn an_overtaken_sync_takes_nothing_back() {
    let mut content = empty();
    write(&mut content, 0, b"old");
    let slow = content.begin_sync();
    write(&mut content, 0, b"newer");
    sync(&mut content);
    write(&mut content, 0, b"newest");
    content.finish_sync(slow);
    assert_eq!(lose_all(&mut content), b"newer");
}

#[test]
fn sectors_are_lost_one_by_one_and_the_length_apart_from_them() {
    let mut content = empty();
    write(&mut content, 0, &[7; 3 * SECTOR]);
    let loss = Loss {
        survives: &|index, _| index == 1,
        noise: &|_| None,
        keeps_cut: false,
        length_parts: 256,
    };
    assert_eq!(content.lose_power(&loss).sectors, 2);
    let bytes = read(&content);
    assert_eq!(bytes.len(), 3 * SECTOR);
    let kept: Vec<bool> = bytes.chunks(SECTOR).map(|sector| sector == [7; SECTOR]).collect();
    assert_eq!(kept, [false, true, false]);
    assert!(bytes[..SECTOR].iter().all(|byte| *byte == 0), "a lost sector reads as zeros");
}

#[test]
fn a_failed_sync_leaves_bytes_readable_that_no_later_sync_saves() {
    let mut content = empty();
    write(&mut content, 0, b"gone");
    let image = content.begin_sync();
    content.fail_sync(&image);
    sync(&mut content);
    assert_eq!(read(&content), b"gone");
    assert_eq!(content.harm_in(0, 4), None);
    assert_eq!(lose_all(&mut content), [0; 4], "the length was synced, the bytes never");
    assert_eq!(content.harm_in(0, 4), None, "lost like all that was not synced");
}

#[test]
fn an_evicted_sector_whose_sync_failed_is_known_to_be_stale_until_it_is_written_again() {
    let mut content = Content::new(512);
    write(&mut content, 0, &[1; 1_024]);
    let image = content.begin_sync();
    content.fail_sync(&image);
    write(&mut content, 0, &[2; 512]);
    content.evict(0, u64::MAX);
    assert_eq!(content.harm_in(0, 1_024), None, "a page with dirty bytes stays");
    sync(&mut content);
    content.evict(0, u64::MAX);
    assert_eq!(read(&content), [[2; 512], [0; 512]].concat());
    assert_eq!(content.harm_in(0, 512), None);
    assert_eq!(content.harm_in(0, 1_024), Some(Harm::Stale));
    write(&mut content, 512, &[1; 512]);
    assert_eq!(content.harm_in(0, 1_024), None);
}

#[test]
fn writing_again_after_a_failed_sync_makes_a_sector_syncable() {
    let mut content = empty();
    write(&mut content, 0, b"again");
    let image = content.begin_sync();
    content.fail_sync(&image);
    write(&mut content, 0, b"again");
    sync(&mut content);
    assert_eq!(lose_all(&mut content), b"again");
}

#[test]
fn a_cut_that_was_not_synced_is_undone_or_kept_as_a_whole() {
    for keeps_cut in [false, true] {
        let mut content = empty();
        write(&mut content, 0, &[1; 2 * SECTOR]);
        sync(&mut content);
        content.set_len(10, next(&content));
        assert_eq!(read(&content), [1; 10]);
        content.lose_power(&Loss {
            survives: &|_, _| keeps_cut,
            noise: &|_| None,
            keeps_cut,
            length_parts: 256,
        });
        let expected = if keeps_cut { 10 } else { 2 * SECTOR };
        assert_eq!(read(&content), vec![1; expected]);
    }
}

#[test]
fn a_cut_and_grown_file_shows_zeros_and_never_old_bytes() {
    let mut content = empty();
    write(&mut content, 0, &[1; 100]);
    sync(&mut content);
    content.set_len(10, next(&content));
    content.set_len(50, next(&content));
    let mut expected = vec![1; 10];
    expected.resize(50, 0);
    assert_eq!(read(&content), expected);
    let loss =
        Loss { survives: &|_, _| false, noise: &|_| None, keeps_cut: true, length_parts: 256 };
    content.lose_power(&loss);
    assert_eq!(read(&content), expected);
}

#[test]
fn a_full_medium_takes_the_part_that_fits() {
    let mut content = empty();
    let one_page = Room { pages_free: 1, delayed: false };
    assert_eq!(content.write(0, &[Buf::from(vec![1; 2 * SECTOR])], one_page, 0), SECTOR as u64);
    assert_eq!(content.len(), SECTOR as u64);
    assert!(!content.allocate(0, 3 * SECTOR_BYTES, 1, 0));
    assert!(content.allocate(0, 3 * SECTOR_BYTES, 2, 0));
    assert_eq!(content.len(), 3 * SECTOR_BYTES);
}

#[test]
fn bytes_that_replace_others_during_a_sync_are_not_covered_by_it() {
    let mut content = empty();
    write(&mut content, 0, b"old");
    let image = content.begin_sync();
    write(&mut content, 0, b"new");
    content.finish_sync(image);
    assert_eq!(read(&content), b"new");
    assert_eq!(lose_all(&mut content), b"old");
}

#[test]
fn an_undone_cut_undoes_what_was_written_behind_it() {
    let mut content = empty();
    write(&mut content, 0, &[1; 2 * SECTOR]);
    sync(&mut content);
    content.set_len(10, next(&content));
    write(&mut content, 10, &[2; 3 * SECTOR]);
    let loss = Loss { keeps_cut: false, survives: &|_, _| true, ..NOTHING };
    content.lose_power(&loss);
    assert_eq!(read(&content), vec![1; 2 * SECTOR]);
}

#[test]
fn a_cut_during_a_sync_shows_zeros_and_never_old_bytes() {
    let mut content = empty();
    write(&mut content, 0, &[1; 100]);
    let image = content.begin_sync();
    content.set_len(10, next(&content));
    content.set_len(50, next(&content));
    content.finish_sync(image);
    content.lose_power(&Loss { keeps_cut: true, length_parts: 256, ..NOTHING });
    let mut expected = vec![1; 10];
    expected.resize(50, 0);
    assert_eq!(read(&content), expected);
}

#[test]
fn a_page_without_room_is_lost_with_the_sync_that_wanted_it() {
    let mut content = empty();
    let room = Room { pages_free: 0, delayed: true };
    content.write(0, &[Buf::from_static(b"late")], room, 0);
    assert_eq!(content.placed_page_count(), 0);
    let image = content.begin_sync();
    assert_eq!(image.unplaced_page_count(), 1);
    content.fail_sync(&image);
    write(&mut content, 0, b"again");
    sync(&mut content);
    assert_eq!(content.placed_page_count(), 1);
    assert_eq!(lose_all(&mut content), b"again");
}

#[test]
fn a_clean_copy_shares_its_pages_and_a_changed_one_keeps_its_own() {
    let mut content = empty();
    write(&mut content, 0, &[1; 2 * SECTOR]);
    sync(&mut content);
    let copy = content.clone();
    assert!(content.is_durable() && copy.is_durable());
    write(&mut content, 0, b"x");
    assert!(!content.is_durable());
    assert_eq!(read(&copy), [1; 2 * SECTOR]);
    assert!(Rc::ptr_eq(&content.cached[&1], &copy.cached[&1]));
}

/// Any sequence of operations, with any number of syncs on their way, against two plain vectors.
#[test]
fn the_harshest_loss_leaves_the_last_sync_and_the_kindest_leaves_everything() {
    use crate::memory::random::{Concern, Random};
    for seed in 0..3_000 {
        let random = Random::new(seed);
        let draw =
            |step: u64, what: u64, below: u64| random.draw(Concern::Program, &[step, what]) % below;
        let mut content = Content::new([512, PAGE_BYTES][to_usize(seed % 2)]);
        let (mut cached, mut durable) = (Vec::new(), Vec::new());
        // Each with what the file held when it began, and its ordinal.
        let mut syncs: Vec<(u64, SyncImage, Vec<u8>)> = Vec::new();
        let mut newest = 0;
        for step in 1..2 + draw(0, 9, 20) {
            let at = to_usize(draw(step, 1, 3 * PAGE_BYTES));
            match draw(step, 0, 8) {
                0..=2 => {
                    let bytes = vec![step.to_le_bytes()[0]; 1 + to_usize(draw(step, 2, 5_000))];
                    write(&mut content, at as u64, &bytes);
                    cached.resize(cached.len().max(at + bytes.len()), 0);
                    cached[at..at + bytes.len()].copy_from_slice(&bytes);
                }
                3 => {
                    content.set_len(at as u64, next(&content));
                    cached.resize(at, 0);
                }
                4 => {
                    assert!(content.allocate(0, at as u64, u64::MAX, next(&content)));
                    cached.resize(cached.len().max(at), 0);
                }
                5 => syncs.push((step, content.begin_sync(), cached.clone())),
                _ if !syncs.is_empty() => {
                    let which = to_usize(draw(step, 3, syncs.len() as u64));
                    let (began, image, held) = syncs.swap_remove(which);
                    content.finish_sync(image);
                    if began > newest {
                        (newest, durable) = (began, held);
                    }
                }
                _ => {}
            }
            assert!(read(&content) == cached, "seed {seed} step {step}");
        }
        if seed % 4 < 2 {
            assert!(lose_all(&mut content) == durable, "seed {seed}");
        } else {
            let kind =
                Loss { survives: &|_, _| true, keeps_cut: true, length_parts: 256, ..NOTHING };
            content.lose_power(&kind);
            assert!(read(&content) == cached, "seed {seed}");
        }
    }
}
