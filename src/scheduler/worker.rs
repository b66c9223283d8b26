//! One worker: a thread, its queues, and the loop that runs on its coroutines.

mod nest;
mod resumed;
mod search;

use super::placement::{Assigned, Experience};
use super::slow::Trial;
use super::stack::PooledStack;
use super::{ParkSlot, Runnable, Scheduler};
use crate::sync::own::own;
use crate::sync::parker::Parker;
use crate::sync::patience::Patience;
use crate::sync::{AtomicPtr, AtomicU64, AtomicUsize, Mutex, Ordering, blocks, inside, retired};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use crossbeam::deque::{Stealer, Worker as Queue};
use nest::Nests;
use resumed::{Handed, Line};
use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use nest::{HandedOver, Nest, hand_over, hand_over_woken, nest};

/// How many resumed stacks in a row before the queues get a turn, and how often the injector is looked at first.
const FAIR: u32 = 61;
/// So often it is found in one job that others wait, before that asks for relief.
const LONG: u32 = 64;
/// Suspended loops kept for the next wait; the rest of a burst gives its stacks back.
const SPARE_LOOPS: usize = 64;

pub(super) type WorkerCoroutine = Coroutine<(), Switch, (), PooledStack>;

/// Why a coroutine gave the thread back.
pub(super) enum Switch {
    /// Its job waits; it is resumed through this slot.
    Parked(NonNull<ParkSlot>),
    /// Its loop steps aside for a stack that was resumed.
    Aside,
    /// The job of a nest has ended; inside still.
    Done,
}

/// What others may see of a worker.
pub struct Worker {
    pub(super) index: usize,
    /// Which it belongs to, and does not outlive.
    scheduler: AtomicPtr<Scheduler>,
    stealer: Stealer<Runnable>,
    /// The job woken last: the first that the owner runs, and that others take only while one is held up.
    slot: super::slot::Slot,
    handed: Handed,
    /// What is to begin here.
    pub(super) assigned: Assigned,
    pub(super) parker: Parker,
    /// Counts jobs and resumes: the same at two ticks means held up, or asleep.
    pub(super) beat: AtomicU64,
    pub(super) sleeps: AtomicU64,
    /// The id of what it runs; read by settle.
    current: AtomicU64,
    /// Stacks parked on its thread.
    pub(super) parked: AtomicUsize,
    /// The end of the queue that its thread takes from, while it has none.
    queue: Mutex<Option<Queue<Runnable>>>,
    /// How the kernel knows its thread.
    pub(super) thread: super::watch::ThreadId,
}

/// What only the worker's own thread touches.
pub(super) struct Local {
    pub(super) worker: Arc<Worker>,
    pub(super) scheduler: Arc<Scheduler>,
    queue: Queue<Runnable>,
    line: Line,
    loops: RefCell<Vec<WorkerCoroutine>>,
    yielder: Cell<*const Yielder<(), Switch>>,
    in_a_row: Cell<u32>,
    turn: Cell<u32>,
    patience: Patience,
    /// The job in which it was last found that others wait, by its beat, and how often.
    waited_for: Cell<(u64, u32)>,
    /// When it was woken, until it next runs out of work.
    awake_since: Cell<Option<Instant>>,
    /// Runs slow jobs, and nothing else.
    slow: bool,
    /// Its thread is about to end: the loops return.
    ending: Cell<bool>,
    nests: Nests,
    pub(super) trial: Trial,
    pub(super) experience: Experience,
}

/// The worker-only data of this thread; null on a thread that is no worker.
#[inline(always)]
fn local() -> *const Local {
    own().worker.get().cast()
}

/// Gives the worker-only data of this thread to `look`; none on a thread that is no worker.
#[inline]
pub(super) fn with_local<R>(look: impl FnOnce(&Local) -> R) -> Option<R> {
    let local = local();
    // SAFETY: set by `run` for as long as its frame lives, on this thread only.
    unsafe { local.as_ref() }.map(look)
}

/// Whether this thread is a worker of that scheduler, and one that runs what everybody runs.
pub fn on_worker_of(scheduler: &Scheduler) -> bool {
    with_local(|local| local.takes_from(scheduler)).unwrap_or(false)
}

/// What this thread runs as a worker of that scheduler, of those that run what everybody runs; none: it is no such.
#[inline]
pub fn runs_here(scheduler: &Scheduler) -> Option<u64> {
    with_local(|local| local.takes_from(scheduler).then(|| local.worker.current())).flatten()
}

/// Whether this thread is one that runs slow jobs.
#[inline]
pub(super) fn runs_apart() -> bool {
    with_local(|local| local.slow).unwrap_or(false)
}

/// Whether this thread is a worker, of whatever scheduler.
pub fn is_worker() -> bool {
    !local().is_null()
}

/// Schedules on this thread, if it is a worker of `scheduler`.
#[inline]
pub(super) fn schedule_here(scheduler: &Scheduler, job: Runnable) -> bool {
    with_local(|local| {
        if !local.takes_from(scheduler) {
            return false;
        }
        if let Some(before) = local.worker.slot.put(job.0) {
            local.queue.push(Runnable(before));
            local.share();
        }
        true
    })
    .unwrap_or(false)
}

/// Leaves the job woken last to a worker that sleeps, if there is one: what runs here will go on for a while.
pub fn share_woken(scheduler: &Scheduler) {
    with_local(|local| {
        // Whether one sleeps first: where all are at work it is better off here, where it is next.
        if scheduler.idle.load(Ordering::Relaxed) != 0
            && local.takes_from(scheduler)
            && let Some(job) = local.worker.slot.take()
        {
            scheduler.injector.push(Runnable(job));
            scheduler.wake_one();
        }
    });
}

/// Whether what runs here has gone on for long already: for who finds, now and then, that another waits for a worker
/// meanwhile. Then one more worker is asked for, at once and not after a tick.
pub fn holds_up(scheduler: &Scheduler) -> bool {
    with_local(|local| {
        if !local.takes_from(scheduler) {
            return false;
        }
        let beat = local.worker.beat.load(Ordering::Relaxed);
        let (of, times) = local.waited_for.get();
        let times = if of == beat { times.saturating_add(1) } else { 1 };
        local.waited_for.set((beat, times));
        if times == LONG {
            scheduler.holds_up.fetch_or(1 << local.worker.index, Ordering::SeqCst);
            scheduler.watch.wake();
        }
        times >= LONG
    })
    .unwrap_or(false)
}

pub(super) fn queue_here(scheduler: &Scheduler, job: Runnable) -> bool {
    with_local(|local| {
        if !local.takes_from(scheduler) {
            return false;
        }
        local.queue.push(job);
        local.share();
        true
    })
    .unwrap_or(false)
}

/// Gives the thread to another stack; returns when this one is resumed.
pub(super) fn switch_away(switch: Switch) {
    let local = local();
    // SAFETY: only called on a worker (the slot was bound there), whose local data outlives every stack.
    let local = unsafe { &*local };
    let yielder = local.yielder.get();
    let current = local.worker.current.load(Ordering::Relaxed);
    // SAFETY: the yielder of the coroutine that is running; it lives on that coroutine's stack.
    unsafe { (*yielder).suspend(switch) };
    local.yielder.set(yielder);
    local.worker.current.store(current, Ordering::Relaxed);
}

impl Worker {
    pub(super) fn new(scheduler: &Scheduler, index: usize) -> Arc<Worker> {
        let queue = Queue::new_fifo();
        Arc::new(Worker {
            index,
            scheduler: AtomicPtr::new(std::ptr::from_ref(scheduler).cast_mut()),
            stealer: queue.stealer(),
            slot: Default::default(),
            handed: Default::default(),
            assigned: Default::default(),
            parker: Parker::new(),
            beat: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            current: AtomicU64::new(0),
            parked: AtomicUsize::new(0),
            queue: Mutex::new(Some(queue)),
            thread: Default::default(),
        })
    }

    /// Only the owner counts, so two plain steps will do.
    #[inline]
    fn bump(&self) {
        self.beat.store(self.beat.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// As [`Worker::bump`].
    #[inline]
    fn count_parked(&self, more: isize) {
        self.parked.store(self.parked.load(Ordering::Relaxed).wrapping_add_signed(more), Ordering::Relaxed);
    }

    /// Whether something waits here that another worker could run.
    pub(super) fn has_backlog(&self) -> bool {
        !self.stealer.is_empty() || !self.slot.is_empty() || !self.assigned.is_empty()
    }

    /// How many stacks are parked on its thread, as of about now.
    #[inline]
    pub(super) fn stacks(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }

    /// The id of what it runs; 0 for nothing.
    pub(super) fn current(&self) -> u64 {
        self.current.load(Ordering::SeqCst)
    }
}

/// The thread of a worker: switches between its stacks until the scheduler stops, or the worker is a spare too many.
pub(super) fn run(scheduler: Arc<Scheduler>, worker: Arc<Worker>, slow: bool) {
    // The place is ours: the thread before us put the queue back before it gave up its bit.
    let Some(queue) = worker.queue.lock().take() else { return };
    worker.thread.set();
    let local = Local {
        worker,
        scheduler,
        queue,
        line: Line::default(),
        loops: RefCell::new(Vec::new()),
        yielder: Cell::new(ptr::null()),
        in_a_row: Cell::new(0),
        turn: Cell::new(0),
        patience: Patience::new(),
        waited_for: Cell::new((0, 0)),
        awake_since: Cell::new(None),
        slow,
        ending: Cell::new(false),
        nests: Nests::default(),
        trial: Trial::default(),
        experience: Experience::default(),
    };
    own().worker.set(ptr::from_ref(&local).cast());
    own().sit(local.worker.index as u32);
    loop {
        // Whoever has parked does not run any more, though its stack has not come back to where that is noted.
        local.worker.current.store(0, Ordering::Relaxed);
        let mut coroutine = match local.take_resumed() {
            // SAFETY: this thread alone touches the coroutine of a slot bound to it, and it kept it there (step 2)
            // before it came back here.
            Some(resumed) => match unsafe { (*resumed.slot.as_ref().coroutine.get()).take() } {
                Some(coroutine) => {
                    local.worker.count_parked(-1);
                    coroutine
                }
                None => continue,
            },
            None => match local.spare_loop() {
                Some(coroutine) => coroutine,
                None => {
                    // No stack for another loop: those that wait must go on first.
                    local.worker.parker.park(Some(Duration::from_millis(1)));
                    continue;
                }
            },
        };
        match coroutine.resume(()) {
            // SAFETY: as above; the slot lives in a process, which lives while it is parked.
            CoroutineResult::Yield(Switch::Parked(slot)) => unsafe {
                *slot.as_ref().coroutine.get() = Some(coroutine);
                local.worker.count_parked(1);
            },
            CoroutineResult::Yield(Switch::Aside) => local.loops.borrow_mut().push(coroutine),
            CoroutineResult::Yield(Switch::Done) => {
                inside::step_out();
                local.keep_nest(coroutine);
            }
            CoroutineResult::Return(()) => {
                let ends = local.ending.get() || local.scheduler.stopping.load(Ordering::SeqCst);
                if ends && !local.has_resumed() {
                    break;
                }
            }
        }
    }
    // The loops that stepped aside see that the thread ends, and return.
    local.ending.set(true);
    let loops = std::mem::take(&mut *local.loops.borrow_mut());
    for mut coroutine in loops {
        while let CoroutineResult::Yield(_) = coroutine.resume(()) {}
    }
    local.end_nests();
    own().worker.set(ptr::null());
    retired::collect();
    blocks::give_back();
    let Local { worker, scheduler, queue, .. } = local;
    *worker.queue.lock() = Some(queue);
    scheduler.resign(worker.index);
}

impl Local {
    /// It changes whenever another job runs here, also where one has waited.
    pub(super) fn beat(&self) -> u64 {
        self.worker.beat.load(Ordering::Relaxed)
    }

    /// Whether this worker's queues are those of the scheduler's ordinary jobs.
    #[inline]
    pub(super) fn takes_from(&self, scheduler: &Scheduler) -> bool {
        ptr::eq(&*self.scheduler, scheduler) && !self.slow
    }

    fn spare_loop(&self) -> Option<WorkerCoroutine> {
        if let Some(coroutine) = self.loops.borrow_mut().pop() {
            return Some(coroutine);
        }
        let stack = self.scheduler.stacks.take()?;
        Some(Coroutine::with_stack(stack, |yielder: &Yielder<(), Switch>, ()| {
            let local = local();
            // SAFETY: a loop only ever runs on its worker's thread, within `run`.
            let local = unsafe { &*local };
            local.yielder.set(yielder);
            local.work();
        }))
    }

    /// The loop: runs jobs, steps aside for resumed stacks, sleeps when there is nothing.
    fn work(&self) {
        loop {
            if self.is_turn_of_resumed() {
                if self.loops.borrow().len() >= SPARE_LOOPS {
                    // Enough loops wait already: give this stack back instead. `run` goes on with the resumed.
                    return;
                }
                switch_away(Switch::Aside);
                if self.ending.get() {
                    return;
                }
                continue;
            }
            self.end_streak();
            match self.next_job() {
                Some(job) => self.run_job(job),
                None => {
                    if self.has_resumed() {
                        continue;
                    }
                    if self.scheduler.stopping.load(Ordering::SeqCst) || self.leaves() {
                        return;
                    }
                    self.sleep();
                }
            }
        }
    }

    #[inline]
    fn run_job(&self, job: Runnable) {
        let worker = &*self.worker;
        worker.bump();
        let guard = inside::enter();
        // SAFETY: the job was scheduled, and whoever did so keeps it alive until it has run.
        worker.current.store(unsafe { job.0.as_ref() }.id, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { (job.0.as_ref().run)(job.0) };
        worker.current.store(0, Ordering::Relaxed);
        drop(guard);
    }

    /// A spare that was told to end does, unless something is bound to its thread.
    fn leaves(&self) -> bool {
        let bit = 1u64 << self.worker.index;
        let leaving = &self.scheduler.leaving;
        if leaving.load(Ordering::SeqCst) & bit == 0 {
            return false;
        }
        leaving.fetch_and(!bit, Ordering::SeqCst);
        self.ending.set(self.worker.parked.load(Ordering::Relaxed) == 0 && !self.has_resumed());
        self.ending.get()
    }

    /// Gives back what it keeps for the next burst.
    fn trim(&self) {
        retired::collect();
        blocks::give_back();
        self.scheduler.keeper.trim_thread();
        self.end_nests();
        self.trim_resumed();
    }
}
