//! The only room that names atomics, locks and parking.
//!
//! * the atomics and the lock: the machine's, or loom's when a model is run (`--cfg loom`);
//! * [`lock`] and [`shared_lock`]: locks that are given back without a locked instruction, which [`Mutex`] and [`RwLock`]
//!   stand for; [`sleepers`]: where threads sleep for them;
//! * [`parker`]: how an operating system thread waits, with a token, so that a wake is never lost;
//! * [`patience`]: looking around before sleeping, where that pays;
//! * [`seldom`]: trying something ever more seldom, as long as it is in vain;
//! * [`blocks`]: memory for messages and small terms, kept by the threads that use it;
//! * [`tally`]: numbers that every thread adds to;
//! * [`own`]: the few words of each thread that nearly every call reads;
//! * [`room`]: containers that become smaller again;
//! * [`shelf`]: values that lie side by side and never move, on huge pages when they are many;
//! * [`time`]: what the machine's clocks say;
//! * [`stir`]: who frees much says so, and who gives memory back to the system hears it;
//! * [`replaced`]: what is looked at without a lock, and replaced as a whole;
//! * [`fences`]: fences of which one half is free; [`shared_fence`]: the other half, which is one for many;
//! * [`inside`]: which threads are inside the library;
//! * [`retired`]: memory that is freed once they have left.

#[cfg(not(loom))]
pub use std::sync::Arc;
#[cfg(not(loom))]
pub use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
};

#[cfg(loom)]
pub use loom::sync::Arc;
#[cfg(loom)]
pub use loom::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
#[cfg(loom)]
pub use std::sync::atomic::compiler_fence;

#[cfg(loom)]
pub use modelled::{Mutex, RwLock};
#[cfg(not(loom))]
pub type Mutex<T> = lock_api::Mutex<lock::RawLock, T>;
#[cfg(not(loom))]
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, lock::RawLock, T>;
#[cfg(not(loom))]
pub type RwLock<T> = lock_api::RwLock<shared_lock::RawSharedLock, T>;

/// loom's locks with the face of the machine's.
#[cfg(loom)]
mod modelled {
    pub struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub fn new(value: T) -> RwLock<T> {
            RwLock(loom::sync::RwLock::new(value))
        }

        pub fn read(&self) -> loom::sync::RwLockReadGuard<'_, T> {
            self.0.read().expect("a model stops at its first panic")
        }

        pub fn write(&self) -> loom::sync::RwLockWriteGuard<'_, T> {
            self.0.write().expect("a model stops at its first panic")
        }
    }

    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("a model stops at its first panic")
        }
    }
}

#[cfg(not(loom))]
pub mod blocks;
#[cfg(not(loom))]
pub mod fences;
/// What a model has in place of the two fences.
#[cfg(loom)]
pub mod fences {
    pub fn light_fence() {
        if !cfg!(broken_between) {
            super::fence(super::Ordering::SeqCst);
        }
    }

    pub fn heavy_fence() -> bool {
        super::fence(super::Ordering::SeqCst);
        true
    }
}
#[cfg(not(loom))]
pub mod forked;
#[cfg(not(loom))]
pub mod inside;
pub mod lock;
#[cfg(not(loom))]
pub mod own;
pub mod parker;
pub mod patience;
pub mod replaced;
#[cfg(not(loom))]
pub mod retired;
pub mod room;
pub mod seldom;
pub mod shared_fence;
pub mod shared_lock;
pub mod shelf;
mod sleepers;
pub mod stir;
#[cfg(not(loom))]
pub mod tally;
pub mod time;

/// Asks for the memory of a value that is read soon.
#[inline(always)]
pub fn prefetch<T>(value: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing that the program sees, whatever the address; every x86-64 machine knows it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(value.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
