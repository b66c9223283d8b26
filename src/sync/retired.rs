//! Memory that is freed once nobody can be looking at it any more.
//!
//! What other threads may still be looking at (control blocks of ended processes) is *retired*: once every thread that
//! was inside at that moment (`inside`) has left or gone on, it is freed. The reader pays no fence; who frees pays for
//! both ([`super::fences`]), and closes no batch while there is a doubt.
//!
//! **Which fence.** What a thread has gathered it *seals*: it notes how many fences have begun. Once one that began
//! later is over, its own or another thread's, it *closes* what was sealed: those that it finds inside then may look at
//! it until they leave or go on, and nobody else. How much it gathers before it makes a fence itself goes by what the
//! last one took: nothing to speak of where no other thread runs; 10 us where one does, and as much of that one, which
//! it interrupts. (Of two workers that start and end processes all the time each made one for 128 ends; now there is
//! one for 800 to 1,150 of both.)
//!
//! A thread gathers what it retires, and may not come again for long: a hundred control blocks then wait for it, or a
//! thousand if others were at work. What is *large* is therefore gathered by all together, and who brings a megabyte of
//! it looks after what is ready, as does whoever collects when nothing runs.

use super::fences::{begun, heavy_fence, is_over};
use super::inside::{for_each_thread, has_gone_on};
use super::own::own;
use super::stir::stir;
use super::{AtomicU64, Mutex, Ordering};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

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
    /// How many of the fresh ones are sealed, and how many fences had begun by then.
    sealed: usize,
    begun: u64,
    waiting: VecDeque<Batch>,
}

impl Limbo {
    const fn new() -> Limbo {
        Limbo { fresh: Vec::new(), sealed: 0, begun: 0, waiting: VecDeque::new() }
    }

    fn of(fresh: Vec<Retired>, waiting: VecDeque<Batch>) -> Limbo {
        Limbo { fresh, waiting, ..Limbo::new() }
    }

    fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.waiting.is_empty()
    }

    fn seal(&mut self) {
        (self.sealed, self.begun) = (self.fresh.len(), begun());
    }

    /// After a fence that began when it was sealed.
    fn close(&mut self) {
        let mut readers = Vec::new();
        for_each_thread(|id, count| {
            // Our own thread counts too: a frame further up may hold what is retired here.
            if count % 2 == 1 {
                readers.push((id, count));
            }
        });
        let unsealed = self.fresh.split_off(std::mem::take(&mut self.sealed));
        let items = std::mem::replace(&mut self.fresh, unsealed);
        self.waiting.push_back(Batch { readers, items });
    }

    /// What is ready. `enough`: so many are sealed together, and wait for a fence, before one is made here.
    fn look(&mut self, enough: usize) -> Vec<Retired> {
        if self.sealed > 0 && is_over(self.begun) {
            self.close();
        }
        if self.fresh.len() - self.sealed >= BATCH {
            self.seal();
            if self.sealed >= enough && timed_fence() {
                self.close();
            }
        }
        self.take_ready()
    }

    /// What is ready of all there is now.
    fn look_at_all(&mut self) -> Vec<Retired> {
        self.seal();
        // The fence is for those that are retired now; those that wait had theirs.
        if self.sealed > 0 && heavy_fence() {
            self.close();
        }
        self.take_ready()
    }

    /// Those whose readers have left.
    fn take_ready(&mut self) -> Vec<Retired> {
        let mut ready = Vec::new();
        while let Some(batch) = self.waiting.front_mut() {
            batch.readers.retain(|&(id, count)| !has_gone_on(id, count));
            if !batch.readers.is_empty() {
                break;
            }
            ready.extend(self.waiting.pop_front().into_iter().flat_map(|batch| batch.items));
        }
        ready
    }
}

struct Batch {
    /// Who was inside when this was retired, with the count they showed.
    readers: Vec<(usize, u64)>,
    items: Vec<Retired>,
}

/// What a thread has retired; left to all as it ends.
#[derive(Default)]
struct Local {
    limbo: RefCell<Limbo>,
}

impl Drop for Local {
    fn drop(&mut self) {
        let limbo = self.limbo.take();
        if super::forked::is_forked() {
            return std::mem::forget(limbo);
        }
        own().limbo.set(std::ptr::null());
        ORPHANS.lock().push(limbo);
    }
}

thread_local! {
    static LOCAL: Local = Local::default();
}

static ORPHANS: Mutex<Vec<Limbo>> = Mutex::new(Vec::new());

/// How many retired things a thread seals together, and makes a fence for at the earliest.
const BATCH: usize = 128;
/// At the latest. So many come back at once, too. (Each is some 350 bytes, of which the second cache is to hold them all.)
pub const MOST: usize = 1024;
/// What a fence may cost for each, in nanoseconds.
const WORTH: u64 = 10;
/// After so many it looks whether those before them are ready: their memory is in the cache still.
const LOOK: usize = 32;
/// How many batches it lets wait for their readers itself.
const KEPT: usize = 4;

/// How long the last fence took, in nanoseconds.
static COST: AtomicU64 = AtomicU64::new(0);

/// How many a thread gathers before it makes a fence.
fn enough() -> usize {
    ((COST.load(Ordering::Relaxed) / WORTH) as usize).clamp(BATCH, MOST)
}

fn timed_fence() -> bool {
    let begun = Instant::now();
    let made = heavy_fence();
    COST.store(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
    made
}

/// Calls `free(what)` once every thread that is inside now has left or gone on.
///
/// # Safety
/// `free` may be called with `what`, once, on any thread, as soon as no thread that is inside now is any more.
pub unsafe fn retire(what: *mut (), free: unsafe fn(*mut ())) {
    let retired = Retired { what, free };
    let here = own();
    if here.limbo.get().is_null() {
        // Not of a thread that is past its end: what it retires is everybody's.
        let _ = LOCAL.try_with(|local| here.limbo.set(&raw const local.limbo));
    }
    // SAFETY: that of this thread's `LOCAL`, which takes the pointer away as it goes.
    let Some(limbo) = (unsafe { here.limbo.get().as_ref() }) else {
        return ORPHANS.lock().push(Limbo::of(vec![retired], VecDeque::new()));
    };
    let is_time = {
        let mut limbo = limbo.borrow_mut();
        limbo.fresh.push(retired);
        limbo.fresh.len().is_multiple_of(LOOK)
    };
    if is_time {
        free_ready(limbo);
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
        if large.bytes < MUCH { Vec::new() } else { large.look() }
    };
    ready.into_iter().for_each(Retired::free);
    stir(bytes);
}

impl Large {
    fn look(&mut self) -> Vec<Retired> {
        self.bytes = 0;
        self.limbo.look_at_all()
    }
}

#[cold]
fn free_ready(limbo: &RefCell<Limbo>) {
    let ready = {
        let mut limbo = limbo.borrow_mut();
        let ready = limbo.look(enough());
        if limbo.waiting.len() > KEPT {
            // A reader holds it all up, and this thread may never come back for it: the next that collects will.
            ORPHANS.lock().push(Limbo::of(Vec::new(), std::mem::take(&mut limbo.waiting)));
        }
        ready
    };
    // Outside the borrow: what is freed may retire more.
    ready.into_iter().for_each(Retired::free);
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
            ready = limbo.look_at_all();
        }
    });
    let mut large = LARGE.lock();
    if !large.limbo.is_empty() {
        ready.append(&mut large.look());
    }
    drop(large);
    ready.into_iter().for_each(Retired::free);
}

#[cfg(test)]
mod tests {
    use super::super::fences::tests::refuse;
    use super::super::inside::enter;
    use super::super::{AtomicBool, Ordering};
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;

    unsafe fn set(flag: *mut ()) {
        // SAFETY: the count that was given away with it.
        unsafe { Arc::from_raw(flag.cast::<AtomicBool>()) }.store(true, Ordering::SeqCst);
    }

    #[test]
    fn where_the_fence_is_refused_later_nothing_is_freed_until_the_doubt_is_over() {
        let freed = Arc::new(AtomicBool::new(false));
        // It is granted before.
        drop(enter());
        let refused = refuse();
        // SAFETY: the count is given away to `set`.
        unsafe { retire(Arc::into_raw(freed.clone()).cast_mut().cast(), set) };
        // Nobody is inside, but for other tests; and one that came in unseen would not be seen at the second look either.
        for _ in 0..1000 {
            collect();
            assert!(!heavy_fence() && !freed.load(Ordering::SeqCst));
        }
        refused.end_doubt();
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
    fn what_is_sealed_waits_for_a_fence_that_begins_later_by_whatever_thread() {
        unsafe fn nothing(_: *mut ()) {}
        let retired = || Retired { what: std::ptr::null_mut(), free: nothing };
        let mut limbo = Limbo::new();
        limbo.fresh.resize_with(BATCH, retired);
        assert!(limbo.look(BATCH + 1).is_empty());
        assert_eq!((limbo.sealed, limbo.fresh.len()), (BATCH, BATCH));
        std::thread::spawn(|| while !heavy_fence() {}).join().expect("it is made in the end");
        limbo.fresh.push(retired());
        let ready = limbo.look(usize::MAX).len();
        // What was retired after it was sealed stays.
        assert_eq!((limbo.sealed, limbo.fresh.len()), (0, 1));
        assert!(ready == BATCH || limbo.waiting.len() == 1);
        // With enough of them it makes a fence itself, unless it is refused just now.
        while !limbo.fresh.is_empty() {
            while !heavy_fence() {
                std::thread::yield_now();
            }
            limbo.fresh.extend((0..BATCH).map(|_| retired()));
            limbo.look(BATCH);
        }
        // None began after this.
        limbo.fresh.resize_with(BATCH, retired);
        (limbo.sealed, limbo.begun) = (BATCH, u64::MAX);
        limbo.look(usize::MAX);
        assert_eq!((limbo.sealed, limbo.fresh.len()), (BATCH, BATCH));
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
}
