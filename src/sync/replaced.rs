//! A row that is looked at without a lock, and now and then replaced as a whole.
//!
//! Who looks is inside (`sync::inside`) meanwhile, and what was replaced is freed once they have left. Who replaces does
//! so alone, under a lock of theirs, and may keep what there was for a while ([`Before`]). In a model everything is kept
//! until the end.
//!
//! How long a row is lies in the address of it, so that nothing is loaded between that and a thing of it. So a row is of a
//! power of two of things, or none, and a thing has an alignment that leaves room for that.

use super::{AtomicPtr, Ordering, prefetch};
#[cfg(not(loom))]
use super::{inside, retired};
use std::ops::Deref;
use std::ptr::NonNull;
#[cfg(loom)]
use std::sync::{Arc, Mutex};

pub struct Replaced<T: Send + Sync + 'static> {
    /// Of `pack`.
    now: AtomicPtr<T>,
    #[cfg(loom)]
    gone: Gone<T>,
}

/// What was replaced and dropped in a model.
#[cfg(loom)]
type Gone<T> = Arc<Mutex<Vec<Box<[T]>>>>;

/// So many bits of an address are free.
const BITS: u32 = 5;
const MASK: usize = (1 << BITS) - 1;

/// In the lowest bits: 0 for none, or one more than the logarithm.
fn pack<T>(row: Box<[T]>) -> *mut T {
    const { assert!(align_of::<T>() >= 1 << BITS, "there is no room for the length") };
    assert!(row.is_empty() || row.len().is_power_of_two(), "rows are of powers of two");
    let bits = if row.is_empty() { 0 } else { row.len().trailing_zeros() as usize + 1 };
    assert!(bits <= MASK, "a row is too long");
    Box::into_raw(row).cast::<T>().map_addr(|address| address | bits)
}

#[inline(always)]
fn unpack<T>(packed: *mut T) -> NonNull<[T]> {
    let length = (1 << (packed.addr() & MASK)) >> 1;
    let first = packed.map_addr(|address| address & !MASK);
    // SAFETY: of a box, so it is not null.
    NonNull::slice_from_raw_parts(unsafe { NonNull::new_unchecked(first) }, length)
}

/// What was replaced: others may still look at it. Dropped under whatever locks, it is freed later: dropping a `T` takes
/// none.
pub struct Before<T: Send + Sync + 'static> {
    /// Of `pack`.
    row: *mut T,
    #[cfg(loom)]
    gone: Gone<T>,
}

// SAFETY: it gives nothing but shared references away, and is a box otherwise.
unsafe impl<T: Send + Sync + 'static> Send for Before<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync + 'static> Sync for Before<T> {}

impl<T: Send + Sync + 'static> Deref for Before<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: of a box, taken out once, and given up as this is dropped.
        unsafe { unpack(self.row).as_ref() }
    }
}

impl<T: Send + Sync + 'static> Drop for Before<T> {
    fn drop(&mut self) {
        #[cfg(loom)]
        // SAFETY: as in `deref`.
        self.gone.lock().expect("no panic").push(unsafe { Box::from_raw(unpack(self.row).as_ptr()) });
        #[cfg(not(loom))]
        {
            unsafe fn free<T>(packed: *mut ()) {
                // SAFETY: as below.
                drop(unsafe { Box::from_raw(unpack(packed.cast::<T>()).as_ptr()) });
            }
            let bytes = size_of_val(&**self);
            // SAFETY: as in `deref`, and any thread may drop it; who looks at it is inside.
            unsafe { retired::retire_large(self.row.cast(), bytes, free::<T>) };
        }
    }
}

impl<T: Send + Sync + 'static> Replaced<T> {
    pub fn new(first: Box<[T]>) -> Replaced<T> {
        Replaced {
            now: AtomicPtr::new(pack(first)),
            #[cfg(loom)]
            gone: Gone::default(),
        }
    }

    /// Shows what there is now. `look` must not run user code, wait, nor keep the reference.
    #[inline]
    pub fn look<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        #[cfg(not(loom))]
        let _inside = inside::enter();
        // Acquire, partner: the swap in `replace`.
        let now = self.now.load(Ordering::Acquire);
        // SAFETY: of a box, which `replace` gives up only to those who free it when nobody is inside any more.
        look(unsafe { unpack(now).as_ref() })
    }

    /// Asks for the memory of the thing at that place, counted round and round, and of the seven behind it, of which two
    /// are a line; where it is.
    #[inline]
    pub fn prefetch(&self, at: usize) -> usize {
        // Relaxed, and not inside: nothing is looked at, and of a row that goes meanwhile the memory may be asked for.
        let row = unpack(self.now.load(Ordering::Relaxed));
        let (first, at) = (row.as_ptr().cast::<T>(), at & row.len().wrapping_sub(1));
        (0..4).for_each(|line| prefetch(first.wrapping_add(at + 2 * line)));
        at
    }

    /// Gives what there was.
    pub fn replace(&self, next: Box<[T]>) -> Before<T> {
        Before {
            row: self.now.swap(pack(next), Ordering::AcqRel),
            #[cfg(loom)]
            gone: self.gone.clone(),
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Replaced<T> {
    fn drop(&mut self) {
        // SAFETY: as in `replace`; nobody looks at what is dropped.
        drop(unsafe { Box::from_raw(unpack(self.now.load(Ordering::Acquire)).as_ptr()) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::AtomicUsize;
    use std::sync::Arc;

    /// Counts those that were dropped.
    #[repr(align(32))]
    struct Counts(Arc<AtomicUsize>);

    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_was_replaced_is_freed_by_whoever_collects() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let row = |length: usize| (0..length).map(|_| Counts(dropped.clone())).collect::<Box<[Counts]>>();
        let replaced = Replaced::new(row(4));
        drop(replaced.replace(row(2)));
        assert_eq!(replaced.look(|row| row.len()), 2);
        // Not by this thread, which does not come again.
        let collecting = || {
            for _ in 0..100_000 {
                retired::collect();
                if dropped.load(Ordering::SeqCst) > 0 {
                    break;
                }
                // Other tests are inside now and then, and leave.
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| scope.spawn(collecting).join().unwrap());
        assert_eq!(dropped.load(Ordering::SeqCst), 4);
        drop(replaced);
        assert_eq!(dropped.load(Ordering::SeqCst), 6);
    }
}
