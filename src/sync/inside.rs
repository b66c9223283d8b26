//! Which threads are inside the library.
//!
//! Each thread has a record with a counter: odd while the thread is inside runtime code, even while it runs user
//! code, waits, or is elsewhere. Entering and leaving are two plain stores: who has to know of everybody pays for the
//! fences of both ([`super::fences`]), as who frees memory does ([`super::retired`]).
//!
//! **Quiet.** [`for_each_thread`] shows the counters, so that settle and shutdown can read them twice: the same
//! even numbers both times mean that nothing happened in between.
//!
//! Who may touch what: a record's counter is written by its thread alone, read by anybody. Records are never
//! freed, but reused after their thread ended.

use super::fences::{self, light_fence};
use super::own::{Own, own};
use super::tally::{Tally, What};
use super::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// What a thread shows of itself.
pub struct ThreadRecord {
    /// Odd: inside.
    counter: AtomicU64,
    /// What it says that it runs; see [`show`].
    shown: AtomicU64,
    tally: Tally,
    taken: AtomicBool,
    next: AtomicPtr<ThreadRecord>,
}

static RECORDS: AtomicPtr<ThreadRecord> = AtomicPtr::new(std::ptr::null_mut());

fn claim_record() -> &'static ThreadRecord {
    fences::set_up();
    let mut at = RECORDS.load(Ordering::Acquire);
    // SAFETY: records are leaked boxes, reachable for ever once published.
    while let Some(record) = unsafe { at.as_ref() } {
        if !record.taken.load(Ordering::Relaxed)
            && record.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            return record;
        }
        at = record.next.load(Ordering::Acquire);
    }
    let record = Box::leak(Box::new(ThreadRecord {
        counter: AtomicU64::new(0),
        shown: AtomicU64::new(0),
        tally: Tally::new(),
        taken: AtomicBool::new(true),
        next: AtomicPtr::new(std::ptr::null_mut()),
    }));
    let mut head = RECORDS.load(Ordering::Acquire);
    loop {
        record.next.store(head, Ordering::Relaxed);
        match RECORDS.compare_exchange(head, record, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return record,
            Err(now) => head = now,
        }
    }
}

/// Gives the record back as the thread ends.
struct Local {
    record: &'static ThreadRecord,
}

impl Drop for Local {
    fn drop(&mut self) {
        if super::forked::is_forked() {
            return;
        }
        // Who comes after this, another destructor, must not share it with the next thread that takes it.
        own().ending.set(true);
        own().record.set(None);
        self.record.shown.store(0, Ordering::Relaxed);
        self.record.taken.store(false, Ordering::Release);
    }
}

thread_local! {
    static LOCAL: Local = Local { record: claim_record() };
}

impl Own {
    #[inline(always)]
    fn record(&self) -> &'static ThreadRecord {
        match self.record.get() {
            Some(record) => record,
            None => self.find_record(),
        }
    }

    #[cold]
    fn find_record(&self) -> &'static ThreadRecord {
        // A thread that is past its thread-locals' end (a destructor calls us) takes one for each time that it is inside.
        let record = LOCAL.try_with(|local| local.record).unwrap_or_else(|_| claim_record());
        self.record.set(Some(record));
        record
    }

    #[inline(always)]
    fn go_in(&self) {
        let record = self.record();
        let count = record.counter.load(Ordering::Relaxed);
        record.counter.store(count + 1, Ordering::Relaxed);
        // Partner: the heavy fence of who closes a batch (`retired`): no load of ours moves above the store.
        light_fence();
    }

    #[inline(always)]
    fn go_out(&self) {
        let record = self.record();
        let count = record.counter.load(Ordering::Relaxed);
        // Release, partner: the acquire load in `has_gone_on`: our reads are over before the memory goes.
        record.counter.store(count + 1, Ordering::Release);
        if self.ending.get() {
            self.give_record_back(record);
        }
    }

    #[cold]
    fn give_record_back(&self, record: &ThreadRecord) {
        // The destructor that gives back its own comes yet, where it was another one that said so.
        if LOCAL.try_with(|_| ()).is_err() {
            self.record.set(None);
            record.taken.store(false, Ordering::Release);
        }
    }
}

/// Keeps this thread inside; nests.
pub struct Inside {
    here: &'static Own,
}

/// Enters runtime code: from now on nothing that is reachable is freed, until the guard is dropped.
#[inline]
pub fn enter() -> Inside {
    let here = own();
    let depth = here.depth.get();
    here.depth.set(depth + 1);
    if depth == 0 {
        here.go_in();
    }
    Inside { here }
}

impl Inside {
    /// The guard of a stay that goes on ([`Stay::go_on`]).
    pub fn resume() -> Inside {
        debug_assert!(own().depth.get() > 0);
        Inside { here: own() }
    }

    /// As [`tally`], without looking for the thread's own numbers.
    #[inline(always)]
    pub fn tally(&self, of: u32, what: What) {
        self.here.record().tally.add(of, what, 1);
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        let depth = self.here.depth.get() - 1;
        self.here.depth.set(depth);
        if depth == 0 {
            self.here.go_out();
        }
    }
}

/// A stay inside for a few steps, of which none unwinds or asks whether the thread is inside: without a guard and
/// without the depth. It ends by [`Stay::leave`] or [`Stay::go_on`].
#[must_use]
pub struct Stay {
    here: &'static Own,
    record: &'static ThreadRecord,
    /// The thread's counter as it came.
    count: u64,
}

/// As [`enter`], for a few steps. None for a thread that is inside already, or was never.
#[inline(always)]
pub fn enter_briefly() -> Option<Stay> {
    let here = own();
    // A thread that ends has no record while it is outside, or keeps the one that it has: `give_record_back`.
    let record = here.record.get()?;
    if here.depth.get() != 0 {
        return None;
    }
    let count = record.counter.load(Ordering::Relaxed);
    record.counter.store(count + 1, Ordering::Relaxed);
    // Partner: as in `go_in`.
    light_fence();
    Some(Stay { here, record, count })
}

impl Stay {
    /// As [`Inside::tally`]; false: the thread counts for another runtime, and nothing was counted.
    #[inline(always)]
    pub fn tally(&self, of: u32, what: What) -> bool {
        self.record.tally.try_add(of, what, 1)
    }

    #[inline(always)]
    pub fn leave(self) {
        // Release, partner: as in `go_out`.
        self.record.counter.store(self.count + 2, Ordering::Release);
    }

    /// Stays as with [`enter`], for [`Inside::resume`] to take up.
    #[inline(always)]
    pub fn go_on(self) {
        self.here.depth.set(1);
    }
}

/// Leaves for as long as user code runs or the thread waits, however deeply it is inside. Give the number back to
/// [`re_enter`].
#[inline]
pub fn step_out() -> u32 {
    step_out_counting(None)
}

/// As [`step_out`], and counts something handled for the runtime of that number, in the same look at the thread's own.
#[inline]
pub fn step_out_counting(handled: Option<u32>) -> u32 {
    let here = own();
    if let Some(of) = handled {
        here.record().tally.add(of, What::Handled, 1);
    }
    if here.stays.get() {
        return here.depth.get();
    }
    let depth = here.depth.replace(0);
    if depth > 0 {
        here.go_out();
    }
    depth
}

/// Runs a user's drop function, which may not wait: within it nothing steps out. Whoever frees a term may be in the
/// middle of what only its being inside keeps, a table, say; and a drop function may call what steps out for other
/// functions of the user's (a registry's), or for the states of those that it ends.
pub fn dropping(drop: impl FnOnce()) {
    struct Before(bool, bool);
    impl Drop for Before {
        fn drop(&mut self) {
            own().stays.set(self.0);
            own().may_not_wait.set(self.1);
        }
    }
    let here = own();
    let _before = Before(here.stays.replace(true), here.may_not_wait.replace(true));
    drop();
}

/// Comes back to the depth that [`step_out`] left; not in the child of a fork, where there is nothing to come back to.
#[inline]
pub fn re_enter(depth: u32) {
    re_enter_counting(depth, None);
}

/// As [`re_enter`], and counts as [`step_out_counting`].
#[inline]
pub fn re_enter_counting(depth: u32, handled: Option<u32>) {
    if super::forked::is_forked() {
        super::forked::end_child();
    }
    let here = own();
    if let Some(of) = handled {
        here.record().tally.add(of, What::Handled, 1);
    }
    if here.stays.get() {
        return;
    }
    debug_assert_eq!(here.depth.get(), 0);
    if depth > 0 {
        here.go_in();
        here.depth.set(depth);
    }
}

/// Goes on on another stack of this thread, inside and at depth 1. Give the number back to [`end_nest`].
#[inline]
pub fn begin_nest() -> u32 {
    let here = own();
    let depth = here.depth.replace(1);
    if depth == 0 {
        here.go_in();
    }
    depth
}

/// Comes back from what has returned there, inside as it was, or waits, and has stepped out.
#[inline]
pub fn end_nest(depth: u32) {
    let here = own();
    match (here.depth.replace(depth), depth) {
        (0, 0) => {}
        (0, _) => here.go_in(),
        (_, 0) => here.go_out(),
        _ => {}
    }
}

/// Runs code of the user's from within, outside; comes back also when it unwinds.
pub fn outside<R>(code: impl FnOnce() -> R) -> R {
    struct Back(u32);
    impl Drop for Back {
        fn drop(&mut self) {
            re_enter(self.0);
        }
    }
    let _back = Back(step_out());
    code()
}

/// Calls `look` with each thread's identity and counter; odd counters are inside.
pub fn for_each_thread(mut look: impl FnMut(usize, u64)) {
    let mut at = RECORDS.load(Ordering::Acquire);
    // SAFETY: records are leaked boxes, reachable for ever once published.
    while let Some(record) = unsafe { at.as_ref() } {
        look(at as usize, record.counter.load(Ordering::SeqCst));
        at = record.next.load(Ordering::Acquire);
    }
}

/// Whether a thread that was inside, with that identity and counter, has left since, or gone on.
pub(super) fn has_gone_on(thread: usize, count: u64) -> bool {
    // SAFETY: the identity is the address of a record, and records are never freed.
    let record = unsafe { &*(thread as *const ThreadRecord) };
    record.counter.load(Ordering::Acquire) != count
}

/// Says what the calling thread runs from now on, and gives what it said before; 0: nothing that anybody has to know
/// of. It stays said while the thread is outside, so settle knows that user code it finds outside is a process's.
pub fn show(what: u64) -> u64 {
    let shown = &own().record().shown;
    let before = shown.load(Ordering::Relaxed);
    // Release, partner: the loads in `any_shown`: a thread that has said nothing yet is still inside, and one that says
    // nothing any more is inside again. Whoever finds neither has looked before or after it all.
    shown.store(what, Ordering::Release);
    before
}

/// Whether `is` holds for what any thread says it runs.
pub fn any_shown(mut is: impl FnMut(u64) -> bool) -> bool {
    let mut at = RECORDS.load(Ordering::Acquire);
    // SAFETY: records are leaked boxes, reachable for ever once published.
    while let Some(record) = unsafe { at.as_ref() } {
        let shown = record.shown.load(Ordering::SeqCst);
        if shown != 0 && is(shown) {
            return true;
        }
        at = record.next.load(Ordering::Acquire);
    }
    false
}

/// Counts something for the runtime of that number, on the calling thread.
#[inline]
pub fn tally(of: u32, what: What, by: i64) {
    own().record().tally.add(of, what, by);
}

/// Shows what each thread has counted; also those that have ended.
pub(super) fn for_each_tally(mut look: impl FnMut(&Tally)) {
    let mut at = RECORDS.load(Ordering::Acquire);
    // SAFETY: records are leaked boxes, reachable for ever once published.
    while let Some(record) = unsafe { at.as_ref() } {
        look(&record.tally);
        at = record.next.load(Ordering::Acquire);
    }
}

/// The identity of the calling thread, as [`for_each_thread`] shows it.
pub fn this_thread() -> usize {
    std::ptr::from_ref(own().record()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stepping_out_and_back_keeps_the_depth() {
        let outer = enter();
        let inner = enter();
        let depth = step_out();
        assert_eq!(depth, 2);
        re_enter(depth);
        drop(inner);
        let mine = this_thread();
        let mut odd = false;
        for_each_thread(|id, count| odd |= id == mine && count % 2 == 1);
        assert!(odd);
        drop(outer);
    }
}
