//! From pid to process.
//!
//! A pid is 28 bits of index and 36 of generation. The table is an array of chunks that are never freed; a slot holds
//! the process that lives there and the generation of the next. Looking one up is two loads and a comparison, inside
//! a guard (`sync::inside`) that keeps the control block from being freed. Ending clears the slot first, so a pid is
//! stale before its memory goes. A slot whose generations ran out is never used again.
//!
//! **Giving back.** A chunk stays where it is for ever, but the memory of one in which nobody lives goes back to the
//! system ([`trim`], when nothing runs): it reads as zero from then on, which is nobody, so those who look up notice
//! nothing. What must outlast it is the highest generation that its slots had come to, where its next processes begin
//! (zero in a slot means that), and the number of the runtime that all of its last were of. Who trims takes the free
//! indexes out of the list first; a chunk is given back only if all of its indexes are in his hands, so nobody is born
//! there meanwhile. Then the chunk is free as a whole, until there is no free index but in such.

use super::control::Process;
use super::node::Node;
use super::pool::Held;
use super::spare;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Mutex, Ordering, inside, retired};
use crate::term::Pid;
use once_cell::sync::Lazy;
use std::ptr;
use std::sync::Arc;

const CHUNK: usize = 4096;
const CHUNKS: usize = (1 << 28) / CHUNK;
const GENERATION_BITS: u32 = 36;
const LAST_GENERATION: u64 = (1 << GENERATION_BITS) - 1;
/// Stands for all runtimes whose numbers have no room in a slot.
const LAST_NUMBER: u32 = (1 << (u64::BITS - GENERATION_BITS)) - 1;
/// Free indexes a thread keeps for itself, so that starting a process takes no shared lock.
const CACHE: usize = 64;
/// At most: all that come back at once, and some.
const KEPT: usize = retired::MOST + 4 * CACHE;

struct Slot {
    process: AtomicPtr<Process>,
    /// Written by whoever has the index.
    life: AtomicU64,
}

/// What else a slot says, in one word: so four slots are a cache line.
#[derive(Clone, Copy)]
struct Life(u64);

impl Life {
    #[inline]
    fn new(generation: u64, number: u32) -> Life {
        Life(u64::from(number.min(LAST_NUMBER)) << GENERATION_BITS | generation)
    }

    /// Of the process that lives here, or else of the next; zero: what the chunk's past says.
    #[inline]
    fn generation(self) -> u64 {
        self.0 & LAST_GENERATION
    }

    /// The runtime of the last that lived here, by number; zero: what the chunk's past says.
    #[inline]
    fn number(self) -> u32 {
        (self.0 >> GENERATION_BITS) as u32
    }
}

/// What is left of a chunk whose memory was given back.
struct Past {
    /// Above all generations that there were.
    generation: AtomicU64,
    number: AtomicU32,
}

type Chunks = [AtomicPtr<[Slot; CHUNK]>; CHUNKS];

struct Table {
    chunks: &'static Chunks,
    past: &'static [Past],
    free: Mutex<Free>,
}

struct Free {
    indexes: Vec<u32>,
    /// Chunks of which all indexes are free and none is in the list; the lowest last.
    whole: Vec<u32>,
    next: u32,
}

/// The table's chunks, once there is a table: at each send, where a look whether it is made already costs.
static CHUNKS_MADE: AtomicPtr<Chunks> = AtomicPtr::new(ptr::null_mut());

static TABLE: Lazy<Table> = Lazy::new(|| {
    let (chunks, past) = (zeroed::<Chunks>(1), zeroed::<Past>(CHUNKS));
    let (Some(chunks), Some(past)) = (chunks, past) else {
        panic!("there is no memory for the table of processes");
    };
    // Release, partner: the load in `slot`.
    CHUNKS_MADE.store(chunks, Ordering::Release);
    // SAFETY: mappings of so many, which are never unmapped; zero is a null pointer and no past.
    let (chunks, past) = unsafe { (&*chunks, std::slice::from_raw_parts(past, CHUNKS)) };
    // Index 0 is never used: pid zero means "no process".
    Table { chunks, past, free: Mutex::new(Free { indexes: Vec::new(), whole: Vec::new(), next: 1 }) }
});

/// Memory of whole pages for so many, all zero, that is committed as it is touched; none when there is none.
fn zeroed<T>(count: usize) -> Option<*mut T> {
    let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a fresh anonymous mapping; nothing else knows its address.
    let memory = unsafe { libc::mmap(ptr::null_mut(), count * size_of::<T>(), read_write, private, -1, 0) };
    (memory != libc::MAP_FAILED).then_some(memory.cast())
}

fn slot(index: u32) -> Option<&'static Slot> {
    // SAFETY: null, or made for good.
    let chunks = unsafe { CHUNKS_MADE.load(Ordering::Acquire).as_ref() }?;
    let chunk = chunks.get(index as usize / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: a chunk is never unmapped, and zero is good for all that is in it.
    unsafe { chunk.as_ref() }.map(|chunk| &chunk[index as usize % CHUNK])
}

/// A free pid; none when all 2^28 are taken. It leads nowhere until [`publish`].
pub(super) fn reserve() -> Option<Pid> {
    let index = spare::with(|spare| spare.indexes.pop()).flatten().or_else(refill)?;
    let slot = slot(index)?;
    let generation = match Life(slot.life.load(Ordering::Acquire)).generation() {
        0 => TABLE.past[index as usize / CHUNK].generation.load(Ordering::Acquire).max(1),
        known => known,
    };
    Some(Pid::new(index, generation))
}

fn refill() -> Option<u32> {
    let mut free = TABLE.free.lock();
    let mut batch = Vec::with_capacity(CACHE);
    while batch.len() < CACHE {
        if let Some(index) = free.indexes.pop() {
            batch.push(index);
            continue;
        }
        if let Some(chunk) = free.whole.pop() {
            let first = chunk * CHUNK as u32;
            free.indexes.extend((first..first + CHUNK as u32).rev());
            continue;
        }
        let index = free.next;
        if index as usize >= CHUNK * CHUNKS {
            break;
        }
        let chunk = &TABLE.chunks[index as usize / CHUNK];
        if chunk.load(Ordering::Acquire).is_null() {
            // Never unmapped: pids are looked up without a lock. Zero is nobody.
            let Some(fresh) = zeroed::<Slot>(CHUNK) else { break };
            chunk.store(fresh.cast(), Ordering::Release);
        }
        free.next += 1;
        batch.push(index);
    }
    drop(free);
    let first = batch.pop();
    // A thread at its very end keeps nothing.
    if spare::with(|spare| spare.indexes.append(&mut batch)).is_none() {
        free_indexes(&batch);
    }
    first
}

/// Makes the process findable; the count that is given becomes the table's. For a caller that is inside, and uses what
/// this gives no longer than it stays there.
#[inline]
pub(super) fn publish<'a>(process: Held) -> &'a Process {
    let (pid, number) = (process.pid(), process.number);
    let process = process.into_raw();
    if let Some(slot) = slot(pid.index()) {
        slot.life.store(Life::new(pid.generation(), number).0, Ordering::Relaxed);
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
        let process = unsafe { Held::from_raw(process.cast()) };
        let pid = process.pid();
        process.retire();
        recycle(pid);
    }
    // SAFETY: processes are shared between threads; the slot is cleared, so only those who are inside can see it.
    unsafe { retired::retire(std::ptr::from_ref(process).cast_mut().cast(), free) };
}

/// Gives a pid back that was reserved, and published or not.
pub(super) fn recycle(pid: Pid) {
    let Some(slot) = slot(pid.index()) else { return };
    if pid.generation() >= LAST_GENERATION {
        return;
    }
    // Relaxed: the number is of whoever had the index before, as is the whole word.
    let number = Life(slot.life.load(Ordering::Relaxed)).number();
    slot.life.store(Life::new(pid.generation() + 1, number).0, Ordering::Release);
    let index = pid.index();
    let spill = spare::with(|spare| {
        spare.indexes.push(index);
        if spare.indexes.len() > KEPT { spare.indexes.split_off(CACHE) } else { Vec::new() }
    });
    match spill {
        Some(spill) if spill.is_empty() => {}
        Some(spill) => free_indexes(&spill),
        None => free_indexes(&[index]),
    }
}

/// Gives indexes that lead nowhere to all.
#[cold]
pub(super) fn free_indexes(indexes: &[u32]) {
    TABLE.free.lock().indexes.extend_from_slice(indexes);
}

/// Gives the memory of chunks in which nobody lives back to the system; how many bytes. Slow, when there are many.
pub fn trim() -> usize {
    let mut indexes = std::mem::take(&mut TABLE.free.lock().indexes);
    // The lowest last, and so the first out again.
    indexes.sort_unstable_by(|left, right| right.cmp(left));
    let (mut rest, mut whole) = (Vec::new(), Vec::new());
    for free in indexes.chunk_by(|left, right| *left as usize / CHUNK == *right as usize / CHUNK) {
        let chunk = free[0] as usize / CHUNK;
        if free.len() == CHUNK && give_back(chunk) {
            whole.push(chunk as u32);
        } else {
            rest.extend_from_slice(free);
        }
    }
    let given_back = whole.len() * size_of::<[Slot; CHUNK]>();
    let mut free = TABLE.free.lock();
    rest.append(&mut free.indexes);
    free.indexes = rest;
    free.whole.append(&mut whole);
    free.whole.sort_unstable_by(|left, right| right.cmp(left));
    given_back
}

/// False: its last processes were of several runtimes, which must not be forgotten.
fn give_back(chunk: usize) -> bool {
    let slots = TABLE.chunks[chunk].load(Ordering::Acquire);
    let past = &TABLE.past[chunk];
    let (mut generation, mut number) = (past.generation.load(Ordering::Relaxed), past.number.load(Ordering::Relaxed));
    // SAFETY: as in `slot`; some of its indexes are free, so it is there.
    for slot in unsafe { &*slots } {
        let life = Life(slot.life.load(Ordering::Acquire));
        generation = generation.max(life.generation());
        match life.number() {
            0 => {}
            of if number == 0 || number == of => number = of,
            _ => return false,
        }
    }
    // Release, partner: the loads of who finds zero in a slot. Nobody does before the kernel has taken the pages away,
    // which it makes known to all processors.
    past.generation.store(generation, Ordering::Release);
    past.number.store(number, Ordering::Release);
    // SAFETY: whole pages of a mapping of ours, in which nobody lives: they read as zero from now on, which is that.
    unsafe { libc::madvise(slots.cast(), size_of::<[Slot; CHUNK]>(), libc::MADV_DONTNEED) == 0 }
}

/// Shows the process with that pid, or none when there is none now. `look` runs inside: it must not run user code
/// without stepping out, nor keep the reference.
#[inline]
pub fn with_process<R>(pid: Pid, look: impl FnOnce(&Process) -> R) -> Option<R> {
    look_inside(&inside::enter(), pid, look)
}

/// As [`with_process`], for who is inside.
#[inline(always)]
pub fn look_inside<R>(_inside: &inside::Inside, pid: Pid, look: impl FnOnce(&Process) -> R) -> Option<R> {
    let pointer = slot(pid.index())?.process.load(Ordering::SeqCst);
    // SAFETY: non-null means published; the guard keeps it from being freed after we saw it.
    let process = unsafe { pointer.as_ref() }?;
    (process.pid() == pid).then(|| look(process))
}

/// As [`with_process`], for one who stays for a few steps.
#[inline(always)]
pub(super) fn look_up(pid: Pid, _stay: &inside::Stay) -> Option<&Process> {
    let pointer = slot(pid.index())?.process.load(Ordering::SeqCst);
    // SAFETY: as in `with_process`.
    unsafe { pointer.as_ref() }.filter(|process| process.pid() == pid)
}

/// As [`with_process`], with something that is given to `look`, or to `nobody` when there is none; `look` also gets
/// what it counts with.
#[inline(always)]
pub(super) fn with_process_or<C, R>(
    pid: Pid, what: C, look: impl FnOnce(&Process, C, &inside::Inside) -> R, nobody: impl FnOnce(C) -> R,
) -> R {
    look_inside_or(&inside::enter(), pid, what, look, nobody)
}

/// As [`with_process_or`], for who is inside.
#[inline(always)]
pub(super) fn look_inside_or<C, R>(
    inside: &inside::Inside, pid: Pid, what: C, look: impl FnOnce(&Process, C, &inside::Inside) -> R,
    nobody: impl FnOnce(C) -> R,
) -> R {
    let pointer = slot(pid.index()).map_or(ptr::null_mut(), |slot| slot.process.load(Ordering::SeqCst));
    // SAFETY: as in `with_process`.
    match unsafe { pointer.as_ref() } {
        Some(process) if process.pid() == pid => look(process, what, inside),
        _ => nobody(what),
    }
}

/// The runtime that a pid of the dead was of, as far as that is known: another process may have its place since.
pub(super) fn last_node(pid: Pid) -> Option<Arc<Node>> {
    if pid == Pid::NONE {
        return None;
    }
    let number = match Life(slot(pid.index())?.life.load(Ordering::Relaxed)).number() {
        0 => TABLE.past[pid.index() as usize / CHUNK].number.load(Ordering::Acquire),
        known => known,
    };
    if number == LAST_NUMBER { None } else { super::node::node_of_number(number) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_in_one_word_which_life_it_is_and_whose_the_last_was() {
        assert_eq!(size_of::<Slot>(), 16);
        for generation in [0, 1, LAST_GENERATION] {
            for number in [0, 1, LAST_NUMBER - 1, LAST_NUMBER, u32::MAX] {
                let life = Life::new(generation, number);
                assert_eq!((life.generation(), life.number()), (generation, number.min(LAST_NUMBER)));
            }
        }
    }
}
