//! The watch thread: timers of the real clock, workers that are stuck, spares, and memory that nobody uses.
//!
//! It sleeps until the next timer, and for no longer than one tick while some worker was busy lately. A worker whose
//! beat did not change over a whole tick, and which is not asleep, is stuck; if jobs wait then, one more worker is
//! let run: a spare one that sleeps, or a new one up to the cap. For a while the thread looks each millisecond then, and
//! counts those as stuck that have been in one job since the last look, so that the relief for eight jobs that get stuck
//! at once comes in a few milliseconds and not in eight ticks (`bench-latency`, `stuck_sleep`). The job that it is in is
//! marked as slow, and once more for each tick that a slow worker is in it.
//!
//! Who knows that it will hold others up says so (`worker::holds_up`), and counts as stuck at once, as long as it is in that
//! job; but it is not marked before the tick.
//!
//! A thread that only waits for a processor is not stuck: on a machine with too much to do that is nobody's fault, and one
//! more thread would only wait beside it. So it counts what a worker has worked since it was first seen in its job: half
//! a tick, however long that took, or that it waits for something other than a processor. What waits behind one that has
//! no processor may be taken by those that are awake all the same.
//!
//! It also shows the keeper which jobs run, who ends those that have run for too long (`process::watchdog`).
//!
//! When nothing has run for [`LINGER`] ticks, and no thread has freed much either, memory is given back, and the thread
//! sleeps until the next timer, until a worker wakes up, or until somebody frees much (`sync::stir`).

use super::{MAX_WORKERS, Scheduler, Ticked, Watched, Worker, bits};
use crate::sync::parker::Parker;
use crate::sync::{AtomicBool, AtomicI32, AtomicU64, Mutex, Ordering, blocks, retired, stir};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a worker may be in one callback before others get relief.
const TICK: Duration = Duration::from_millis(10);
/// How long after relief was given it is looked at whether that is stuck, too; and so often before the next tick.
const AGAIN: Duration = Duration::from_millis(1);
const TIMES_AGAIN: u32 = 6;
/// Workers that are let run at one look, at most: each is a thread to be made.
const AT_ONCE: usize = 4;
/// Ticks without a busy worker after which only timers are waited for.
const LINGER: u32 = 100;
/// Ticks after that until the workers have given back what they keep.
const GIVEN_BACK: u32 = LINGER + 2;
/// Ticks that a spare sleeps before it ends.
const SPARE: u32 = 50;
/// Bytes that were freed from which on the allocator of the process is asked to give back its own, too.
const MUCH: usize = 1 << 20;

pub(super) struct Watch {
    parker: Parker,
    /// The time, on the clock of the timers, until which the thread sleeps; an alarm before it wakes the thread. Calls
    /// with a limit of seconds come and go while the thread ticks, and must not cost a futex each.
    until: AtomicU64,
    /// True while the thread does not tick.
    deep: AtomicBool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Watch { parker: Parker::new(), until: AtomicU64::new(0), deep: AtomicBool::new(false) }
    }

    #[inline]
    pub(super) fn alarm(&self, due: u64) {
        if due < self.until.load(Ordering::SeqCst) {
            self.parker.unpark();
        }
    }

    pub(super) fn wake(&self) {
        self.parker.unpark();
    }

    /// A worker woke up, or a job goes on that the keeper watches: tick again. Partner: the look at who is awake, and
    /// at whether the keeper watches anybody, after `deep` was set.
    pub(super) fn busy(&self) {
        if self.deep.load(Ordering::SeqCst) && self.deep.swap(false, Ordering::SeqCst) {
            self.parker.unpark();
        }
    }
}

/// The runtimes whose watch threads sleep, or slept once.
static SLEEPERS: Mutex<Vec<Weak<Scheduler>>> = Mutex::new(Vec::new());

/// Much was freed: those that sleep tick again, until that has been given back.
fn wake_sleepers() {
    let sleepers: Vec<_> = SLEEPERS.lock().iter().filter_map(Weak::upgrade).collect();
    sleepers.iter().for_each(|scheduler| scheduler.watch.busy());
}

fn add_sleeper(scheduler: &Arc<Scheduler>) {
    let mut sleepers = SLEEPERS.lock();
    sleepers.retain(|sleeper| sleeper.strong_count() > 0);
    sleepers.push(Arc::downgrade(scheduler));
}

pub(super) fn run(scheduler: &Arc<Scheduler>) {
    add_sleeper(scheduler);
    let watch = &scheduler.watch;
    // What had been freed when we last looked, and when memory was last given back.
    let (mut stirred, mut trimmed) = (stir::stirred(), stir::stirred());
    let mut eyes = Eyes::new();
    let mut calm: u32 = 0;
    let (mut looked, mut looked_again) = (Instant::now(), Instant::now());
    while !scheduler.stopping.load(Ordering::SeqCst) {
        // From here to the sleep every alarm wakes us: `until` is the end of time, so none is missed between the
        // look at the timers and the park.
        watch.until.store(u64::MAX, Ordering::SeqCst);
        let Ticked { now, next } = scheduler.keeper.tick();
        let watched = eyes.watch(scheduler);
        eyes.see_to_slow_jobs(scheduler, false);
        eyes.see_to_those_who_ask(scheduler);
        // An alarm may come at any time: only a whole tick tells a worker that is stuck from one that is at work.
        if looked.elapsed() >= TICK {
            let before = std::mem::replace(&mut stirred, stir::stirred());
            let is_busy = eyes.look(scheduler) || watched.others || stirred != before;
            calm = if is_busy { 0 } else { calm.saturating_add(1) };
            (looked, looked_again) = (Instant::now(), Instant::now());
            match calm {
                LINGER => have_workers_give_back(scheduler),
                GIVEN_BACK => trim(scheduler, stirred - std::mem::replace(&mut trimmed, stirred)),
                _ => {}
            }
        } else if eyes.again > 0 && looked_again.elapsed() >= AGAIN {
            eyes.look_again(scheduler);
            looked_again = Instant::now();
        }
        let mut deep = calm > GIVEN_BACK;
        watch.deep.store(deep, Ordering::SeqCst);
        let goes_on = || scheduler.awake() != 0 || scheduler.keeper.is_watching();
        if deep && (goes_on() || !stir::listen(stirred, wake_sleepers)) {
            // It woke up, goes on, or frees, before it could see that we do not tick.
            watch.deep.store(false, Ordering::SeqCst);
            (deep, calm) = (false, 0);
        }
        let limit = match (next, deep) {
            (None, true) => None,
            (None, false) => Some(TICK),
            (Some(ns), true) => Some(Duration::from_nanos(ns)),
            (Some(ns), false) => Some(TICK.min(Duration::from_nanos(ns))),
        };
        let limit = if deep { limit } else { limit.map(|limit| watched.limit(limit)) };
        let limit = if eyes.again > 0 { limit.map(|limit| limit.min(AGAIN)) } else { limit };
        if let Some(limit) = limit {
            // An alarm that looked before this store has left its token; one that looks after it is as it says.
            watch.until.store(now.saturating_add(limit.as_nanos() as u64), Ordering::SeqCst);
        }
        if limit != Some(Duration::ZERO) {
            watch.parker.park(limit);
        }
    }
}

impl Watched {
    /// The time until the next look, at most `limit`.
    fn limit(&self, limit: Duration) -> Duration {
        self.next.map_or(limit, |ns| limit.min(Duration::from_nanos(ns)))
    }
}

/// What the watch thread saw of the workers.
struct Eyes {
    /// At the tick at which each was first seen in the job that it is in.
    at_tick: Seen,
    /// At the last look, which may have been between two ticks.
    at_look: Seen,
    /// So often it looks again before the next tick.
    again: u32,
    /// The workers that were stuck then.
    stuck: u64,
    /// The beats of those who said that they hold others up; 0: they did not.
    asked: [u64; MAX_WORKERS],
    /// Ticks that a spare has slept.
    slept: [u32; MAX_WORKERS],
    slow_jobs_waited: bool,
    at_the_cap: bool,
}

#[derive(Clone, Copy)]
struct Seen {
    beats: [u64; MAX_WORKERS],
    /// Nanoseconds on a processor; 0 for those that slept.
    worked: [u64; MAX_WORKERS],
}

impl Seen {
    fn new() -> Seen {
        Seen { beats: [0; MAX_WORKERS], worked: [0; MAX_WORKERS] }
    }

    /// Whether a worker that is in the same job as then has been at it for half of `time` since, or waits for something
    /// other than a processor.
    fn was_at_it(&self, index: usize, worker: &Worker, worked: u64, time: Duration) -> bool {
        let before = self.worked[index];
        let worked_enough = before != 0 && worked >= before + time.as_nanos() as u64 / 2;
        // Where the system does not tell, too much relief is better than none.
        worked_enough || worked == 0 || worker.thread.waits()
    }
}

impl Eyes {
    fn new() -> Eyes {
        Eyes {
            at_tick: Seen::new(),
            at_look: Seen::new(),
            again: 0,
            stuck: 0,
            asked: [0; MAX_WORKERS],
            slept: [0; MAX_WORKERS],
            slow_jobs_waited: false,
            at_the_cap: false,
        }
    }

    /// Has the keeper look at the jobs that run. Whoever waits for those that it gives up is not left to the next tick.
    fn watch(&mut self, scheduler: &Arc<Scheduler>) -> Watched {
        let mut running = [0; MAX_WORKERS];
        let mut count = 0;
        for worker in bits(scheduler.awake()).filter_map(|index| scheduler.worker(index)) {
            running[count] = worker.current();
            count += 1;
        }
        let watched = scheduler.keeper.watch(&running[..count]);
        if watched.lost > 0 {
            let stuck = scheduler.stuck().max(watched.lost);
            scheduler.stuck.store(stuck as u32, Ordering::SeqCst);
            self.relieve(scheduler, stuck);
        }
        watched
    }

    /// Counts stuck workers and sees to relief; whether any worker is awake.
    fn look(&mut self, scheduler: &Arc<Scheduler>) -> bool {
        let alive = scheduler.alive.load(Ordering::SeqCst);
        let slow = scheduler.slow_workers.load(Ordering::SeqCst);
        let idle = scheduler.idle.load(Ordering::SeqCst);
        let mut stuck = 0u64;
        let mut held_up = 0u64;
        let mut backlog = !scheduler.injector.is_empty();
        for index in bits(alive) {
            let Some(worker) = scheduler.worker(index) else { continue };
            if idle >> index & 1 == 1 {
                (self.at_tick.worked[index], self.at_look.worked[index]) = (0, 0);
                self.let_go(scheduler, index);
                continue;
            }
            self.slept[index] = 0;
            let beat = worker.beat.load(Ordering::Relaxed);
            if slow >> index & 1 == 1 {
                // It is slow still.
                if std::mem::replace(&mut self.at_tick.beats[index], beat) == beat {
                    self.mark(scheduler, index);
                }
                continue;
            }
            backlog |= worker.has_backlog();
            let worked = worker.thread.worked();
            let is_in_it = self.at_tick.beats[index] == beat;
            if is_in_it {
                held_up |= 1 << index;
                stuck |= u64::from(self.at_tick.was_at_it(index, worker, worked, TICK)) << index;
            }
            if self.asked[index] == beat {
                stuck |= 1 << index;
            }
            if !is_in_it || self.at_tick.worked[index] == 0 {
                self.at_tick.beats[index] = beat;
                self.at_tick.worked[index] = worked;
            }
            self.at_look.worked[index] = worked;
        }
        self.at_look.beats = self.at_tick.beats;
        (self.again, self.stuck) = (0, stuck);
        scheduler.stuck.store(stuck.count_ones(), Ordering::SeqCst);
        scheduler.held_up.store(held_up.count_ones(), Ordering::SeqCst);
        if backlog {
            bits(stuck).for_each(|index| self.mark(scheduler, index));
            self.relieve(scheduler, stuck.count_ones() as usize);
        }
        self.see_to_slow_jobs(scheduler, true);
        scheduler.reap();
        alive & !idle != 0
    }

    /// Between two ticks, since relief was given: those count as stuck, too, that took up what waited, and are in one
    /// job since the last look. That marks nobody as slow.
    fn look_again(&mut self, scheduler: &Arc<Scheduler>) {
        self.again -= 1;
        let awake = scheduler.awake() & !scheduler.slow_workers.load(Ordering::SeqCst);
        let mut backlog = !scheduler.injector.is_empty();
        let mut stuck = 0u64;
        for index in bits(awake) {
            let Some(worker) = scheduler.worker(index) else { continue };
            backlog |= worker.has_backlog();
            let (beat, worked) = (worker.beat.load(Ordering::Relaxed), worker.thread.worked());
            let was = self.stuck >> index & 1 == 1;
            let is_in_it = self.at_look.beats[index] == beat;
            if is_in_it && (was || self.at_look.was_at_it(index, worker, worked, AGAIN)) {
                stuck |= 1 << index;
            }
            self.at_look.beats[index] = beat;
            self.at_look.worked[index] = worked;
        }
        self.stuck = stuck;
        let count = stuck.count_ones();
        if backlog && count as usize > scheduler.stuck() {
            scheduler.stuck.store(count, Ordering::SeqCst);
            self.relieve(scheduler, count as usize);
        }
    }

    /// Those count as stuck at once who say that they hold others up, as long as they are in that job. That marks nobody
    /// as slow.
    fn see_to_those_who_ask(&mut self, scheduler: &Arc<Scheduler>) {
        let ask = scheduler.holds_up.swap(0, Ordering::SeqCst);
        if ask == 0 {
            return;
        }
        let ask = ask & scheduler.awake() & !scheduler.slow_workers.load(Ordering::SeqCst);
        for index in bits(ask) {
            self.asked[index] = scheduler.worker(index).map_or(0, |worker| worker.beat.load(Ordering::Relaxed));
        }
        self.stuck |= ask;
        let stuck = self.stuck.count_ones();
        scheduler.stuck.store(stuck, Ordering::SeqCst);
        self.relieve(scheduler, stuck as usize);
    }

    /// Marks the job that a worker is stuck in.
    fn mark(&self, scheduler: &Scheduler, index: usize) {
        let Some(worker) = scheduler.worker(index) else { return };
        let job = worker.current();
        if job != 0 && worker.beat.load(Ordering::SeqCst) == self.at_tick.beats[index] {
            scheduler.keeper.stuck(job);
        }
    }

    /// Jobs wait: lets as many workers run as are wanted besides those that are stuck.
    fn relieve(&mut self, scheduler: &Arc<Scheduler>, stuck: usize) {
        let ordinary = scheduler.alive.load(Ordering::SeqCst) & !scheduler.slow_workers.load(Ordering::SeqCst);
        let idle = scheduler.idle.load(Ordering::SeqCst) & ordinary;
        if idle != 0 {
            scheduler.share_at.store(1, Ordering::Relaxed);
            scheduler.wake_one();
        } else {
            let missing = (scheduler.wanted + stuck).saturating_sub(ordinary.count_ones() as usize);
            (0..missing.min(AT_ONCE)).for_each(|_| self.add(scheduler, false));
        }
        if stuck > 0 {
            self.again = TIMES_AGAIN;
        }
    }

    /// At least one slow worker while slow jobs wait, and one more when they have waited for a tick.
    fn see_to_slow_jobs(&mut self, scheduler: &Arc<Scheduler>, tick: bool) {
        let wait = !scheduler.slow_jobs.is_empty();
        if wait {
            let slow = scheduler.slow_workers.load(Ordering::SeqCst);
            if scheduler.idle.load(Ordering::SeqCst) & slow != 0 {
                scheduler.wake_slow();
            } else if slow == 0 || tick && self.slow_jobs_waited {
                self.add(scheduler, true);
            }
        }
        if tick {
            self.slow_jobs_waited = wait;
        }
    }

    fn add(&mut self, scheduler: &Arc<Scheduler>, slow: bool) {
        if matches!(scheduler.add_worker(slow), Ok(true)) {
            self.at_the_cap = false;
            return;
        }
        if scheduler.stopping.load(Ordering::SeqCst) {
            return;
        }
        if !self.at_the_cap {
            self.at_the_cap = true;
            scheduler.keeper.at_the_cap();
        }
        if slow && scheduler.slow_workers.load(Ordering::SeqCst) == 0 {
            // No thread to be had for them: better slow among the others than never.
            while let Some(job) = scheduler.take_slow() {
                scheduler.injector.push(job);
            }
            scheduler.wake_one();
        }
    }

    /// A worker sleeps: if it is a spare, it ends after a while, unless something is parked on its thread.
    fn let_go(&mut self, scheduler: &Scheduler, index: usize) {
        self.slept[index] = self.slept[index].saturating_add(1);
        let bound = || scheduler.worker(index).is_none_or(|worker| worker.stacks() > 0);
        if index < scheduler.wanted || self.slept[index] < SPARE || bound() {
            return;
        }
        scheduler.leaving.fetch_or(1 << index, Ordering::SeqCst);
        scheduler.wake(index);
    }
}

/// Nothing has run for a while: what the workers keep for themselves goes to the common stores.
fn have_workers_give_back(scheduler: &Scheduler) {
    let asleep = scheduler.idle.load(Ordering::SeqCst) & scheduler.alive.load(Ordering::SeqCst);
    scheduler.trimming.store(asleep, Ordering::SeqCst);
    for index in bits(asleep) {
        if !scheduler.wake(index) {
            // It has work again, and is not to take its next waking up for this.
            scheduler.trimming.fetch_and(!(1 << index), Ordering::SeqCst);
        }
    }
}

/// And from there to the system, on a thread of its own: timers must not wait for that. `stirred`: so many bytes were
/// freed since the last time.
fn trim(scheduler: &Arc<Scheduler>, stirred: u64) {
    let mine = scheduler.clone();
    let work = move || {
        // What ended threads have left, and those that still had readers.
        retired::collect();
        let freed = mine.stacks.trim() + blocks::trim() + mine.keeper.trim();
        blocks::give_back();
        if freed + stirred as usize >= MUCH {
            give_back_heap();
        }
    };
    let thread = std::thread::Builder::new().name("regrow-trim".into()).spawn(work);
    // Without a thread it has to wait for the next time.
    scheduler.threads.lock().extend(thread);
}

/// Maps and what is large are the allocator's, which keeps what is freed to it unless it is asked: after a million
/// processes 53 to 61 MiB, in place of 6.
fn give_back_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes the allocator's own locks, and frees only what nobody uses.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// How the kernel knows a worker's thread.
pub(super) struct ThreadId {
    id: AtomicI32,
    clock: AtomicI32,
}

impl Default for ThreadId {
    fn default() -> Self {
        ThreadId { id: AtomicI32::new(0), clock: AtomicI32::new(0) }
    }
}

impl ThreadId {
    /// It is the calling thread's.
    pub(super) fn set(&self) {
        let mut clock = 0;
        // SAFETY: asks for numbers; `clock` is a place for one.
        let (id, failed) =
            unsafe { (libc::gettid(), libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock)) };
        self.id.store(id, Ordering::Relaxed);
        self.clock.store(if failed == 0 { clock } else { 0 }, Ordering::Relaxed);
    }

    /// The nanoseconds that it was on a processor; 0: unknown.
    fn worked(&self) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let clock = self.clock.load(Ordering::Relaxed);
        // SAFETY: fills in a local; the clock of a thread that has ended is refused.
        if clock == 0 || unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
            return 0;
        }
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }

    /// Whether it waits for something other than a processor; true also when that is not to be had.
    fn waits(&self) -> bool {
        let path = format!("/proc/self/task/{}/stat", self.id.load(Ordering::Relaxed));
        let Ok(line) = std::fs::read_to_string(path) else { return true };
        // `id (name) state ...`, and the name may have parentheses.
        line.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('R'))
    }
}
