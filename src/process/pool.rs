//! Where control blocks lie, and who counts on them.
//!
//! Starting and ending a process is too common to go to the general allocator for each of them, and idle ones are too
//! many for what that puts beside each. So they lie in blocks (`sync::blocks`) of just their size, and the count is one
//! of their fields.

use super::control::Process;
use crate::sync::Ordering;
use crate::sync::blocks::Small;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::process::abort;
use std::ptr::NonNull;

/// One count of a process, which is there as long as anybody has one.
pub(super) struct Held(NonNull<Process>);

// SAFETY: processes are shared between threads, and the last count may be given back on any.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

/// So many counts, each of which takes memory, are an error.
const COUNTS: u32 = u32::MAX / 2;

impl Held {
    /// Makes a process, with its first count.
    ///
    /// # Safety
    /// `make` writes a whole process to the place that it is given, with that count.
    #[inline]
    pub unsafe fn make(make: impl FnOnce(*mut Process)) -> Held {
        let place = Small::into_raw(Small::new(MaybeUninit::<Process>::uninit())).cast::<Process>();
        make(place);
        // SAFETY: from a box.
        Held(unsafe { NonNull::new_unchecked(place) })
    }

    /// One more count of a process that somebody else has one of.
    #[inline]
    pub fn of(process: &Process) -> Held {
        // Relaxed: whoever gives one to another thread sees to it that this comes before.
        if process.counts.fetch_add(1, Ordering::Relaxed) > COUNTS {
            abort();
        }
        Held(NonNull::from(process))
    }

    #[inline]
    pub fn into_raw(self) -> *mut Process {
        let process = self.0.as_ptr();
        std::mem::forget(self);
        process
    }

    /// # Safety
    /// It came from [`Held::into_raw`], and that count is given back only here.
    #[inline]
    pub unsafe fn from_raw(process: *mut Process) -> Held {
        // SAFETY: the caller's promise.
        Held(unsafe { NonNull::new_unchecked(process) })
    }

    /// Gives the table's count back, when nobody can find the process any more. Only ghosts and those who are woken even
    /// after its end may have others, and as a rule there are none: then it takes no locked instruction.
    #[inline]
    pub fn retire(self) {
        // Acquire, partner: the release of a ghost's count. Nobody is left who could make another one.
        if self.counts.load(Ordering::Acquire) == 1 {
            // SAFETY: the last count, which is not given back again.
            unsafe { free(self.into_raw()) };
        }
    }
}

impl Deref for Held {
    type Target = Process;

    #[inline]
    fn deref(&self) -> &Process {
        // SAFETY: there as long as it is counted.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // Release, partner: the load of whoever gives the last one back.
        if self.counts.fetch_sub(1, Ordering::Release) == 1 {
            self.counts.load(Ordering::Acquire);
            // SAFETY: the last count.
            unsafe { free(self.0.as_ptr()) };
        }
    }
}

/// # Safety
/// Nobody counts on it any more; it was made by [`Held::make`].
unsafe fn free(process: *mut Process) {
    // SAFETY: the caller's promise; after the drop there is only the memory.
    unsafe {
        process.drop_in_place();
        drop(Small::from_raw(process.cast::<MaybeUninit<Process>>()));
    }
}
