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
//! * *Messages first*: a value that was a message, since nobody awaited it yet, is found before the end that was given.
//! * *A process with a thread of its own* says that it ends from before the step to `DEAD` on, so that its runtime is
//!   not quiet before the value is there.

use super::control::Process;
use super::current::{self, Identity};
use super::error::Error;
use super::exit::EndingThread;
use super::few::Few;
use super::holdings::{Inner, Watch};
use super::id_hash::IdHash;
use super::message::Message;
use super::receive::{receive, receive_beside};
use super::run::Fenced;
use super::table;
use super::wait;
use crate::sync::Ordering;
use crate::term::{Pid, Ref, Term};
use hashbrown::HashSet;
use std::collections::VecDeque;

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

/// What a process awaits; none is made for those who never do.
#[derive(Default)]
pub(super) struct Awaits {
    /// Monitors, and of whom they are. They are in no other list.
    monitors: Few<Ref, Pid>,
    /// The first first.
    given: Vec<(Ref, Given)>,
}

/// So much room is kept for what is given.
const ROOM: usize = 64;

impl Awaits {
    pub fn monitors(&self) -> &Few<Ref, Pid> {
        &self.monitors
    }

    pub fn add(&mut self, monitor: Ref, target: Pid) {
        self.monitors.insert(monitor, target);
    }

    pub fn remove(&mut self, monitor: Ref) -> Option<Pid> {
        self.monitors.remove(&monitor)
    }

    /// Takes out what was given for one.
    fn take(&mut self, monitor: Ref) -> Option<Given> {
        let at = self.given.iter().position(|(of, _)| *of == monitor)?;
        let (_, given) = self.given.remove(at);
        self.tidy();
        Some(given)
    }

    /// As [`Awaits::take`], of many: each is looked for among many once.
    fn take_all(&mut self, monitors: Vec<Ref>) -> Vec<(Ref, Given)> {
        if let [] | [_] = monitors[..] {
            let take = |monitor| self.take(monitor).map(|given| (monitor, given));
            return monitors.into_iter().filter_map(take).collect();
        }
        let monitors: HashSet<Ref, IdHash> = monitors.into_iter().collect();
        let taken = self.given.extract_if(.., |(monitor, _)| monitors.contains(monitor)).collect();
        self.tidy();
        taken
    }

    fn tidy(&mut self) {
        if self.given.is_empty() && self.given.capacity() > ROOM {
            self.given = Vec::new();
        }
    }
}

impl Inner {
    fn awaited(&mut self) -> Option<&mut Awaits> {
        self.tied()?.awaits.as_deref_mut()
    }

    /// Whether that is a monitor of its that is awaited.
    pub(super) fn awaits(&mut self, monitor: Ref) -> bool {
        self.awaited().is_some_and(|awaits| awaits.monitors.contains_key(&monitor))
    }

    /// For a monitor that is awaited, and is no more.
    pub(super) fn give(&mut self, monitor: Ref, given: Given) {
        if let Some(awaits) = self.awaited() {
            awaits.remove(monitor);
            awaits.given.push((monitor, given));
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
        let _ending = self.place.thread_home().is_some().then(|| EndingThread::of(self.node()));
        let is_over = self.state.end_at_return();
        if !is_over {
            self.come_back()?;
        }
        let mut done = if is_over { told::ENDED } else { 0 };
        let hand = |owner: &Process, value: Term, _: &_| {
            let mut inner = owner.lock();
            if !inner.awaits(monitor) {
                if inner.goes_by(monitor).is_none() {
                    return Some(value);
                }
                owner.deliver(Message::Info(as_message(value)));
                return None;
            }
            done |= told::MONITOR;
            let unlinked = is_over && !inner.trap_exit && !owner.is_system() && inner.unlink(self.pid()).is_some();
            if unlinked {
                done |= told::LINK;
            }
            inner.give(monitor, Given::Value { value, unlinked, at });
            drop(inner);
            owner.unpark();
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

    /// Step *await*; how many of them are: those that the caller has, and that were asked for by no name and without
    /// priority. For the calling process.
    pub fn await_monitors(&self, monitors: impl Iterator<Item = Ref>) -> usize {
        let mut inner = self.lock();
        let mut count = 0;
        for monitor in monitors {
            let priority = inner.has_priority(monitor);
            let ties = inner.ties();
            let Some(Watch { target, name: None }) = ties.watching.get(&monitor) else { continue };
            if !priority {
                let target = *target;
                ties.watching.remove(&monitor);
                ties.awaits.get_or_insert_default().add(monitor, target);
                count += 1;
            }
        }
        count
    }

    /// Step *give up*; what was given for them until then. For the calling process.
    pub fn give_up_awaiting(&self, monitors: impl Iterator<Item = Ref>) -> Vec<(Ref, Given)> {
        let mut inner = self.lock();
        let Some(ties) = inner.tied() else { return Vec::new() };
        let Some(awaits) = ties.awaits.as_deref_mut() else { return Vec::new() };
        let mut others = Vec::new();
        for monitor in monitors {
            match awaits.remove(monitor) {
                Some(target) => ties.watching.insert(monitor, Watch { target, name: None }),
                None if !awaits.given.is_empty() => others.push(monitor),
                None => {}
            }
        }
        awaits.take_all(others)
    }

    /// Step *take*, of one.
    fn take_given(&self, monitor: Ref) -> Option<Given> {
        self.lock().awaited()?.take(monitor)
    }

    /// Step *take*, of all that `is_mine` says; false when there was none.
    fn take_all_given(&self, is_mine: impl Fn(Ref) -> bool, into: &mut VecDeque<(Ref, Given)>) -> bool {
        let mut inner = self.lock();
        let Some(awaits) = inner.awaited() else { return false };
        let before = into.len();
        into.extend(awaits.given.extract_if(.., |(monitor, _)| is_mine(*monitor)));
        awaits.tidy();
        into.len() > before
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
    if me.await_monitors(std::iter::once(monitor)) == 0 {
        let timeout = if me.watches(monitor) { timeout } else { Some(0) };
        return match receive(timeout, wanted) {
            Err(Error::Timeout) if timeout == Some(0) => Err(Error::NotFound),
            received => received.map(Received::Message),
        };
    }
    let (mut given, mut is_first) = (None, true);
    let take = || {
        if !std::mem::take(&mut is_first) {
            given = me.take_given(monitor);
        }
        given.is_some()
    };
    let received = receive_beside(me, timeout, take, wanted);
    let given = match given {
        Some(given) => Some(given),
        None => me.give_up_awaiting(std::iter::once(monitor)).pop().map(|(_, given)| given),
    };
    match (received, given) {
        // What was given beside it is the DOWN that goes.
        (Ok(Some(message)), _) => Ok(Received::Message(message)),
        (Ok(None) | Err(Error::Timeout), Some(given)) => Ok(Received::Given(monitor, given)),
        (Err(error), _) => Err(error),
        (Ok(None), None) => Err(Error::Killed),
    }
}

/// As [`super::receive`], or takes what was given for monitors that are awaited and that `is_mine` says: what is taken
/// at once is kept in `given`, where it is looked for first.
pub fn receive_given(
    timeout: Option<u32>, given: &mut VecDeque<(Ref, Given)>, is_mine: impl Fn(Ref) -> bool,
    mut wanted: impl FnMut(&Term) -> bool,
) -> Result<Received, Error> {
    let Identity::Process(me) = current::identity()? else { return Err(Error::NoIdentity) };
    if given.is_empty() && me.has_messages() {
        match receive(Some(0), &mut wanted) {
            Err(Error::Timeout) => {}
            received => return received.map(Received::Message),
        }
    }
    if !given.is_empty() || me.take_all_given(&is_mine, given) {
        if me.spend() && wait::may_wait(me).is_ok() {
            wait::give_way(me)?;
        }
        return given.pop_front().map(|(monitor, given)| Received::Given(monitor, given)).ok_or(Error::Killed);
    }
    if timeout == Some(0) {
        return Err(Error::Timeout);
    }
    wait::may_wait(me)?;
    let mut is_first = true;
    let take = || !std::mem::take(&mut is_first) && me.take_all_given(&is_mine, given);
    if let Some(message) = receive_beside(me, timeout, take, wanted)? {
        return Ok(Received::Message(message));
    }
    given.pop_front().map(|(monitor, given)| Received::Given(monitor, given)).ok_or(Error::Killed)
}
