//! Memory that is on its way back: whoever frees much at once says so, and who gives memory back to the system hears it.
//!
//! The watch thread of a runtime gives memory back when nothing has run for a while, and then sleeps for good. Workers
//! wake it. A thread of the program wakes no worker when it ends a process, cancels a timer, deletes a row or reads its
//! own messages; so what such a thread freed would stay for ever. It must not wake anybody for each of these either.
//! Therefore those who free in batches *stir*, once in a batch: stores of blocks that get a full magazine (64 or
//! 128 blocks), the store of control blocks (128), containers that become smaller, rows that are replaced.
//!
//! **Protocol.** Who stirs counts, then looks whether anybody listens; the one who takes `listening` away wakes those who
//! sleep. Who wants to sleep shows that it does (its own flag), then listens, then looks at the count again: if that is
//! still what it was when everything was given back, it may sleep. A fence lies between the two steps of each: either the
//! stirrer sees that somebody listens, or the listener sees the count. Several may listen; one who is woken gives back
//! for all, and who has nothing to do sleeps again. Model: `tests/loom_stir.rs`.

#[cfg(not(loom))]
use super::forked;
use super::{AtomicBool, AtomicU64, Ordering, fence};

/// A count of bytes, and whether anybody is to be woken when it changes.
pub struct Stir {
    bytes: AtomicU64,
    listening: AtomicBool,
}

impl Stir {
    #[cfg(not(loom))]
    pub const fn new() -> Stir {
        Stir { bytes: AtomicU64::new(0), listening: AtomicBool::new(false) }
    }

    #[cfg(loom)]
    pub fn new() -> Stir {
        Stir { bytes: AtomicU64::new(0), listening: AtomicBool::new(false) }
    }

    /// Counts; true: the caller wakes all who sleep.
    #[inline]
    pub fn stir(&self, bytes: u64) -> bool {
        self.bytes.fetch_add(bytes.max(1), Ordering::Relaxed);
        // Partner: the fence in `listen`.
        fence(Ordering::SeqCst);
        // Acquire, partner: the Release in `listen`: the flags of those who sleep are seen.
        self.listening.load(Ordering::Relaxed) && self.listening.swap(false, Ordering::Acquire)
    }

    /// What has been counted.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// From now on the next to stir wakes whoever sleeps. False: somebody has since `seen` was the count; do not sleep.
    pub fn listen(&self, seen: u64) -> bool {
        if cfg!(broken_stir) {
            let still = self.bytes() == seen;
            self.listening.store(true, Ordering::Release);
            return still;
        }
        self.listening.store(true, Ordering::Release);
        // Partner: the fence in `stir`.
        fence(Ordering::SeqCst);
        self.bytes() == seen
    }
}

impl Default for Stir {
    fn default() -> Self {
        Stir::new()
    }
}

#[cfg(not(loom))]
static STIR: Stir = Stir::new();
#[cfg(not(loom))]
static WAKE: once_cell::sync::OnceCell<fn()> = once_cell::sync::OnceCell::new();

/// So many bytes were freed, to a store of ours or to the allocator. It may wake a thread, under none of our locks but
/// the caller's: it runs no code of others.
#[cfg(not(loom))]
#[inline]
pub fn stir(bytes: usize) {
    if STIR.stir(bytes as u64) {
        wake();
    }
}

#[cfg(loom)]
pub fn stir(_bytes: usize) {}

#[cfg(not(loom))]
#[cold]
fn wake() {
    if !forked::is_forked()
        && let Some(wake) = WAKE.get()
    {
        wake();
    }
}

/// How many bytes were freed so far.
#[cfg(not(loom))]
pub fn stirred() -> u64 {
    STIR.bytes()
}

/// As [`Stir::listen`]. `wake`, the same in each call, wakes all who sleep.
#[cfg(not(loom))]
pub fn listen(seen: u64, wake: fn()) -> bool {
    WAKE.get_or_init(|| wake);
    STIR.listen(seen)
}
