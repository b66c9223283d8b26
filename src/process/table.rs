//! From pid to process.
//!
//! A pid is 28 bits of index and 36 of generation. The table is an array of chunks that are never freed; a slot holds
//! the process that lives there and the generation of the next. Looking one up is two loads and a comparison, inside
//! a guard (`sync::inside`) that keeps the control block from being freed. Ending clears the slot first, so a pid is
//! stale before its memory goes. A slot whose generations ran out is never used again.

use super::control::Process;
use super::node::Node;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Mutex, Ordering, forked, inside};
use crate::term::Pid;
use once_cell::sync::Lazy;
use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;

const CHUNK: usize = 4096;
const CHUNKS: usize = (1 << 28) / CHUNK;
const LAST_GENERATION: u64 = (1 << 36) - 1;
/// Free indexes a thread keeps for itself, so that starting a process takes no shared lock.
const CACHE: usize = 64;

struct Slot {
    process: AtomicPtr<Process>,
    /// Of the process that lives here, or else of the next.
    generation: AtomicU64,
    /// The runtime of the last that lived here, by number.
    number: AtomicU32,
}

struct Table {
    chunks: Box<[AtomicPtr<[Slot; CHUNK]>]>,
    free: Mutex<Free>,
}

struct Free {
    indexes: Vec<u32>,
    next: u32,
}

static TABLE: Lazy<Table> = Lazy::new(|| Table {
    chunks: (0..CHUNKS).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
    // Index 0 is never used: pid zero means "no process".
    free: Mutex::new(Free { indexes: Vec::new(), next: 1 }),
});

thread_local! {
    static CACHED: RefCell<Cached> = const { RefCell::new(Cached(Vec::new())) };
}

struct Cached(Vec<u32>);

impl Drop for Cached {
    fn drop(&mut self) {
        if forked::is_forked() {
            return;
        }
        TABLE.free.lock().indexes.append(&mut self.0);
    }
}

fn slot(index: u32) -> Option<&'static Slot> {
    let chunk = TABLE.chunks.get(index as usize / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: a chunk is leaked when it is published.
    unsafe { chunk.as_ref() }.map(|chunk| &chunk[index as usize % CHUNK])
}

/// A free pid; none when all 2^28 are taken. It leads nowhere until [`publish`].
pub(super) fn reserve() -> Option<Pid> {
    let index = CACHED.try_with(|cached| cached.borrow_mut().0.pop()).ok().flatten().or_else(refill)?;
    let slot = slot(index)?;
    Some(Pid::new(index, slot.generation.load(Ordering::Acquire)))
}

fn refill() -> Option<u32> {
    let mut free = TABLE.free.lock();
    let mut batch = Vec::with_capacity(CACHE);
    while batch.len() < CACHE {
        if let Some(index) = free.indexes.pop() {
            batch.push(index);
            continue;
        }
        let index = free.next;
        if index as usize >= CHUNK * CHUNKS {
            break;
        }
        let chunk = &TABLE.chunks[index as usize / CHUNK];
        if chunk.load(Ordering::Acquire).is_null() {
            let fresh: Box<[Slot]> = (0..CHUNK)
                .map(|_| Slot {
                    process: AtomicPtr::new(ptr::null_mut()),
                    generation: AtomicU64::new(1),
                    number: AtomicU32::new(0),
                })
                .collect();
            // One allocation, never freed: pids are looked up without a lock.
            let Ok(fresh) = <Box<[Slot; CHUNK]>>::try_from(fresh) else { break };
            chunk.store(Box::into_raw(fresh), Ordering::Release);
        }
        free.next += 1;
        batch.push(index);
    }
    drop(free);
    let first = batch.pop();
    // A thread at its very end keeps nothing.
    let mut rest = Some(batch);
    let kept = CACHED.try_with(|cached| cached.borrow_mut().0.append(rest.as_mut().expect("not taken yet")));
    if kept.is_err() {
        TABLE.free.lock().indexes.append(rest.as_mut().expect("not taken yet"));
    }
    first
}

/// Makes the process findable; the count that is given becomes the table's. For a caller that is inside, and uses what
/// this gives no longer than it stays there.
#[inline]
pub(super) fn publish<'a>(process: Arc<Process>) -> &'a Process {
    let (pid, number) = (process.pid(), process.number);
    let process = Arc::into_raw(process).cast_mut();
    if let Some(slot) = slot(pid.index()) {
        slot.number.store(number, Ordering::Relaxed);
        slot.process.store(process, Ordering::Release);
    }
    // SAFETY: made just now, and freed only once the caller, who is inside, has left.
    unsafe { &*process }
}

/// Makes the pid stale. Once for each process; the table's count is given back by [`retire`].
#[inline]
pub(super) fn clear(pid: Pid) {
    if let Some(slot) = slot(pid.index()) {
        // Release: whoever hears of the end finds it stale. Who looks there without having heard of anything may still
        // find the process, and then finds it closed, under its lock, or gone, in its state word.
        slot.process.store(ptr::null_mut(), Ordering::Release);
    }
}

/// Frees the block, and then the slot, when nobody can be looking at it any more.
pub(super) fn retire(process: &Process) {
    unsafe fn free(process: *mut ()) {
        // SAFETY: the table's count, made by `publish`, given up once.
        let process = unsafe { Arc::from_raw(process.cast::<Process>()) };
        let pid = process.pid();
        super::pool::recycle(process);
        recycle(pid);
    }
    // SAFETY: processes are shared between threads; the slot is cleared, so only those who are inside can see it.
    unsafe { inside::retire(std::ptr::from_ref(process).cast_mut().cast(), free) };
}

/// Gives a pid back that was reserved, and published or not.
pub(super) fn recycle(pid: Pid) {
    let Some(slot) = slot(pid.index()) else { return };
    if pid.generation() >= LAST_GENERATION {
        return;
    }
    slot.generation.store(pid.generation() + 1, Ordering::Release);
    let index = pid.index();
    let spill = CACHED.try_with(|cached| {
        let mut cached = cached.borrow_mut();
        cached.0.push(index);
        if cached.0.len() > 4 * CACHE { cached.0.split_off(CACHE) } else { Vec::new() }
    });
    match spill {
        Ok(mut spill) if !spill.is_empty() => TABLE.free.lock().indexes.append(&mut spill),
        Ok(_) => {}
        Err(_) => TABLE.free.lock().indexes.push(index),
    }
}

/// Shows the process with that pid, or none when there is none now. `look` runs inside: it must not run user code
/// without stepping out, nor keep the reference.
#[inline]
pub fn with_process<R>(pid: Pid, look: impl FnOnce(&Process) -> R) -> Option<R> {
    let _inside = inside::enter();
    let pointer = slot(pid.index())?.process.load(Ordering::SeqCst);
    // SAFETY: non-null means published; the guard keeps it from being freed after we saw it.
    let process = unsafe { pointer.as_ref() }?;
    (process.pid() == pid).then(|| look(process))
}

/// As [`with_process`], with something that is given to `look`, or to `nobody` when there is none; `look` also gets
/// what it counts with.
#[inline(always)]
pub(super) fn with_process_or<C, R>(
    pid: Pid, what: C, look: impl FnOnce(&Process, C, &inside::Inside) -> R, nobody: impl FnOnce(C) -> R,
) -> R {
    let inside = inside::enter();
    let pointer = slot(pid.index()).map_or(ptr::null_mut(), |slot| slot.process.load(Ordering::SeqCst));
    // SAFETY: as in `with_process`.
    match unsafe { pointer.as_ref() } {
        Some(process) if process.pid() == pid => look(process, what, &inside),
        _ => nobody(what),
    }
}

/// The runtime that a pid of the dead was of, as far as that is known: another process may have its place since.
pub(super) fn last_node(pid: Pid) -> Option<Arc<Node>> {
    if pid == Pid::NONE {
        return None;
    }
    super::node::node_of_number(slot(pid.index())?.number.load(Ordering::Relaxed))
}

/// Calls `look` with every process alive; slow, for shutdown and tools.
pub(super) fn for_each(mut look: impl FnMut(&Process)) {
    let _inside = inside::enter();
    let end = TABLE.free.lock().next;
    for index in 1..end {
        let Some(slot) = slot(index) else { continue };
        // SAFETY: as in `with_process`.
        if let Some(process) = unsafe { slot.process.load(Ordering::SeqCst).as_ref() } {
            look(process);
        }
    }
}
