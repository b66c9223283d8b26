//! What C++ keeps of a thread's exceptions, over a change of stacks.
//!
//! The Itanium ABI has two words for each thread: the exceptions that are being handled, as a list, and how many are in
//! flight. A callback that waits in its handler leaves its exception at the head of that list; what runs on the thread
//! meanwhile would put its own on top, and whoever ends its handler first would take the other's away. So each stack
//! has the words to itself: they are taken away when it is left, and put back when it goes on. Between stacks, and at
//! the start of one, they are zero.
//!
//! Where the words are only the C++ runtime knows: `__cxa_get_globals`, which is handed in. Without it nothing is done.

use crate::sync::{AtomicPtr, Ordering};
use std::ffi::{c_uint, c_void};
use std::ptr;

/// Gives the calling thread's words.
pub type Accessor = unsafe extern "C-unwind" fn() -> *mut c_void;

/// `__cxa_eh_globals`, on the machines that regrow runs on.
#[repr(C)]
struct Words {
    caught: *mut c_void,
    uncaught: c_uint,
}

impl Words {
    const NONE: Words = Words { caught: ptr::null_mut(), uncaught: 0 };
}

/// An `Accessor`, or null. It is a pointer to code, set once: nothing else is read by it, and no order is needed.
static ACCESSOR: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Tells where the words are. False: somebody said otherwise before.
pub fn register(accessor: Accessor) -> bool {
    let new = accessor as *mut c_void;
    match ACCESSOR.compare_exchange(ptr::null_mut(), new, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => true,
        Err(old) => old == new,
    }
}

/// The calling thread's; null where there are none.
#[inline]
fn words() -> *mut Words {
    let accessor = ACCESSOR.load(Ordering::Relaxed);
    if accessor.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: only `register` stores there, and what it stores is an `Accessor`.
    let accessor = unsafe { std::mem::transmute::<*mut c_void, Accessor>(accessor) };
    // SAFETY: whoever registered it promised that it may be called on any thread.
    unsafe { accessor() }.cast()
}

/// Whether an exception is on its way from a throw to its handler: then destructors run.
pub fn in_flight() -> bool {
    // SAFETY: null, or this thread's words, which nobody else touches.
    unsafe { words().as_ref() }.is_some_and(|words| words.uncaught != 0)
}

/// The words of a stack that is left.
pub(super) struct Kept(Words);

impl Kept {
    /// Before another stack runs on this thread.
    #[inline]
    pub fn leave() -> Kept {
        // SAFETY: as in `in_flight`.
        let words = unsafe { words().as_mut() };
        Kept(words.map_or(Words::NONE, |words| std::mem::replace(words, Words::NONE)))
    }

    /// Once this stack goes on. They are the same thread's: a stack never changes its thread.
    #[inline]
    pub fn come_back(self) {
        // SAFETY: as in `in_flight`.
        if let Some(words) = unsafe { words().as_mut() } {
            *words = self.0;
        }
    }
}
