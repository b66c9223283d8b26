//! What the machine's clocks say, as numbers. (`std`'s `Instant` takes a third longer to say it.)

/// The nanoseconds of a clock that the machine always has; of Linux.
#[inline]
pub fn ns_of(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills in a local.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    ns(time)
}

/// By how much such a clock goes on at once.
pub fn step_ns_of(clock: libc::clockid_t) -> u64 {
    let mut step = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as above.
    unsafe { libc::clock_getres(clock, &raw mut step) };
    ns(step)
}

#[inline(always)]
fn ns(time: libc::timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
