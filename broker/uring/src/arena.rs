//! Memory of the provided receive buffers of one shard.
//!
//! Each buffer is at any time in exactly one of two hands: the ring's, which may write to it, or one
//! [`Lent`] value's, which only reads. `Core` keeps the account; this file keeps the memory and the
//! way home from other threads: a set bit per returned buffer, no lock, no allocation.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::Arc;

use crate::shared::Shared;

const PAGE_BYTES: usize = 4096;

pub(crate) struct Arena {
    memory: *mut u8,
    layout: Layout,
    buffer_bytes: usize,
    count: u16,
    returned: Box<[AtomicU64]>,
    /// Set by the owner while connections wait for a buffer, so that a return wakes it.
    starved: AtomicBool,
    owner: Arc<Shared>,
}

// SAFETY: the memory is reached only through raw pointers under the rule of the header: the ring
// writes to buffers in its hand, `Lent` reads buffers in its own; the bits are atomics.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    pub(crate) fn new(count: u16, buffer_bytes: usize, owner: Arc<Shared>) -> Arc<Self> {
        assert!(count.is_power_of_two(), "a buffer ring has a power of two of entries: {count}");
        assert!(buffer_bytes > 0, "an empty buffer receives nothing");
        let total = usize::from(count) * buffer_bytes;
        let layout =
            Layout::from_size_align(total, PAGE_BYTES).expect("buffers fit the address space");
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        let returned = (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let starved = AtomicBool::new(false);
        Arc::new(Self { memory, layout, buffer_bytes, count, returned, starved, owner })
    }

    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    pub(crate) fn buffer_bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// Where a buffer begins; `buffer_bytes` long.
    pub(crate) fn address(&self, buffer: u16) -> *mut u8 {
        assert!(buffer < self.count, "buffer {buffer} of {}", self.count);
        self.memory.wrapping_add(usize::from(buffer) * self.buffer_bytes)
    }

    /// The first `len` bytes of a buffer that the ring has handed over.
    ///
    /// # Safety
    /// The buffer is not in the ring's hand for as long as the slice lives.
    pub(crate) unsafe fn filled(&self, buffer: u16, len: usize) -> &[u8] {
        assert!(len <= self.buffer_bytes, "{len} bytes in a buffer of {}", self.buffer_bytes);
        // SAFETY: inside the allocation and initialised (zeroed at first); by this function's
        // contract nobody writes.
        unsafe { core::slice::from_raw_parts(self.address(buffer), len) }
    }

    /// Gives every buffer that came home since the last call to `each`.
    pub(crate) fn collect(&self, mut each: impl FnMut(u16)) {
        for (word, bits) in (0u16..).zip(&self.returned) {
            // A plain load first: the common case writes nothing.
            if bits.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut home = bits.swap(0, Ordering::Acquire);
            while home != 0 {
                each(word * 64 + home.trailing_zeros() as u16);
                home &= home - 1;
            }
        }
    }

    pub(crate) fn any_returned(&self) -> bool {
        self.returned.iter().any(|bits| bits.load(Ordering::SeqCst) != 0)
    }

    pub(crate) fn set_starved(&self, starved: bool) {
        self.starved.store(starved, Ordering::SeqCst);
    }

    fn give_back(&self, buffer: u16) {
        let (word, bit) = (usize::from(buffer / 64), 1u64 << (buffer % 64));
        let before = self.returned[word].fetch_or(bit, Ordering::SeqCst);
        assert!(before & bit == 0, "buffer {buffer} came home twice");
        if self.starved.load(Ordering::SeqCst) {
            self.owner.wake();
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout; every `Lent` holds the arena, and the
        // shard keeps it until its ring is closed, so nobody uses the memory any more.
        unsafe { dealloc(self.memory, self.layout) };
    }
}

/// A filled buffer in the program's hand; dropping it, on any thread, sends it home.
pub(crate) struct Lent {
    arena: Arc<Arena>,
    buffer: u16,
    len: usize,
}

impl Lent {
    /// # Safety
    /// The ring has handed the buffer over, and this is the only `Lent` of it.
    pub(crate) unsafe fn new(arena: Arc<Arena>, buffer: u16, len: usize) -> Self {
        Self { arena, buffer, len }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the buffer is in this value's hand until it is dropped.
        unsafe { self.arena.filled(self.buffer, self.len) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.arena.give_back(self.buffer);
    }
}
