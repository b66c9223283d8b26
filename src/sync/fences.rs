//! Fences of which one half is free.
//!
//! Who enters the library, or takes what is its own as a rule, does so many times a second; who has to know of all that
//! do, seldom. The first says so by a plain store and pays no fence ([`light_fence`]); the other pays for both, with
//! `membarrier(2)` ([`heavy_fence`]; asymmetric fences, as in Folly's and liburcu's quiescent-state reclamation). Where the
//! kernel refuses membarrier every light fence is a full one instead.
//!
//! **One for many.** A heavy fence is one for everybody (`shared_fence`): who can wait notes how many have [`begun`], and
//! goes on once one that began later is over ([`is_over`]), whoever made it. With many threads at work that is what keeps
//! its price from growing with their number: each interrupts all of them.
//!
//! **A kernel that refuses later**, after a filter of system calls was set, leaves a *doubt*. From the first refusal on
//! every light fence is a full one; but a thread that was there just before may have its store still in its own
//! processor, where the one who asks does not see it. Nobody can be made to show it any more. So for a second
//! [`heavy_fence`] says that it was none. After that everybody sees what was stored before, and has seen that light fences
//! are to be full: no processor keeps a store to itself for longer than microseconds, an interrupt at the latest drains
//! it. To wait for each thread's next one would be no better: one that never comes again would hold things up for ever.

use super::shared_fence::SharedFence;
use super::time::ns_of;
use super::{AtomicBool, AtomicU64, Ordering, compiler_fence, fence};

/// True when the kernel has no membarrier, or no more: entries take a full fence.
static STRICT: AtomicBool = AtomicBool::new(false);
/// When it refused first, having granted it before, by the machine's clock; 0: it never has.
static REFUSED_NS: AtomicU64 = AtomicU64::new(0);
/// How long the doubt lasts after that.
static DOUBT_MS: AtomicU64 = AtomicU64::new(1000);
const MEMBARRIER_PRIVATE_EXPEDITED: i32 = 1 << 3;
const MEMBARRIER_REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;

fn membarrier(command: i32) -> bool {
    #[cfg(test)]
    if tests::refuses() {
        return false;
    }
    // SAFETY: membarrier takes three integers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// [`heavy_fence`], which is one for many.
static HEAVY: SharedFence = SharedFence::new();

/// Before the first of either half.
pub(super) fn set_up() {
    static SET_UP: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();
    SET_UP.get_or_init(|| {
        if !membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) {
            STRICT.store(true, Ordering::SeqCst);
        }
    });
}

/// Whether every light fence is a full one.
pub(super) fn are_strict() -> bool {
    STRICT.load(Ordering::Relaxed)
}

/// The reader's half of [`heavy_fence`]: no load below it moves above a store before it, as far as those can tell who
/// make the other half. It costs nothing. For threads that have been inside.
#[inline(always)]
pub fn light_fence() {
    compiler_fence(Ordering::SeqCst);
    if STRICT.load(Ordering::Relaxed) {
        fence(Ordering::SeqCst);
    }
}

/// Makes every thread's earlier stores visible, and pays the fence that the readers saved. False: they may still be
/// unseen, and the caller leaves alone what it was about to touch.
#[must_use]
pub fn heavy_fence() -> bool {
    HEAVY.make(make_heavy)
}

/// Behind a full fence of this thread's. It takes no lock and does not panic: it may be made where others are kept out.
fn make_heavy() -> bool {
    // Acquire, partner: the store below: who sees it sees also whether there is a doubt.
    if STRICT.load(Ordering::Acquire) {
        let refused = REFUSED_NS.load(Ordering::Relaxed);
        let doubt = DOUBT_MS.load(Ordering::Relaxed).saturating_mul(1_000_000);
        return refused == 0 || ns_of(libc::CLOCK_MONOTONIC).saturating_sub(refused) >= doubt;
    }
    if membarrier(MEMBARRIER_PRIVATE_EXPEDITED) {
        return true;
    }
    let now = ns_of(libc::CLOCK_MONOTONIC).max(1);
    let _ = REFUSED_NS.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    STRICT.store(true, Ordering::SeqCst);
    false
}

/// See [`SharedFence::begun`].
pub(super) fn begun() -> u64 {
    HEAVY.begun()
}

/// See [`SharedFence::is_over`].
pub(super) fn is_over(begun: u64) -> bool {
    HEAVY.is_over(begun)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::{Mutex, MutexGuard};

    /// What the kernel says to membarrier from now on.
    static REFUSES: AtomicBool = AtomicBool::new(false);

    /// One test at a time is about a kernel that refuses.
    pub struct Refused {
        _alone: MutexGuard<'static, ()>,
    }

    /// The kernel refuses from now on, and the doubt does not end before [`Refused::end_doubt`].
    pub fn refuse() -> Refused {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        DOUBT_MS.store(u64::MAX, Ordering::SeqCst);
        REFUSES.store(true, Ordering::SeqCst);
        Refused { _alone: alone }
    }

    impl Refused {
        pub fn end_doubt(&self) {
            DOUBT_MS.store(0, Ordering::SeqCst);
        }
    }

    impl Drop for Refused {
        fn drop(&mut self) {
            self.end_doubt();
        }
    }

    pub(super) fn refuses() -> bool {
        REFUSES.load(Ordering::SeqCst)
    }
}
