//! Waiting: one park for all homes.
//!
//! A wait looks at its condition, and parks when it does not hold; whoever makes it hold unparks. The token in the
//! state word (`WAKE`), or in the thread's parker, keeps a wake that comes between the look and the park. So a park
//! may also end for nothing, and the wait looks again. A time limit is a timer that unparks.

use super::control::{NO_PARK, Process};
use super::current::{self, Identity};
use super::error::Error;
use super::node::Node;
use super::state::{self, CALLBACK, DEAD, EXIT, PARKED, RESUMING};
use super::table;
use super::timer::{self, Alarm};
use crate::clock::{TimerId, TimerKind};
use crate::scheduler;
use crate::sync::inside;
use crate::sync::own::own;
use crate::sync::parker::Parker;
use crate::term::{Pid, Term};
use std::sync::Arc;
use std::time::Duration;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Ready,
    TimedOut,
    /// The caller was killed, or has been told to end.
    Killed,
}

/// How long a wait may take.
#[derive(Clone, Copy)]
pub(super) enum Till {
    Ever,
    /// The node's nanoseconds.
    At(u64),
    /// Milliseconds from its first look that finds nothing: so that reads the clock once for the limit and the timer.
    In(u32),
}

impl From<Option<u32>> for Till {
    fn from(timeout: Option<u32>) -> Till {
        timeout.map_or(Till::Ever, Till::In)
    }
}

/// Who waits, for whoever has something for it.
#[derive(Clone)]
pub(super) enum Whom {
    Process(Pid),
    Thread(Arc<Parker>),
}

impl Whom {
    /// The caller, who may wait.
    pub fn me() -> Result<Whom, Error> {
        Ok(match current::identity()? {
            Identity::Process(me) => {
                may_wait(me)?;
                Whom::Process(me.pid())
            }
            Identity::Thread => {
                thread_may_wait()?;
                Whom::Thread(thread_parker())
            }
        })
    }

    /// False: it is dead.
    pub fn wake(&self) -> bool {
        match self {
            Whom::Process(pid) => table::with_process(*pid, |process| process.unpark()).is_some(),
            Whom::Thread(parker) => {
                parker.unpark();
                true
            }
        }
    }
}

struct OfThread(Arc<Parker>);

impl Drop for OfThread {
    fn drop(&mut self) {
        own().ending.set(true);
    }
}

thread_local! {
    static PARKER: OfThread = OfThread(Arc::new(Parker::new()));
}

/// Of a thread that may wait.
pub(super) fn thread_parker() -> Arc<Parker> {
    PARKER.with(|parker| parker.0.clone())
}

/// A process that was told to end ends where it would wait, if not at its return before. True: it is dead.
pub(super) fn ends_here(me: &Process) -> bool {
    let word = me.state.load();
    if state::phase(word) != DEAD && word & EXIT == 0 {
        return false;
    }
    super::exit::end_in_callback(me);
    true
}

/// Whether this process may wait now.
#[inline(always)]
pub(super) fn may_wait(process: &Process) -> Result<(), Error> {
    thread_may_wait()?;
    if ends_here(process) {
        return Err(Error::Killed);
    }
    match process.state.phase() {
        // Killed since.
        DEAD => Err(Error::Killed),
        // A destructor runs. It could not tell its caller that the process was killed, but by a second exception.
        CALLBACK if process.place.thread_home().is_none() && scheduler::exception_in_flight() => Err(Error::InFlight),
        CALLBACK if process.flags & NO_PARK == 0 => Ok(()),
        _ => Err(Error::WouldBlock),
    }
}

/// Whether the caller may wait: `WouldBlock` and `Killed` say why not.
pub fn may_wait_here() -> Result<(), Error> {
    match current::identity()? {
        Identity::Process(me) => may_wait(me),
        Identity::Thread => thread_may_wait(),
    }
}

pub(super) fn thread_may_wait() -> Result<(), Error> {
    let own = own();
    // One that ends has nothing left to be woken by, and what it made now nobody would free.
    if own.may_not_wait.get() || own.ending.get() { Err(Error::WouldBlock) } else { Ok(()) }
}

/// Runs `work`, a callback that may not wait and has no identity, such as a drop.
pub fn without_waiting<R>(work: impl FnOnce() -> R) -> R {
    struct Before(bool, *const Process);
    impl Drop for Before {
        fn drop(&mut self) {
            current::set(self.1);
            own().may_not_wait.set(self.0);
        }
    }
    // Given back also when `work` unwinds.
    let _before = Before(own().may_not_wait.replace(true), current::set(std::ptr::null()));
    work()
}

/// Frees a term of the user's while the word says that user code runs: what a resource's drop asks may not wait.
#[inline]
pub fn free(term: Term) {
    if term.has_payload() {
        without_waiting(|| drop(term));
    }
}

/// Waits until `ready` holds or that time is over. The caller may wait.
pub(super) fn until(node: &Arc<Node>, till: Till, receives: bool, mut ready: impl FnMut() -> bool) -> End {
    let _put_back = PutBack(Saved::now());
    let mut limit = Limit { node, till, timer: None };
    match current::current() {
        Some(me) => loop {
            if ready() {
                me.begin_stretch();
                return End::Ready;
            }
            if ends_here(me) {
                return End::Killed;
            }
            if limit.is_over(|| Alarm::Wake(me.pid())) {
                return End::TimedOut;
            }
            park(me, receives);
        },
        None => {
            let parker = thread_parker();
            loop {
                if ready() {
                    return End::Ready;
                }
                if limit.is_over(|| Alarm::WakeThread(thread_parker())) {
                    return End::TimedOut;
                }
                let depth = inside::step_out();
                parker.wait();
                inside::re_enter(depth);
            }
        }
    }
}

/// Waits until `ready` holds, even as a ghost: for what was lent and is in use.
pub(super) fn until_even_dead(mut ready: impl FnMut() -> bool) {
    while !ready() {
        match current::current() {
            Some(me) if me.state.is_dead() => park_ghost(me),
            Some(me) if me.state.load() & EXIT == 0 => park(me, false),
            // Told to end, and may not park any more: the callee is at work, on another stack or thread.
            Some(me) => park_with_exit(me),
            None => {
                let depth = inside::step_out();
                thread_parker().park(Some(Duration::from_millis(1)));
                inside::re_enter(depth);
            }
        }
    }
}

/// A time limit; its timer is started at the first look that finds time left.
struct Limit<'a> {
    node: &'a Arc<Node>,
    till: Till,
    timer: Option<TimerId>,
}

impl Limit<'_> {
    fn is_over(&mut self, alarm: impl FnOnce() -> Alarm) -> bool {
        let clock = &self.node.clock;
        let (now, deadline) = match self.till {
            Till::Ever => return false,
            Till::At(deadline) => (clock.now(), deadline),
            Till::In(ms) => {
                let now = clock.now();
                (now, now.saturating_add(u64::from(ms) * 1_000_000))
            }
        };
        self.till = Till::At(deadline);
        if now >= deadline {
            return true;
        }
        if self.timer.is_none() {
            self.timer = Some(timer::start(self.node, deadline, TimerKind::Sleep, alarm()));
        }
        false
    }
}

impl Drop for Limit<'_> {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            drop(self.node.timers.cancel(timer));
        }
    }
}

/// Parks once. Returns when unparked, struck, or for nothing.
fn park(me: &Process, receives: bool) {
    // Its caller goes on as soon as this stack is left.
    me.detach();
    match me.place.thread_home() {
        None => {
            let saved = Saved::now();
            me.park().bind(thread_parker);
            if !me.state.park(receives) {
                return;
            }
            if receives && came_meanwhile(me) {
                return;
            }
            let who = current::set(std::ptr::null());
            scheduler::suspend(me.park());
            current::set(who);
            saved.restore();
            // A ghost stays dead.
            let _ = me.state.shift(RESUMING, CALLBACK, 0, 0);
        }
        Some(home) => {
            if !me.state.park(receives) {
                return;
            }
            if receives && came_meanwhile(me) {
                return;
            }
            let depth = inside::step_out();
            while me.state.phase() == state::PARKED {
                home.parker.wait();
            }
            inside::re_enter(depth);
            me.wake_watchdog();
            let _ = me.state.shift(RESUMING, CALLBACK, 0, 0);
        }
    }
}

/// Runs what it waits for above its stack, on this thread: it is parked meanwhile, and stays where it is. False: there is
/// a reason not to, and nothing was run.
#[inline]
pub(super) fn sit_beneath(me: &Process, above: impl FnOnce()) -> bool {
    let saved = Saved::now();
    if !sit_down(me) {
        return false;
    }
    above();
    current::set(me);
    stand_up(me);
    saved.restore();
    true
}

/// Says that it is parked, though it stays on its stack. False: there is a reason not to.
fn sit_down(me: &Process) -> bool {
    me.park().bind(thread_parker);
    // Once more past a wake that came before, and is of no use any more.
    me.state.park(false) || me.state.park(false)
}

/// What ran above it has returned, or waits itself.
fn stand_up(me: &Process) {
    if me.state.shift(PARKED, CALLBACK, 0, 0).is_ok() {
        return;
    }
    // Woken, or killed: its resume is in the thread's queue or on its way there, and is met where it is looked for.
    me.detach();
    let who = current::set(std::ptr::null());
    scheduler::suspend(me.park());
    current::set(who);
    // A ghost stays dead.
    let _ = me.state.shift(RESUMING, CALLBACK, 0, 0);
}

/// Lets those go on first that were resumed on this thread before: goes behind them. `Err`: it was killed.
#[cold]
pub(super) fn step_aside(me: &Process) -> Result<(), Error> {
    let _put_back = PutBack(Saved::now());
    if sit_down(me) {
        me.unpark();
        stand_up(me);
    }
    if ends_here(me) { Err(Error::Killed) } else { Ok(()) }
}

/// Whether a message came between the look and the park; then it is not parked any more. Partner: the look at the state
/// word after a push. Either the sender sees that it waits for a message, or we see the message.
fn came_meanwhile(me: &Process) -> bool {
    if me.mailbox_is_empty() || !me.state.unpark() {
        return false;
    }
    // A ghost stays dead.
    let _ = me.state.shift(RESUMING, CALLBACK, 0, 0);
    true
}

fn park_ghost(me: &Process) {
    me.detach();
    match me.place.thread_home() {
        None => {
            me.park().bind(thread_parker);
            if !me.state.park_ghost() {
                return;
            }
            let who = current::set(std::ptr::null());
            scheduler::suspend(me.park());
            current::set(who);
        }
        Some(home) => {
            let depth = inside::step_out();
            home.parker.park(Some(Duration::from_millis(1)));
            inside::re_enter(depth);
        }
    }
}

/// Ends from now on as a ghost would, so that it can be parked: its exit is carried out here and now.
fn park_with_exit(me: &Process) {
    super::exit::end_in_callback(me);
    park_ghost(me);
}

/// What belongs to the thread and must follow the callback over a park, and the caller over another's callback.
pub(super) struct Saved {
    errno: i32,
    #[cfg(target_arch = "x86_64")]
    mxcsr: u32,
    #[cfg(target_arch = "x86_64")]
    x87: u16,
}

impl Saved {
    #[inline]
    pub fn now() -> Saved {
        // SAFETY: errno's place is valid on every thread; the two stores write to locals of the right size.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            let (mut mxcsr, mut x87) = (0u32, 0u16);
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut mxcsr, in(reg) &raw mut x87,
                options(nostack));
            Saved {
                errno: *libc::__errno_location(),
                #[cfg(target_arch = "x86_64")]
                mxcsr,
                #[cfg(target_arch = "x86_64")]
                x87,
            }
        }
    }

    #[inline]
    pub fn restore(&self) {
        // SAFETY: as in `now`; the words come from there.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &self.mxcsr, in(reg) &self.x87,
                options(nostack, readonly));
            *libc::__errno_location() = self.errno;
        }
    }
}

/// Restores at its end what the wait itself may have changed, besides whoever ran meanwhile: a lock that somebody else
/// has is asked for by a system call, which sets errno.
struct PutBack(Saved);

impl Drop for PutBack {
    fn drop(&mut self) {
        self.0.restore();
    }
}

/// Does nothing for `ms` milliseconds; 0 lets others run first.
pub fn sleep(node: Option<&Arc<Node>>, ms: u32) -> Result<(), Error> {
    match current::identity()? {
        Identity::Process(me) => {
            may_wait(me)?;
            let node = me.node().clone();
            if ms == 0 {
                return give_way(me);
            }
            match until(&node, Till::In(ms), false, || false) {
                End::Killed => Err(Error::Killed),
                _ => Ok(()),
            }
        }
        Identity::Thread => {
            thread_may_wait()?;
            match node {
                Some(node) => {
                    until(node, Till::In(ms), false, || false);
                }
                None => std::thread::sleep(Duration::from_millis(u64::from(ms))),
            }
            Ok(())
        }
    }
}

/// Goes to the end of the run queue: puts itself there, and parks until its turn has come. `Err`: it was killed.
pub(super) fn give_way(me: &Process) -> Result<(), Error> {
    // A thread that is no worker is in no run queue: it runs its own process, or another's inline.
    if !scheduler::is_worker() {
        std::thread::yield_now();
        me.begin_stretch();
        return Ok(());
    }
    let _put_back = PutBack(Saved::now());
    if !me.state.queue_in_callback() {
        return Err(Error::Killed);
    }
    me.node().scheduler().yield_back(me.runnable());
    let turn_came = || me.state.load() & state::QUEUED == 0;
    match until(me.node(), Till::Ever, false, turn_came) {
        End::Killed => Err(Error::Killed),
        End::Ready | End::TimedOut => Ok(()),
    }
}
