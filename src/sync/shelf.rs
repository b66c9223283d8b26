//! Values that lie side by side and never move: room for a number of them that is known from the start.
//!
//! A burst fills new memory, and the fault that each small page of it costs is a quarter of what a burst of timers
//! takes. So a shelf of huge pages asks for such, from the system itself, to which they go back as a whole: in the
//! hands of an allocator what is put there next would have huge pages too, and the allocator would learn to keep what
//! is large.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// A huge page of most machines.
const HUGE: usize = 2 << 20;

pub struct Shelf<T> {
    values: NonNull<T>,
    count: usize,
    layout: Layout,
    /// Its memory is the system's, and not the allocator's.
    is_mapped: bool,
}

// SAFETY: it has its values as a Vec has, and nobody else points to them.
unsafe impl<T: Send> Send for Shelf<T> {}

impl<T> Shelf<T> {
    /// An empty one, with room for so many values, of a type that is not of size zero. `is_huge`: all of it is soon in
    /// use, and it may be in memory as a whole.
    pub fn new(room: usize, is_huge: bool) -> Shelf<T> {
        assert!(size_of::<T>() > 0 && room > 0);
        let layout = Layout::array::<T>(room).expect("a shelf has room in memory");
        let has_huge_pages = layout.size().is_multiple_of(HUGE) && layout.align() <= HUGE;
        if let Some(memory) = (is_huge && has_huge_pages).then(|| map(layout.size())).flatten() {
            return Shelf { values: memory.cast(), count: 0, layout, is_mapped: true };
        }
        // SAFETY: the layout is not of size zero, as was asserted.
        let memory = unsafe { alloc(layout) };
        let Some(values) = NonNull::new(memory.cast()) else { handle_alloc_error(layout) };
        Shelf { values, count: 0, layout, is_mapped: false }
    }

    /// Bytes of its memory.
    pub fn bytes(&self) -> usize {
        self.layout.size()
    }

    /// Puts `count` values behind the others, each made where it is to lie. Panics when there is no room.
    #[inline]
    pub fn push_all(&mut self, count: usize, mut make: impl FnMut(usize) -> T) {
        assert!(count <= self.layout.size() / size_of::<T>() - self.count, "a shelf is full");
        for nth in 0..count {
            // SAFETY: within the memory, as was asserted, and behind all values.
            unsafe { self.values.add(self.count).write(make(nth)) };
            self.count += 1;
        }
    }

    /// Gives the memory back without a look at the values, which are not dropped.
    pub fn forget(mut self) {
        self.count = 0;
    }
}

impl<T> Deref for Shelf<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: so many values have been written, and are borrowed with the shelf.
        unsafe { std::slice::from_raw_parts(self.values.as_ptr(), self.count) }
    }
}

impl<T> DerefMut for Shelf<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the shelf is borrowed by nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.values.as_ptr(), self.count) }
    }
}

impl<T> Drop for Shelf<T> {
    fn drop(&mut self) {
        // SAFETY: the values that were written, each once.
        unsafe { std::ptr::drop_in_place(&raw mut **self) };
        let memory = self.values.cast();
        if self.is_mapped {
            unmap(memory, self.layout.size());
        } else {
            // SAFETY: the allocator's, with the layout it was made with.
            unsafe { dealloc(memory.as_ptr(), self.layout) };
        }
    }
}

/// Memory from the system on huge pages, if it has such. None: it gives none.
#[cfg(target_os = "linux")]
fn map(bytes: usize) -> Option<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new memory, wherever the system likes, and so much that the part of it that is aligned is enough.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes + HUGE, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    let start = NonNull::new(start.cast::<u8>())?;
    let before = start.as_ptr().align_offset(HUGE);
    // SAFETY: within it.
    let memory = unsafe { start.add(before) };
    if before > 0 {
        unmap(start, before);
    }
    // SAFETY: where the part ends.
    unmap(unsafe { memory.add(bytes) }, HUGE - before);
    // SAFETY: our own memory; advice that a system may not take.
    unsafe { libc::madvise(memory.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
    Some(memory)
}

#[cfg(not(target_os = "linux"))]
fn map(_: usize) -> Option<NonNull<u8>> {
    None
}

/// Gives whole pages that [`map`] made, and in which nothing is any more, back to the system.
fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: as the caller says; all this is private to this file.
    unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn values_are_dropped_once_and_those_that_are_forgotten_never() {
        for is_huge in [false, true] {
            let token = Arc::new(());
            let mut shelf = Shelf::new(HUGE / size_of::<Arc<()>>(), is_huge);
            shelf.push_all(7, |_| token.clone());
            shelf.push_all(3, |_| token.clone());
            assert_eq!((shelf.len(), Arc::strong_count(&token)), (10, 11));
            shelf[3] = Arc::new(());
            drop(shelf);
            assert_eq!(Arc::strong_count(&token), 1);
        }
        let token = Arc::new(());
        let mut shelf = Shelf::new(1, false);
        shelf.push_all(1, |_| token.clone());
        shelf.forget();
        assert_eq!(Arc::strong_count(&token), 2);
        // SAFETY: the count that the forgotten one had.
        unsafe { Arc::decrement_strong_count(Arc::as_ptr(&token)) };
    }

    #[test]
    #[should_panic(expected = "a shelf is full")]
    fn a_full_one_takes_no_more() {
        let mut shelf = Shelf::new(2, false);
        shelf.push_all(1, |_| 0);
        shelf.push_all(2, |_| 0);
    }
}
