//! Models of a table's tenure: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_table`. The steps carry the
//! names of `src/table/tenure.rs`; locks, lists and the handle are as in `owners.rs`, without the rest.
#![cfg(loom)]

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use regrow::table::tenure::Tenure;

const A: usize = 1;
const B: usize = 2;

/// A table and two processes.
struct World {
    tenure: Tenure,
    /// The handle leads to it.
    found: AtomicBool,
    /// Objects, and whether any may be added.
    objects: Mutex<(usize, bool)>,
    /// What became of objects that were taken out.
    freed: AtomicUsize,
    /// Each process: fenced, under its lock; then its list.
    fenced: [Mutex<bool>; 3],
    lists: [Mutex<bool>; 3],
    /// What the table knows of who fixed it, and each process of having done so.
    fixed: Mutex<[bool; 3]>,
    fixes: [Mutex<bool>; 3],
    heir: Option<usize>,
}

impl World {
    fn new(heir: Option<usize>) -> Arc<World> {
        let world = World {
            tenure: Tenure::new(A as u64),
            found: AtomicBool::new(true),
            objects: Mutex::new((0, false)),
            freed: AtomicUsize::new(0),
            fenced: std::array::from_fn(|_| Mutex::new(false)),
            lists: std::array::from_fn(|_| Mutex::new(false)),
            fixed: Mutex::new([false; 3]),
            fixes: std::array::from_fn(|_| Mutex::new(false)),
            heir,
        };
        *world.lists[A].lock().unwrap() = true;
        Arc::new(world)
    }

    /// `Table::pass`: under the new owner's lock its list, then the word.
    fn pass(&self, from: usize, to: usize) -> bool {
        let fenced = self.fenced[to].lock().unwrap();
        if *fenced {
            return false;
        }
        *self.lists[to].lock().unwrap() = true;
        let passed = self.tenure.pass(from as u64, to as u64);
        if !passed && self.tenure.owner() != to as u64 {
            *self.lists[to].lock().unwrap() = false;
        }
        passed
    }

    /// `give_away`.
    fn give(&self, from: usize, to: usize) -> bool {
        let passed = self.pass(from, to);
        if passed {
            *self.lists[from].lock().unwrap() = false;
        }
        passed
    }

    /// `Table::clear_away`.
    fn clear_away(&self) {
        self.found.store(false, Ordering::SeqCst);
        let fixed = std::mem::take(&mut *self.fixed.lock().unwrap());
        for fixer in (0..3).filter(|pid| fixed[*pid]) {
            *self.fixes[fixer].lock().unwrap() = false;
        }
        let mut objects = self.objects.lock().unwrap();
        let taken = std::mem::take(&mut objects.0);
        objects.1 = true;
        drop(objects);
        self.freed.fetch_add(taken, Ordering::SeqCst);
    }

    /// The end of a process: fence, then `Owners::release`. When it returns its death is told.
    fn end(&self, pid: usize) {
        *self.fenced[pid].lock().unwrap() = true;
        if std::mem::take(&mut *self.fixes[pid].lock().unwrap()) {
            self.fixed.lock().unwrap()[pid] = false;
        }
        if !std::mem::take(&mut *self.lists[pid].lock().unwrap()) {
            return;
        }
        if let Some(heir) = self.heir
            && heir != pid
            && self.pass(pid, heir)
        {
            return;
        }
        if self.tenure.end(pid as u64) || self.tenure.owner() == 0 {
            self.clear_away();
        }
    }

    /// `delete` by anybody.
    fn delete(&self) {
        let owner = self.tenure.owner();
        if owner != 0 && self.tenure.end(owner) {
            self.clear_away();
            *self.lists[owner as usize].lock().unwrap() = false;
        }
    }

    /// `fix`, by a process that found the table.
    fn fix(&self, pid: usize) {
        let fenced = self.fenced[pid].lock().unwrap();
        if *fenced {
            return;
        }
        let mut fixed = self.fixed.lock().unwrap();
        if self.tenure.owner() != 0 {
            fixed[pid] = true;
            *self.fixes[pid].lock().unwrap() = true;
        }
    }

    /// An insertion by a thread that found the table; false when it is refused.
    fn insert(&self) -> bool {
        if !self.found.load(Ordering::SeqCst) {
            return false;
        }
        let mut objects = self.objects.lock().unwrap();
        if objects.1 {
            return false;
        }
        objects.0 += 1;
        true
    }

    /// Nobody who is dead has it, and what has no owner is gone with all that was in it.
    fn check(&self, dead: &[usize], inserted: usize) {
        let owner = self.tenure.owner() as usize;
        assert!(!dead.contains(&owner), "the dead {owner} owns it");
        if owner == 0 {
            assert!(!self.found.load(Ordering::SeqCst));
            assert_eq!(self.objects.lock().unwrap().0, 0);
            assert_eq!(self.freed.load(Ordering::SeqCst), inserted);
        } else {
            assert!(self.found.load(Ordering::SeqCst));
            assert!(*self.lists[owner].lock().unwrap(), "not on its owner's list");
            assert_eq!(self.objects.lock().unwrap().0, inserted);
        }
    }
}

#[test]
fn a_table_given_away_as_its_owner_ends_is_gone_or_the_other_ones() {
    loom::model(|| {
        let world = World::new(None);
        let theirs = world.clone();
        let giver = thread::spawn(move || theirs.give(A, B));
        world.end(A);
        let given = giver.join().unwrap();
        assert_eq!(world.tenure.owner(), if given { B as u64 } else { 0 });
        world.check(&[A], 0);
    });
}

#[test]
fn a_table_given_to_one_who_ends_is_gone_or_stays() {
    loom::model(|| {
        let world = World::new(None);
        let theirs = world.clone();
        let giver = thread::spawn(move || theirs.give(A, B));
        world.end(B);
        giver.join().unwrap();
        world.check(&[B], 0);
    });
}

#[test]
fn an_owner_and_its_heir_that_end_together_leave_nothing() {
    loom::model(|| {
        let world = World::new(Some(B));
        let theirs = world.clone();
        let heir = thread::spawn(move || theirs.end(B));
        world.end(A);
        heir.join().unwrap();
        assert_eq!(world.tenure.owner(), 0);
        world.check(&[A, B], 0);
    });
}

#[test]
fn whoever_is_told_of_an_end_finds_nothing_also_when_another_deletes_meanwhile() {
    loom::model(|| {
        let world = World::new(None);
        let theirs = world.clone();
        let deleter = thread::spawn(move || theirs.delete());
        world.end(A);
        // Told: the deleter may not be done, the table is gone all the same.
        assert!(!world.found.load(Ordering::SeqCst));
        deleter.join().unwrap();
        world.check(&[A], 0);
    });
}

#[test]
fn a_table_that_goes_as_another_fixes_it_leaves_nothing_with_that() {
    loom::model(|| {
        let world = World::new(None);
        let theirs = world.clone();
        let fixer = thread::spawn(move || theirs.fix(B));
        world.end(A);
        fixer.join().unwrap();
        assert!(!*world.fixes[B].lock().unwrap());
        world.check(&[A], 0);
    });
}

#[test]
fn a_table_that_goes_as_its_fixer_ends_leaves_nothing() {
    loom::model(|| {
        let world = World::new(None);
        world.fix(B);
        let theirs = world.clone();
        let fixer = thread::spawn(move || theirs.end(B));
        world.delete();
        fixer.join().unwrap();
        assert!(!*world.fixes[B].lock().unwrap() && !world.fixed.lock().unwrap()[B]);
        world.check(&[B], 0);
    });
}

#[test]
fn an_insertion_as_the_owner_ends_is_freed_or_refused() {
    loom::model(|| {
        let world = World::new(None);
        let theirs = world.clone();
        let writer = thread::spawn(move || usize::from(theirs.insert()));
        world.end(A);
        let inserted = writer.join().unwrap();
        world.check(&[A], inserted);
    });
}
