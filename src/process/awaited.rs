//! Results that are waited for: how the value and the end of a process come, without a message, to one who monitors it
//! and waits for nothing else.
//!
//! A task sends `{Ref, Value}`, and ends; that makes an exit signal `normal` and a DOWN. An owner that waits takes the
//! value out of its mailbox, and demonitors, so that no DOWN comes, or goes. Nobody sees any of the two messages, and
//! of what an awaited task cost they were the half. So none is made for a monitor that is *awaited*:
//!
//! 1. *await* (the owner, about to wait, or as it starts the task): says that of its monitors, under its own lock.
//! 2. *hand* (who runs the task, when its function has returned): its word goes from `CALLBACK` to `DEAD` in one step,
//!    unless it has been told to end. From there on nothing can become of it but this end, whatever strikes it: so
//!    the owner may take note of all of that end at once, under its own lock. The monitor goes, the value is put among
//!    what was *given*, and the link goes, if a `normal` end means nothing to the owner. Then that is unparked. If the
//!    monitor is not awaited the value becomes a message, as to any alias.
//! 3. *end* (as any process ends): what is gone at the other end already is not looked for there.
//! 4. *take* (the owner): takes what was given out, under its own lock. It need not look before it parks for the first
//!    time after *await*: whoever gives unparks, and that lasts (`wait`).
//! 5. *give up* (the owner): what is still monitored is so as before, and becomes messages.
//!
//! The end of an awaited process that has handed nothing over is given too, in place of its DOWN, so that what is
//! given has the order in which it came about. A value is still there before the end of its process can be observed.
//! None of it counts as a message.
//!
//! * *Waits within waits*: an owner that is with a result of its stream may await others meanwhile. What it awaits is
//!   that of the innermost wait, and is given to that: whoever takes looks at nothing that is another's, however much of
//!   it there is. They end in the opposite order, since it has one stack.
//! * *Messages first*: a value that was a message, since nobody awaited it yet, is found before the end that was given.
//! * *A process with a thread of its own* says that it ends from before the step to `DEAD` on, so that its runtime is
//!   not quiet before the value is there.
//!
//! **Handing over.** A task that has not begun when its owner waits for it, and is the job woken last on the owner's
//! worker, would run next there, and the owner's stack, which does not leave its thread, would go on behind it. So the
//! owner does as one who calls (`inline`, handing over): it is parked for everybody who looks, but its stack stays where
//! it is, and the task's turn, its end included, is run above it. What is saved is the way through the queues, the timer
//! of the time limit, and the waking: the thread knows by which monitor the one beneath waits (`handed`), and *hand*
//! wakes nobody for that, since he looks when he goes on. (Not which task: anybody may monitor one, and sit beneath it.)
//! If the task waits, or could not be run, the owner goes on as if it had not tried, but looks before it parks, and has
//! what is left of its limit. A task that waits has left the thread, and `handed` with it: later it wakes its owner.

use super::control::Process;
use super::current::{self, Identity};
use super::error::Error;
use super::exit::Unseen;
use super::holdings::{Inner, Ties, Watch, Watched};
use super::limit::{self, Limit};
use super::message::Message;
use super::receive::{receive, receive_beside};
use super::run::Fenced;
use super::table;
use super::wait::{self, Till};
use crate::scheduler;
use crate::sync::Ordering;
use crate::sync::own::own;
use crate::term::{Pid, Ref, Term};
use std::collections::VecDeque;
use std::ptr;

/// What came of a monitor that was awaited.
pub enum Given {
    /// Its process has ended with a value. `unlinked`: there was a link with it, which is gone. `at`: when it had the
    /// value, if it says so.
    Value { value: Term, unlinked: bool, at: u64 },
    /// It has ended with this reason, and handed nothing over.
    Down(Term),
}

/// What was waited for.
pub enum Received {
    Message(Term),
    Given(Ref, Given),
}

/// What came of monitors, the first first.
type List = VecDeque<(Ref, Given)>;

/// The waits of a process for monitors; none is made for those who never await. Which it awaits, its monitors say
/// ([`Watched::Awaited`]).
#[derive(Default)]
pub(super) struct Awaits {
    /// Waits within each other. The innermost is the one of that number.
    waits: usize,
    given: List,
    /// What was given to those around it, the outermost first.
    around: Vec<List>,
}

/// So much room is kept for what is given.
const ROOM: usize = 64;

impl Awaits {
    fn give(&mut self, wait: usize, monitor: Ref, given: Given) {
        let list = match wait {
            innermost if innermost == self.waits => Some(&mut self.given),
            around => around.checked_sub(1).and_then(|at| self.around.get_mut(at)),
        };
        if let Some(list) = list {
            list.push_back((monitor, given));
        }
    }

    fn begin(&mut self) {
        if self.waits > 0 {
            self.around.push(std::mem::take(&mut self.given));
        }
        self.waits += 1;
    }

    /// What was given and not taken.
    fn end(&mut self) -> List {
        let left = std::mem::take(&mut self.given);
        self.end_taken();
        left
    }

    /// As [`Awaits::end`], of a wait for which all that was given was taken.
    fn end_taken(&mut self) {
        // None: the process has ended, and what it had went with that.
        self.waits = self.waits.saturating_sub(1);
        if let Some(around) = self.around.pop() {
            self.given = around;
        } else if self.given.capacity() > ROOM {
            self.given = List::new();
        }
    }
}

impl Ties {
    /// The innermost wait, if there is one.
    fn wait(&self) -> Option<usize> {
        self.awaits.as_ref().map(|awaits| awaits.waits).filter(|&waits| waits > 0)
    }

    /// A monitor that the innermost wait awaits.
    pub(super) fn awaited(&self, target: Pid) -> Watch {
        Watch { target, kind: self.wait().map_or(Watched::Plain, Watched::Awaited) }
    }
}

impl Inner {
    fn awaits(&mut self) -> Option<&mut Awaits> {
        self.tied()?.awaits.as_deref_mut()
    }

    /// The wait by which that monitor of its is awaited.
    fn awaiting(&mut self, monitor: Ref) -> Option<usize> {
        match self.tied()?.watching.get(&monitor)?.kind {
            Watched::Awaited(wait) => Some(wait),
            Watched::Plain | Watched::ByName(_) => None,
        }
    }

    /// For a monitor that was awaited by that wait, and is no more.
    pub(super) fn give(&mut self, wait: usize, monitor: Ref, given: Given) {
        if let Some(awaits) = self.awaits() {
            awaits.give(wait, monitor, given);
        }
    }

    /// Step *await*: for one that the caller has, and that was asked for by no name and without priority.
    fn await_monitor(&mut self, monitor: Ref) -> Option<Pid> {
        let has_priority = self.has_priority(monitor);
        let ties = self.tied()?;
        let wait = ties.wait()?;
        let watch = ties.watching.get_mut(&monitor)?;
        if has_priority || !matches!(watch.kind, Watched::Plain) {
            return None;
        }
        watch.kind = Watched::Awaited(wait);
        Some(watch.target)
    }

    /// Step *give up*.
    fn give_up_awaiting(&mut self, monitor: Ref) {
        if let Some(watch) = self.tied().and_then(|ties| ties.watching.get_mut(&monitor))
            && matches!(watch.kind, Watched::Awaited(_))
        {
            watch.kind = Watched::Plain;
        }
    }
}

/// What a process that has handed its value over has done of its end by that.
pub(super) mod told {
    /// Its end is decided.
    pub const ENDED: u8 = 1;
    /// The monitor is gone at its owner.
    pub const MONITOR: u8 = 2;
    /// The link is gone at its owner.
    pub const LINK: u8 = 4;
}

impl Process {
    /// Step *hand*, for a behaviour whose user code has returned and left the state word where it was
    /// ([`Process::user_staying`]). After `Ok` the process ends with `normal`, and does nothing else.
    pub fn end_with(&self, owner: Pid, monitor: Ref, value: Term, at: u64) -> Result<(), Fenced> {
        let as_message = |value| Term::tuple_of([Term::reference(monitor), value]);
        // From `DEAD` on nothing else says that a thread of its own is at work.
        let _ending = self.place.thread_home().is_some().then(|| Unseen::on(self.node()));
        let is_over = self.state.end_at_return();
        if !is_over {
            self.come_back()?;
        }
        let mut done = if is_over { told::ENDED } else { 0 };
        let hand = |owner: &Process, value: Term, _: &_| {
            let mut inner = owner.lock();
            let Some(wait) = inner.awaiting(monitor) else {
                if inner.goes_by(monitor).is_none() {
                    return Some(value);
                }
                owner.deliver(Message::Info(as_message(value)));
                return None;
            };
            inner.unwatch(monitor);
            done |= told::MONITOR;
            let unlinked = is_over && !inner.trap_exit && !owner.is_system() && inner.unlink(self.pid()).is_some();
            if unlinked {
                done |= told::LINK;
            }
            inner.give(wait, monitor, Given::Value { value, unlinked, at });
            drop(inner);
            // One that sits beneath looks by itself.
            if own().handed.get() != monitor.0 {
                owner.unpark();
            }
            None
        };
        // What nobody is there for.
        let left = table::with_process_or(owner, value, hand, Some);
        // SAFETY: RUNNING, or DEAD since the step above, without a ghost; and this is the thread that runs it.
        unsafe { self.reading() }.told = done;
        if let Some(value) = left {
            wait::free(value);
        }
        Ok(())
    }

    /// Begins a wait for one alone, and does step *await*: for that process. None: it cannot be awaited.
    fn await_one(&self, monitor: Ref) -> Option<Pid> {
        let mut inner = self.lock();
        inner.ties().awaits.get_or_insert_default().begin();
        let awaited = inner.await_monitor(monitor);
        if awaited.is_none()
            && let Some(awaits) = inner.awaits()
        {
            awaits.end_taken();
        }
        awaited
    }

    /// *Handing over*, to a process that is awaited by that monitor. None: it is not next here, and nothing was done. Else
    /// the limit, of which a part may be over; and what was given is to be looked at before anything is waited for.
    fn hand_over_to(&self, awaited: Pid, monitor: Ref, timeout: Option<u32>) -> Option<Limit> {
        if self.spend() {
            return None;
        }
        let (nest, job) = scheduler::hand_over_woken(self.node().scheduler(), awaited.0, limit::coarse_ns)?;
        let limit = Limit::new(timeout);
        let above = || {
            let handed = own().handed.replace(monitor.0);
            current::set(ptr::null());
            nest.run_job(job);
            own().handed.set(handed);
        };
        if !wait::sit_beneath(self, above) {
            self.node().scheduler().schedule(job);
        }
        Some(limit)
    }

    /// Step *take*, of a wait for one, which is over then.
    fn take_one(&self) -> Option<(Ref, Given)> {
        let mut inner = self.lock();
        let awaits = inner.awaits()?;
        let given = awaits.given.pop_front()?;
        awaits.end_taken();
        Some(given)
    }

    /// Step *give up*, of a wait for one; what was given until then.
    fn give_up_one(&self, monitor: Ref) -> Option<(Ref, Given)> {
        let mut inner = self.lock();
        inner.give_up_awaiting(monitor);
        inner.awaits()?.end().pop_front()
    }

    /// Whether there may be a message for a receive to look at.
    pub(super) fn has_messages(&self) -> bool {
        self.bounded().is_some() || !self.mailbox.is_empty() || self.kept.load(Ordering::Relaxed) != 0
    }
}

/// Waits for what comes of one monitor of the caller's, or a message that `wanted` takes; more than 0 milliseconds.
/// `NotFound`: there is no such message, nor that monitor.
pub fn receive_awaited(
    monitor: Ref, timeout: Option<u32>, mut wanted: impl FnMut(&Term) -> bool,
) -> Result<Received, Error> {
    let Identity::Process(me) = current::identity()? else { return Err(Error::NoIdentity) };
    if me.has_messages() {
        match receive(Some(0), &mut wanted) {
            Err(Error::Timeout) => {}
            received => return received.map(Received::Message),
        }
    }
    if let Err(error) = wait::may_wait(me) {
        // What can never come is told of first.
        let is_known = matches!(error, Error::Killed) || me.watches(monitor);
        return Err(if is_known { error } else { Error::NotFound });
    }
    let Some(awaited) = me.await_one(monitor) else {
        let timeout = if me.watches(monitor) { timeout } else { Some(0) };
        return match receive(timeout, wanted) {
            Err(Error::Timeout) if timeout == Some(0) => Err(Error::NotFound),
            received => received.map(Received::Message),
        };
    };
    let (mut given, mut is_first) = (None, true);
    let mut left = timeout;
    if let Some(limit) = me.hand_over_to(awaited, monitor, timeout) {
        if let Some((monitor, given)) = me.take_one() {
            return Ok(Received::Given(monitor, given));
        }
        // Who sits down may have taken a wake that was meant for this.
        is_first = false;
        left = limit.left(me.node());
    }
    let take = || {
        if !std::mem::take(&mut is_first) {
            given = me.take_one();
        }
        given.is_some()
    };
    let received = receive_beside(me, left.into(), take, wanted);
    let given = given.or_else(|| me.give_up_one(monitor));
    match (received, given) {
        // What was given beside it is the DOWN that goes.
        (Ok(Some(message)), _) => Ok(Received::Message(message)),
        (Ok(None) | Err(Error::Timeout), Some((monitor, given))) => Ok(Received::Given(monitor, given)),
        (Err(error), _) => Err(error),
        (Ok(None), None) => Err(Error::Killed),
    }
}

/// A wait for what comes of many, until it is dropped: what was given for them by then goes. Whoever drops it has given up
/// all that he added, or has demonitored it. For the calling process.
pub struct Awaiting<'a> {
    me: &'a Process,
    /// What was taken at once, and is looked for first.
    taken: List,
}

impl<'a> Awaiting<'a> {
    pub fn begin(me: &'a Process) -> Awaiting<'a> {
        me.lock().ties().awaits.get_or_insert_default().begin();
        Awaiting { me, taken: List::new() }
    }

    /// Step *await*, of those monitors that can be.
    pub fn add(&self, monitors: impl Iterator<Item = Ref>) {
        let mut inner = self.me.lock();
        monitors.for_each(|monitor| {
            inner.await_monitor(monitor);
        });
    }

    /// Step *give up*.
    pub fn give_up(&self, monitors: impl Iterator<Item = Ref>) {
        let mut inner = self.me.lock();
        monitors.for_each(|monitor| inner.give_up_awaiting(monitor));
    }

    /// Step *take*, of all that is there.
    fn take(me: &Process, taken: &mut List) -> bool {
        if let Some(awaits) = me.lock().awaits() {
            std::mem::swap(&mut awaits.given, taken);
        }
        !taken.is_empty()
    }

    /// What was given until now, and not received.
    pub fn rest(&mut self) -> impl Iterator<Item = (Ref, Given)> {
        let mut rest = std::mem::take(&mut self.taken);
        let mut later = List::new();
        Awaiting::take(self.me, &mut later);
        rest.append(&mut later);
        rest.into_iter()
    }

    /// As [`super::receive`], or what was given. `deadline`: on the runtime's clock; 0 is now, none is never.
    pub fn receive(&mut self, deadline: Option<u64>, mut wanted: impl FnMut(&Term) -> bool) -> Result<Received, Error> {
        let (me, taken) = (self.me, &mut self.taken);
        // What was taken is not for a ghost.
        if me.state.is_dead() {
            return Err(Error::Killed);
        }
        if taken.is_empty() && me.has_messages() {
            match receive(Some(0), &mut wanted) {
                Err(Error::Timeout) => {}
                received => return received.map(Received::Message),
            }
        }
        if !taken.is_empty() || Awaiting::take(me, taken) {
            if me.spend() && wait::may_wait(me).is_ok() {
                wait::give_way(me)?;
            }
            return taken.pop_front().map(|(monitor, given)| Received::Given(monitor, given)).ok_or(Error::Killed);
        }
        if deadline == Some(0) {
            return Err(Error::Timeout);
        }
        wait::may_wait(me)?;
        let mut is_first = true;
        let take = || !std::mem::take(&mut is_first) && Awaiting::take(me, taken);
        match receive_beside(me, deadline.map_or(Till::Ever, Till::At), take, wanted) {
            Ok(Some(message)) => return Ok(Received::Message(message)),
            // Given before the clock was looked at: not too late.
            Err(Error::Timeout) if Awaiting::take(me, taken) => {}
            received => drop(received?),
        }
        taken.pop_front().map(|(monitor, given)| Received::Given(monitor, given)).ok_or(Error::Killed)
    }
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        let left = self.me.lock().awaits().map(Awaits::end);
        // What it holds may be the user's, and is not dropped under the lock.
        drop(left);
    }
}
