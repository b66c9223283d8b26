//! The watchdog: ends a process whose callback runs on and on.
//!
//! A process may be started with a watchdog: user code of it that runs for so many milliseconds without waiting is
//! given up. The process ends there and then, with the reason `{watchdog, Ms}`, as if it were killed: its thread has a
//! ghost until the code returns, its supervisor starts another. What counts is a *stretch* of user code: from where a
//! callback begins, has waited, or has received a message, to where it returns, waits or receives. `init` and
//! `terminate` are callbacks like any other. Drops and match functions are not watched: they run in the middle of
//! something of ours.
//!
//! # The protocol
//!
//! Nothing is noted when a callback begins or ends. The watch thread looks around, every tick and when it is time:
//!
//! 1. *look* (the watch thread): user code runs (`CALLBACK`) and is not marked: mark it, by a compare-and-swap that
//!    sets `SEEN` in the state word, and note the time afterwards;
//! 2. *begin* (the one who runs the process): the steps that begin a stretch take the mark away. They change the word
//!    anyway (`enter_callback`, `park`, the return from a receive that found something), so that this costs nothing; a
//!    wait that was over before it parked looks whether it is marked;
//! 3. *bite* (the watch thread): the time, taken beforehand, is over: from `CALLBACK` and marked to `DEAD`, by one
//!    compare-and-swap under the process's lock. It succeeds only if no stretch has begun since the mark was set, so
//!    what it ends has run for at least that time. It is never early; it is late by the time between two looks at most.
//! 4. *the end* (a worker): everything from the report on is carried out as a job. The watch thread runs nothing of the
//!    user's for it and waits for nobody; jobs wait for workers, so it lets one more run in place of the one that is
//!    lost.
//!
//! A look that finds `RUNNING` (a receive looks through the mailbox) leaves mark and time as they are. A kill and a
//! bite are compare-and-swaps on the same word: one of them carries out the end.
//!
//! Whom to look at: what the workers say they run, at most 64, and watched processes with a thread of their own, which
//! are listed. So idle processes cost nothing, however many are watched. A process with a watchdog neither runs inline
//! nor has others run inline on its stack (`run`): it is always what its worker says. A thread of its own wakes the
//! watch thread from its deep sleep (`scheduler::watch`) when it begins to work: the word says that it does, then it
//! looks whether that sleeps; the watch thread says that it sleeps, and then looks at the words.
//!
//! # The time
//!
//! It is the machine's, under a manual clock too: that stands still while anything runs. Where a look comes far too
//! late, the watch thread itself was kept from running (a debugger, a suspended machine, a stopped process), and so
//! perhaps was everybody: such a pause counts as one tick.

use super::control::Process;
use super::id_hash::IdHash;
use super::node::{LogLevel, Node};
use super::state::{RUNNING, Sight};
use super::{exit, table};
use crate::scheduler::Watched;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, inside};
use crate::term::{Atom, Pid, Pretty, Term, atoms};
use hashbrown::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// Between two looks at processes: longer, and nobody was looked at, or it was a pause of everybody.
const PAUSE: u64 = 50_000_000;
/// What that counts for.
const TICK: u64 = 10_000_000;

/// The watchdog of one process.
pub(super) struct Dog {
    ms: u32,
    /// Its `terminate` is about to be called.
    ending: AtomicBool,
    /// When the stretch was marked; of the watch thread.
    since: AtomicU64,
}

impl Dog {
    pub fn new(ms: u32) -> Dog {
        Dog { ms, ending: AtomicBool::new(false), since: AtomicU64::new(0) }
    }

    fn limit(&self) -> u64 {
        u64::from(self.ms) * 1_000_000
    }
}

/// The watchdogs of a runtime.
pub(super) struct Watchdogs {
    /// A process was started with one.
    any: AtomicBool,
    /// Those with a thread of their own.
    threads: Mutex<HashSet<Pid, IdHash>>,
    /// Processes that were ended.
    ended: AtomicU64,
    begin: Instant,
    hours: Hours,
}

impl Watchdogs {
    pub fn new() -> Watchdogs {
        Watchdogs {
            any: AtomicBool::new(false),
            threads: Mutex::new(HashSet::default()),
            ended: AtomicU64::new(0),
            begin: Instant::now(),
            hours: Hours::default(),
        }
    }

    /// A process is about to run.
    pub fn add(&self, process: &Process) {
        if process.dog().is_none() {
            return;
        }
        self.any.store(true, Ordering::Relaxed);
        if process.place.thread_home().is_some() {
            self.threads.lock().insert(process.pid());
        }
    }

    /// A process that had a thread of its own has ended.
    pub fn remove(&self, pid: Pid) {
        self.threads.lock().remove(&pid);
    }

    fn threads(&self) -> Vec<Pid> {
        self.threads.lock().iter().copied().collect()
    }

    /// The time that was watched until now.
    fn now(&self) -> u64 {
        self.hours.at(self.begin.elapsed().as_nanos() as u64)
    }
}

/// The time that was watched, in nanoseconds; of the watch thread.
#[derive(Default)]
struct Hours {
    /// The real time when it was last asked for.
    asked: AtomicU64,
    /// What went by in pauses.
    lost: AtomicU64,
}

impl Hours {
    /// The time at that real time, which is not before the last.
    fn at(&self, real: u64) -> u64 {
        let passed = real - self.asked.swap(real, Ordering::Relaxed);
        if passed > PAUSE {
            self.lost.fetch_add(passed - TICK, Ordering::Relaxed);
        }
        real - self.lost.load(Ordering::Relaxed)
    }
}

/// Looks at what runs, on the watch thread: `running` is what the workers say.
pub fn watch(node: &Arc<Node>, running: &[u64]) -> Watched {
    let dogs = &node.watchdogs;
    let mut watched = Watched::default();
    // At the end of a runtime everything is killed, whoever watches it.
    if !dogs.any.load(Ordering::Relaxed) || node.is_stopping() {
        return watched;
    }
    // From before the bite until its job is queued: settle sees that.
    let _inside = inside::enter();
    for &id in running {
        if table::with_process(Pid(id), |process| look(process, &mut watched)) == Some(true) {
            watched.lost += 1;
        }
    }
    for pid in dogs.threads() {
        table::with_process(pid, |process| {
            look(process, &mut watched);
            watched.others |= process.is_busy();
        });
    }
    watched
}

/// Looks at one process; true when it was ended.
fn look(process: &Process, watched: &mut Watched) -> bool {
    let Some(dog) = process.dog() else { return false };
    let dogs = &process.node().watchdogs;
    let left = match process.state.see() {
        Sight::Nothing => return false,
        Sight::New => {
            dog.since.store(dogs.now(), Ordering::Relaxed);
            dog.limit()
        }
        Sight::Same => {
            let ran = dogs.now() - dog.since.load(Ordering::Relaxed);
            if ran >= dog.limit() {
                return bite(process, Stuck { ms: dog.ms, ran });
            }
            dog.limit() - ran
        }
    };
    watched.next = Some(watched.next.map_or(left, |next| next.min(left)));
    false
}

/// Ends a process in the stretch that was seen. False: that is over.
fn bite(process: &Process, stuck: Stuck) -> bool {
    let mut inner = process.lock();
    // Who has been told to end already does so with that reason. It is there before anybody can see the end.
    let told = inner.exit_reason.is_some();
    if !told {
        inner.exit_reason = Some(stuck.reason());
    }
    if !process.state.strike_seen() {
        let spare = if told { None } else { inner.exit_reason.take() };
        drop(inner);
        drop(spare);
        return false;
    }
    exit::note_ghost(process);
    drop(inner);
    process.node().watchdogs.ended.fetch_add(1, Ordering::Relaxed);
    exit::carry_out_elsewhere(process, stuck);
    true
}

/// What a watchdog found.
pub(super) struct Stuck {
    ms: u32,
    /// Nanoseconds.
    ran: u64,
}

impl Stuck {
    fn reason(&self) -> Term {
        Term::tuple_of([Term::atom_named("watchdog"), Term::int(i64::from(self.ms))])
    }

    /// Writes a crash report, with what is known of the callback that is stuck.
    pub fn report(self, process: &Process) {
        let node = process.node();
        if !node.logs(LogLevel::Error) {
            return;
        }
        let undefined = || Term::atom(atoms::UNDEFINED);
        let pid = Term::pid(process.pid());
        let (name, callback, ran_ms) = (process.name(), callback(process), self.ran / 1_000_000);
        // Another, if it had been told to end.
        let reason = process.lock().exit_reason.clone().unwrap_or_else(|| self.reason());
        let mut text = format!("{} {pid}", process.kind().as_str());
        if let Some(name) = &name {
            text.push_str(&format!(" ({name})"));
        }
        let what = callback.map_or("a callback", Atom::as_str);
        text.push_str(&format!(
            " terminating, reason {}, stuck in {what}: it ran for {ran_ms} ms without waiting, and its thread is lost until \
             it returns",
            Pretty(&reason)
        ));
        let parent = process.parent();
        if parent != Pid::NONE {
            text.push_str(&format!(", supervisor {}", Term::pid(parent)));
        }
        let report = [
            ("pid", pid),
            ("name", name.map_or_else(undefined, |name| name.term())),
            ("kind", Term::atom(process.kind())),
            ("reason", reason),
            ("last_message", undefined()),
            ("supervisor", if parent == Pid::NONE { undefined() } else { Term::pid(parent) }),
            ("ancestors", process.ancestors()),
            ("callback", callback.map_or_else(undefined, Term::atom)),
            ("ran_ms", Term::int(ran_ms as i64)),
        ];
        let report = Term::map(report.into_iter().map(|(key, value)| (Term::atom_named(key), value)).collect());
        node.log(LogLevel::Error, &text, Some(&report));
    }
}

/// Which callback a ghost is in, as far as that shows without a note at each: `terminate`, `init`, `call` (or what else
/// somebody waits for an answer of).
fn callback(process: &Process) -> Option<Atom> {
    if process.dog().is_some_and(|dog| dog.ending.load(Ordering::Relaxed)) {
        return Some(atoms::TERMINATE);
    }
    if process.is_starting() {
        return Some(atoms::INIT);
    }
    (!process.current_call.load(Ordering::Acquire).is_null()).then_some(atoms::CALL)
}

impl Node {
    /// Whether a watched process with a thread of its own is at work.
    pub fn is_watching(&self) -> bool {
        let is_busy = |pid| table::with_process(pid, Process::is_busy).unwrap_or(false);
        self.watchdogs.any.load(Ordering::Relaxed) && self.watchdogs.threads().into_iter().any(is_busy)
    }

    /// How many processes their watchdogs have ended.
    pub fn watchdog_count(&self) -> u64 {
        self.watchdogs.ended.load(Ordering::Relaxed)
    }
}

impl Process {
    /// How long its callbacks may run without waiting; none: for ever.
    pub fn watchdog_ms(&self) -> Option<u32> {
        self.dog().map(|dog| dog.ms)
    }

    /// A wait of the user code that runs is over, perhaps without having parked.
    #[inline]
    pub(super) fn begin_stretch(&self) {
        if self.dog().is_some() {
            self.state.begin_stretch();
        }
    }

    /// Its own thread goes on, and the word says so.
    pub(super) fn wake_watchdog(&self) {
        if self.dog().is_some() {
            self.node().scheduler().keep_watching();
        }
    }

    /// Its `terminate` comes next.
    pub(super) fn begins_to_end(&self) {
        if let Some(dog) = self.dog() {
            debug_assert_eq!(self.state.phase(), RUNNING);
            dog.ending.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_pause_of_everybody_counts_as_one_tick() {
        let hours = Hours::default();
        assert_eq!(hours.at(10 * MS), 10 * MS);
        // Late, as on a machine with much to do.
        assert_eq!(hours.at(60 * MS), 60 * MS);
        // Stopped for an hour.
        let later = 60 * MS + 3_600_000 * MS;
        assert_eq!(hours.at(later), 70 * MS);
        assert_eq!(hours.at(later + 12 * MS), 82 * MS);
    }
}
