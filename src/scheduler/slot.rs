//! The place of the job woken last: its worker's own, which others may take from when that worker is held up.
//!
//! The owner puts and takes at each message, others once in a while, and then a few microseconds are nothing to them.
//! So the owner uses plain stores, and who steals pays for both sides' fence with `membarrier(2)`, as in
//! `sync::inside`: two locked instructions fewer for each job, of the ten that a message between two servers had.
//!
//! * **Owner**: *busy*, then looks whether somebody is *wanting*. If not it changes the place, and is no longer busy;
//!   else it gives way and changes it under the lock.
//! * **Thief**, under the lock: *wanting*, then the heavy fence, then waits until the owner is not busy, takes the job,
//!   and wants no more. After the fence the owner has either been seen busy, or sees that somebody wants. Where there
//!   was no fence (`sync::inside`, a kernel that refuses later) the thief leaves the job, to come again.
//!
//! The owner is busy for a few instructions, none of which can wait.

use super::Header;
use crate::sync::fences::{heavy_fence, light_fence};
use crate::sync::{AtomicBool, AtomicPtr, Mutex, Ordering};
use std::ptr::{self, NonNull};

#[derive(Default)]
pub(super) struct Slot {
    job: AtomicPtr<Header>,
    busy: AtomicBool,
    wanting: AtomicBool,
    stealing: Mutex<()>,
}

impl Slot {
    /// Puts a job in, and gives the one that was there; for the owner.
    #[inline]
    pub fn put(&self, job: NonNull<Header>) -> Option<NonNull<Header>> {
        self.change(job.as_ptr())
    }

    /// Takes the job out, if there is one; for the owner.
    #[inline]
    pub fn take(&self) -> Option<NonNull<Header>> {
        if self.is_empty() { None } else { self.change(ptr::null_mut()) }
    }

    /// As [`Slot::take`], if that is the one.
    #[inline]
    pub fn take_if(&self, is_it: impl FnOnce(NonNull<Header>) -> bool) -> Option<NonNull<Header>> {
        let job = self.take()?;
        if is_it(job) {
            return Some(job);
        }
        // Nobody else puts one in.
        self.put(job);
        None
    }

    /// From any thread.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.job.load(Ordering::Relaxed).is_null()
    }

    #[inline(always)]
    fn change(&self, new: *mut Header) -> Option<NonNull<Header>> {
        self.busy.store(true, Ordering::Relaxed);
        // Partner: the heavy fence in `steal`.
        light_fence();
        // Acquire, partner: the last store in `steal`: then the job is seen as that has left it.
        if self.wanting.load(Ordering::Acquire) {
            self.busy.store(false, Ordering::Release);
            return self.change_in_turn(new);
        }
        let before = self.job.load(Ordering::Relaxed);
        self.job.store(new, Ordering::Relaxed);
        // Release, partner: the load in `steal`.
        self.busy.store(false, Ordering::Release);
        NonNull::new(before)
    }

    #[cold]
    fn change_in_turn(&self, new: *mut Header) -> Option<NonNull<Header>> {
        let _alone = self.stealing.lock();
        NonNull::new(self.job.swap(new, Ordering::AcqRel))
    }

    /// Takes the job out, if there is one; for other threads. Slow.
    #[cold]
    pub fn steal(&self) -> Option<NonNull<Header>> {
        if self.is_empty() {
            return None;
        }
        let _alone = self.stealing.lock();
        self.wanting.store(true, Ordering::SeqCst);
        if !heavy_fence() {
            self.wanting.store(false, Ordering::Release);
            return None;
        }
        while self.busy.load(Ordering::Acquire) {
            // Perhaps it was preempted there.
            std::thread::yield_now();
        }
        let job = self.job.swap(ptr::null_mut(), Ordering::AcqRel);
        self.wanting.store(false, Ordering::Release);
        NonNull::new(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::AtomicU64;

    #[test]
    fn each_job_is_taken_once_by_its_owner_or_a_thief() {
        const JOBS: usize = 200_000;
        unsafe fn nothing(_: NonNull<Header>) {}
        let jobs: Vec<Header> = (0..JOBS as u64).map(|n| Header::new(nothing, n + 1)).collect();
        let taken: Vec<AtomicU64> = (0..JOBS).map(|_| AtomicU64::new(0)).collect();
        let (slot, over) = (Slot::default(), AtomicBool::new(false));
        // SAFETY: the jobs outlive the scope.
        let note = |job: NonNull<Header>| taken[unsafe { job.as_ref() }.id as usize - 1].fetch_add(1, Ordering::SeqCst);
        let mut stolen = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Been inside, and not for longer: other tests wait until nobody is.
                drop(crate::sync::inside::enter());
                for (n, job) in jobs.iter().enumerate() {
                    slot.put(NonNull::from(job)).map(note);
                    if n % 3 == 0 {
                        slot.take().map(note);
                    }
                }
                slot.take().map(note);
                over.store(true, Ordering::SeqCst);
            });
            while !over.load(Ordering::SeqCst) {
                stolen += u64::from(slot.steal().map(note).is_some());
            }
        });
        assert!(slot.is_empty());
        assert!(taken.iter().all(|taken| taken.load(Ordering::SeqCst) == 1), "{stolen} stolen");
    }
}
