//! The images of one file against what they promise, and against two plain vectors.

use super::*;

const SECTOR: usize = PAGE;
const SECTOR_BYTES: u64 = PAGE_BYTES;

fn empty() -> Content {
    Content::new(PAGE_BYTES)
}

fn write(content: &mut Content, at: u64, bytes: &[u8]) {
    let written = content.write(at, &[Buf::from(bytes.to_vec())], Room::PLENTY, 0);
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
    assert_eq!(lose_all(&mut content), [0; 4], "the length was synced, the bytes never");
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
        content.set_len(10, 0);
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
    content.set_len(10, 0);
    content.set_len(50, 0);
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

/// Any sequence of operations, against two plain vectors.
#[test]
fn the_harshest_loss_leaves_the_last_sync_and_the_kindest_leaves_everything() {
    use crate::memory::random::{Concern, Random};
    for seed in 0..3_000 {
        let random = Random::new(seed);
        let draw =
            |step: u64, what: u64, below: u64| random.draw(Concern::Program, &[step, what]) % below;
        let mut content = empty();
        let (mut cached, mut durable) = (Vec::new(), Vec::new());
        for step in 0..1 + draw(0, 9, 12) {
            let at = to_usize(draw(step, 1, 3 * SECTOR_BYTES));
            match draw(step, 0, 5) {
                0 | 1 => {
                    let byte = step.to_le_bytes()[0] + 1;
                    let bytes = vec![byte; 1 + to_usize(draw(step, 2, 5_000))];
                    write(&mut content, at as u64, &bytes);
                    cached.resize(cached.len().max(at + bytes.len()), 0);
                    cached[at..at + bytes.len()].copy_from_slice(&bytes);
                }
                2 => {
                    content.set_len(at as u64, 0);
                    cached.resize(at, 0);
                }
                3 => {
                    sync(&mut content);
                    durable.clone_from(&cached);
                }
                _ => {
                    assert!(content.allocate(0, at as u64, u64::MAX, 0));
                    cached.resize(cached.len().max(at), 0);
                }
            }
            assert!(read(&content) == cached, "seed {seed} step {step}");
        }
        if seed % 2 == 0 {
            assert!(lose_all(&mut content) == durable, "seed {seed}");
        } else {
            let kind = Loss {
                survives: &|_, _| true,
                noise: &|_| None,
                keeps_cut: true,
                length_parts: 256,
            };
            content.lose_power(&kind);
            assert!(read(&content) == cached, "seed {seed}");
        }
    }
}
