//! Stacks for callbacks that wait, cut from slabs.
//!
//! One map per stack would end near 32,000 of them (`vm.max_map_count`, two maps each). Here 64 lie in one mapping,
//! each below a guard page made by `MADV_GUARD_INSTALL` (Linux 6.13), which splits no mapping; older kernels get
//! `mprotect`. Memory is reserved, and committed only where it is touched. A stack goes back to the pool; it is
//! never unmapped while the runtime lives, but when nothing runs for a while the memory of free stacks goes back to the
//! system ([`StackPool::trim`]). `MADV_DONTNEED` leaves guard pages as they are.

use crate::sync::{AtomicU64, Mutex, Ordering};
use corosensei::stack::valgrind::ValgrindStackRegistration;
use corosensei::stack::{Stack, StackPointer};
use std::num::NonZeroUsize;
use std::sync::Arc;

const PER_SLAB: usize = 64;
/// Stacks that are out of reach while their memory is given back.
const TRIMMED_AT_ONCE: usize = 1024;
const MADV_GUARD_INSTALL: i32 = 102;

/// A pool of stacks of one size.
pub struct StackPool {
    size: usize,
    limit: u64,
    made: AtomicU64,
    free: Mutex<Free>,
    slabs: Mutex<Slabs>,
}

#[derive(Default)]
struct Free {
    /// Used since the last trim: there is memory behind them.
    warm: Vec<usize>,
    cold: Vec<usize>,
}

impl Free {
    fn pop(&mut self) -> Option<usize> {
        self.warm.pop().or_else(|| self.cold.pop())
    }
}

#[derive(Default)]
struct Slabs {
    /// Tells valgrind, when it watches, that a jump to one of these is no frame of a million bytes. In one piece: a
    /// small piece for each slab, made in the middle of a burst, would keep a page of it each for ever.
    known: Vec<ValgrindStackRegistration>,
    /// After what is known of them.
    slabs: Vec<Slab>,
}

struct Slab {
    base: usize,
    len: usize,
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and the pool goes only after its last stack.
        unsafe { libc::munmap(self.base as *mut libc::c_void, self.len) };
    }
}

/// One stack; goes back to its pool when dropped.
pub struct PooledStack {
    /// The lowest address, that of the guard page.
    bottom: usize,
    pool: Arc<StackPool>,
}

fn page() -> usize {
    // SAFETY: sysconf only reads.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

impl StackPool {
    /// A pool whose stacks have `size` usable bytes (rounded up to pages), at most `limit` of them.
    pub fn new(size: usize, limit: u64) -> Arc<StackPool> {
        let page = page();
        let size = size.max(16 * 1024).div_ceil(page) * page + page;
        Arc::new(StackPool {
            size,
            limit,
            made: AtomicU64::new(0),
            free: Mutex::new(Free::default()),
            slabs: Mutex::new(Slabs::default()),
        })
    }

    /// How many stacks were ever needed at one time.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// A stack, or none when the limit or the memory is reached.
    pub fn take(self: &Arc<Self>) -> Option<PooledStack> {
        let recycled = self.free.lock().pop();
        let bottom = match recycled {
            Some(bottom) => bottom,
            None => self.grow()?,
        };
        Some(PooledStack { bottom, pool: self.clone() })
    }

    /// Gives the memory of the free stacks back to the system; how many bytes, at least.
    pub fn trim(&self) -> usize {
        let mut trimmed = 0;
        loop {
            // Some at a time: what is in our hands is in nobody's reach meanwhile.
            let mut some = {
                let warm = &mut self.free.lock().warm;
                warm.split_off(warm.len().saturating_sub(TRIMMED_AT_ONCE))
            };
            if some.is_empty() {
                self.free.lock().warm.shrink_to_fit();
                return trimmed;
            }
            some.sort_unstable();
            for neighbours in some.chunk_by(|low, high| low + self.size == *high) {
                // SAFETY: stacks of ours that are free, one beside the other; they read as zero from now on.
                unsafe {
                    libc::madvise(neighbours[0] as *mut _, neighbours.len() * self.size, libc::MADV_DONTNEED);
                }
            }
            trimmed += some.len() * page();
            // The lowest first out again.
            some.reverse();
            self.free.lock().cold.append(&mut some);
        }
    }

    fn grow(&self) -> Option<usize> {
        let mut slabs = self.slabs.lock();
        if let Some(bottom) = self.free.lock().pop() {
            return Some(bottom);
        }
        if self.made.load(Ordering::Relaxed) >= self.limit {
            return None;
        }
        let len = self.size * PER_SLAB;
        // SAFETY: a fresh anonymous mapping; nothing else knows its address.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return None;
        }
        let base = base as usize;
        for index in 0..PER_SLAB {
            if !guard_page(base + index * self.size) {
                // SAFETY: as in the drop of a slab; no stack of it was given out.
                unsafe { libc::munmap(base as *mut libc::c_void, len) };
                return None;
            }
        }
        let stack = |index| ValgrindStackRegistration::new((base + index * self.size) as *mut u8, self.size);
        slabs.known.extend((0..PER_SLAB).map(stack));
        slabs.slabs.push(Slab { base, len });
        self.made.fetch_add(PER_SLAB as u64, Ordering::Relaxed);
        self.free.lock().cold.extend((1..PER_SLAB).rev().map(|index| base + index * self.size));
        Some(base)
    }
}

fn guard_page(address: usize) -> bool {
    // SAFETY: the page lies in a mapping of ours that nobody uses yet.
    unsafe {
        libc::madvise(address as *mut libc::c_void, page(), MADV_GUARD_INSTALL) == 0
            || libc::mprotect(address as *mut libc::c_void, page(), libc::PROT_NONE) == 0
    }
}

impl Drop for PooledStack {
    fn drop(&mut self) {
        self.pool.free.lock().warm.push(self.bottom);
    }
}

// SAFETY: base is the aligned end of a mapping that lives as long as the pool, which this stack keeps alive; the
// lowest page is guarded, and `limit` names the first usable byte's page as corosensei asks (guard included).
unsafe impl Stack for PooledStack {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.bottom + self.pool.size).expect("a mapping is never at zero")
    }

    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.bottom).expect("a mapping is never at zero")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_comes_back_and_is_used_again() {
        let pool = StackPool::new(64 * 1024, 1_000);
        let first = pool.take().unwrap().bottom;
        assert_eq!(pool.take().unwrap().bottom, first);
        assert_eq!(pool.made(), PER_SLAB as u64);
    }

    /// Whether the byte there can be read, as the kernel sees it.
    fn readable(address: usize) -> bool {
        let mut byte = 0u8;
        let mut here = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let mut there = libc::iovec { iov_base: address as *mut _, iov_len: 1 };
        // SAFETY: reads one byte into a local, or fails.
        unsafe { libc::process_vm_readv(libc::getpid(), &raw mut here, 1, &raw mut there, 1, 0) == 1 }
    }

    #[test]
    fn a_trimmed_stack_has_no_memory_and_still_its_guard() {
        let pool = StackPool::new(64 * 1024, 1_000);
        let stacks: Vec<_> = (0..PER_SLAB).map(|_| pool.take().unwrap()).collect();
        let tops: Vec<usize> = stacks.iter().map(|stack| stack.base().get() - 1).collect();
        let kept = pool.take().unwrap();
        for top in tops.iter().copied().chain([kept.base().get() - 1]) {
            // SAFETY: the highest byte of a stack that this test holds.
            unsafe { (top as *mut u8).write_volatile(7) };
        }
        drop(stacks);
        assert!(pool.trim() >= PER_SLAB * page());
        assert_eq!(pool.trim(), 0);
        for top in tops {
            // SAFETY: mapped, and nobody else's.
            assert_eq!(unsafe { (top as *const u8).read_volatile() }, 0);
            assert!(!readable(top + 1 - pool.size));
        }
        // SAFETY: as above.
        assert_eq!(unsafe { ((kept.base().get() - 1) as *const u8).read_volatile() }, 7);
    }

    #[test]
    fn beyond_the_limit_there_is_none() {
        let pool = StackPool::new(64 * 1024, 1);
        let all: Vec<_> = (0..PER_SLAB).map(|_| pool.take().unwrap()).collect();
        assert!(pool.take().is_none());
        drop(all);
        assert!(pool.take().is_some());
    }
}
