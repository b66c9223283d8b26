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
//! so often in a row), a queue that others steal from, and the private queue. Other threads use the injector.
//!
//! **Sleeping.** No futex for a message: a worker is woken only when there is more than one job waiting, or none to
//! take it, and nobody is searching. To sleep: set the own bit in `idle`, look at everything once more, park. To
//! wake: clear the bit, unpark. So a set bit means "asleep or about to be, with nothing seen", and settle reads it.
//!
//! **Relief.** The watch thread ticks while some worker is busy. A worker seen in one job over a whole tick while
//! others wait is stuck: one more worker may run then. The thread also fires the timers of the real clock.
//!
//! Where it is from: Go's and Tokio's schedulers (searching, stealing half, the slot), Erlang's for fairness.

mod park;
mod stack;
mod watch;
mod worker;

pub use park::{ParkSlot, suspend};
pub use stack::StackPool;
pub use worker::{on_worker_of, run_nested};

use crate::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Mutex, Ordering, fence};
use crossbeam::deque::Injector;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};
use worker::Worker;

/// The most workers a scheduler can have, relief included: one bit each.
pub const MAX_WORKERS: usize = 64;

/// The head of everything that can be run.
#[repr(C)]
pub struct Header {
    /// Runs the job on a worker.
    pub run: unsafe fn(NonNull<Header>),
    /// What it is known by to others; not 0.
    pub id: u64,
}

/// A job that is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Runnable(pub NonNull<Header>);

// SAFETY: a runnable is only handed on to be run; what it points to is shared between threads by its own rules.
unsafe impl Send for Runnable {}

/// What the watch thread asks of the clock: fire what is due, and say when the next timer is due.
pub type Tick = Box<dyn Fn() -> Ticked + Send + Sync>;

/// What the clock answered, in its own nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Ticked {
    pub now: u64,
    /// The nanoseconds until the next timer, if there is one.
    pub next: Option<u64>,
}

/// The workers of one runtime.
pub struct Scheduler {
    /// How many workers run when none is stuck.
    wanted: usize,
    workers: [OnceLock<Arc<Worker>>; MAX_WORKERS],
    live: AtomicU32,
    idle: AtomicU64,
    searching: AtomicU32,
    /// Jobs that wait for one worker before another is woken for them. It doubles when a woken worker had next to
    /// nothing to do, is halved when it had, and is 1 again at each tick of the watch thread that finds jobs waiting.
    share_at: AtomicUsize,
    /// Workers the watch thread found stuck at its last tick.
    stuck: AtomicU32,
    injector: Injector<Runnable>,
    stopping: AtomicBool,
    stacks: Arc<StackPool>,
    watch: watch::Watch,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Scheduler {
    /// Starts the workers and the watch thread.
    pub fn start(workers: usize, stacks: Arc<StackPool>, tick: Tick) -> std::io::Result<Arc<Scheduler>> {
        let scheduler = Arc::new(Scheduler {
            wanted: workers.clamp(1, MAX_WORKERS / 2),
            workers: [const { OnceLock::new() }; MAX_WORKERS],
            live: AtomicU32::new(0),
            idle: AtomicU64::new(0),
            searching: AtomicU32::new(0),
            share_at: AtomicUsize::new(1),
            stuck: AtomicU32::new(0),
            injector: Injector::new(),
            stopping: AtomicBool::new(false),
            stacks,
            watch: watch::Watch::new(),
            threads: Mutex::new(Vec::new()),
        });
        for _ in 0..scheduler.wanted {
            if let Err(error) = scheduler.add_worker() {
                scheduler.stop();
                return Err(error);
            }
        }
        let watched = scheduler.clone();
        let thread =
            std::thread::Builder::new().name("regrow-watch".into()).spawn(move || watch::run(&watched, tick))?;
        scheduler.threads.lock().push(thread);
        Ok(scheduler)
    }

    fn add_worker(self: &Arc<Self>) -> std::io::Result<bool> {
        // One at a time: under the threads' lock.
        let mut threads = self.threads.lock();
        let index = self.live.load(Ordering::SeqCst) as usize;
        if index == MAX_WORKERS || self.stopping.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let (worker, queue) = Worker::new(index);
        let worker = self.workers[index].get_or_init(|| worker).clone();
        self.live.store(index as u32 + 1, Ordering::SeqCst);
        let scheduler = self.clone();
        let thread = std::thread::Builder::new()
            .name(format!("regrow-{index}"))
            .spawn(move || worker::run(scheduler, worker, queue));
        match thread {
            Ok(thread) => {
                threads.push(thread);
                Ok(true)
            }
            Err(error) => {
                // The slot is dead; it counts as one that sleeps for ever.
                self.idle.fetch_or(1 << index, Ordering::SeqCst);
                Err(error)
            }
        }
    }

    /// How many workers run when none is stuck.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// How many workers there are now.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst) as usize
    }

    /// How many of them are there because others are, or were, stuck.
    pub fn relief(&self) -> usize {
        self.live().saturating_sub(self.wanted)
    }

    /// How many workers were in one job for a whole tick.
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Relaxed) as usize
    }

    /// The stacks that callbacks wait on.
    pub fn stacks(&self) -> &Arc<StackPool> {
        &self.stacks
    }

    fn worker(&self, index: usize) -> Option<&Arc<Worker>> {
        self.workers.get(index).and_then(|slot| slot.get())
    }

    /// Runs `job` soon. Called by whoever made it ready, once each time.
    #[inline]
    pub fn schedule(&self, job: Runnable) {
        if !worker::schedule_here(self, job) {
            self.injector.push(job);
            self.wake_one();
        }
    }

    /// Runs `job` after what waits already: for one that has used up its turn.
    pub fn yield_back(&self, job: Runnable) {
        if !worker::queue_here(self, job) {
            self.injector.push(job);
            self.wake_one();
        }
    }

    /// Wakes one more worker, unless somebody is about to look anyway.
    fn wake_one(&self) {
        // Partner: the fence between setting the idle bit and the last look, in `worker::sleep`.
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::SeqCst) > 0 {
            return;
        }
        loop {
            let idle = self.idle.load(Ordering::SeqCst);
            let running = self.live() - (idle.count_ones() as usize).min(self.live());
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

    /// A number that stays the same only while no worker does anything; none while one is at work. Two equal
    /// answers with nothing else going on between them mean that all was quiet.
    ///
    /// `is_ghost`: whether the job of that id is dead already and waits only for its callback to return.
    pub fn quiet_stamp(&self, is_ghost: impl Fn(u64) -> bool) -> Option<u64> {
        let live = self.live();
        let mut stamp = live as u64;
        for index in 0..live {
            let worker = self.worker(index)?;
            stamp = stamp.wrapping_mul(31).wrapping_add(worker.sleeps.load(Ordering::SeqCst));
            let asleep = self.idle.load(Ordering::SeqCst) >> index & 1 == 1;
            // What waits behind a ghost is taken by another worker.
            if !asleep && (!is_ghost(worker.current()) || worker.has_backlog()) {
                return None;
            }
        }
        self.injector.is_empty().then_some(stamp)
    }

    /// Ends the workers: each returns when it has nothing left to do. Does not wait.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for index in 0..self.live() {
            self.idle.fetch_and(!(1 << index), Ordering::SeqCst);
            if let Some(worker) = self.worker(index) {
                worker.parker.unpark();
            }
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
