//! The few words that each thread has of its own and that nearly every call reads.
//!
//! Finding a thread-local of a shared library is a call (`__tls_get_addr`): eight of them were a tenth of a send and a
//! receive. These words lie where two instructions find them: in the part of a thread's memory whose place is settled
//! when the library is loaded (the ELF "initial-exec" model), which Rust has no word for. That holds in a program that
//! is linked with the library, shared or static, and in one that loads it later (`dlopen`): glibc keeps 1.6 KB for
//! such libraries, of which this one takes 0.8. On other machines, in models and for AddressSanitizer it is an ordinary
//! thread-local.
//!
//! All words are zero at first, and have no destructor: they hold as long as their thread does, destructors of other
//! thread-locals included. What needs an end of its own keeps a thread-local with a destructor beside its word, as
//! `inside` and `blocks` do.
//!
//! Who may touch what: each word belongs to the room that it is named after, and is touched by its thread alone. A
//! stack that was left is resumed on the thread that left it, so the place found before a wait is right after it.

use super::blocks::{Kept, SIZES};
use super::inside::ThreadRecord;
use super::retired::Limbo;
use std::cell::{Cell, RefCell};
// Not a model's: no model goes by who sits where.
use std::sync::atomic::{AtomicU32, Ordering};

/// A thread's own.
#[repr(C)]
pub struct Own {
    /// The process that it runs, or has entered as: `process::current`.
    pub process: Cell<*const ()>,
    /// What a worker has of its own: `scheduler::worker`.
    pub worker: Cell<*const ()>,
    /// Its record and how deeply it is inside: `inside`.
    pub(super) record: Cell<Option<&'static ThreadRecord>>,
    pub(super) depth: Cell<u32>,
    /// It stays inside, whatever it runs: `inside`.
    pub(super) stays: Cell<bool>,
    /// Whether it runs what may not wait: `process::wait`.
    pub may_not_wait: Cell<bool>,
    /// The monitor by which the one who sits beneath waits for the task that runs on it: `process::awaited`.
    pub handed: Cell<u64>,
    /// The ends that it carries out, and whether the next is carried out in one piece: `process::exit`.
    pub endings: Cell<*mut ()>,
    pub ends_at_once: Cell<bool>,
    /// What it keeps of processes that have ended: `process::spare`.
    pub spare: Cell<*mut ()>,
    /// What it has retired: `retired`.
    pub(super) limbo: Cell<*const RefCell<Limbo>>,
    /// It ends, and what it had with a destructor is gone or going; only other destructors still call.
    pub ending: Cell<bool>,
    /// One more than its seat.
    seat: Cell<u32>,
    /// The blocks that it keeps, of each size: `blocks`.
    pub(super) kept: [Cell<*mut Kept>; SIZES.len()],
}

impl Own {
    /// A small number, which another thread may have too: it says which of several like things this thread uses, so that
    /// it need not wait for others.
    #[inline(always)]
    pub fn seat(&self) -> u32 {
        self.seat.get().checked_sub(1).unwrap_or_else(|| self.find_seat())
    }

    /// Has the thread sit there. The others take one seat after the other.
    pub fn sit(&self, seat: u32) {
        self.seat.set(seat + 1);
    }

    #[cold]
    fn find_seat(&self) -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let seat = NEXT.fetch_add(1, Ordering::Relaxed) % (u32::MAX / 2);
        self.sit(seat);
        seat
    }
}

/// The calling thread's own.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(miri), not(feature = "sanitizer")))]
#[inline(always)]
pub fn own() -> &'static Own {
    let own: *const Own;
    // SAFETY: the first word of a thread's block is the block's own address, and the linker has put beside the code how
    // far from there the words lie; both stay as they are, so the two loads may be made once for several uses.
    unsafe {
        std::arch::asm!(
            "mov {own}, qword ptr fs:[0]",
            "add {own}, qword ptr [rip + regrow_own@GOTTPOFF]",
            own = out(reg) own,
            options(pure, nomem, nostack),
        );
    }
    // SAFETY: reserved below, all zero, which is a value of each word; not Sync, so no other thread gets it.
    unsafe { &*own }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(miri), not(feature = "sanitizer")))]
std::arch::global_asm!(
    ".pushsection .tbss.regrow_own, \"awT\", @nobits",
    ".p2align 6",
    ".globl regrow_own",
    ".hidden regrow_own",
    ".type regrow_own, @object",
    ".size regrow_own, {size}",
    "regrow_own:",
    ".zero {size}",
    ".popsection",
    size = const size_of::<Own>(),
);

/// The calling thread's own.
#[cfg(not(all(
    target_arch = "x86_64",
    target_os = "linux",
    target_env = "gnu",
    not(miri),
    not(feature = "sanitizer")
)))]
#[inline]
pub fn own() -> &'static Own {
    thread_local! {
        static OWN: Own = const {
            Own {
                process: Cell::new(std::ptr::null()),
                worker: Cell::new(std::ptr::null()),
                record: Cell::new(None),
                depth: Cell::new(0),
                stays: Cell::new(false),
                may_not_wait: Cell::new(false),
                handed: Cell::new(0),
                endings: Cell::new(std::ptr::null_mut()),
                ends_at_once: Cell::new(false),
                spare: Cell::new(std::ptr::null_mut()),
                limbo: Cell::new(std::ptr::null()),
                ending: Cell::new(false),
                seat: Cell::new(0),
                kept: [const { Cell::new(std::ptr::null_mut()) }; SIZES.len()],
            }
        };
    }
    let own = OWN.with(std::ptr::from_ref);
    // SAFETY: without a destructor it lives as long as its thread; not Sync, so no other thread gets it.
    unsafe { &*own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_its_own_and_finds_zeros() {
        let here = own();
        let before = here.worker.replace(std::ptr::from_ref(here).cast());
        std::thread::spawn(|| {
            assert!(own().worker.get().is_null() && own().process.get().is_null() && !own().may_not_wait.get());
            own().worker.set(std::ptr::from_ref(own()).cast());
        })
        .join()
        .unwrap();
        assert_eq!(own().worker.get(), std::ptr::from_ref(own()).cast());
        assert_eq!(std::ptr::from_ref(own()).addr() % align_of::<Own>(), 0);
        own().worker.set(before);
    }
}
