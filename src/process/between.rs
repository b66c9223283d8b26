//! Between two messages: how a process takes the next one while its state word says `CALLBACK`.
//!
//! Out of user code and into it again are two steps of the state word, a locked instruction each. Where the next message
//! is there already they are left out: the word says `CALLBACK` all the time, as if it were one callback. Then whoever
//! kills the process may find it here, with its hand in the mailbox, and is about to empty that itself. So:
//!
//! 1. *take* (the one who runs the process): says that it *takes*, and then looks at the word. If that is anything but
//!    a bare `CALLBACK` it has had no look at the mailbox, and goes the long way, which finds out. Else it looks for a
//!    message, and when it sees one, at the word once more; it takes the message, and says that it takes no more.
//! 2. *shut out* (who has made the word `DEAD` from `CALLBACK`, before anybody hears of it): a heavy fence, then it
//!    waits until nothing is being taken. After the fence it has either been seen that something is, or the next look
//!    at the word sees `DEAD`. (`scheduler::slot` shares a place in the same way.)
//!
//! So there is one consumer at a time, and once it is told that the process is dead none of its callbacks begins. The
//! second look is for one who sends a signal that is not a kill and then a message: whoever sees the message sees the
//! `EXIT` of the signal, which came first, and leaves the message where it is.
//!
//! It takes for a few instructions, none of which waits or runs user code. Where there is no heavy fence for a second
//! (`sync::inside`, a kernel that refuses later) a kill waits for as long.

use super::state::State;
use crate::sync::fences::{heavy_fence, light_fence};
use crate::sync::{AtomicBool, Ordering};

/// Whether its owner takes a message in the middle of `CALLBACK`.
#[derive(Default)]
pub struct Between(AtomicBool);

impl Between {
    /// Step *take*, for the one whose word says `CALLBACK` and who runs no user code. `take` looks at the word once more
    /// ([`State::is_bare_callback`]) when it has seen a message.
    #[inline(always)]
    pub fn take<T>(&self, state: &State, take: impl FnOnce() -> Option<T>) -> Option<T> {
        self.0.store(true, Ordering::Relaxed);
        // Partner: the heavy fence in `shut_out`.
        light_fence();
        let taken = if state.is_bare_callback() { take() } else { None };
        // Release, partner: the load in `shut_out`: the mailbox is as we have left it.
        self.0.store(false, Ordering::Release);
        taken
    }

    /// Step *shut out*.
    pub fn shut_out(&self) {
        while !heavy_fence() || self.0.load(Ordering::Acquire) {
            // Perhaps it was preempted there.
            #[cfg(not(loom))]
            std::thread::yield_now();
            #[cfg(loom)]
            loom::thread::yield_now();
        }
    }
}
