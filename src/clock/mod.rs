//! Time: the one clock of a runtime, and the timers that read it.
//! A `Clock` tells nanoseconds since the runtime started, from the machine or from a hand that moves it. `Timers` keeps
//! deadlines with a payload each and gives back those that are due: never early, by deadline, then by order of start
//! (where there are several parts, those of one owner; see `timers`). Timers may have an owner, with whom all of them go.
//! Exactly one of `cancel` and `fire_due` gets a payload. No thread lives here: the scheduler asks, and decides who sleeps.
//! Everything may be called from any thread. From: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987).
#![forbid(unsafe_code)]

mod owners;
mod part;
mod slab;
mod slot;
mod timers;
mod wheel;

use crate::sync::{AtomicU64, Ordering, time};
pub use owners::OwnerId;
pub use part::Started;
#[cfg(test)]
pub(crate) use slot::looks;
pub use timers::Timers;

/// The time of one runtime, in nanoseconds since it started.
pub struct Clock {
    source: Source,
}

enum Source {
    /// The machine's, since then.
    Monotonic(u64),
    Manual(AtomicU64),
}

impl Clock {
    /// A clock that starts at 0 now and goes by the machine's monotonic time.
    pub fn monotonic() -> Self {
        Clock { source: Source::Monotonic(machine_ns()) }
    }

    /// A clock that stands at 0 until `advance_to` moves it.
    pub fn manual() -> Self {
        Clock { source: Source::Manual(AtomicU64::new(0)) }
    }

    /// The time, in ns. Never less than what any thread was told before.
    #[inline]
    pub fn now(&self) -> u64 {
        match &self.source {
            Source::Monotonic(start) => machine_ns().saturating_sub(*start),
            // Acquire, with the AcqRel of `advance_to`: who sees the new time sees what was done before it was set.
            Source::Manual(now) => now.load(Ordering::Acquire),
        }
    }

    /// The time, or an earlier one if `deadline` is more than a second away: that takes a fifth as long to find out.
    #[inline]
    pub fn now_for(&self, deadline: u64) -> u64 {
        if let Source::Monotonic(start) = &self.source {
            // It goes on at each tick of the kernel's, so it is behind by some milliseconds, or by some more where the
            // machine's processors are taken from it.
            let before = time::ns_of(libc::CLOCK_MONOTONIC_COARSE).saturating_sub(*start);
            if before.saturating_add(1_000_000_000) < deadline {
                return before;
            }
        }
        self.now()
    }

    /// Is this clock moved by hand?
    pub fn is_manual(&self) -> bool {
        matches!(self.source, Source::Manual(_))
    }

    /// Moves a manual clock forward to `ns`; a time that has passed already changes nothing.
    /// Panics on a monotonic clock: the caller asks `is_manual` first.
    pub fn advance_to(&self, ns: u64) {
        match &self.source {
            Source::Monotonic(_) => panic!("a monotonic clock is not moved by hand"),
            // AcqRel, with the Acquire of `now`.
            Source::Manual(now) => {
                now.fetch_max(ns, Ordering::AcqRel);
            }
        }
    }
}

#[inline]
fn machine_ns() -> u64 {
    time::ns_of(libc::CLOCK_MONOTONIC)
}

/// Whose timer it is; `regrow_settle` tells the kind of the next one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TimerKind {
    /// Started by the program: `regrow_send_after` and its like, idle timeouts.
    User,
    /// The runtime's own: limits of shutdown, init and restart.
    Supervision,
    /// A callback or body that sleeps, or waits in a call with a time limit.
    Sleep,
}

/// Names one timer among all that were ever started: a slot and its generation. Never 0; once its timer was cancelled
/// or fired it names nothing, for good.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TimerId(u64);

impl TimerId {
    /// No timer: every function refuses it.
    pub const NONE: TimerId = TimerId(0);

    /// The id as a number, 0 for `NONE`.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The id again from its number. Any number is safe: one that names no timer is refused as a stale id is.
    pub const fn from_bits(bits: u64) -> Self {
        TimerId(bits)
    }

    fn new(index: u32, generation: u32) -> Self {
        TimerId(u64::from(generation) << 32 | u64::from(index))
    }

    fn index(self) -> u32 {
        self.0 as u32
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
