//! Where messages lie: slots, in blocks; and the word that says which block somebody is at, and how many of its slots
//! are left. Who may fill and read them, and when, is in the module.

use super::packed::Words;
#[cfg(not(loom))]
use crate::sync::blocks::{self, Size};
use crate::sync::{AtomicPtr, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::alloc::{Layout, handle_alloc_error};
#[cfg(loom)]
use std::cell::RefCell;
#[cfg(loom)]
use std::mem::MaybeUninit;
use std::ptr;
#[cfg(not(loom))]
use std::ptr::NonNull;

/// How many messages a block takes: the first one, of 64 bytes, and those behind it, of 512. In a model as few as
/// have every step made by a few messages.
pub(super) const SMALL: usize = if cfg!(loom) { 1 } else { 3 };
pub(super) const LARGE: usize = if cfg!(loom) { 2 } else { 31 };

/// How it is told that a message is there, or a block. Partners: the loads in `words`, and the queue's in `reach`.
pub(super) const TELLS: Ordering = if cfg!(broken_mailbox) { Ordering::Relaxed } else { Ordering::Release };

/// Where a message lies, in two words. The first is 0 until it is there.
pub(super) struct Slot {
    mark: AtomicU64,
    word: AtomicU64,
}

impl Slot {
    #[cfg(loom)]
    fn new() -> Slot {
        Slot { mark: AtomicU64::new(0), word: AtomicU64::new(0) }
    }

    /// The words of a message. For a slot that is nobody else's.
    #[inline(always)]
    pub fn fill(&self, words: Words) {
        self.word.store(words.word, Ordering::Relaxed);
        self.mark.store(words.mark, TELLS);
    }

    /// None: whoever has the slot has not filled it yet.
    #[inline(always)]
    pub fn words(&self) -> Option<Words> {
        let mark = self.mark.load(Ordering::Acquire);
        (mark != 0).then(|| Words { mark, word: self.word.load(Ordering::Relaxed) })
    }

    /// A guess, after which nothing of it is read.
    #[inline(always)]
    pub fn seems_empty(&self) -> bool {
        self.mark.load(Ordering::Relaxed) == 0
    }
}

/// A block of slots, which are filled and read from the last to the first. One that is the first has [`SMALL`] of them
/// and no memory for more, so it is never looked at as a whole.
#[repr(C, align(64))]
pub(super) struct Block {
    /// The block behind it; written by whoever put that there.
    next: AtomicPtr<Block>,
    /// So that four slots, or three and this head, are a cache line.
    _head: [u8; 16 - size_of::<AtomicPtr<()>>() % 16],
    slots: [Slot; LARGE],
}

#[cfg(not(loom))]
const _: () =
    assert!(size_of::<Block>() == 512 && std::mem::offset_of!(Block, slots) + SMALL * size_of::<Slot>() == 64);

/// A block and how many of its slots are left, in one word: `null` is neither.
///
/// Of the six low bits, which are 0 in the address of a block, the lowest five count, and the sixth says that the block
/// is a large one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(pub *mut Block);

const LEFT: usize = 0b01_1111;
const IS_LARGE: usize = 0b10_0000;

impl Place {
    pub const NONE: Place = Place(ptr::null_mut());

    #[inline(always)]
    fn first_of(block: *mut Block, is_large: bool) -> Place {
        let bits = if is_large { IS_LARGE | LARGE } else { SMALL };
        Place(block.map_addr(|address| address | bits))
    }

    #[inline(always)]
    pub fn left(self) -> usize {
        self.0.addr() & LEFT
    }

    #[inline(always)]
    fn block(self) -> *mut Block {
        self.0.map_addr(|address| address & !(LEFT | IS_LARGE))
    }

    /// With one slot fewer. There is one.
    #[inline(always)]
    pub fn next(self) -> Place {
        Place(self.0.wrapping_byte_sub(1))
    }

    /// What follows the block.
    ///
    /// # Safety
    /// There is a block, as long as this is used.
    #[inline(always)]
    pub unsafe fn next_block<'b>(self) -> &'b AtomicPtr<Block> {
        // SAFETY: the caller's promise.
        unsafe { &(*self.block()).next }
    }

    /// The slot that is the next.
    ///
    /// # Safety
    /// There is one left, and the block is there as long as the slot is used.
    #[inline(always)]
    pub unsafe fn slot<'s>(self) -> &'s Slot {
        // SAFETY: the caller's promise; within the block.
        unsafe { &*(&raw const (*self.block()).slots).cast::<Slot>().add(self.left() - 1) }
    }

    /// A block that is nobody else's yet, with a message in its first slot.
    #[inline(always)]
    pub fn make(is_large: bool, words: Words) -> Place {
        let place = Place::first_of(Self::allocate(is_large), is_large);
        // SAFETY: made just now.
        unsafe { place.slot() }.fill(words);
        place
    }

    #[cfg(not(loom))]
    #[inline(always)]
    fn allocate(is_large: bool) -> *mut Block {
        let size = if is_large { Size::B512 } else { Size::B64 };
        let Some(block) = blocks::take(size) else { handle_alloc_error(Layout::new::<Block>()) };
        let block = block.cast::<Block>().as_ptr();
        let slots = if is_large { LARGE } else { SMALL };
        // SAFETY: a block of that size has room for so many slots, is aligned, and nobody else's.
        unsafe {
            (&raw mut (*block).next).write(AtomicPtr::new(ptr::null_mut()));
            let first = (&raw mut (*block).slots).cast::<Slot>();
            (0..slots).for_each(|slot| (&raw mut (*first.add(slot)).mark).write(AtomicU64::new(0)));
        }
        block
    }

    /// # Safety
    /// It was made here, and nobody uses its block any more.
    #[cfg(not(loom))]
    #[inline(always)]
    pub unsafe fn free(self) {
        /// One in 31 messages, and on the way of all.
        #[inline(never)]
        unsafe fn free_large(block: NonNull<u8>) {
            // SAFETY: the caller's promise.
            unsafe { blocks::free(Size::B512, block) };
        }
        // SAFETY: the caller's promise; a block has no destructor, and its slots were read.
        unsafe {
            let block = NonNull::new_unchecked(self.block().cast());
            if self.0.addr() & IS_LARGE != 0 { free_large(block) } else { blocks::free(Size::B64, block) }
        }
    }

    #[cfg(loom)]
    fn allocate(_is_large: bool) -> *mut Block {
        let _head = [0; 16 - size_of::<AtomicPtr<()>>() % 16];
        let slots = std::array::from_fn(|_| Slot::new());
        let memory = FREED.with_borrow_mut(Vec::pop).unwrap_or_else(Box::new_uninit);
        Box::into_raw(Box::write(memory, Block { next: AtomicPtr::new(ptr::null_mut()), _head, slots }))
    }

    /// # Safety
    /// As above.
    #[cfg(loom)]
    pub unsafe fn free(self) {
        // SAFETY: the caller's promise; it came from a box, whose memory outlives the block.
        let memory = unsafe {
            ptr::drop_in_place(self.block());
            Box::from_raw(self.block().cast())
        };
        FREED.with_borrow_mut(|freed| freed.push(memory));
    }
}

#[cfg(loom)]
thread_local! {
    /// The memory of a model's blocks, which all its threads share: it is one thread of the machine. Blocks are
    /// compared by their address, so a model is the same each time only if it says itself which address comes again,
    /// and that is the worst one: what was freed last.
    static FREED: RefCell<Vec<Box<MaybeUninit<Block>>>> = const { RefCell::new(Vec::new()) };
}
