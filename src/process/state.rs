//! The state word; its meaning is drawn in the module above.

use crate::sync::{AtomicU32, Ordering};

pub const IDLE: u32 = 0;
pub const READY: u32 = 1;
pub const RUNNING: u32 = 2;
pub const CALLBACK: u32 = 3;
pub const PARKED: u32 = 4;
pub const RESUMING: u32 = 5;
pub const DEAD: u32 = 6;
const PHASE: u32 = 0xf;

/// A fatal reason is set; whoever runs it ends it at the next step.
pub const EXIT: u32 = 1 << 8;
/// An unpark came while nothing was parked.
pub const WAKE: u32 = 1 << 9;
/// Parked for a message.
pub const RECEIVES: u32 = 1 << 10;
/// A run queue still holds it.
pub const QUEUED: u32 = 1 << 11;

#[inline]
pub const fn phase(word: u32) -> u32 {
    word & PHASE
}

/// The exit is over; the last holder retires the memory.
pub const GONE: u32 = 1 << 12;

/// A ghost is parked until what it lent comes back.
pub const GHOST_PARKED: u32 = 1 << 13;

/// The watchdog saw user code run, which has neither returned, waited nor received anything since (`watchdog`).
pub const SEEN: u32 = 1 << 14;

/// What does not outlive a stretch of user code that runs.
const OF_THE_STRETCH: u32 = if cfg!(broken_watchdog) { WAKE } else { WAKE | SEEN };

/// The word. All orderings are sequentially consistent: each transition is also a hand-over of the private parts,
/// and the looks around a push and a park must not pass each other. On x86 that costs the same as acquire-release.
pub struct State(AtomicU32);

/// What a fatal signal has to do after its transition.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Struck {
    /// It was idle or ready: the caller carries out the exit, and drops the state.
    Ours,
    /// User code runs or waits there: the caller carries out the exit; the later of it and the ghost drops the state.
    Ghost {
        /// The stack was parked: the caller resumes it.
        resume: bool,
        /// It may be between two messages: the caller shuts it out from the mailbox (`between`).
        between: bool,
    },
    /// The one who runs it will do all that.
    Theirs,
    /// It was dead.
    Nothing,
}

/// What the watchdog sees.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Sight {
    /// No user code runs that it could end.
    Nothing,
    /// User code runs, and did not when it looked last, or another stretch of it.
    New,
    /// The stretch that it has seen before.
    Same,
}

/// What to do with a process that a run queue let go of.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Unqueued {
    /// Its exit is over, and the queue was the last to hold it.
    Retire,
    /// It gave way in a callback, and waits for this, or is about to: it is unparked.
    GaveWay,
    /// It is ready for a turn, or dead.
    Ready,
}

impl State {
    pub fn new(word: u32) -> State {
        State(AtomicU32::new(word))
    }

    #[inline]
    pub fn load(&self) -> u32 {
        // A step of its own: what others do right after it is not tried by loom when it is a plain load.
        if cfg!(loom) { self.0.fetch_or(0, Ordering::SeqCst) } else { self.0.load(Ordering::SeqCst) }
    }

    #[inline]
    pub fn phase(&self) -> u32 {
        phase(self.load())
    }

    /// Whether user code runs, or has just returned, and nobody has asked for anything.
    #[inline(always)]
    pub fn is_bare_callback(&self) -> bool {
        self.0.load(Ordering::SeqCst) == CALLBACK
    }

    #[inline]
    pub fn is_dead(&self) -> bool {
        self.phase() == DEAD
    }

    /// Moves from one phase to another, keeping the flags except those in `clear`. The word as it was, or as it is.
    #[inline]
    pub fn shift(&self, from: u32, to: u32, clear: u32, set: u32) -> Result<u32, u32> {
        let mut word = self.load();
        loop {
            if phase(word) != from {
                return Err(word);
            }
            let next = (word & !PHASE & !clear) | to | set;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(word) => return Ok(word),
                Err(now) => word = now,
            }
        }
    }

    /// A message came: true when the caller must schedule the process.
    #[inline]
    pub fn make_ready(&self) -> bool {
        if cfg!(broken_state) {
            // What a look and a store do in place of one step: two senders may both schedule it.
            let idle = self.phase() == IDLE;
            if idle {
                self.0.store(READY | QUEUED, Ordering::SeqCst);
            }
            return idle;
        }
        self.phase() == IDLE && self.shift(IDLE, READY, 0, QUEUED).is_ok()
    }

    /// Step *wake* of a wait: true when the caller must resume what is parked.
    pub fn unpark(&self) -> bool {
        let mut word = self.load();
        loop {
            let next = match phase(word) {
                PARKED => (word & !PHASE & !RECEIVES) | RESUMING,
                RUNNING | CALLBACK if word & WAKE == 0 => word | WAKE,
                DEAD if word & GHOST_PARKED != 0 => word & !GHOST_PARKED,
                DEAD if word & WAKE == 0 => word | WAKE,
                _ => return false,
            };
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(word) => return phase(word) == PARKED || word & GHOST_PARKED != 0,
                Err(now) => word = now,
            }
        }
    }

    /// Step *park* of a wait: false when there is a reason not to: a wake that came before, or an end.
    pub fn park(&self, receives: bool) -> bool {
        let mut word = self.load();
        loop {
            if phase(word) != CALLBACK || word & EXIT != 0 {
                return false;
            }
            let (next, parked) = if word & WAKE != 0 && !cfg!(broken_park) {
                (word & !OF_THE_STRETCH, false)
            } else {
                ((word & !PHASE & !(OF_THE_STRETCH & SEEN)) | PARKED | if receives { RECEIVES } else { 0 }, true)
            };
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return parked,
                Err(now) => word = now,
            }
        }
    }

    /// Step *park* of a ghost that waits for what it lent; false when a wake came before.
    pub fn park_ghost(&self) -> bool {
        let mut word = self.load();
        loop {
            let next = if word & WAKE != 0 { word & !WAKE } else { word | GHOST_PARKED };
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(word) => return word & WAKE == 0,
                Err(now) => word = now,
            }
        }
    }

    /// Its mailbox is empty: true when it may be left alone now.
    pub fn rest(&self) -> bool {
        let mut word = self.load();
        loop {
            if word & EXIT != 0 || phase(word) != RUNNING {
                return false;
            }
            let next = (word & !PHASE & !WAKE) | IDLE;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// User code has returned and the mailbox is empty: [`State::rest`] without coming back first.
    #[inline]
    pub fn rest_at_return(&self) -> bool {
        let mut word = self.load();
        loop {
            if word & EXIT != 0 || phase(word) != CALLBACK {
                return false;
            }
            let next = (word & !PHASE & !OF_THE_STRETCH) | IDLE;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// User code has returned, and with that the process ends by itself: false when it has been told to end before, or
    /// is dead. Whatever strikes it from now on comes too late.
    pub fn end_at_return(&self) -> bool {
        let mut word = self.load();
        loop {
            if word & EXIT != 0 || phase(word) != CALLBACK {
                return false;
            }
            let next = (word & !PHASE & !OF_THE_STRETCH) | DEAD | EXIT;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// About to call user code; false when it has been told to end.
    #[inline]
    pub fn enter_callback(&self) -> bool {
        let mut word = self.load();
        loop {
            if word & EXIT != 0 {
                return false;
            }
            let next = (word & !PHASE & !OF_THE_STRETCH) | CALLBACK;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// Step *look* of the watchdog.
    pub fn see(&self) -> Sight {
        let mut word = self.load();
        loop {
            if phase(word) != CALLBACK {
                return Sight::Nothing;
            }
            if word & SEEN != 0 {
                return Sight::Same;
            }
            match self.0.compare_exchange_weak(word, word | SEEN, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Sight::New,
                Err(now) => word = now,
            }
        }
    }

    /// Step *bite* of the watchdog: as a kill, of the stretch that was seen. False: that is over, or it is dead.
    pub fn strike_seen(&self) -> bool {
        let mut word = self.load();
        loop {
            if phase(word) != CALLBACK || word & SEEN == 0 {
                return false;
            }
            let next = (word & !PHASE) | DEAD | EXIT;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// The user code that runs has come a step further. For the one who runs it.
    pub fn begin_stretch(&self) {
        if self.load() & SEEN != 0 {
            self.0.fetch_and(!SEEN, Ordering::SeqCst);
        }
    }

    /// Step *queue* of giving way: true when the caller must put it into a run queue. A ghost may not: its exit may be
    /// over already, and then nobody keeps the memory for the queue.
    pub fn queue_in_callback(&self) -> bool {
        if cfg!(broken_giveway) {
            self.0.fetch_or(QUEUED, Ordering::SeqCst);
            return true;
        }
        self.shift(CALLBACK, CALLBACK, 0, QUEUED).is_ok()
    }

    /// A fatal signal. `kill` interrupts running user code too.
    pub fn strike(&self, kill: bool) -> Struck {
        let mut word = self.load();
        loop {
            let (next, struck) = match phase(word) {
                IDLE | READY => ((word & !PHASE) | DEAD | EXIT, Struck::Ours),
                PARKED => ((word & !PHASE & !RECEIVES) | DEAD | EXIT, Struck::Ghost { resume: true, between: false }),
                RESUMING => ((word & !PHASE) | DEAD | EXIT, Struck::Ghost { resume: false, between: false }),
                CALLBACK if kill => ((word & !PHASE) | DEAD | EXIT, Struck::Ghost { resume: false, between: true }),
                RUNNING | CALLBACK => (word | EXIT, Struck::Theirs),
                _ => return Struck::Nothing,
            };
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return struck,
                Err(now) => word = now,
            }
        }
    }

    /// The run queue let go of it, and its turn begins: [`State::unqueue`] and the step from READY to RUNNING in one.
    /// False: nothing has changed.
    #[inline]
    pub fn begin_turn(&self) -> bool {
        let word = self.load();
        let next = (word & !PHASE & !QUEUED) | RUNNING;
        phase(word) == READY
            && word & QUEUED != 0
            && self.0.compare_exchange(word, next, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// The run queue let go of it. The phase counts as it was in that very step: a moment later one that gave way may
    /// have gone on, rested, and become ready again, and a queue holds it for that turn.
    pub fn unqueue(&self) -> Unqueued {
        let word = self.0.fetch_and(!QUEUED, Ordering::SeqCst);
        if word & (GONE | QUEUED) == GONE | QUEUED {
            return Unqueued::Retire;
        }
        match phase(if cfg!(broken_giveway) { self.load() } else { word }) {
            CALLBACK | PARKED | RESUMING => Unqueued::GaveWay,
            _ => Unqueued::Ready,
        }
    }

    /// The exit is over. True when no run queue holds it: the caller retires it.
    pub fn gone(&self) -> bool {
        self.0.fetch_or(GONE, Ordering::SeqCst) & QUEUED == 0
    }
}
