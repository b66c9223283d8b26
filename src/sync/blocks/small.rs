//! A box in a block: for what is small, and made and freed all the time.

use super::Size;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// As `Box<T>`; what is too large for a block is the general allocator's. A sanitizer is to see each of them.
pub struct Small<T: ?Sized> {
    place: NonNull<T>,
    owns: PhantomData<T>,
}

// SAFETY: it owns what it leads to, as a box does.
unsafe impl<T: ?Sized + Send> Send for Small<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for Small<T> {}

/// The size of the block that such a thing lies in; none: it is the allocator's.
#[inline(always)]
fn block(layout: Layout) -> Option<Size> {
    if cfg!(any(loom, feature = "sanitizer")) {
        return None;
    }
    match Size::of_life(layout.size()) {
        Some(size) if layout.align() <= size.align() => Some(size),
        _ => None,
    }
}

/// What the allocator is asked for: it gives no memory of size zero.
#[inline]
fn asked(layout: Layout) -> Layout {
    Layout::from_size_align(layout.size().max(1), layout.align()).unwrap_or(layout)
}

impl<T> Small<T> {
    #[inline(always)]
    pub fn new(value: T) -> Small<T> {
        Small::made(|| value)
    }

    /// As [`Small::new`], of a value that is made where it is to lie: else it is made on the stack part by part and
    /// moved from there as a whole, for which the processor waits until all parts are written. The block is lost if `make`
    /// unwinds.
    #[inline(always)]
    pub fn made(make: impl FnOnce() -> T) -> Small<T> {
        let layout = const { Layout::new::<T>() };
        let place = match block(layout) {
            Some(size) => super::take(size),
            // SAFETY: not of size zero.
            None => NonNull::new(unsafe { alloc(asked(layout)) }),
        };
        let Some(place) = place else { handle_alloc_error(layout) };
        let place = place.cast::<T>();
        // SAFETY: large enough, aligned, and nobody else's.
        unsafe { place.write(make()) };
        Small { place, owns: PhantomData }
    }

    /// As `Box::into_raw`.
    #[inline(always)]
    pub fn into_raw(self) -> *mut T {
        let place = self.place.as_ptr();
        std::mem::forget(self);
        place
    }

    /// As `Box::from_raw`.
    ///
    /// # Safety
    /// The pointer came from [`Small::into_raw`], and nobody uses it any more.
    #[inline(always)]
    pub unsafe fn from_raw(place: *mut T) -> Small<T> {
        // SAFETY: the caller's promise.
        Small { place: unsafe { NonNull::new_unchecked(place) }, owns: PhantomData }
    }

    /// Takes it out.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        // SAFETY: it is there, and not used after this: the block alone is freed.
        let value = unsafe { self.place.read() };
        Place { place: self.place.cast(), layout: Layout::new::<T>() }.free();
        std::mem::forget(self);
        value
    }
}

impl<T: ?Sized> Small<T> {
    /// The same, seen as something else: `Small::seen_as(small, |place| place as *mut dyn Trait)`.
    ///
    /// # Safety
    /// `see` gives a pointer to the whole of the same, and no more than its type is changed.
    #[inline(always)]
    pub unsafe fn seen_as<U: ?Sized>(self, see: impl FnOnce(*mut T) -> *mut U) -> Small<U> {
        let place = see(self.place.as_ptr());
        std::mem::forget(self);
        // SAFETY: the caller's promise: it is as little null as before.
        Small { place: unsafe { NonNull::new_unchecked(place) }, owns: PhantomData }
    }
}

impl<T: Default> Default for Small<T> {
    #[inline(always)]
    fn default() -> Small<T> {
        Small::new(T::default())
    }
}

impl<T: ?Sized> Deref for Small<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: made by `new`, and there until this is dropped.
        unsafe { self.place.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Small<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.place.as_mut() }
    }
}

/// Memory that is freed, also when what lay there panics as it is dropped.
struct Place {
    place: NonNull<u8>,
    layout: Layout,
}

impl Place {
    /// Frees it where nothing has panicked. Not by its drop, which is a function of its own, for all layouts: here it
    /// is known as a rule.
    #[inline(always)]
    fn free(self) {
        // SAFETY: as in its drop, which does not come.
        unsafe { free(self.place, self.layout) };
        std::mem::forget(self);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: it came from `new` with this layout, and nobody uses it any more.
        unsafe { free(self.place, self.layout) };
    }
}

/// # Safety
/// It came from [`Small::new`] with that layout, and nobody uses it any more.
#[inline(always)]
unsafe fn free(place: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's promise.
    unsafe {
        match block(layout) {
            Some(size) => super::free(size, place),
            None => dealloc(place.as_ptr(), asked(layout)),
        }
    }
}

impl<T: ?Sized> Drop for Small<T> {
    #[inline]
    fn drop(&mut self) {
        let place = Place { place: self.place.cast(), layout: Layout::for_value(&**self) };
        // SAFETY: there until now, and used no more.
        unsafe { self.place.drop_in_place() };
        place.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    /// Counted, and of so many bytes.
    struct Counted<const N: usize> {
        _count: Arc<()>,
        bytes: [u8; N],
        panics: bool,
    }

    impl<const N: usize> Drop for Counted<N> {
        fn drop(&mut self) {
            assert!(self.bytes.iter().all(|&byte| byte == 7));
            assert!(!self.panics, "told to panic");
        }
    }

    fn of_size<const N: usize>() {
        let count = Arc::new(());
        let counted = |panics| Small::new(Counted { _count: count.clone(), bytes: [7; N], panics });
        let (small, panics) = (counted(false), counted(true));
        // SAFETY: only its type changes.
        let seen = unsafe { counted(false).seen_as(|one| one as *mut dyn Send) };
        assert_eq!(Arc::strong_count(&count), 4);
        drop(Small::into_inner(small));
        drop(seen);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(panics))).is_err());
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn what_lies_in_a_block_is_dropped_once_whatever_its_size() {
        of_size::<0>();
        of_size::<20>();
        of_size::<50>();
        of_size::<100>();
        of_size::<130>();
        of_size::<200>();
        of_size::<240>();
        of_size::<300>();
    }
}
