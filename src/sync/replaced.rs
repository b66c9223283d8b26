//! A row that is looked at without a lock, and now and then replaced as a whole.
//!
//! Who looks is inside (`sync::inside`) meanwhile, and what was replaced is freed once they have left. Who replaces does
//! so alone, under a lock of theirs. In a model everything is kept until the end.

#[cfg(loom)]
use super::Mutex;
use super::{AtomicPtr, Ordering};
#[cfg(not(loom))]
use super::{inside, retired};

pub struct Replaced<T: Send + Sync + 'static> {
    now: AtomicPtr<Box<[T]>>,
    #[cfg(loom)]
    before: Mutex<Vec<Box<Box<[T]>>>>,
}

impl<T: Send + Sync + 'static> Replaced<T> {
    pub fn new(first: Box<[T]>) -> Replaced<T> {
        Replaced {
            now: AtomicPtr::new(Box::into_raw(Box::new(first))),
            #[cfg(loom)]
            before: Mutex::new(Vec::new()),
        }
    }

    /// Shows what there is now. `look` must not run user code, wait, nor keep the reference.
    #[inline]
    pub fn look<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        #[cfg(not(loom))]
        let _inside = inside::enter();
        // Acquire, partner: the swap in `replace`.
        let now = self.now.load(Ordering::Acquire);
        // SAFETY: never null; `replace` gives it up only to those who free it when nobody is inside any more.
        look(unsafe { &*now })
    }

    /// What there was is dropped later, under whatever locks: dropping a `T` takes none.
    pub fn replace(&self, next: Box<[T]>) {
        let before = self.now.swap(Box::into_raw(Box::new(next)), Ordering::AcqRel);
        #[cfg(loom)]
        // SAFETY: made by `into_raw`, and taken out once.
        self.before.lock().push(unsafe { Box::from_raw(before) });
        #[cfg(not(loom))]
        {
            unsafe fn free<T>(what: *mut ()) {
                // SAFETY: as below.
                drop(unsafe { Box::from_raw(what.cast::<Box<[T]>>()) });
            }
            // SAFETY: made by `into_raw`, taken out once, and any thread may drop it; who looks at it is inside.
            unsafe { retired::retire_large(before.cast(), size_of_val(&**before), free::<T>) };
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Replaced<T> {
    fn drop(&mut self) {
        // SAFETY: as in `replace`; nobody looks at what is dropped.
        drop(unsafe { Box::from_raw(self.now.load(Ordering::Acquire)) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::AtomicUsize;
    use std::sync::Arc;

    /// Counts those that were dropped.
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
        let replaced = Replaced::new(row(3));
        replaced.replace(row(2));
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
        assert_eq!(dropped.load(Ordering::SeqCst), 3);
        drop(replaced);
        assert_eq!(dropped.load(Ordering::SeqCst), 5);
    }
}
