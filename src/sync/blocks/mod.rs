//! Memory for what is small and made and freed all the time: messages in mailboxes, the payloads of terms, and what
//! processes have for as long as they live ([`Small`]).
//!
//! A message is allocated by its sender and freed by its receiver, often on another thread, where a general allocator
//! pays for a lock or a remote free; and of terms there are many, so that it counts how close together they lie. There
//! are blocks of a few sizes, without anything before or behind them. A thread keeps the blocks it frees, and allocates
//! from them; what one has too many of goes in batches to a common store, from which those who have none take. Blocks are
//! cut from slabs, and those from regions, which are kept for the life of the process: what a burst took, the next one
//! finds. When nothing runs for a while the memory of slabs that are free as a whole goes back to the system ([`trim`]),
//! and they are cut anew when they are needed.
//!
//! Who may touch what: a thread's magazines only that thread; the store of a size under its lock, by threads once in a
//! batch. Who trims takes everything out of the store first, so that a slab of which all blocks are in its hands is nobody
//! else's. A thread that ends gives back what it keeps; what its last drops free after that goes to the store one by one.
//! In the child of a fork a store's lock may be held for ever: there a thread goes on with what it keeps and with memory
//! of its own, and loses what it cannot keep. (A fork before the first runtime is none of those: see [`forked`].)

mod small;
mod store;

use super::own::own;
use super::stir::stir;
use super::{Mutex, forked};
use std::alloc::{Layout, alloc};
use std::ptr::{self, NonNull};
use store::{Magazine, Store};

pub(super) use store::SIZES;

pub use small::Small;
pub use store::Size;

static STORES: [Mutex<Store>; SIZES.len()] = [const { Mutex::new(Store::new()) }; SIZES.len()];

/// What a thread keeps of one size: the magazine at hand and another, so that one who takes and frees in turn goes to
/// the store once in a magazine at most (Bonwick, "Magazines and Vmem").
pub(super) struct Kept {
    hand: Box<Magazine>,
    other: Box<Magazine>,
}

/// Gives back what a thread keeps when that ends.
struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        give_back();
    }
}

thread_local! {
    static LEAVING: Leaving = const { Leaving };
}

/// What this thread keeps of a size, if anything: made by [`keep`], taken by [`give_back`].
///
/// # Safety
/// No other reference to it is alive.
#[inline(always)]
unsafe fn kept<'k>(size: Size) -> Option<&'k mut Kept> {
    // SAFETY: this thread's own, and the caller's promise.
    unsafe { own().kept[size as usize].get().as_mut() }
}

/// A block; none when there is no memory.
#[inline]
pub fn take(size: Size) -> Option<NonNull<u8>> {
    // SAFETY: nothing below calls anybody who has another.
    if let Some(kept) = unsafe { kept(size) }
        && let Some(block) = kept.hand.pop()
    {
        return Some(block);
    }
    take_anew(size)
}

#[cold]
fn take_anew(size: Size) -> Option<NonNull<u8>> {
    let Some(kept) = keep(size) else {
        return if forked::is_forked() { alone(size) } else { STORES[size as usize].lock().loose_block(size) };
    };
    if kept.other.count == 0 {
        if forked::is_forked() {
            return alone(size);
        }
        let mut store = STORES[size as usize].lock();
        let full = store.full(size)?;
        store.empty.push(std::mem::replace(&mut kept.other, full));
    }
    std::mem::swap(&mut kept.hand, &mut kept.other);
    kept.hand.pop()
}

/// From now on this thread keeps blocks of that size. None: it ends, or there is no memory.
fn keep<'k>(size: Size) -> Option<&'k mut Kept> {
    // SAFETY: the callers have no other reference to it.
    if let Some(kept) = unsafe { kept(size) } {
        return Some(kept);
    }
    LEAVING.try_with(|_| ()).ok()?;
    // Those of threads that have ended first: where threads come and go they would become more and more.
    let left = || if forked::is_forked() { None } else { STORES[size as usize].lock().empty.pop() };
    let empty = || left().or_else(Magazine::empty);
    let new = Box::new(Kept { hand: empty()?, other: empty()? });
    own().kept[size as usize].set(Box::into_raw(new));
    // SAFETY: as above.
    unsafe { kept(size) }
}

/// A block for the child of a fork.
fn alone(size: Size) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(size.bytes(), size.align()).ok()?;
    // SAFETY: the layout is not of size zero.
    NonNull::new(unsafe { alloc(layout) })
}

/// Frees a block.
///
/// # Safety
/// It came from [`take`] with that size, on whatever thread, and nobody uses it any more.
#[inline]
pub unsafe fn free(size: Size, block: NonNull<u8>) {
    // SAFETY: nothing below calls anybody who has another.
    if let Some(kept) = unsafe { kept(size) }
        && kept.hand.push(size, block)
    {
        return;
    }
    free_anew(size, block);
}

#[cold]
fn free_anew(size: Size, block: NonNull<u8>) {
    let Some(kept) = keep(size) else {
        if !forked::is_forked() {
            STORES[size as usize].lock().loose.push(block);
        }
        return;
    };
    if kept.other.count > 0 {
        let empty = if forked::is_forked() {
            // As many as one magazine holds are lost.
            Magazine::empty()
        } else {
            let mut store = STORES[size as usize].lock();
            store.empty.pop().or_else(Magazine::empty).inspect(|_| store.full.reserve(1))
        };
        let Some(empty) = empty else {
            // No memory for more: this one is lost.
            return;
        };
        let full = std::mem::replace(&mut kept.other, empty);
        if !forked::is_forked() {
            STORES[size as usize].lock().full.push(full);
            stir(size.batch() * size.bytes());
        }
    }
    std::mem::swap(&mut kept.hand, &mut kept.other);
    kept.hand.push(size, block);
}

/// Gives everything this thread keeps to the others; it may keep more afterwards.
pub fn give_back() {
    if forked::is_forked() {
        return;
    }
    for (index, store) in STORES.iter().enumerate() {
        let kept = own().kept[index].replace(ptr::null_mut());
        if kept.is_null() {
            continue;
        }
        // SAFETY: made by `keep`, taken from its place just now.
        let kept = unsafe { Box::from_raw(kept) };
        let mut store = store.lock();
        for magazine in [kept.hand, kept.other] {
            if magazine.count > 0 { store.full.push(magazine) } else { store.empty.push(magazine) }
        }
    }
}

/// Gives the memory of slabs that are free as a whole back to the system; how many bytes. Blocks that threads keep are
/// not free here. Slow, when there are many.
pub fn trim() -> usize {
    SIZES.into_iter().map(|size| store::trim(size, &STORES[size as usize])).sum()
}

#[cfg(test)]
mod tests {
    use super::store::BATCH;
    use super::*;

    /// The stores are everybody's: who trims them takes away for a moment what the other looks for.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

    fn take_so_many(size: Size, count: usize) -> Vec<NonNull<u8>> {
        (0..count).map(|_| take(size).unwrap()).collect()
    }

    #[test]
    fn blocks_freed_on_another_thread_come_back_through_the_store() {
        let _alone = ALONE.lock();
        for size in SIZES {
            let blocks: Vec<usize> = take_so_many(size, 4 * BATCH).iter().map(|block| block.addr().get()).collect();
            let theirs = blocks.clone();
            std::thread::spawn(move || {
                for block in theirs {
                    // SAFETY: taken above, used by nobody.
                    unsafe { free(size, NonNull::new(block as *mut u8).unwrap()) };
                }
                // What it keeps it gives back by itself.
            })
            .join()
            .unwrap();
            // Other tests take from the store too; some of them come back here.
            let again = take_so_many(size, 4 * BATCH);
            assert!(again.iter().any(|block| blocks.contains(&block.addr().get())));
            // SAFETY: taken just now.
            again.into_iter().for_each(|block| unsafe { free(size, block) });
        }
        give_back();
    }

    /// Whether the memory that a block lies in is to be on huge pages.
    fn is_for_huge_pages(block: NonNull<u8>) -> bool {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_its = false;
        for line in maps.lines() {
            let range = line.split_whitespace().next().and_then(|range| range.split_once('-'));
            let number = |text| usize::from_str_radix(text, 16).ok();
            if let Some((Some(start), Some(end))) = range.map(|(start, end)| (number(start), number(end))) {
                is_its = (start..end).contains(&block.addr().get());
            } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| is_its) {
                return flags.split_whitespace().any(|flag| flag == "hg");
            }
        }
        false
    }

    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "asks /proc")]
    fn what_was_given_back_is_not_put_on_huge_pages_for_the_sake_of_a_block_beside_it() {
        let _alone = ALONE.lock();
        let size = Size::B64;
        // Several regions.
        let count = 4 * (2 << 20) / size.bytes();
        let blocks = take_so_many(size, count);
        let (kept, rest) = blocks.split_last().unwrap();
        let has_huge_pages = is_for_huge_pages(*kept);
        // SAFETY: taken above, used by nobody; the last is kept.
        rest.iter().for_each(|&block| unsafe { free(size, block) });
        give_back();
        assert!(trim() > 0);
        assert!(!is_for_huge_pages(*kept));
        let again = take_so_many(size, count);
        assert_eq!(is_for_huge_pages(*kept), has_huge_pages);
        // SAFETY: as above.
        again.into_iter().chain([*kept]).for_each(|block| unsafe { free(size, block) });
        give_back();
        trim();
    }

    #[test]
    fn what_a_thread_keeps_of_blocks_that_it_freed_here_and_there_keeps_little() {
        let _alone = ALONE.lock();
        for size in SIZES {
            let bytes = 16 << 20;
            let blocks = take_so_many(size, bytes / size.bytes());
            // To no slab twice in a row.
            let count = (blocks.len() - 1) | 1;
            for at in 0..count {
                // SAFETY: taken above, used by nobody; each once, since the count is no multiple of that prime.
                unsafe { free(size, blocks[at * 7919 % count]) };
            }
            let (kept, page) = (2 * BATCH, 4096);
            assert!(trim() + kept * page >= bytes - bytes / 32, "{size:?}");
            // SAFETY: as above, and not freed yet.
            blocks[count..].iter().for_each(|&block| unsafe { free(size, block) });
        }
        give_back();
    }

    #[test]
    fn slabs_that_are_free_as_a_whole_lose_their_memory_and_are_cut_anew() {
        let _alone = ALONE.lock();
        for size in SIZES {
            let fill = |block: &NonNull<u8>, with| {
                // SAFETY: taken by this test, and as large.
                unsafe { block.write_bytes(with, size.bytes()) };
            };
            let blocks = take_so_many(size, 8 * BATCH);
            blocks.iter().for_each(|block| fill(block, 7));
            let last = blocks.len() - 1;
            // SAFETY: taken above, used by nobody; the last is kept.
            blocks[..last].iter().for_each(|&block| unsafe { free(size, block) });
            give_back();
            assert!(trim() >= 4 * size.batch() * size.bytes());
            let mut again = take_so_many(size, 8 * BATCH);
            again.iter().for_each(|block| fill(block, 9));
            // SAFETY: it was not freed, and lies apart from all others.
            let kept = unsafe { std::slice::from_raw_parts(blocks[last].as_ptr(), size.bytes()) };
            assert!(kept.iter().all(|&byte| byte == 7));
            again.push(blocks[last]);
            let mut places: Vec<usize> = again.iter().map(|block| block.addr().get()).collect();
            places.sort_unstable();
            assert!(places.windows(2).all(|two| two[0] + size.bytes() <= two[1]));
            assert!(places.iter().all(|place| place % size.align() == 0));
            // SAFETY: as above.
            again.into_iter().for_each(|block| unsafe { free(size, block) });
        }
        give_back();
    }
}
