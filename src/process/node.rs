//! A runtime, as its processes see it: the workers, the clock and its timers, the names, the log.

use super::error::Error;
use super::id_hash::IdHash;
use super::names::Names;
use super::spare;
use super::table;
use super::timer::{self, Alarm, Intervals};
use super::undelivered::Undelivered;
use super::watchdog::Watchdogs;
use crate::clock::{Clock, Timers};
use crate::scheduler::Scheduler;
use crate::sync::tally;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex, Ordering};
use crate::term::{Pid, Term};
use crossbeam::utils::CachePadded;
use hashbrown::HashSet;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug = 1,
    Info = 2,
    Warning = 3,
    Error = 4,
}

/// Where lines of the log go: level, text, and the report as a term where there is one.
pub type Logger = Box<dyn Fn(LogLevel, &str, Option<&Term>) + Send + Sync>;

/// The runtimes that there are, by the number that their messages are counted under.
static NODES: Mutex<BTreeMap<u32, Weak<Node>>> = Mutex::new(BTreeMap::new());

/// The runtime of that number, if it is still there.
pub(super) fn node_of_number(number: u32) -> Option<Arc<Node>> {
    NODES.lock().get(&number)?.upgrade()
}

impl Drop for Node {
    fn drop(&mut self) {
        NODES.lock().remove(&self.number);
        tally::close(self.number);
    }
}

/// A call of the hook.
pub(super) struct InHook<'a>(&'a Node);

impl Drop for InHook<'_> {
    fn drop(&mut self) {
        self.0.hooks.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Below such a limit each place counts; from there on those that workers keep are too few to matter.
const WIDE: u64 = 1 << 24;

/// One runtime. Runtimes share nothing but the table of pids and the atoms.
pub struct Node {
    pub(super) scheduler: OnceLock<Arc<Scheduler>>,
    pub clock: Clock,
    pub(super) timers: Timers<Alarm>,
    pub(super) intervals: Intervals,
    pub(super) names: Names,
    pub(super) arrivals: super::arrival::Arrivals,
    pub(super) outside: super::outside::Outside,
    pub(super) watchdogs: Watchdogs,
    pub(super) log_level: AtomicU32,
    pub(super) logger: Logger,
    pub(super) undelivered: OnceLock<Undelivered>,
    /// Calls of the hook that have not returned.
    hooks: AtomicU64,
    /// The hook is not called any more.
    hooks_over: AtomicBool,
    /// What its messages are counted under.
    pub(super) number: u32,
    root: AtomicU64,
    max_processes: u64,
    /// With the places that workers keep.
    processes: CachePadded<AtomicU64>,
    /// How many each worker keeps (`spare`).
    kept_places: Mutex<Vec<Arc<AtomicU32>>>,
    /// Dead processes whose callback has not returned.
    pub(super) ghosts: Mutex<HashSet<Pid, IdHash>>,
    /// Threads that carry out ends and are not seen otherwise (`exit::Unseen`): how many there are, and in the upper
    /// half how many there ever were.
    pub(super) unseen: AtomicU64,
    /// Processes whose ends are jobs: with each job that of the end under way.
    pub(super) unfinished: Mutex<HashSet<Pid, IdHash>>,
    stopping: AtomicBool,
    /// Thread processes that are in user code: busy as long as they do not wait.
    pub(super) thread_pids: Mutex<HashSet<Pid, IdHash>>,
}

impl Node {
    /// A runtime without workers yet; see [`Node::set_scheduler`].
    pub fn new(clock: Clock, workers: usize, max_processes: u64, log_level: u32, logger: Logger) -> Arc<Node> {
        let number = tally::open();
        // A manual clock fires all by their deadlines, whoever started them.
        let timers = Timers::for_threads(if clock.is_manual() { 1 } else { workers });
        let node = Arc::new(Node {
            scheduler: OnceLock::new(),
            clock,
            timers,
            intervals: Intervals::default(),
            names: Names::default(),
            arrivals: Default::default(),
            outside: Default::default(),
            watchdogs: Watchdogs::new(),
            log_level: AtomicU32::new(log_level),
            logger,
            undelivered: OnceLock::new(),
            hooks: AtomicU64::new(0),
            hooks_over: AtomicBool::new(false),
            number,
            root: AtomicU64::new(0),
            max_processes,
            processes: CachePadded::new(AtomicU64::new(0)),
            kept_places: Mutex::new(Vec::new()),
            ghosts: Mutex::new(HashSet::default()),
            unseen: AtomicU64::new(0),
            unfinished: Mutex::new(HashSet::default()),
            stopping: AtomicBool::new(false),
            thread_pids: Mutex::new(HashSet::default()),
        });
        NODES.lock().insert(number, Arc::downgrade(&node));
        node
    }

    /// Has messages that nobody gets shown; once, before anything is sent.
    pub fn set_undelivered(&self, hook: Undelivered) {
        let _ = self.undelivered.set(hook);
    }

    /// About to call the hook; none when that is over.
    pub(super) fn enter_hook(&self) -> Option<InHook<'_>> {
        // Partner: `close_hook` sets the flag and then looks at the count; one of the two sees the other.
        self.hooks.fetch_add(1, Ordering::SeqCst);
        let running = InHook(self);
        (!self.hooks_over.load(Ordering::SeqCst)).then_some(running)
    }

    /// The hook is called no more; true when no call of it is under way.
    pub fn close_hook(&self) -> bool {
        self.hooks_over.store(true, Ordering::SeqCst);
        self.hooks.load(Ordering::SeqCst) == 0
    }

    /// Messages that were sent, handled, returned and undelivered, until now.
    pub fn message_counts(&self) -> tally::Numbers {
        tally::read(self.number)
    }

    /// Gives it its workers; once.
    pub fn set_scheduler(&self, scheduler: Arc<Scheduler>) {
        let _ = self.scheduler.set(scheduler);
    }

    pub fn scheduler(&self) -> &Arc<Scheduler> {
        self.scheduler.get().expect("a runtime is handed out only with its workers")
    }

    pub fn root(&self) -> Pid {
        Pid(self.root.load(Ordering::Acquire))
    }

    pub fn set_root(&self, root: Pid) {
        self.root.store(root.0, Ordering::Release);
    }

    /// From now on nothing is started any more.
    pub fn stop_starting(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.nobody_comes();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Counts one more process, and gives it a pid.
    #[inline]
    pub(super) fn reserve(self: &Arc<Self>) -> Result<Pid, Error> {
        if self.is_stopping() {
            return Err(Error::NotAlive);
        }
        if !self.count_in() {
            return Err(Error::Limit);
        }
        table::reserve().ok_or_else(|| {
            self.count_out();
            Error::Limit
        })
    }

    /// Counts one more process; false at the limit.
    fn count_in(self: &Arc<Self>) -> bool {
        if spare::take_place(self) {
            return true;
        }
        if self.processes.fetch_add(1, Ordering::Relaxed) >= self.max_processes {
            self.processes.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        true
    }

    pub(super) fn uncount(&self, less: u32) {
        self.processes.fetch_sub(u64::from(less), Ordering::SeqCst);
    }

    /// Counts one process less. Its place is kept where a limit is not to the last place, and nobody waits for the
    /// last process to end.
    #[inline]
    pub(super) fn count_out(self: &Arc<Self>) {
        if self.is_stopping() || !spare::keep_place(self) {
            self.uncount(1);
        }
    }

    /// Whether workers may keep places.
    pub(super) fn lends_places(&self) -> bool {
        self.max_processes >= WIDE
    }

    /// Where a worker writes how many places it keeps, until [`Node::take_back`].
    #[cold]
    pub(super) fn lend_places(&self) -> Arc<AtomicU32> {
        let kept = Arc::new(AtomicU32::new(0));
        self.kept_places.lock().push(kept.clone());
        kept
    }

    pub(super) fn take_back(&self, kept: &Arc<AtomicU32>) {
        let mut all = self.kept_places.lock();
        all.retain(|other| !Arc::ptr_eq(other, kept));
        self.processes.fetch_sub(u64::from(kept.load(Ordering::Relaxed)), Ordering::SeqCst);
    }

    pub fn process_count(&self) -> u64 {
        let all = self.kept_places.lock();
        // First: while none is started, what is kept by then was counted here, and no more than lives is left.
        let counted = self.processes.load(Ordering::SeqCst);
        // Acquire, partner: the release of an end that is over, of which the caller may have heard.
        let kept: u64 = all.iter().map(|kept| u64::from(kept.load(Ordering::Acquire))).sum();
        counted.saturating_sub(kept)
    }

    /// Whether that process is dead and its callback has not returned. One that carries out its own end is none, and at
    /// work: others are still to hear of it.
    pub fn is_ghost(&self, pid: Pid) -> bool {
        self.ghosts.lock().contains(&pid)
    }

    /// Dead processes whose callbacks have not returned.
    pub fn ghosts(&self) -> Vec<Pid> {
        self.ghosts.lock().iter().copied().collect()
    }

    /// Processes whose ends are so long that they are jobs, and not over.
    pub fn unfinished(&self) -> Vec<Pid> {
        self.unfinished.lock().iter().copied().collect()
    }

    /// Drops all timers; for the end of the runtime.
    pub fn drop_timers(&self) {
        let mut due = Vec::new();
        loop {
            let more = self.timers.fire_due(u64::MAX, 1024, &mut due);
            let fired: Vec<_> = due.drain(..).map(|(id, ..)| id).collect();
            self.timers.finish(&fired);
            if !more {
                break;
            }
        }
    }

    /// Ends a process from outside at once, whatever it traps.
    pub fn kill(&self, pid: Pid, reason: Term) {
        super::signal::kill(pid, reason);
    }

    /// The time `ms` from now, on this runtime's clock.
    pub fn deadline(&self, ms: u64) -> u64 {
        self.clock.now().saturating_add(ms.saturating_mul(1_000_000))
    }

    /// The nanoseconds that are left until `due`.
    pub fn left(&self, due: u64) -> u64 {
        due.saturating_sub(self.clock.now())
    }

    /// Fires what is due by now; the nanoseconds until it is to be called again, if ever.
    pub fn fire_due(self: &Arc<Self>) -> Option<u64> {
        timer::fire_due(self)
    }

    /// The next timer and its kind.
    pub fn next_due(&self) -> Option<(u64, crate::clock::TimerKind)> {
        self.timers.next_due()
    }

    /// Writes a line to the log.
    pub fn log(&self, level: LogLevel, text: &str, report: Option<&Term>) {
        if level as u32 >= self.log_level.load(Ordering::Relaxed) {
            let depth = crate::sync::inside::step_out();
            super::wait::without_waiting(|| (self.logger)(level, text, report));
            crate::sync::inside::re_enter(depth);
        }
    }

    /// Writes what a process that is traced does; whatever the level, since it was asked for.
    pub fn trace(&self, text: &str, event: &Term) {
        let depth = crate::sync::inside::step_out();
        super::wait::without_waiting(|| (self.logger)(LogLevel::Debug, text, Some(event)));
        crate::sync::inside::re_enter(depth);
    }

    /// The job of a worker was stuck: if that is a process, it does not run on ordinary workers for a good while.
    pub fn mark_slow(pid: Pid) {
        super::table::with_process(pid, |process| process.header.slow.mark());
    }

    /// Gives memory back that a burst has left.
    pub fn trim(&self) {
        self.ghosts.lock().shrink_to_fit();
        self.thread_pids.lock().shrink_to_fit();
    }

    /// Whether a line of that level goes anywhere.
    pub fn logs(&self, level: LogLevel) -> bool {
        level as u32 >= self.log_level.load(Ordering::Relaxed)
    }

    /// Every process of this runtime that is alive; slow, for shutdown and tools.
    pub fn all_processes(self: &Arc<Self>) -> Vec<Pid> {
        let mut pids = Vec::new();
        super::table::for_each(|process| {
            if Arc::ptr_eq(process.node(), self) {
                pids.push(process.pid());
            }
        });
        pids
    }

    /// A number that stays the same only while no thread carries out ends unseen; none while one does. For settle.
    pub fn unseen_stamp(&self) -> Option<u64> {
        let unseen = self.unseen.load(Ordering::SeqCst);
        (unseen as u32 == 0).then_some(unseen)
    }

    /// Whether a thread process is in user code, or has a message to look at, or a thread from outside runs a process
    /// of ours in an inline call. For settle.
    ///
    /// Of processes that run within each other on one thread the innermost tells: it runs, or all of them wait with it.
    pub fn has_busy_threads(&self) -> bool {
        let pids: Vec<Pid> = self.thread_pids.lock().iter().copied().collect();
        let is_busy = |pid| super::table::with_process(pid, |process| process.is_busy()).unwrap_or(false);
        let is_ours = |process: &super::Process| std::ptr::eq(&**process.node(), self) && process.is_busy();
        pids.into_iter().any(is_busy)
            || crate::sync::inside::any_shown(|id| super::table::with_process(Pid(id), is_ours).unwrap_or(false))
    }
}
