//! What a fixation keeps of a table that has gone: nothing. Counted in bytes that are allocated, by the one test of this
//! program.

mod common;

use common::{Runtime, atom};
use regrow::process;
use regrow::table::{self, Access, Kind, TableSpec};
use regrow::term::{Term, atoms};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

struct Counting;

static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is the system allocator's; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Tables that come and go, each fixed by the caller, who lives on.
fn come_and_go(count: usize) {
    for at in 0..count {
        let spec = TableSpec { name: None, kind: Kind::OrderedSet, access: Access::Public, position: 0, heir: None };
        let table = table::new(spec).unwrap();
        table::fix(table, true).unwrap();
        if at % 2 == 0 {
            table::fix(table, true).unwrap();
            table::fix(table, false).unwrap();
        }
        table::delete(table).unwrap();
        assert!(table::fix(table, false).is_err());
    }
}

#[test]
fn nothing_is_left_with_those_who_had_fixed_a_table() {
    let runtime = Runtime::with(1, false);
    process::enter_thread(&runtime.0).unwrap();
    // Memory of tables is freed some time after them, when nobody can be looking at them any more.
    come_and_go(1_000);
    let before = BYTES.load(Ordering::Relaxed);
    come_and_go(20_000);
    let left = BYTES.load(Ordering::Relaxed) - before;
    assert!(left < 100_000, "{left} bytes are left of 20,000 tables");
    // What is left of another's fixations goes with that one.
    let spec = TableSpec { name: None, kind: Kind::Set, access: Access::Public, position: 0, heir: None };
    let table = table::new(spec).unwrap();
    runtime.spawn_body(move || table::fix(table, true).unwrap());
    runtime.settle();
    let fixed = Term::tuple_of([atom("fixed"), Term::bool(false)]);
    assert!(table::info(table).unwrap().list_iter().any(|item| *item == fixed));
    table::delete(table).unwrap();
    process::leave_thread(Term::atom(atoms::NORMAL)).unwrap();
}
