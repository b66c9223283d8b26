//! Whether this is the child of a fork, where none of the threads of a runtime lives and any lock may be held for ever.
//!
//! The exported functions look before they touch anything, and so does what runs by itself when a thread ends.

use super::{AtomicBool, Ordering};

static FORKED: AtomicBool = AtomicBool::new(false);

extern "C" fn in_child() {
    FORKED.store(true, Ordering::SeqCst);
}

/// Has the child of a fork know that it is one; once, before the first runtime starts.
pub fn watch() {
    static WATCHED: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();
    WATCHED.get_or_init(|| {
        // SAFETY: the handler only stores a flag, and the library is never unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// Whether this is the child of a fork.
#[inline]
pub fn is_forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// The end of a child whose user code returned into a runtime that is not there.
#[cold]
pub fn end_child() -> ! {
    let text = b"regrow: a callback returned in the child of a fork, where no runtime lives: the child ends\n";
    // SAFETY: writes a static text, and ends the process without running anything.
    unsafe {
        libc::write(2, text.as_ptr().cast(), text.len());
        libc::_exit(70)
    }
}
