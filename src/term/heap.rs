//! Payloads: what terms of the counted kinds share. Immutable once the constructor has returned; freed by whoever
//! gives up the last share.
//!
//! ```text
//! cons             | count check | tail | head |
//! tuple, map       | count check | length | items ... |          a map of n keys has 2n items
//! bytes, big, ...  | count check | length | bytes ... | 0 |
//! resource         | count check | pointer | drop |
//! ```
//!
//! Freeing is a loop with no stack of its own: while a child is freed, its place among its parent's items holds
//! the parent's parent, and the parent's count (nobody's any more) says how many items are still to go.

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::{Term, kinds};
#[cfg(not(any(loom, feature = "sanitizer")))]
use crate::sync::blocks::{self, Size};
#[cfg(not(loom))]
use crate::sync::inside::dropping;
use crate::sync::{AtomicU32, Ordering};

/// Models know nothing of who is inside.
#[cfg(loom)]
fn dropping(drop: impl FnOnce()) {
    drop();
}

#[repr(C)]
struct Head {
    count: AtomicU32,
    /// As in the upper half of `meta`; zero once freed, and an allocator that writes there writes no such value.
    check: u32,
}

#[repr(C)]
struct Block {
    head: Head,
    length: u64,
}

#[repr(C)]
struct Cons {
    head: Head,
    items: [Term; 2],
}

#[repr(C)]
struct Resource {
    head: Head,
    pointer: *mut c_void,
    dropper: Dropper,
}

/// What runs when a resource has no owner left.
pub(super) enum Dropper {
    Nothing,
    Foreign(unsafe extern "C-unwind" fn(*mut c_void)),
    Boxed(Box<dyn FnOnce(*mut c_void) + Send>),
    /// Nothing: a term that it keeps goes with it.
    Keeps(Term),
}

/// Alignment of every payload, on every platform.
const ALIGN: usize = 8;
/// Most items of a payload: a tuple's limit in Erlang is lower, a map of this many keys is 64 GiB.
const ITEMS_MAX: u64 = u32::MAX as u64;
/// A count from here on is stuck: such a payload is never freed. Only two billion leaked clones lead here.
const STUCK: u32 = 1 << 31;

fn layout(tag: u8, length: u64) -> Option<Layout> {
    let size = match tag {
        kinds::CONS => size_of::<Cons>(),
        kinds::RESOURCE => size_of::<Resource>(),
        kinds::TUPLE | kinds::MAP if length > ITEMS_MAX => return None,
        kinds::TUPLE | kinds::MAP => {
            usize::try_from(length).ok()?.checked_mul(size_of::<Term>())?.checked_add(size_of::<Block>())?
        }
        _ => usize::try_from(length).ok()?.checked_add(size_of::<Block>() + 1)?,
    };
    Layout::from_size_align(size, ALIGN).ok()
}

/// The size of the block that a payload lies in; none: it is the allocator's. A sanitizer is to see each payload.
#[inline]
#[cfg(not(any(loom, feature = "sanitizer")))]
fn block(layout: Layout) -> Option<Size> {
    Size::of(layout.size())
}

#[inline]
fn take(layout: Layout) -> Option<ptr::NonNull<u8>> {
    #[cfg(not(any(loom, feature = "sanitizer")))]
    if let Some(size) = block(layout) {
        return blocks::take(size);
    }
    // SAFETY: no layout here has size zero.
    ptr::NonNull::new(unsafe { alloc(layout) })
}

/// # Safety
/// The memory came from `take` with that layout, and nobody uses it any more.
#[inline]
unsafe fn give_back(memory: *mut u8, layout: Layout) {
    #[cfg(not(any(loom, feature = "sanitizer")))]
    if let Some(size) = block(layout) {
        // SAFETY: the caller's promise; what came from `take` is not null.
        return unsafe { blocks::free(size, ptr::NonNull::new_unchecked(memory)) };
    }
    // SAFETY: the caller's promise.
    unsafe { dealloc(memory, layout) }
}

/// A check value for a new payload. In debug builds no two in a row are alike, so that a spent term is noticed
/// even when its memory was used again; the high bit keeps it apart from what an allocator writes into freed memory.
#[inline]
fn new_check(tag: u8) -> u32 {
    #[cfg(debug_assertions)]
    {
        thread_local! {
            static NEXT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
        }
        let number = NEXT.with(|next| {
            next.set(next.get().wrapping_add(1));
            next.get()
        });
        (number << 8 | tag as u32) ^ (ptr::from_ref(&number).addr() as u32 & 0x7fff_0000) | 1 << 31
    }
    #[cfg(not(debug_assertions))]
    {
        0x8052_4700 | tag as u32
    }
}

#[inline]
fn meta(tag: u8, detail: u8, check: u32) -> u64 {
    tag as u64 | (detail as u64) << 8 | (check as u64) << 32
}

/// The first word of a tuple with its payload there.
///
/// # Safety
/// A tuple's payload is there, and alive.
#[inline]
pub(super) unsafe fn tuple_meta(address: u64) -> u64 {
    // In release builds all tuples have the same, so the payload need not be looked at.
    let check = if cfg!(debug_assertions) {
        // SAFETY: the caller's promise; each payload begins with a `Head`.
        unsafe { (*self::address::<Head>(address)).check }
    } else {
        new_check(kinds::TUPLE)
    };
    meta(kinds::TUPLE, 0, check)
}

/// Memory with one owner: the head is written, the rest is not. None when there is no memory.
#[inline]
fn allocate(tag: u8, length: u64) -> Option<(ptr::NonNull<u8>, u32)> {
    let layout = layout(tag, length)?;
    let memory = take(layout)?;
    let check = new_check(tag);
    // SAFETY: every payload begins with a `Head`, and the memory is ours alone.
    unsafe { memory.cast::<Head>().write(Head { count: AtomicU32::new(1), check }) };
    Some((memory, check))
}

fn own(memory: ptr::NonNull<u8>, tag: u8, detail: u8, check: u32) -> Term {
    Term { meta: meta(tag, detail, check), value: memory.as_ptr().expose_provenance() as u64 }
}

/// A list cell; invalid when there is no memory.
#[inline]
pub(super) fn cons(head: Term, tail: Term) -> Term {
    let Some((memory, check)) = allocate(kinds::CONS, 2) else { return Term::invalid() };
    let cell = memory.cast::<Cons>().as_ptr();
    // SAFETY: the memory has room for a `Cons` and is ours alone.
    unsafe { (&raw mut (*cell).items).write([tail, head]) };
    own(memory, kinds::CONS, 0, check)
}

/// A tuple or map of `length` items, all `[]`, to be filled through `items_mut`. `length` is not zero.
#[inline]
pub(super) fn blank(tag: u8, length: usize) -> Term {
    let Some((memory, check)) = allocate(tag, length as u64) else { return Term::invalid() };
    let payload = memory.cast::<Block>().as_ptr();
    // SAFETY: the memory has room for `Block` and the items, which are all zero for `[]`.
    unsafe {
        (&raw mut (*payload).length).write(length as u64);
        ptr::write_bytes(payload.add(1).cast::<Term>(), 0, length);
    }
    own(memory, tag, 0, check)
}

/// A tuple or map of the items, which it takes out of their places, leaving `[]` there.
#[inline]
pub(super) fn take_items(tag: u8, items: &mut [Term]) -> Term {
    let Some((memory, check)) = allocate(tag, items.len() as u64) else { return Term::invalid() };
    let payload = memory.cast::<Block>().as_ptr();
    // SAFETY: the memory has room for `Block` and the items. They move: their old places become all zero, `[]`,
    // without a drop.
    unsafe {
        (&raw mut (*payload).length).write(items.len() as u64);
        ptr::copy_nonoverlapping(items.as_ptr(), payload.add(1).cast::<Term>(), items.len());
        ptr::write_bytes(items.as_mut_ptr(), 0, items.len());
    }
    own(memory, tag, 0, check)
}

/// Bytes, a big integer or something opaque.
pub(super) fn bytes(tag: u8, detail: u8, parts: [&[u8]; 2]) -> Term {
    let Some(length) = parts[0].len().checked_add(parts[1].len()) else { return Term::invalid() };
    let Some((memory, check)) = allocate(tag, length as u64) else { return Term::invalid() };
    let payload = memory.cast::<Block>().as_ptr();
    // SAFETY: the memory has room for `Block`, both parts and the zero.
    unsafe {
        (&raw mut (*payload).length).write(length as u64);
        let data = payload.add(1).cast::<u8>();
        ptr::copy_nonoverlapping(parts[0].as_ptr(), data, parts[0].len());
        ptr::copy_nonoverlapping(parts[1].as_ptr(), data.add(parts[0].len()), parts[1].len());
        data.add(length).write(0);
    }
    own(memory, tag, detail, check)
}

pub(super) fn resource(pointer: *mut c_void, dropper: Dropper) -> Term {
    let Some((memory, check)) = allocate(kinds::RESOURCE, 0) else {
        run(dropper, pointer);
        return Term::invalid();
    };
    let payload = memory.cast::<Resource>().as_ptr();
    // SAFETY: the memory has room for a `Resource` and is ours alone.
    unsafe {
        (&raw mut (*payload).pointer).write(pointer);
        (&raw mut (*payload).dropper).write(dropper);
    }
    own(memory, kinds::RESOURCE, 0, check)
}

#[inline(always)]
fn address<T>(value: u64) -> *mut T {
    ptr::with_exposed_provenance_mut(value as usize)
}

/// The items of a cons (tail, head), tuple or map.
#[inline]
pub(super) fn items(term: &Term) -> &[Term] {
    match term.tag() {
        // SAFETY: a term of this kind owns a share of a `Cons`, which lives at least as long as the term.
        kinds::CONS => unsafe { &(*address::<Cons>(term.value)).items },
        kinds::TUPLE | kinds::MAP => {
            let payload = address::<Block>(term.value);
            // SAFETY: a term of these kinds owns a share of a payload with `length` items after its head.
            unsafe { std::slice::from_raw_parts(payload.add(1).cast(), (*payload).length as usize) }
        }
        _ => &[],
    }
}

/// The items of a cons, tuple or map that is still being made.
///
/// # Safety
/// The term has no other owner, and nobody else reads it.
#[inline]
pub(super) unsafe fn items_mut(term: &mut Term) -> &mut [Term] {
    let items = items(term);
    let (start, length) = match term.tag() {
        kinds::CONS => (address::<Term>(term.value + size_of::<Head>() as u64), items.len()),
        _ => (address::<Term>(term.value + size_of::<Block>() as u64), items.len()),
    };
    // SAFETY: the same items as `items`; that nobody else sees them is the caller's promise. An empty slice
    // (other kinds) reads no memory, but needs a pointer that is aligned and not null.
    if length == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(start, length) } }
}

/// The bytes of a payload of bytes.
#[inline]
pub(super) fn data(term: &Term) -> &[u8] {
    match term.tag() {
        kinds::BYTES | kinds::BIG | kinds::OPAQUE => {
            let payload = address::<Block>(term.value);
            // SAFETY: a term of these kinds owns a share of a payload with `length` bytes after its head.
            unsafe { std::slice::from_raw_parts(payload.add(1).cast(), (*payload).length as usize) }
        }
        _ => &[],
    }
}

/// The pointer of a resource.
pub(super) fn pointer(term: &Term) -> Option<*mut c_void> {
    // SAFETY: a term of this kind owns a share of a `Resource`.
    (term.tag() == kinds::RESOURCE).then(|| unsafe { (*address::<Resource>(term.value)).pointer })
}

/// The term that a resource keeps, if it is such a one.
pub(super) fn kept(term: &Term) -> Option<&Term> {
    if term.tag() != kinds::RESOURCE {
        return None;
    }
    // SAFETY: as in `pointer`.
    match unsafe { &(*address::<Resource>(term.value)).dropper } {
        Dropper::Keeps(kept) => Some(kept),
        _ => None,
    }
}

/// Counts one more owner.
#[inline]
pub(super) fn share(term: &Term) {
    // SAFETY: a counted term owns a share of a payload, which begins with a `Head`.
    let count = unsafe { &(*address::<Head>(term.value)).count };
    // Relaxed: whoever clones has a share already, so the payload cannot go away meanwhile.
    if count.fetch_add(1, Ordering::Relaxed) >= STUCK {
        count.store(STUCK + STUCK / 2, Ordering::Relaxed);
    }
}

/// Tells the machine that a payload will be read soon.
#[inline]
pub(super) fn prefetch(term: &Term) {
    #[cfg(target_arch = "x86_64")]
    if term.is_counted() {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing, whatever the address; every x86-64 machine knows it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address::<i8>(term.value)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = term;
}

/// Whether a counted term is the only owner of its payload; only it can make that untrue.
#[inline]
pub(super) fn is_only_owner(term: &Term) -> bool {
    // SAFETY: as in `share`. Acquire, partner: the release with which another owner gave its share up, so that its
    // reads are over.
    unsafe { &(*address::<Head>(term.value)).count }.load(Ordering::Acquire) == 1
}

/// Counts one owner less, and frees the payload if it was the last.
#[inline]
pub(super) fn give_up(meta: u64, value: u64) {
    if is_last(value) {
        free(meta, value);
    }
}

/// Whether the share given up here was the last one.
#[inline]
fn is_last(value: u64) -> bool {
    // SAFETY: whoever gives up a share has one, so the payload is alive and begins with a `Head`.
    let count = unsafe { &(*address::<Head>(value)).count };
    // Most payloads have one owner all their life, who need not write what nobody else reads: the only owner alone can
    // make another. Acquire as in `is_only_owner`.
    if count.load(Ordering::Acquire) == 1 {
        return true;
    }
    // Release: partner of the load below; what the others did with the payload happens before it is freed.
    match count.fetch_sub(1, Ordering::Release) {
        1 => {
            // A load and not a fence, which ThreadSanitizer does not see; it costs the same.
            count.load(Ordering::Acquire);
            true
        }
        stuck if stuck > STUCK => {
            count.store(STUCK + STUCK / 2, Ordering::Relaxed);
            false
        }
        _ => false,
    }
}

/// Frees a payload without owners, and what only it owned.
#[cold]
fn free(meta: u64, value: u64) {
    let mut dead = ManuallyDrop::new(Term { meta, value });
    let mut parent = ManuallyDrop::new(Term::nil());
    let mut left = items(&dead).len();
    loop {
        // One item after the other, the last first; for a cons that is the head, then the tail.
        let rest = items(&dead).get(..left).unwrap_or_default();
        let child = rest.iter().rposition(|item| item.is_counted() && is_last(item.value) && !free_flat(item));
        // SAFETY: the payload has no owner but us, and this item has not been taken before.
        let child = child.map(|index| (index, unsafe { ManuallyDrop::new(ptr::read(&rest[index])) }));
        match child {
            Some((0, child)) => {
                // Nothing is left to come back for: this is what keeps a long list flat.
                release(&dead);
                dead = child;
            }
            Some((left, child)) => {
                // SAFETY: we are the only owner, and the item's place is vacant: it keeps the way back.
                unsafe { ptr::write(&mut items_mut(&mut dead)[left], ManuallyDrop::into_inner(parent)) };
                set_left(&dead, left);
                parent = dead;
                dead = child;
            }
            None => {
                let kept = if dead.tag() == kinds::RESOURCE { take_kept(&dead) } else { None };
                release(&dead);
                if let Some(kept) = kept.map(ManuallyDrop::new)
                    && kept.is_counted()
                    && is_last(kept.value)
                {
                    // In its place.
                    left = items(&kept).len();
                    dead = kept;
                    continue;
                }
                if !parent.is_counted() {
                    return;
                }
                dead = parent;
                left = get_left(&dead);
                // SAFETY: the way back that was put there above.
                parent = unsafe { ManuallyDrop::new(ptr::read(&items(&dead)[left])) };
                continue;
            }
        }
        left = items(&dead).len();
    }
}

/// Frees a payload without owners that has no items and no drop function; false when it may have.
#[inline]
fn free_flat(dead: &Term) -> bool {
    let is_flat = matches!(dead.tag(), kinds::BYTES | kinds::BIG | kinds::OPAQUE);
    if is_flat {
        release(dead);
    }
    is_flat
}

/// Notes in the count, which nobody uses any more, how many items of a dead payload are left.
fn set_left(dead: &Term, left: usize) {
    // SAFETY: the payload is dead but not yet given back; it begins with a `Head`. Items fit: `ITEMS_MAX`.
    unsafe { (*address::<Head>(dead.value)).count.store(left as u32, Ordering::Relaxed) }
}

fn get_left(dead: &Term) -> usize {
    // SAFETY: as in `set_left`.
    unsafe { (*address::<Head>(dead.value)).count.load(Ordering::Relaxed) as usize }
}

/// Takes out what a dead resource keeps.
#[cold]
fn take_kept(dead: &Term) -> Option<Term> {
    // SAFETY: nobody else owns the resource.
    let dropper = unsafe { &mut (*address::<Resource>(dead.value)).dropper };
    match std::mem::replace(dropper, Dropper::Nothing) {
        Dropper::Keeps(kept) => Some(kept),
        other => {
            *dropper = other;
            None
        }
    }
}

/// Gives the memory of a dead payload back, whose items are gone; runs a resource's drop.
fn release(dead: &Term) {
    let tag = dead.tag();
    let length = match tag {
        kinds::CONS | kinds::RESOURCE => 0,
        // SAFETY: the payload is dead but not yet given back; all other kinds begin with `Block`.
        _ => unsafe { (*address::<Block>(dead.value)).length },
    };
    let last_wish = (tag == kinds::RESOURCE).then(|| {
        let payload = address::<Resource>(dead.value);
        // SAFETY: nobody else owns the resource; its dropper is taken out once, here.
        unsafe { ((*payload).pointer, ptr::read(&raw const (*payload).dropper)) }
    });
    // SAFETY: the head is written for the last time, by its only owner; volatile, since this is for `check`,
    // which looks at memory that has been freed.
    unsafe { ptr::write_volatile(&raw mut (*address::<Head>(dead.value)).check, 0) };
    // SAFETY: nobody uses the head again (loom's atomics have something to drop, std's have not).
    unsafe { ptr::drop_in_place(address::<Head>(dead.value)) };
    if let Some(layout) = layout(tag, length) {
        // SAFETY: allocated with this layout, and given back once.
        unsafe { give_back(address::<u8>(dead.value), layout) };
    }
    if let Some((pointer, dropper)) = last_wish {
        run(dropper, pointer);
    }
}

/// Runs a drop function. A panic in it ends here: the loop that frees must go on.
fn run(dropper: Dropper, pointer: *mut c_void) {
    let user = |function: &mut dyn FnMut()| {
        let _ = catch_unwind(AssertUnwindSafe(|| dropping(function)));
    };
    match dropper {
        Dropper::Nothing => {}
        Dropper::Keeps(term) => drop(term),
        // SAFETY: whoever made the resource promised that this may be called once, on any thread.
        Dropper::Foreign(function) => user(&mut || unsafe { function(pointer) }),
        Dropper::Boxed(function) => {
            let mut function = Some(function);
            user(&mut || function.take().into_iter().for_each(|function| function(pointer)));
        }
    }
}

/// Whether the words can belong to a payload that is alive; see `Term::check_words`.
///
/// # Safety
/// As for `Term::check_words`.
pub(super) unsafe fn check(meta: u64, value: u64) -> bool {
    let tag = meta as u8;
    // In release builds all payloads of a kind have the same: words that regrow never made are told without a look.
    let check = if cfg!(debug_assertions) { (meta >> 32) as u32 } else { new_check(tag) };
    let has_detail = || matches!(tag, kinds::BIG | kinds::OPAQUE);
    let made = self::meta(tag, 0, check);
    if meta != made && !(has_detail() && meta & !0xff00 == made) {
        return false;
    }
    if check >> 31 == 0 || value == 0 || !value.is_multiple_of(ALIGN as u64) {
        return false;
    }
    // SAFETY: the caller's promise: a payload was there once. Volatile, since it may have been freed.
    unsafe { ptr::read_volatile(&raw const (*address::<Head>(value)).check) == check }
}
