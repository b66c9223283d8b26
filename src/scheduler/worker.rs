//! One worker: a thread, its queues, and the loop that runs on its coroutines.

mod search;

use super::exceptions::Kept;
use super::stack::PooledStack;
use super::{ParkSlot, Runnable, Scheduler};
use crate::sync::own::own;
use crate::sync::parker::Parker;
use crate::sync::patience::Patience;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Mutex, Ordering, blocks, inside, retired};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use crossbeam::deque::{Stealer, Worker as Queue};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many resumed stacks in a row before the queues get a turn, and how often the injector is looked at first.
const FAIR: u32 = 61;
/// So often it is found in one job that others wait, before that asks for relief.
const LONG: u32 = 64;
/// Jobs that may be nested in each other on one thread.
const DEEPEST: u32 = 8;
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
    index: usize,
    /// Which it belongs to, and does not outlive.
    scheduler: AtomicPtr<Scheduler>,
    stealer: Stealer<Runnable>,
    /// The job woken last: the first that the owner runs, and that others take only from a worker that is held up.
    slot: super::slot::Slot,
    /// What was resumed from elsewhere.
    private: Mutex<VecDeque<ResumedSlot>>,
    has_private: AtomicBool,
    /// How many stacks of the living were ever handed over from elsewhere, counted under `private`'s lock.
    handed: AtomicU64,
    /// How many stacks of the living its thread ever took up, less those that it handed to itself. The same as
    /// `handed`: nobody who lives waits for this thread.
    taken: AtomicU64,
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

#[derive(Clone, Copy)]
struct ResumedSlot {
    slot: NonNull<ParkSlot>,
    /// No ghost, when it was resumed.
    lives: bool,
}
// SAFETY: only handed on to the worker that the slot is bound to.
unsafe impl Send for ResumedSlot {}

/// What only the worker's own thread touches.
pub(super) struct Local {
    pub(super) worker: Arc<Worker>,
    pub(super) scheduler: Arc<Scheduler>,
    queue: Queue<Runnable>,
    resumed: RefCell<VecDeque<ResumedSlot>>,
    loops: RefCell<Vec<WorkerCoroutine>>,
    yielder: Cell<*const Yielder<(), Switch>>,
    in_a_row: Cell<u32>,
    turn: Cell<u32>,
    /// Resumed stacks in a row.
    streak: Cell<u32>,
    /// Jobs that were handed this thread over to since somebody who was resumed waits for it, and when that began.
    before_resumed: Cell<u32>,
    waited_since: Cell<u64>,
    patience: Patience,
    /// The job in which it was last found that others wait, by its beat, and how often.
    waited_for: Cell<(u64, u32)>,
    /// When it was woken, until it next runs out of work.
    awake_since: Cell<Option<Instant>>,
    /// Runs slow jobs, and nothing else.
    slow: bool,
    /// Its thread is about to end: the loops return.
    ending: Cell<bool>,
    /// Jobs that run within others now, and stacks for them: each waits for the next job where it has ended the last.
    /// Beginning on a fresh one would cost three times as much as the two switches.
    nested: Cell<u32>,
    /// One for each depth, used where it lies; gone from there while its job is parked.
    nests: [Cell<Option<WorkerCoroutine>>; DEEPEST as usize],
    /// For the nest that is entered next; none: it ends.
    nested_job: Cell<Option<NestedJob>>,
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

/// A stack for a job that runs within another: that of the next depth.
#[derive(Clone, Copy)]
pub struct Nest<'a> {
    local: &'a Local,
}

/// What is run on such a stack: it takes the job off the pointer first of all.
type NestedJob = (unsafe fn(*mut ()), *mut ());

/// A stack on which a job can wait without its caller. None on a thread that is no worker of `scheduler`, when too many
/// jobs are nested already, or when no stack is left.
#[inline]
pub fn nest<'a>(scheduler: &Scheduler) -> Option<Nest<'a>> {
    let local = local();
    // SAFETY: set by `run` for as long as its frame lives, on this thread only; a nest is used by the frame that asks.
    let local = unsafe { local.as_ref() }?;
    if !local.takes_from(scheduler) || local.nested.get() >= DEEPEST {
        return None;
    }
    // SAFETY: a look; nothing else uses this place now, since the nest of that depth does not run.
    if unsafe { (*local.nests[local.nested.get() as usize].as_ptr()).is_none() } {
        local.make_nest()?;
    }
    Some(Nest { local })
}

/// What becomes of a job that its caller would hand its thread over to.
pub enum HandedOver<'a> {
    /// It is next, on such a stack.
    To(Nest<'a>),
    /// Enough of them went before those who were resumed here: the caller is to go behind these, and may ask again then.
    BehindResumed,
    /// It is to be scheduled as any other.
    Not,
}

/// As [`nest`], for a job that its caller waits for, if it is its turn (module above). `now`: a
/// clock in nanoseconds, which may be behind.
#[inline]
pub fn hand_over<'a>(scheduler: &Scheduler, now: impl FnOnce() -> u64) -> HandedOver<'a> {
    match nest(scheduler) {
        Some(nest) => nest.local.takes_over(now, nest),
        None => HandedOver::Not,
    }
}

impl Nest<'_> {
    /// Runs `job` now: returns when it has ended, or when it has parked. `job` does not unwind, and begins and ends
    /// inside, at depth 1; `id` is what it is known by.
    pub fn run<F: FnOnce()>(self, id: u64, job: F) {
        unsafe fn start<F: FnOnce()>(job: *mut ()) {
            // SAFETY: the caller's job, which it gives away: moved to this stack before it can be left.
            let job = unsafe { job.cast::<F>().read() };
            job();
        }
        let local = self.local;
        let mut job = std::mem::ManuallyDrop::new(job);
        local.nested_job.set(Some((start::<F>, (&raw mut job).cast())));
        let yielder = local.yielder.get();
        let current = local.worker.current.load(Ordering::Relaxed);
        let depth = inside::begin_nest();
        let nested = local.nested.get();
        local.nested.set(nested + 1);
        // Who calls one after the other is not stuck in any of them. First: whoever sees the callee at work sees that it
        // has just begun.
        local.worker.bump();
        local.worker.current.store(id, Ordering::Release);
        let exceptions = Kept::leave();
        let place = &local.nests[nested as usize];
        // SAFETY: made by `nest`; whatever runs within it is deeper, and uses the places of its own depth.
        let Some(coroutine) = (unsafe { &mut *place.as_ptr() }) else { unreachable!("made before") };
        match coroutine.resume(()) {
            CoroutineResult::Yield(Switch::Done) => {}
            // SAFETY: as in `run`: the slot is bound to this thread, and lives while it is parked.
            CoroutineResult::Yield(Switch::Parked(slot)) => unsafe {
                *slot.as_ref().coroutine.get() = place.take();
                local.worker.parked.fetch_add(1, Ordering::Relaxed);
            },
            CoroutineResult::Yield(Switch::Aside) | CoroutineResult::Return(()) => {
                unreachable!("only a loop steps aside, and it ends when there is no job")
            }
        }
        exceptions.come_back();
        local.nested.set(nested);
        local.yielder.set(yielder);
        local.worker.current.store(current, Ordering::Relaxed);
        inside::end_nest(depth);
    }
}

impl Worker {
    pub(super) fn new(scheduler: &Scheduler, index: usize) -> Arc<Worker> {
        let queue = Queue::new_fifo();
        Arc::new(Worker {
            index,
            scheduler: AtomicPtr::new(std::ptr::from_ref(scheduler).cast_mut()),
            stealer: queue.stealer(),
            slot: Default::default(),
            private: Mutex::new(VecDeque::new()),
            has_private: AtomicBool::new(false),
            handed: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            parker: Parker::new(),
            beat: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            current: AtomicU64::new(0),
            parked: AtomicUsize::new(0),
            queue: Mutex::new(Some(queue)),
            thread: Default::default(),
        })
    }

    /// Hands a resumed stack to its thread.
    pub(super) fn push_private(&self, slot: NonNull<ParkSlot>, lives: bool) {
        let resumed = ResumedSlot { slot, lives };
        let here = with_local(|local| {
            let mine = ptr::eq(&*local.worker, self);
            if mine {
                // They came before.
                local.line_up();
                local.resumed.borrow_mut().push_back(resumed);
                self.take_up(u64::from(lives).wrapping_neg());
            }
            mine
        });
        if here == Some(true) {
            return;
        }
        {
            let mut private = self.private.lock();
            private.push_back(resumed);
            self.handed.store(self.handed.load(Ordering::Relaxed) + u64::from(lives), Ordering::SeqCst);
        }
        // SeqCst, partner: the look at `has_private` after the idle bit was set, in `sleep`.
        self.has_private.store(true, Ordering::SeqCst);
        // SAFETY: the scheduler keeps its workers, and is itself kept by the runtime that the slot's process lives in.
        unsafe { self.scheduler.load(Ordering::Relaxed).as_ref() }.expect("set when it was made").wake(self.index);
    }

    /// Only the owner counts, so two plain steps will do. Partner: the load in `is_waited_for`.
    #[inline]
    fn take_up(&self, stacks: u64) {
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(stacks), Ordering::Release);
    }

    /// Whether somebody alive waits for this very thread. What it runs is to be looked at afterwards: whoever was taken
    /// up when this says no is no longer hidden behind what ran before.
    pub(super) fn is_waited_for(&self) -> bool {
        // Taken first: what is handed over and taken up between the two is seen as waiting, and not missed.
        let taken = self.taken.load(Ordering::Acquire);
        taken != self.handed.load(Ordering::SeqCst)
    }

    /// Only the owner counts, so two plain steps will do.
    #[inline]
    fn bump(&self) {
        self.beat.store(self.beat.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Whether something waits here that another worker could run.
    pub(super) fn has_backlog(&self) -> bool {
        !self.stealer.is_empty() || !self.slot.is_empty()
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
        resumed: RefCell::new(VecDeque::new()),
        loops: RefCell::new(Vec::new()),
        yielder: Cell::new(ptr::null()),
        in_a_row: Cell::new(0),
        turn: Cell::new(0),
        streak: Cell::new(0),
        before_resumed: Cell::new(0),
        waited_since: Cell::new(0),
        patience: Patience::new(),
        waited_for: Cell::new((0, 0)),
        awake_since: Cell::new(None),
        slow,
        ending: Cell::new(false),
        nested: Cell::new(0),
        nests: [const { Cell::new(None) }; DEEPEST as usize],
        nested_job: Cell::new(None),
    };
    own().worker.set(ptr::from_ref(&local).cast());
    loop {
        // Whoever has parked does not run any more, though its stack has not come back to where that is noted.
        local.worker.current.store(0, Ordering::Relaxed);
        let mut coroutine = match local.take_resumed() {
            // SAFETY: this thread alone touches the coroutine of a slot bound to it, and it kept it there (step 2)
            // before it came back here.
            Some(resumed) => match unsafe { (*resumed.slot.as_ref().coroutine.get()).take() } {
                Some(coroutine) => {
                    local.worker.parked.fetch_sub(1, Ordering::Relaxed);
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
                local.worker.parked.fetch_add(1, Ordering::Relaxed);
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
    /// Whether this worker's queues are those of the scheduler's ordinary jobs.
    #[inline]
    fn takes_from(&self, scheduler: &Scheduler) -> bool {
        ptr::eq(&*self.scheduler, scheduler) && !self.slow
    }

    fn take_resumed(&self) -> Option<ResumedSlot> {
        if self.streak.get() >= FAIR {
            return None;
        }
        let resumed = self.next_resumed()?;
        self.streak.set(self.streak.get() + 1);
        self.before_resumed.set(0);
        self.worker.bump();
        self.worker.take_up(u64::from(resumed.lives));
        Some(resumed)
    }

    fn next_resumed(&self) -> Option<ResumedSlot> {
        if let Some(slot) = self.resumed.borrow_mut().pop_front() {
            return Some(slot);
        }
        self.line_up();
        self.resumed.borrow_mut().pop_front()
    }

    /// Puts what was resumed from elsewhere behind what was resumed here.
    #[inline]
    fn line_up(&self) {
        if self.worker.has_private.load(Ordering::Acquire) {
            let mut private = self.worker.private.lock();
            self.worker.has_private.store(false, Ordering::SeqCst);
            self.resumed.borrow_mut().append(&mut private);
        }
    }

    #[inline]
    fn has_resumed(&self) -> bool {
        !self.resumed.borrow().is_empty() || self.worker.has_private.load(Ordering::SeqCst)
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

    /// Makes the stack for jobs of the next depth, which runs one after the other.
    #[cold]
    fn make_nest(&self) -> Option<()> {
        let stack = self.scheduler.stacks.take()?;
        let nest = Coroutine::with_stack(stack, |yielder: &Yielder<(), Switch>, ()| {
            loop {
                // SAFETY: a nest only ever runs on its worker's thread, within `run`.
                let local = unsafe { &*local() };
                let Some((start, job)) = local.nested_job.take() else { return };
                local.yielder.set(yielder);
                // SAFETY: whoever entered this stack for a job left it there, and waits.
                unsafe { start(job) };
                yielder.suspend(Switch::Done);
            }
        });
        self.nests[self.nested.get() as usize].set(Some(nest));
        Some(())
    }

    /// Keeps one whose job went on without its caller, and has ended: at a depth that has none. Else its stack goes back.
    fn keep_nest(&self, nest: WorkerCoroutine) {
        let mut nest = Some(nest);
        for place in &self.nests {
            let kept = place.take().or_else(|| nest.take());
            place.set(kept);
        }
        nest.into_iter().for_each(|nest| self.end_nest(nest));
    }

    /// Without a job it returns.
    fn end_nest(&self, mut nest: WorkerCoroutine) {
        self.nested_job.set(None);
        nest.resume(());
    }

    /// Between jobs.
    fn end_nests(&self) {
        debug_assert_eq!(self.nested.get(), 0);
        self.nests.iter().filter_map(Cell::take).for_each(|nest| self.end_nest(nest));
    }

    /// The loop: runs jobs, steps aside for resumed stacks, sleeps when there is nothing.
    fn work(&self) {
        loop {
            if self.streak.get() < FAIR && self.has_resumed() {
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
            self.streak.set(0);
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
        self.resumed.borrow_mut().shrink_to_fit();
        self.worker.private.lock().shrink_to_fit();
    }
}
