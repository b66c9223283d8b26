//! Models of what a registry forgets when a process, or the registry, ends:
//! `RUSTFLAGS="--cfg loom" cargo test --release --test loom_registry`. The keys and their locks are those of
//! `src/registry/book.rs`; the processes around them are a lock, a fence and a note each, with the steps of
//! `src/registry/store.rs`, `src/process/ending.rs` and `src/process/signal.rs`.
#![cfg(loom)]

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use regrow::process::{Left, Whereabouts};
use regrow::registry::book::{Book, Hears, Refusal, Removed};
use regrow::registry::quick::{Locked, Quick, Rest};
use regrow::term::{Pid, Term};

const A: usize = 1;
const B: usize = 2;

/// Writes down what comes and goes, in its order: who, and whether there is an entry now.
struct Listener(Arc<Mutex<Vec<(Pid, bool)>>>);

impl Hears for Listener {
    fn registered(&self, _key: &Term, pid: Pid, _value: &Term) {
        self.0.lock().unwrap().push((pid, true));
    }

    fn unregistered(&self, _key: &Term, pid: Pid) {
        self.0.lock().unwrap().push((pid, false));
    }
}

/// What a process's lock is over.
#[derive(Default)]
struct Process {
    fenced: bool,
    /// Where its entries are, while it has any.
    noted: Option<Whereabouts>,
    /// Linked with the registry.
    linked: bool,
}

struct World {
    book: Book<Listener>,
    heard: Arc<Mutex<Vec<(Pid, bool)>>>,
    processes: [Mutex<Process>; 3],
    /// Its end can be observed.
    dead: [AtomicBool; 3],
}

fn pid(process: usize) -> Pid {
    Pid::new(process as u32, 1)
}

fn key() -> Term {
    Term::int(7)
}

impl World {
    fn new(unique: bool) -> Arc<World> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        Arc::new(World {
            book: Book::new(unique, 1, Some(Listener(heard.clone()))),
            heard,
            processes: std::array::from_fn(|_| Mutex::new(Process::default())),
            dead: std::array::from_fn(|_| AtomicBool::new(false)),
        })
    }

    /// None: the process is ending, or the registry is.
    fn register(&self, who: usize) -> Option<Result<(), Pid>> {
        let mut process = self.processes[who].lock().unwrap();
        if process.fenced {
            return None;
        }
        let mut noted = process.noted.take().unwrap_or_default();
        let hash = self.book.hash(&key());
        let done = self.book.insert(hash, &mut key(), pid(who), &mut Term::int(0), &mut noted);
        process.noted = Some(noted).filter(|noted| !noted.is_empty());
        process.linked |= process.noted.is_some();
        match done {
            Ok(()) => Some(Ok(())),
            Err(Refusal::Taken(holder)) => Some(Err(holder)),
            Err(Refusal::Closed | Refusal::Full) => None,
        }
    }

    fn unregister(&self, who: usize) {
        let (mut removed, hash) = (Removed::default(), self.book.hash(&key()));
        {
            let mut process = self.processes[who].lock().unwrap();
            if !process.fenced {
                if let Some(mut noted) = process.noted.take() {
                    self.book.take(hash, &key(), pid(who), &mut noted, |_| true, &mut removed);
                    process.noted = Some(noted).filter(|noted| !noted.is_empty());
                    process.linked = process.noted.is_some();
                }
                return;
            }
        }
        self.book.take_of_ending(hash, &key(), pid(who), |_| true, &mut removed);
    }

    /// The end of a process, entry by entry.
    fn end(&self, who: usize) {
        let noted = {
            let mut process = self.processes[who].lock().unwrap();
            process.fenced = true;
            process.noted.take()
        };
        self.release(who, noted);
        self.dead[who].store(true, Ordering::SeqCst);
    }

    /// Its supervisor died without stopping it: it may have no entry any more, and goes on. False: it is ending already.
    fn unname(&self, who: usize) -> bool {
        let noted = {
            let mut process = self.processes[who].lock().unwrap();
            if std::mem::replace(&mut process.fenced, true) {
                return false;
            }
            process.noted.as_mut().map(Whereabouts::share)
        };
        self.release(who, noted);
        true
    }

    fn release(&self, who: usize, noted: Option<Whereabouts>) {
        let mut left = Left::of(noted.unwrap_or_default());
        while self.book.take_some_of(pid(who), &mut left, 1) == 1 {}
    }

    /// The end of the registry.
    fn close(&self) {
        for who in self.book.close() {
            let mut process = self.processes[who.index() as usize].lock().unwrap();
            if !process.fenced {
                process.noted = None;
            }
        }
    }

    fn holder(&self) -> Option<Pid> {
        if self.book.is_unique() { self.book.who(&key()) } else { self.book.holder(&key(), |pid, _| pid) }
    }

    /// The keys that are found by what the process has noted.
    fn keys(&self, who: usize) -> Vec<Term> {
        let noted = self.processes[who].lock().unwrap().noted.as_ref().map(Whereabouts::to_vec);
        self.book.keys(noted.unwrap_or_default())
    }

    /// Nothing is left, and listeners were told of each entry that came and went.
    fn is_empty(&self) {
        assert_eq!(self.holder(), None);
        assert_eq!(self.book.count(), 0);
        for who in [A, B] {
            assert!(self.keys(who).is_empty());
            assert_eq!(self.last_heard(who), None);
        }
    }

    /// What listeners take to be so: who is there, once or more often.
    fn last_heard(&self, who: usize) -> Option<Pid> {
        let heard = self.heard.lock().unwrap();
        let last = heard.iter().rev().find(|(each, _)| *each == pid(who));
        last.filter(|(_, there)| *there).map(|(each, _)| *each)
    }
}

#[test]
fn a_registration_as_its_process_ends_is_refused_or_gone() {
    loom::model(|| {
        let world = World::new(true);
        let theirs = world.clone();
        let registrar = thread::spawn(move || theirs.register(A));
        world.end(A);
        // Told of the end: not there, and not there later either.
        assert_eq!(world.holder(), None);
        registrar.join().unwrap();
        world.is_empty();
    });
}

#[test]
fn the_key_of_one_whose_end_can_be_seen_is_free_at_once_and_stays_the_next_ones() {
    loom::model(|| {
        let world = World::new(true);
        assert_eq!(world.register(A), Some(Ok(())));
        let theirs = world.clone();
        let end = thread::spawn(move || theirs.end(A));
        let seen = world.dead[A].load(Ordering::SeqCst);
        let taken = world.register(B);
        if seen {
            assert_eq!(taken, Some(Ok(())), "refused by one that is dead");
        }
        end.join().unwrap();
        assert_eq!(world.holder(), (taken == Some(Ok(()))).then_some(pid(B)));
        assert_eq!(world.last_heard(A), None);
        world.end(B);
        world.is_empty();
    });
}

#[test]
fn an_entry_that_another_takes_away_as_its_process_ends_goes_once() {
    loom::model(|| {
        let world = World::new(true);
        world.register(A);
        let theirs = world.clone();
        let other = thread::spawn(move || {
            theirs.unregister(A);
            // It was promised to be gone now, whoever took it.
            assert_eq!(theirs.holder(), None);
        });
        world.end(A);
        assert_eq!(world.holder(), None);
        other.join().unwrap();
        world.is_empty();
        let heard: Vec<bool> = world.heard.lock().unwrap().iter().map(|(_, there)| *there).collect();
        assert_eq!(heard, [true, false]);
    });
}

#[test]
fn of_a_duplicate_key_only_the_entries_of_the_dead_go() {
    loom::model(|| {
        let world = World::new(false);
        world.register(A);
        world.register(A);
        let theirs = world.clone();
        let other = thread::spawn(move || theirs.register(B));
        world.end(A);
        assert!(world.book.entries(&key()).iter().all(|(holder, _)| *holder == pid(B)));
        other.join().unwrap();
        assert_eq!(world.book.count(), 1);
        assert_eq!((world.last_heard(A), world.last_heard(B)), (None, Some(pid(B))));
        world.end(B);
        world.is_empty();
    });
}

#[test]
fn one_that_ends_as_its_names_are_freed_is_not_found_once_either_is_told() {
    loom::model(|| {
        let world = World::new(true);
        world.register(A);
        let theirs = world.clone();
        let end = thread::spawn(move || {
            theirs.end(A);
            assert_ne!(theirs.holder(), Some(pid(A)), "dead, and found");
        });
        if world.unname(A) {
            // Told of its supervisor's end.
            assert_eq!(world.register(B), Some(Ok(())), "its name is not free");
        }
        end.join().unwrap();
        assert_ne!(world.holder(), Some(pid(A)));
        world.end(B);
        world.is_empty();
    });
}

#[test]
fn a_registration_as_the_registry_ends_is_refused_or_let_go_of() {
    loom::model(|| {
        let world = World::new(true);
        let theirs = world.clone();
        let registrar = thread::spawn(move || theirs.register(A));
        world.close();
        let registered = registrar.join().unwrap();
        assert_eq!(world.holder(), None, "an entry in a registry that has ended");
        assert_eq!(world.book.count(), 0);
        assert!(world.keys(A).is_empty());
        let process = world.processes[A].lock().unwrap();
        assert!(process.noted.is_none());
        // It keeps its side of the link, by which the registry's end reaches it.
        assert_eq!(process.linked, registered == Some(Ok(())));
    });
}

#[test]
fn a_process_and_its_registry_that_end_together_leave_nothing() {
    loom::model(|| {
        let world = World::new(true);
        world.register(A);
        let theirs = world.clone();
        let end = thread::spawn(move || {
            theirs.end(A);
            // Told of the end: not there, however far the registry has come with its own.
            assert_ne!(theirs.holder(), Some(pid(A)), "somebody dead is found in a registry that ends");
        });
        world.close();
        end.join().unwrap();
        assert_eq!((world.holder(), world.book.count()), (None, 0));
        assert!(world.keys(A).is_empty());
    });
}

#[test]
fn a_lookup_without_the_lock_is_as_if_made_at_one_moment() {
    a_lookup_while_one_goes(|quick, locked| {
        let gone = quick.search(locked, 0, [1, 1]).expect("it is there");
        quick.remove(locked, gone);
    });
}

#[test]
fn a_lookup_without_the_lock_goes_on_behind_a_gap() {
    a_lookup_while_one_goes(|quick, locked| {
        quick.remove_if(locked, 0, [1, 1], |_, _| true).expect("it is there");
    });
}

fn a_lookup_while_one_goes(remove: fn(&Quick, &mut Locked)) {
    loom::model(move || {
        let (quick, mut locked) = (Arc::new(Quick::new()), Locked::default());
        // Of one hash, so that all belong at one place.
        let insert = |locked: &mut Locked, words, who| {
            quick.insert(locked, 0, words, pid(who), 0, || Some(Rest::default())).expect("it is not there");
        };
        // Both belong where the first is; when that goes, the second moves up, or there is a gap.
        insert(&mut locked, [1, 1], A);
        insert(&mut locked, [1, 2], B);
        let theirs = quick.clone();
        // Another thread looks, and not this one: of the accesses to each word loom keeps the last alone, and who changes
        // reads before it writes.
        let look = thread::spawn(move || {
            // It was there all the time. None: look under the lock.
            assert!(matches!(theirs.find(0, [1, 2]), None | Some(Some(_))));
            // Whoever has seen the new one sees that the old one is gone.
            if let Some(Some(_)) = theirs.find(0, [1, 3]) {
                assert!(matches!(theirs.find(0, [1, 1]), None | Some(None)));
            }
        });
        remove(&quick, &mut locked);
        insert(&mut locked, [1, 3], A);
        look.join().unwrap();
        assert_eq!(quick.find(0, [1, 1]), Some(None));
        assert_eq!(quick.find(0, [1, 2]), Some(Some(pid(B))));
        assert_eq!(quick.find(0, [1, 3]), Some(Some(pid(A))));
    });
}
