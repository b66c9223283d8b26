//! A lock that a model can look into: the machine's, or loom's when a model is run.
//!
//! For structures that have a model and hold a lock over several steps; everything else takes [`super::Mutex`].

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use parking_lot::{Mutex, MutexGuard};

#[derive(Default)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub fn new(what: T) -> Lock<T> {
        Lock(Mutex::new(what))
    }

    #[cfg(not(loom))]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    #[cfg(loom)]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("a model stops at its first panic")
    }
}
