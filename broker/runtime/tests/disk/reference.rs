//! Any sequence of operations and faults against a reference: for each byte of a file, every value
//! that it may have after a power loss.

use core::cell::RefCell;
use runtime::Disk;
use runtime::memory::{DiskOptions, PowerLoss, SectorSize};
use std::path::Path;
use std::rc::Rc;

use super::{PAGE, Rig, buf, open};

/// One file as plain vectors.
#[derive(Clone, Default)]
struct Reference {
    cached: Vec<u8>,
    /// As of the last sync.
    durable: Vec<u8>,
    /// Every content since then, the durable one included.
    since: Vec<Vec<u8>>,
}

impl Reference {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.cached.resize(self.cached.len().max(at + bytes.len()), 0);
        self.cached[at..at + bytes.len()].copy_from_slice(bytes);
        self.since.push(self.cached.clone());
    }

    fn set_len(&mut self, len: usize) {
        self.cached.resize(len, 0);
        self.since.push(self.cached.clone());
    }

    fn sync(&mut self) {
        self.durable = self.cached.clone();
        self.since = vec![self.cached.clone()];
    }

    /// Whether every byte is one that was there since the last sync, or a zero of a hole; what no
    /// operation since the sync touched has its one value.
    fn allows(&self, found: &[u8]) -> bool {
        let longest = self.since.iter().map(Vec::len).max().unwrap_or(0);
        let shortest = self.since.iter().map(Vec::len).min().unwrap_or(0);
        let byte_is_legal = |(at, byte): (usize, &u8)| {
            // Behind an end that the file had there is nothing, which reads as zero.
            self.since.iter().any(|content| *byte == content.get(at).copied().unwrap_or(0))
        };
        (shortest..=longest).contains(&found.len()) && found.iter().enumerate().all(byte_is_legal)
    }
}

/// A small generator of its own, so that the test shares nothing with what it tests.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn drawn_run(seed: u64, sector: SectorSize) -> (Rig, Reference) {
    let mut rig = Rig::with(seed, DiskOptions { sector, ..DiskOptions::default() });
    let reference = Rc::new(RefCell::new(Reference { since: vec![vec![]], ..Default::default() }));
    let shared = Rc::clone(&reference);
    rig.run(move |rt| {
        let reference = Rc::clone(&shared);
        async move {
            let file = open(&rt, "/file").await;
            rt.sync_dir(Path::new("/")).await.unwrap();
            let mut draws = Draws(seed);
            for step in 0..1 + draws.below(14) {
                let at = draws.below(3 * PAGE);
                match draws.below(6) {
                    0..=2 => {
                        let bytes = vec![u8::try_from(step + 1).unwrap(); 1 + draws.below(6_000)];
                        rt.append(&file, at as u64, buf(&bytes)).await.unwrap();
                        reference.borrow_mut().write(at, &bytes);
                    }
                    3 => {
                        rt.set_len(&file, at as u64).await.unwrap();
                        reference.borrow_mut().set_len(at);
                    }
                    4 => {
                        rt.sync_data(&file).await.unwrap();
                        reference.borrow_mut().sync();
                    }
                    _ => {
                        rt.allocate(&file, 0..at as u64).await.unwrap();
                        let len = reference.borrow().cached.len().max(at);
                        reference.borrow_mut().set_len(len);
                    }
                }
            }
        }
    });
    let reference = reference.borrow().clone();
    (rig, reference)
}

#[test]
fn every_power_loss_leaves_what_the_reference_allows() {
    for sector in [SectorSize::Bytes512, SectorSize::Bytes4096] {
        for seed in 0..200 {
            let (mut rig, reference) = drawn_run(seed, sector);
            assert!(rig.bytes("/file").unwrap() == reference.cached, "seed {seed}: before");
            let image = |how| {
                let image = rig.world.crash_image(rig.node, how);
                image.read_file(Path::new("/file")).unwrap()
            };
            assert!(image(PowerLoss::KeepsNothing) == reference.durable, "seed {seed}: harshest");
            assert!(image(PowerLoss::KeepsEverything) == reference.cached, "seed {seed}: kindest");
            let drawn = (0..6).map(PowerLoss::DrawnAs);
            for how in drawn.chain([PowerLoss::OnlyLast, PowerLoss::AllButFirst]) {
                assert!(reference.allows(&image(how)), "seed {seed} {sector:?} {how:?}");
            }
            rig.lose_power(PowerLoss::Drawn);
            assert!(reference.allows(&rig.bytes("/file").unwrap()), "seed {seed} {sector:?}");
        }
    }
}
