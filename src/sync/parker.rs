//! How an operating system thread waits.
//!
//! One token: [`Parker::unpark`] leaves it, [`Parker::park`] takes it or sleeps until it comes. Any number of
//! unparks before a park count as one. A park may return without a token (spuriously), so its callers look at
//! what they wait for in a loop.
//!
//! States, and who changes them: `EMPTY` -> `SLEEPING` by the owner about to sleep; `EMPTY|SLEEPING` -> `TOKEN`
//! by anybody; `TOKEN` -> `EMPTY` by the owner. The futex is called only out of `SLEEPING`: a wake with nobody
//! there would cost 160 ns.

//!
//! A [`Seat`] is where a thread waits for exactly one resume, given by whoever won the right to give it:
//!
//! 1. *sit* (the owner, before it says anywhere that it waits): leaves its parker in the seat;
//! 2. *resume* (the one winner): takes a count of the parker, then says so in it (`resumed`), then unparks;
//! 3. *wait* (the owner): goes on only when it was said, whatever tokens its parker was left meanwhile.
//!
//! So the winner is through with the seat when the owner goes on, and may sit again, or end, at once.

use super::patience::Patience;
use super::{Arc, AtomicBool, AtomicU32, Ordering};
use std::cell::UnsafeCell;
use std::time::Duration;

const EMPTY: u32 = 0;
const SLEEPING: u32 = 1;
const TOKEN: u32 = 2;

/// The place where one thread waits.
pub struct Parker {
    state: AtomicU32,
    /// Of the seat that its owner sits in, which is one at a time: it was resumed.
    resumed: AtomicBool,
    patience: Patience,
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Parker {
    pub fn new() -> Self {
        Parker { state: AtomicU32::new(EMPTY), resumed: AtomicBool::new(false), patience: Patience::new() }
    }

    /// Waits for the token, and looks out for it a little before it sleeps; only the owner calls this.
    pub fn wait(&self) {
        if !self.patience.look(|| self.take()) {
            self.park(None);
        }
    }

    /// Waits for the token, at most `timeout`; only the owner calls this. False when time ran out first.
    pub fn park(&self, timeout: Option<Duration>) -> bool {
        // Acquire, partner: the swap in `unpark`: what was written before the wake is seen after it.
        if self.state.swap(EMPTY, Ordering::Acquire) == TOKEN {
            return true;
        }
        if self.state.compare_exchange(EMPTY, SLEEPING, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            futex_wait(&self.state, SLEEPING, timeout);
        }
        self.state.swap(EMPTY, Ordering::Acquire) == TOKEN
    }

    /// Takes the token if it is there.
    pub fn take(&self) -> bool {
        self.state.load(Ordering::Relaxed) == TOKEN && self.state.swap(EMPTY, Ordering::Acquire) == TOKEN
    }

    /// Leaves the token, and wakes the owner if it sleeps.
    pub fn unpark(&self) {
        if self.state.swap(TOKEN, Ordering::Release) == SLEEPING {
            futex_wake(&self.state);
        }
    }
}

/// Where a thread waits for one resume; see the module.
pub struct Seat {
    parker: UnsafeCell<Option<Arc<Parker>>>,
}

// SAFETY: the parker is written by the owner before it says that it waits, and while it does not; it is read by the one
// who won the right to resume it, before it says so in `resumed`.
unsafe impl Send for Seat {}
// SAFETY: as above.
unsafe impl Sync for Seat {}

impl Default for Seat {
    fn default() -> Self {
        Self::new()
    }
}

impl Seat {
    pub fn new() -> Seat {
        Seat { parker: UnsafeCell::new(None) }
    }

    /// Step *sit*.
    ///
    /// # Safety
    /// The caller is the owner, and nobody can have the right to resume it now.
    pub unsafe fn sit(&self, parker: Arc<Parker>) {
        parker.resumed.store(false, Ordering::Relaxed);
        // SAFETY: the caller's promise: nobody else looks.
        unsafe { *self.parker.get() = Some(parker) };
    }

    /// Nobody sits here.
    ///
    /// # Safety
    /// As [`Seat::sit`].
    pub unsafe fn leave(&self) {
        // SAFETY: the caller's promise: nobody else looks.
        unsafe { *self.parker.get() = None };
    }

    /// Whether a thread sits here.
    ///
    /// # Safety
    /// The caller is the owner, or has the right to resume it.
    pub unsafe fn is_taken(&self) -> bool {
        // SAFETY: the caller's promise: nobody writes.
        unsafe { (*self.parker.get()).is_some() }
    }

    /// Step *wait*; only after *sit*.
    pub fn wait(&self) {
        // SAFETY: the owner; it alone writes.
        let Some(parker) = (unsafe { (*self.parker.get()).as_ref() }) else { return };
        // Acquire, partner: the store in `resume`.
        while !parker.resumed.load(Ordering::Acquire) {
            parker.wait();
        }
    }

    /// Step *resume*.
    ///
    /// # Safety
    /// The caller has won the right to do so, once for each *sit*.
    pub unsafe fn resume(&self) {
        // SAFETY: the owner waits until `resumed`, and so does not write.
        let Some(parker) = (unsafe { (*self.parker.get()).clone() }) else { return };
        // Release, partner: the load in `wait`: we are through with the seat.
        parker.resumed.store(true, Ordering::Release);
        parker.unpark();
    }
}

#[cfg(not(loom))]
fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let spec = timeout.map(|t| libc::timespec {
        tv_sec: t.as_secs().min(i64::MAX as u64 / 2) as libc::time_t,
        tv_nsec: t.subsec_nanos() as libc::c_long,
    });
    let spec_pointer = spec.as_ref().map_or(std::ptr::null(), |s| s as *const libc::timespec);
    // SAFETY: the word outlives the call (it is borrowed), the timespec lives on this stack.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word as *const AtomicU32,
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            spec_pointer,
        );
    }
}

#[cfg(not(loom))]
fn futex_wake(word: &AtomicU32) {
    // SAFETY: only the address is used; a stale one wakes nobody, or somebody who looks again.
    unsafe {
        libc::syscall(libc::SYS_futex, word as *const AtomicU32, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
    }
}

/// In a model the sleeper looks until somebody has changed the word; a wake that never comes is a deadlock, and found.
#[cfg(loom)]
fn futex_wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) {
    while word.load(Ordering::SeqCst) == expected {
        loom::thread::yield_now();
    }
}

#[cfg(loom)]
fn futex_wake(_word: &AtomicU32) {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_token_left_before_the_park_is_not_lost() {
        let parker = Parker::new();
        parker.unpark();
        parker.unpark();
        assert!(parker.park(None));
        assert!(!parker.park(Some(Duration::from_millis(1))));
    }
}
