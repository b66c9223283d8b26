//! Workers that run anything ready.
//!
//! A few threads run many small jobs. A job is a [`Runnable`]: a pointer to a [`Header`] whose function knows the
//! rest. The scheduler promises to call it once for each time it was scheduled, on some worker; that nobody
//! schedules a job twice at once is the job's own business (the process's state word).
//!
//! **The worker's loop runs on a coroutine.** A job that has to wait does not give its stack to anybody: it calls
//! [`suspend`], the thread leaves that stack where it is and goes on with the same loop on another. So a job that
//! never waits pays for no switch at all. A suspended stack is resumed on the thread it was suspended on, always (C
//! compilers cache the addresses of thread-locals); [`ParkSlot::resume`] hands it to that thread's private queue
//! and wakes that thread. After its job it simply goes on with the loop: all stacks are alike.
//!
//! **Queues.** Each worker has a slot for the job woken last (it runs next, while its data is in the cache, but only
//! so often in a row; `slot`), a queue that others steal from, the private queue, and what is to begin on it
//! and will stay (`placement`). Other threads use the injector.
//!
//! **Handing over.** A job that waits for another has it run on its thread there and then (`hand_over`), so that neither
//! goes through a queue. Others must not wait for that any longer than they would have otherwise:
//!
//! * *the queues*: it counts as the job woken last, which goes first only so often in a row. When they are empty the
//!   count begins anew;
//! * *who was resumed* is next before any job, and may be hidden behind calls that are handed over one after the other. So
//!   since the first of them waits only so many may go before him (8), and none any more once a clock has gone on since:
//!   so that he waits for one call that takes long, and not for eight. Then the caller steps aside, behind all who were
//!   resumed before; who is resumed begins to count anew. With n in line each waits for 8 n calls at most, and what they
//!   call stays idle, so that the calls go on being handed over: four who ask one agent took 3480 instructions for each
//!   call as long as one who met others in line queued his call, and take 1520.
//!
//! **Sleeping.** No futex for a message: a worker is woken only when there is more than one job waiting, or none to
//! take it, and nobody is searching; or for a job or a stack that is to go on on its thread. Before it sleeps one
//! worker looks around a little, if that has paid lately (`sync::patience`). To sleep: set the own bit in `idle`,
//! look at everything once more, park. To wake: clear the bit, unpark. So a set bit means "asleep or about to be,
//! with nothing seen", and settle reads it.
//!
//! **Relief.** The watch thread ticks while some worker is busy. A worker seen in one job over a whole tick while
//! others wait, and that has not only waited for a processor, is stuck: one more worker may run then. Those that get
//! stuck at once are as a rule several, and whoever relieves the first takes up the next: so the thread looks each
//! millisecond for as long as that goes on, and does not leave a tick to each of them. Nor is a tick waited for where
//! who runs a job says itself that it holds others up. The thread also fires the timers of the real clock.
//!
//! **Slow jobs.** The job that a worker was stuck in is marked, and from then on goes into a queue of its own (`slow`),
//! which only *slow workers* take from. These take nothing else, and what is woken from one of them goes to
//! the injector: so nothing waits behind a slow job but slow jobs, and what is parked on a thread is never behind one
//! that was known to be slow. There is at least one slow worker while a slow job waits, and one more for each tick that
//! jobs wait for. They count neither as running nor as stuck. A job whose next turns are all brief goes back among the
//! others (`slow`): what kept a thread once, as it started or had a great deal to do at once, would else pay for the waking
//! of a thread each time, for good.
//!
//! **Spares.** Workers beyond the wanted ones sleep when the callback that they are there for has returned, and end
//! after a while. A worker's place (its bit, queue and private queue) outlives its thread, and is used again by the
//! next. What is parked on a thread can go on only there, so such a worker stays. A worker that ends first gives up its
//! bit in `alive`, then looks for jobs once more and has others woken for them; who schedules does it the other way
//! round.
//!
//! **Memory.** When nothing has run for a while the watch thread has each worker give back what it keeps, then a thread
//! of its own gives the free memory of the pools back to the system, and the watch goes to sleep until something
//! happens. A runtime at rest does not tick.
//!
//! Where it is from: Go's and Tokio's schedulers (searching, stealing half, the slot), Erlang's for fairness.

mod exceptions;
mod park;
mod placement;
mod slot;
mod slow;
mod stack;
mod watch;
mod worker;

pub use exceptions::{in_flight as exception_in_flight, register as register_exceptions};
pub use park::{ParkSlot, suspend};
pub use slow::OnTrial;
pub use stack::StackPool;
pub use worker::{
    HandedOver, Nest, hand_over, hand_over_woken, holds_up, is_worker, nest, on_worker_of, runs_here, share_woken,
};

use crate::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Mutex, Ordering, fence};
use crossbeam::deque::{Injector, Steal};
use slow::Slow;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};
use worker::Worker;

/// How often a thread that is no worker looks for one that is about to look around itself, before it wakes one: what a
/// worker takes from one job to its next look, and less than a wake.
const MOMENT: u32 = 16;
/// The most workers a scheduler can have, relief included: one bit each.
pub const MAX_WORKERS: usize = 64;

/// The head of everything that can be run.
#[repr(C)]
pub struct Header {
    /// Runs the job on a worker.
    run: unsafe fn(NonNull<Header>),
    /// What it is known by to others; not 0.
    id: u64,
    pub slow: Slow,
}

impl Header {
    pub const fn new(run: unsafe fn(NonNull<Header>), id: u64) -> Header {
        Header { run, id, slow: Slow::new() }
    }

    /// What it is known by.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// A job that is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Runnable(pub NonNull<Header>);

// SAFETY: a runnable is only handed on to be run; what it points to is shared between threads by its own rules.
unsafe impl Send for Runnable {}

/// What the scheduler asks of the rooms above, and tells them; on the watch thread, but for `trim`.
pub trait Keeper: Send + Sync {
    /// Fires the timers that are due, and says when the next is.
    fn tick(&self) -> Ticked;
    /// The job of that id kept a worker for a whole tick while others waited, or a slow worker. It may be gone by now.
    fn stuck(&self, id: u64);
    /// Looks at jobs that should not run for long: at those of these ids, which workers run now, and at others of which
    /// it knows.
    fn watch(&self, running: &[u64]) -> Watched;
    /// Whether a job that no worker runs is to be looked at again.
    fn is_watching(&self) -> bool;
    /// There are as many workers as there can be, and jobs wait.
    fn at_the_cap(&self);
    /// Gives memory back that nobody has used for a while, and says how many bytes. On any thread.
    fn trim(&self) -> usize;
    /// As `trim`, what the calling thread keeps for itself.
    fn trim_thread(&self);
}

/// What a tick gave, in the nanoseconds of the clock.
#[derive(Debug, Clone, Copy)]
pub struct Ticked {
    pub now: u64,
    /// The nanoseconds until the next timer, if there is one.
    pub next: Option<u64>,
}

/// What a look at the jobs that run gave.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watched {
    /// The nanoseconds until it is time for the next look.
    pub next: Option<u64>,
    /// So many jobs are given up for lost, and their workers with them until they return.
    pub lost: usize,
    /// As [`Keeper::is_watching`].
    pub others: bool,
}

/// The places of the ones in a mask.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        at
    })
}

/// The oldest job of a queue that several take from.
fn take_from(queue: &Injector<Runnable>) -> Option<Runnable> {
    loop {
        match queue.steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

/// The workers of one runtime.
pub struct Scheduler {
    /// How many workers run when none is stuck.
    wanted: usize,
    workers: [OnceLock<Arc<Worker>>; MAX_WORKERS],
    /// One bit each, as all that follow: workers that have a thread.
    alive: AtomicU64,
    /// Those that sleep.
    idle: AtomicU64,
    /// Those that run slow jobs; set before the worker is alive, and taken away after it.
    slow_workers: AtomicU64,
    /// Spares that are to end, and workers that are to give back what they keep, when they next wake up.
    leaving: AtomicU64,
    trimming: AtomicU64,
    searching: AtomicU32,
    /// Jobs that wait for one worker before another is woken for them. It doubles when a woken worker had next to
    /// nothing to do, is halved when it had, and is 1 again at each tick of the watch thread that finds jobs waiting.
    share_at: AtomicUsize,
    /// Workers the watch thread found stuck at its last tick.
    stuck: AtomicU32,
    /// Those that were in one job for as long, though some of them only waited for a processor.
    held_up: AtomicU32,
    /// Those that say themselves that they are, and for long: until the watch thread has seen it.
    holds_up: AtomicU64,
    injector: Injector<Runnable>,
    slow_jobs: Injector<Runnable>,
    stopping: AtomicBool,
    stacks: Arc<StackPool>,
    watch: watch::Watch,
    keeper: Box<dyn Keeper>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Scheduler {
    /// Starts the workers and the watch thread.
    pub fn start(workers: usize, stacks: Arc<StackPool>, keeper: Box<dyn Keeper>) -> std::io::Result<Arc<Scheduler>> {
        let scheduler = Arc::new(Scheduler {
            wanted: workers.clamp(1, MAX_WORKERS / 2),
            workers: [const { OnceLock::new() }; MAX_WORKERS],
            alive: AtomicU64::new(0),
            idle: AtomicU64::new(0),
            slow_workers: AtomicU64::new(0),
            leaving: AtomicU64::new(0),
            trimming: AtomicU64::new(0),
            searching: AtomicU32::new(0),
            share_at: AtomicUsize::new(1),
            stuck: AtomicU32::new(0),
            held_up: AtomicU32::new(0),
            holds_up: AtomicU64::new(0),
            injector: Injector::new(),
            slow_jobs: Injector::new(),
            stopping: AtomicBool::new(false),
            stacks,
            watch: watch::Watch::new(),
            keeper,
            threads: Mutex::new(Vec::new()),
        });
        for _ in 0..scheduler.wanted {
            if let Err(error) = scheduler.add_worker(false) {
                scheduler.stop();
                return Err(error);
            }
        }
        let watched = scheduler.clone();
        let thread = std::thread::Builder::new().name("regrow-watch".into()).spawn(move || watch::run(&watched));
        let thread = thread.inspect_err(|_| scheduler.stop())?;
        scheduler.threads.lock().push(thread);
        Ok(scheduler)
    }

    /// Adds a thread; false when there are as many as there can be. `slow`: for slow jobs.
    fn add_worker(self: &Arc<Self>, slow: bool) -> std::io::Result<bool> {
        // One at a time: under the threads' lock.
        let mut threads = self.threads.lock();
        let index = (!self.alive.load(Ordering::SeqCst)).trailing_zeros() as usize;
        if index >= MAX_WORKERS || self.stopping.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let bit = 1u64 << index;
        let worker = self.workers[index].get_or_init(|| Worker::new(self, index)).clone();
        if slow {
            self.slow_workers.fetch_or(bit, Ordering::SeqCst);
        }
        self.alive.fetch_or(bit, Ordering::SeqCst);
        let scheduler = self.clone();
        let name = if slow { format!("regrow-slow-{index}") } else { format!("regrow-{index}") };
        let thread = std::thread::Builder::new().name(name).spawn(move || worker::run(scheduler, worker, slow));
        match thread {
            Ok(thread) => {
                threads.push(thread);
                Ok(true)
            }
            Err(error) => {
                self.alive.fetch_and(!bit, Ordering::SeqCst);
                self.slow_workers.fetch_and(!bit, Ordering::SeqCst);
                Err(error)
            }
        }
    }

    /// A worker's thread is about to end: its place is free. Nothing waits there any more.
    fn resign(&self, index: usize) {
        let bit = 1u64 << index;
        let threads = self.threads.lock();
        self.alive.fetch_and(!bit, Ordering::SeqCst);
        let slow = self.slow_workers.fetch_and(!bit, Ordering::SeqCst) & bit != 0;
        drop(threads);
        // Partner: the fence of those who schedule: they add a job, then look at who is alive.
        fence(Ordering::SeqCst);
        if slow {
            if !self.slow_jobs.is_empty() {
                self.wake_slow();
            }
        } else if !self.injector.is_empty() || self.others(index).any(|other| other.has_backlog()) {
            self.wake_one();
        }
    }

    /// Joins the threads of workers that have ended.
    fn reap(&self) {
        let mut threads = self.threads.lock();
        let done: Vec<_> = threads.extract_if(.., |thread| thread.is_finished()).collect();
        drop(threads);
        for thread in done {
            let _ = thread.join();
        }
    }

    /// How many workers run when none is stuck.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// How many workers there are now.
    pub fn live(&self) -> usize {
        self.alive.load(Ordering::SeqCst).count_ones() as usize
    }

    /// Those that do not sleep, as a mask.
    fn awake(&self) -> u64 {
        self.alive.load(Ordering::SeqCst) & !self.idle.load(Ordering::SeqCst)
    }

    /// How many of them are there because others are, or were, stuck.
    pub fn relief(&self) -> usize {
        self.live().saturating_sub(self.wanted)
    }

    /// How many workers were in one job for a whole tick, and did not only wait for a processor.
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Relaxed) as usize
    }

    /// Whether what waits for a worker may wait for long: then it is anybody's.
    fn is_held_up(&self) -> bool {
        self.held_up.load(Ordering::Relaxed) > 0 || self.stuck() > 0
    }

    /// The stacks that callbacks wait on.
    pub fn stacks(&self) -> &Arc<StackPool> {
        &self.stacks
    }

    fn worker(&self, index: usize) -> Option<&Arc<Worker>> {
        self.workers.get(index).and_then(|slot| slot.get())
    }

    /// The workers that run ordinary jobs, but for `index`; those behind it first.
    fn others(&self, index: usize) -> impl Iterator<Item = &Arc<Worker>> {
        let ordinary = self.alive.load(Ordering::SeqCst) & !self.slow_workers.load(Ordering::SeqCst);
        let behind = (ordinary & !(1 << index)).rotate_right(index as u32 + 1);
        bits(behind).filter_map(move |at| self.worker((index + 1 + at) % MAX_WORKERS))
    }

    /// Runs `job` soon. Called by whoever made it ready, once each time.
    #[inline]
    pub fn schedule(&self, job: Runnable) {
        // SAFETY: whoever schedules a job keeps it alive until it has run.
        if unsafe { job.0.as_ref() }.slow.is_slow() {
            self.schedule_slow(job);
        } else if !worker::schedule_here(self, job) {
            self.injector.push(job);
            self.wake_for_injected();
        }
    }

    /// Runs `job` after what waits already: for one that has used up its turn.
    pub fn yield_back(&self, job: Runnable) {
        // SAFETY: as in `schedule`.
        if unsafe { job.0.as_ref() }.slow.is_slow() {
            self.schedule_slow(job);
        } else if !worker::queue_here(self, job) {
            self.injector.push(job);
            self.wake_for_injected();
        }
    }

    fn take_slow(&self) -> Option<Runnable> {
        take_from(&self.slow_jobs)
    }

    #[cold]
    fn schedule_slow(&self, job: Runnable) {
        self.slow_jobs.push(job);
        self.wake_slow();
    }

    /// Wakes a slow worker that sleeps. If all are at work, the watch thread sees to it that there are enough.
    fn wake_slow(&self) {
        // Partner: as in `wake_one`.
        fence(Ordering::SeqCst);
        let slow = self.slow_workers.load(Ordering::SeqCst);
        loop {
            let idle = self.idle.load(Ordering::SeqCst) & slow;
            if idle == 0 {
                if slow == 0 {
                    self.watch.wake();
                }
                return;
            }
            if self.wake(idle.trailing_zeros() as usize) {
                return;
            }
        }
    }

    /// [`Scheduler::wake_one`], for what a thread that is no worker has brought.
    ///
    /// A worker that has just answered this thread is on its way to look around, and takes longer for that than a thread
    /// that looked for its answer takes to ask anew. To wake another each time made a call 8 µs long: the wake goes
    /// through the system, and three threads that look for each other do not fit on two processors.
    fn wake_for_injected(&self) {
        // Partner: as in `wake_one`.
        fence(Ordering::SeqCst);
        for _ in 0..MOMENT {
            if self.searching.load(Ordering::SeqCst) > 0 || self.injector.is_empty() {
                return;
            }
            let ordinary = self.alive.load(Ordering::Relaxed) & !self.slow_workers.load(Ordering::Relaxed);
            let idle = self.idle.load(Ordering::Relaxed) & ordinary;
            if idle == 0 || idle == ordinary {
                break;
            }
            std::hint::spin_loop();
        }
        self.wake_one();
    }

    /// Wakes one more worker, unless somebody is about to look anyway.
    fn wake_one(&self) {
        // Partner: the fence between setting the idle bit and the last look, in `worker::sleep`.
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::SeqCst) > 0 {
            return;
        }
        loop {
            let ordinary = self.alive.load(Ordering::SeqCst) & !self.slow_workers.load(Ordering::SeqCst);
            let idle = self.idle.load(Ordering::SeqCst) & ordinary;
            let running = (ordinary & !idle).count_ones() as usize;
            if idle == 0 || running >= self.wanted + self.stuck() {
                return;
            }
            let index = idle.trailing_zeros() as usize;
            if self.wake(index) {
                return;
            }
        }
    }

    /// Wakes worker `index`; false when it was awake.
    fn wake(&self, index: usize) -> bool {
        let bit = 1u64 << index;
        let was = self.idle.fetch_and(!bit, Ordering::SeqCst);
        if was & bit == 0 {
            return false;
        }
        if let Some(worker) = self.worker(index) {
            worker.parker.unpark();
        }
        true
    }

    /// Makes the watch thread look at the timers again by `due` at the latest, in the nanoseconds of its clock.
    #[inline]
    pub fn alarm(&self, due: u64) {
        self.watch.alarm(due);
    }

    /// A job that no worker runs, and that is to be looked at, goes on: the watch thread must not sleep for long.
    pub fn keep_watching(&self) {
        self.watch.busy();
    }

    /// A number that stays the same only while no worker does anything; none while one is at work. Two equal
    /// answers with nothing else going on between them mean that all was quiet.
    ///
    /// `is_ghost`: whether the job of that id is dead already and waits only for its callback to return.
    pub fn quiet_stamp(&self, is_ghost: impl Fn(u64) -> bool) -> Option<u64> {
        let alive = self.alive.load(Ordering::SeqCst);
        let mut stamp = alive;
        for index in bits(alive) {
            let worker = self.worker(index)?;
            stamp = stamp.wrapping_mul(31).wrapping_add(worker.sleeps.load(Ordering::SeqCst));
            let asleep = self.idle.load(Ordering::SeqCst) >> index & 1 == 1;
            // What waits behind a ghost is taken by another worker, or else it waits for this one. What runs is looked
            // at last: whoever has waited no longer does when it is what runs.
            if !asleep && (worker.is_waited_for() || worker.has_backlog() || !is_ghost(worker.current())) {
                return None;
            }
        }
        let is_assigned = self.workers.iter().filter_map(OnceLock::get).any(|worker| !worker.assigned.is_empty());
        (!is_assigned && self.injector.is_empty() && self.slow_jobs.is_empty()).then_some(stamp)
    }

    /// Ends the workers: each returns when it has nothing left to do. Does not wait.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.idle.store(0, Ordering::SeqCst);
        for worker in self.workers.iter().filter_map(OnceLock::get) {
            worker.parker.unpark();
        }
        self.watch.wake();
    }

    /// Waits for the threads that have ended or will by themselves; true when none is left.
    pub fn join(&self, mut patience: impl FnMut() -> bool) -> bool {
        loop {
            let threads = std::mem::take(&mut *self.threads.lock());
            let (done, rest): (Vec<_>, Vec<_>) = threads.into_iter().partition(|t| t.is_finished());
            for thread in done {
                // A worker catches the panics of its jobs; one of its own has been printed by the panic hook.
                let _ = thread.join();
            }
            let none_left = rest.is_empty();
            self.threads.lock().extend(rest);
            if none_left || !patience() {
                return none_left;
            }
        }
    }
}
