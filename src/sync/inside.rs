//! Which threads are inside the library, and memory that is freed once they have left.
//!
//! Each thread has a record with a counter: odd while the thread is inside runtime code, even while it runs user
//! code, waits, or is elsewhere. Entering and leaving are two plain stores.
//!
//! **Freeing.** What other threads may still be looking at (control blocks of ended processes) is *retired*: once
//! every thread that was inside at that moment has left or gone on, it is freed. The reader pays no fence; the one
//! who frees pays for both with `membarrier(2)` (asymmetric fences, as in Folly's and liburcu's quiescent-state
//! reclamation). Where the kernel refuses membarrier every entry takes a full fence instead.
//!
//! A thread gathers what it retires, and may not come again for long: a hundred control blocks then wait for it. What is
//! *large* is therefore gathered by all together, and who brings a megabyte of it looks after what is ready, as does
//! whoever collects when nothing runs.
//!
//! **A kernel that refuses later**, after a filter of system calls was set, leaves a *doubt*. From the first refusal on
//! every entry takes its fence; but a thread that came in just before may have its store still in its own processor,
//! and what it looks at is retired by one who does not see it there. Nobody can be made to show it any more. So for a
//! second no batch is closed, and [`heavy_fence`] says that it was none. After that everybody sees what was stored
//! before, and has seen that entries are to take a fence: no processor keeps a store to itself for longer than
//! microseconds, an interrupt at the latest drains it. To wait for each thread's next entry would be no better: one that
//! never comes again would keep all memory for ever.
//!
//! **Quiet.** [`for_each_thread`] shows the counters, so that settle and shutdown can read them twice: the same
//! even numbers both times mean that nothing happened in between.
//!
//! Who may touch what: a record's counter is written by its thread alone, read by anybody. Records are never
//! freed, but reused after their thread ended.

use super::own::{Own, own};
use super::stir::stir;
use super::tally::{Tally, What};
use super::{AtomicBool, AtomicPtr, AtomicU64, Mutex, Ordering, compiler_fence, fence};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

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
/// True when the kernel has no membarrier, or no more: entries take a full fence.
static STRICT: AtomicBool = AtomicBool::new(false);
/// When it refused first, having granted it before.
static REFUSED: once_cell::sync::OnceCell<Instant> = once_cell::sync::OnceCell::new();
/// How long the doubt lasts after that.
static DOUBT_MS: AtomicU64 = AtomicU64::new(1000);
static SET_UP: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();

const MEMBARRIER_PRIVATE_EXPEDITED: i32 = 1 << 3;
const MEMBARRIER_REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;

fn membarrier(command: i32) -> bool {
    #[cfg(test)]
    if tests::REFUSES.load(Ordering::SeqCst) {
        return false;
    }
    // SAFETY: membarrier takes three integers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

fn claim_record() -> &'static ThreadRecord {
    SET_UP.get_or_init(|| {
        if !membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) {
            STRICT.store(true, Ordering::SeqCst);
        }
    });
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

struct Local {
    record: &'static ThreadRecord,
    limbo: RefCell<Limbo>,
}

impl Drop for Local {
    fn drop(&mut self) {
        if super::forked::is_forked() {
            std::mem::forget(std::mem::take(&mut *self.limbo.borrow_mut()));
            return;
        }
        let limbo = self.limbo.take();
        ORPHANS.lock().push(limbo);
        // Who comes after this, another destructor, must not share it with the next thread that takes it.
        own().ending.set(true);
        own().record.set(None);
        own().limbo.set(std::ptr::null());
        self.record.shown.store(0, Ordering::Relaxed);
        self.record.taken.store(false, Ordering::Release);
    }
}

thread_local! {
    static LOCAL: Local = Local { record: claim_record(), limbo: RefCell::new(Limbo::default()) };
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
        let known = LOCAL.try_with(|local| {
            self.limbo.set(&raw const local.limbo);
            local.record
        });
        let record = known.unwrap_or_else(|_| claim_record());
        self.record.set(Some(record));
        record
    }

    #[inline(always)]
    fn go_in(&self) {
        let record = self.record();
        let count = record.counter.load(Ordering::Relaxed);
        record.counter.store(count + 1, Ordering::Relaxed);
        // Partner: the membarrier of `close_batch`; between them no load of ours moves above the store.
        light_fence();
    }

    #[inline(always)]
    fn go_out(&self) {
        let record = self.record();
        let count = record.counter.load(Ordering::Relaxed);
        // Release, partner: the acquire load in `close_batch`: our reads are over before the memory goes.
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
    let depth = here.depth.replace(0);
    if depth > 0 {
        here.go_out();
    }
    depth
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
    debug_assert_eq!(here.depth.get(), 0);
    if let Some(of) = handled {
        here.record().tally.add(of, What::Handled, 1);
    }
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

/// The reader's half of [`heavy_fence`]: no load below it moves above a store before it, as far as those can tell who
/// make the other half. It costs nothing. For threads that have been inside.
#[inline(always)]
pub fn light_fence() {
    compiler_fence(Ordering::SeqCst);
    if STRICT.load(Ordering::Relaxed) {
        fence(Ordering::SeqCst);
    }
}

/// Makes every thread's earlier stores visible, and pays the fence that the readers saved. False: they may still be
/// unseen, and the caller leaves alone what it was about to touch.
#[must_use]
pub fn heavy_fence() -> bool {
    fence(Ordering::SeqCst);
    // Acquire, partner: the store below: who sees it sees also whether there is a doubt.
    if STRICT.load(Ordering::Acquire) {
        let doubt = Duration::from_millis(DOUBT_MS.load(Ordering::Relaxed));
        return REFUSED.get().is_none_or(|refused| refused.elapsed() >= doubt);
    }
    if membarrier(MEMBARRIER_PRIVATE_EXPEDITED) {
        return true;
    }
    REFUSED.get_or_init(Instant::now);
    STRICT.store(true, Ordering::SeqCst);
    false
}

/// Something to be freed: a pointer, and the function that frees what it leads to.
struct Retired {
    what: *mut (),
    free: unsafe fn(*mut ()),
}

// SAFETY: whoever retires it promises that any thread may free it.
unsafe impl Send for Retired {}

impl Retired {
    fn free(self) {
        // SAFETY: the promise of `retire`, and every reader has left.
        unsafe { (self.free)(self.what) }
    }
}

#[derive(Default)]
pub(super) struct Limbo {
    fresh: Vec<Retired>,
    waiting: VecDeque<Batch>,
}

impl Limbo {
    const fn new() -> Limbo {
        Limbo { fresh: Vec::new(), waiting: VecDeque::new() }
    }

    fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.waiting.is_empty()
    }
}

struct Batch {
    /// Who was inside when this was retired, with the count they showed.
    readers: Vec<(usize, u64)>,
    items: Vec<Retired>,
}

static ORPHANS: Mutex<Vec<Limbo>> = Mutex::new(Vec::new());

/// How many retired things a thread gathers before it pays for a fence.
const BATCH: usize = 128;
/// How many batches it lets wait for their readers itself.
const KEPT: usize = 4;

/// Calls `free(what)` once every thread that is inside now has left or gone on.
///
/// # Safety
/// `free` may be called with `what`, once, on any thread, as soon as no thread that is inside now is any more.
pub unsafe fn retire(what: *mut (), free: unsafe fn(*mut ())) {
    let retired = Retired { what, free };
    let here = own();
    here.record();
    // SAFETY: that of this thread's `LOCAL`, which takes the pointer away as it goes.
    let Some(limbo) = (unsafe { here.limbo.get().as_ref() }) else {
        return ORPHANS.lock().push(Limbo { fresh: vec![retired], waiting: Default::default() });
    };
    let is_full = {
        let mut limbo = limbo.borrow_mut();
        limbo.fresh.push(retired);
        limbo.fresh.len() >= BATCH
    };
    if is_full {
        free_batches(limbo);
    }
}

/// What was retired of that sort, by whatever thread.
struct Large {
    limbo: Limbo,
    /// In its fresh ones.
    bytes: usize,
}

static LARGE: Mutex<Large> = Mutex::new(Large { limbo: Limbo::new(), bytes: 0 });

/// So many bytes are worth a fence.
const MUCH: usize = 1 << 20;

/// As [`retire`], of something that has so many bytes. Under locks of the caller's perhaps; `free` takes none.
///
/// # Safety
/// As that.
pub unsafe fn retire_large(what: *mut (), bytes: usize, free: unsafe fn(*mut ())) {
    // There its lock may be held for ever: it is lost.
    if super::forked::is_forked() {
        return;
    }
    let ready = {
        let mut large = LARGE.lock();
        large.limbo.fresh.push(Retired { what, free });
        large.bytes += bytes;
        if large.bytes < MUCH { Vec::new() } else { large.close_batch() }
    };
    ready.into_iter().for_each(Retired::free);
    stir(bytes);
}

impl Large {
    fn close_batch(&mut self) -> Vec<Retired> {
        self.bytes = 0;
        close_batch(&mut self.limbo)
    }
}

#[cold]
fn free_batches(limbo: &RefCell<Limbo>) {
    let ready = {
        let mut limbo = limbo.borrow_mut();
        let ready = close_batch(&mut limbo);
        if limbo.waiting.len() > KEPT {
            // A reader holds it all up, and this thread may never come back for it: the next that collects will.
            ORPHANS.lock().push(Limbo { fresh: Vec::new(), waiting: std::mem::take(&mut limbo.waiting) });
        }
        ready
    };
    // Outside the borrow: what is freed may retire more.
    ready.into_iter().for_each(Retired::free);
}

fn close_batch(limbo: &mut Limbo) -> Vec<Retired> {
    // The fence is for those that are retired now; those that wait had theirs.
    if !limbo.fresh.is_empty() && heavy_fence() {
        let mut readers = Vec::new();
        for_each_thread(|id, count| {
            // Our own thread counts too: a frame further up may hold what is retired here.
            if count % 2 == 1 {
                readers.push((id, count));
            }
        });
        let items = std::mem::replace(&mut limbo.fresh, Vec::with_capacity(BATCH));
        limbo.waiting.push_back(Batch { readers, items });
    }
    let mut ready = Vec::new();
    while let Some(batch) = limbo.waiting.front_mut() {
        batch.readers.retain(|&(id, count)| {
            // SAFETY: the identity is the address of a record, and records are never freed.
            let record = unsafe { &*(id as *const ThreadRecord) };
            record.counter.load(Ordering::Acquire) == count
        });
        if !batch.readers.is_empty() {
            break;
        }
        ready.extend(limbo.waiting.pop_front().into_iter().flat_map(|batch| batch.items));
    }
    ready
}

/// Frees what this thread and ended threads have retired, as far as that is safe now. For a thread that is outside.
pub fn collect() {
    let mut ready = Vec::new();
    let _ = LOCAL.try_with(|local| {
        let mut limbo = local.limbo.borrow_mut();
        for orphan in ORPHANS.lock().drain(..) {
            limbo.fresh.extend(orphan.fresh);
            limbo.waiting.extend(orphan.waiting);
        }
        if !limbo.is_empty() {
            ready = close_batch(&mut limbo);
        }
    });
    let mut large = LARGE.lock();
    if !large.limbo.is_empty() {
        ready.append(&mut large.close_batch());
    }
    drop(large);
    ready.into_iter().for_each(Retired::free);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;

    /// What the kernel says to membarrier from now on.
    pub(super) static REFUSES: AtomicBool = AtomicBool::new(false);

    unsafe fn set(flag: *mut ()) {
        // SAFETY: the count that was given away with it.
        unsafe { Arc::from_raw(flag.cast::<AtomicBool>()) }.store(true, Ordering::SeqCst);
    }

    #[test]
    fn where_the_fence_is_refused_later_nothing_is_freed_until_the_doubt_is_over() {
        let freed = Arc::new(AtomicBool::new(false));
        // It is granted before.
        drop(enter());
        DOUBT_MS.store(u64::MAX, Ordering::SeqCst);
        REFUSES.store(true, Ordering::SeqCst);
        // SAFETY: the count is given away to `set`.
        unsafe { retire(Arc::into_raw(freed.clone()).cast_mut().cast(), set) };
        // Nobody is inside, but for other tests; and one that came in unseen would not be seen at the second look either.
        for _ in 0..1000 {
            collect();
            assert!(!heavy_fence() && !freed.load(Ordering::SeqCst));
        }
        DOUBT_MS.store(0, Ordering::SeqCst);
        assert!(heavy_fence());
        while !freed.load(Ordering::SeqCst) {
            collect();
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_retired_is_freed_only_after_a_reader_left() {
        let freed = Arc::new(AtomicBool::new(false));
        let (inside_tx, inside_rx) = mpsc::channel();
        let (leave_tx, leave_rx) = mpsc::channel::<()>();
        let reader = std::thread::spawn(move || {
            let guard = enter();
            inside_tx.send(()).unwrap();
            leave_rx.recv().unwrap();
            drop(guard);
        });
        inside_rx.recv().unwrap();
        let seen = freed.clone();
        // SAFETY: the count is given away to `set`.
        unsafe { retire(Arc::into_raw(seen).cast_mut().cast(), set) };
        collect();
        assert!(!freed.load(Ordering::SeqCst));
        leave_tx.send(()).unwrap();
        reader.join().unwrap();
        // Other tests are inside now and then, and leave.
        while !freed.load(Ordering::SeqCst) {
            collect();
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_large_waits_for_no_thread_to_come_again() {
        let freed = Arc::new(AtomicBool::new(false));
        let retire_large = |bytes| {
            // SAFETY: the count is given away to `set`.
            unsafe { super::retire_large(Arc::into_raw(freed.clone()).cast_mut().cast(), bytes, set) };
        };
        // By another, which has gone by then and collected nothing.
        std::thread::scope(|scope| scope.spawn(|| retire_large(1)).join().unwrap());
        while !freed.swap(false, Ordering::SeqCst) {
            collect();
            std::thread::yield_now();
        }
        // Nobody collects, but other tests perhaps.
        while !freed.load(Ordering::SeqCst) {
            retire_large(MUCH);
            std::thread::yield_now();
        }
    }

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
