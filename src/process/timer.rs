//! Timers to processes.
//!
//! The refs that users hold are the timers' own ids, marked in the highest bit; an interval has a ref of its own,
//! since its timer is a new one each time. A timer to a process is that process's, as the clock's room keeps owners, from
//! its start until its message is in the mailbox, and is cancelled when the process ends. Who it is, is known under the
//! process's lock; so a start takes that, which the fence does too, and a cancel takes the lock of the timers alone.

use super::control::Process;
use super::error::Error;
use super::id_hash::IdHash;
use super::message::Message;
use super::node::Node;
use super::pursuit::Pursuit;
use super::reply::Slot;
use super::table;
use crate::clock::{OwnerId, TimerId, TimerKind};
use crate::sync::parker::Parker;
use crate::sync::room::Room;
use crate::sync::{Mutex, inside};
use crate::term::{Pid, Ref, Term, atoms};
use hashbrown::HashMap;
use std::sync::Arc;

/// Set in every reference to a timer. The bit below is not, as no id has it: tables have both (`table/handle.rs`).
const TIMER_BIT: u64 = 1 << 63;
/// A timer that was never started.
const NEVER: TimerId = TimerId::from_bits(u64::MAX);
/// How many timers one look fires before it looks at the clock again.
const AT_ONCE: usize = 256;

/// What a timer does. Of four words: see `clock/slab.rs`.
pub enum Alarm {
    /// Ends a wait.
    Wake(Pid),
    WakeThread(Arc<Parker>),
    /// Sends a message.
    Send {
        to: Pid,
        message: Term,
    },
    /// Sends it, and starts again a period later than it was due.
    Interval(Box<Interval>),
    /// Tells a behaviour that its timer has run out.
    Tick {
        to: Pid,
        token: u64,
    },
    /// Sends a message to whoever is found then; belongs to nobody, and outlives restarts.
    SendTo(Box<(Find, Term)>),
    /// Ends a request's own time.
    Slot(Arc<Slot>),
    /// Ends the time in which somebody is looked for.
    Pursuit(Arc<Pursuit>),
}

const _: () = assert!(size_of::<Option<Alarm>>() == 32);

/// A message again and again.
pub struct Interval {
    id: Ref,
    to: Pid,
    period: u64,
    message: Term,
}

/// Finds the one a timer is for, when it fires. Calls no code of the user's.
pub type Find = Box<dyn Fn(&Arc<Node>) -> Option<Pid> + Send>;

/// The timers behind intervals' refs.
#[derive(Default)]
pub(super) struct Intervals(Mutex<HashMap<Ref, TimerId, IdHash>>);

impl Intervals {
    fn forget(&self, interval: Ref) -> Option<TimerId> {
        let mut intervals = self.0.lock();
        let timer = intervals.remove(&interval);
        intervals.tidy();
        timer
    }
}

fn id_of(timer: Ref) -> Option<TimerId> {
    (timer.0 & TIMER_BIT != 0).then(|| TimerId::from_bits(timer.0 & !TIMER_BIT))
}

fn ref_of(timer: TimerId) -> Ref {
    Ref(timer.to_bits() | TIMER_BIT)
}

/// Starts a timer that belongs to nobody.
pub(super) fn start(node: &Node, due: u64, kind: TimerKind, alarm: Alarm) -> TimerId {
    let started = node.timers.start(due, kind, alarm);
    if started.earliest && !node.clock.is_manual() {
        node.scheduler().alarm(due);
    }
    started.id
}

pub(super) fn start_slot_timer(node: &Node, due: u64, slot: &Arc<Slot>) -> TimerId {
    start(node, due, TimerKind::Sleep, Alarm::Slot(slot.clone()))
}

/// Starts a timer that is its process's from the first moment until it has done its work; gives `with` back when the
/// process is dead. Lock order: intervals, process, timers.
#[inline]
fn start_for<W>(
    process: &Process, due: u64, kind: TimerKind, with: W, make: impl FnOnce(TimerId, W) -> Alarm,
) -> Result<TimerId, W> {
    let node = process.node();
    let mut inner = process.lock();
    if inner.fenced {
        return Err(with);
    }
    let started = node.timers.start_owned(&mut inner.ties().timers, due, kind, |id| make(id, with));
    drop(inner);
    if started.earliest && !node.clock.is_manual() {
        node.scheduler().alarm(due);
    }
    Ok(started.id)
}

/// Delivers a timer's message.
fn deliver(process: &Process, message: Message) {
    let inner = process.lock();
    if !inner.closed {
        process.deliver(message);
        return;
    }
    // It has ended, and its timers with it.
    drop(inner);
    drop(message);
}

/// Has `message` sent to `to` after `ms` milliseconds; wrapped as `{timeout, Ref, Message}` if `wrap`. To a process
/// that is dead it is a timer that has fired.
#[inline]
pub fn start_message_timer(inside: &inside::Inside, to: Pid, ms: u64, message: Term, wrap: bool) -> Ref {
    let make = |id, message| {
        let message = match wrap {
            true => Term::tuple_of([Term::atom(atoms::TIMEOUT), Term::reference(ref_of(id)), message]),
            false => message,
        };
        Alarm::Send { to, message }
    };
    let start = |process: &Process, message, _: &inside::Inside| {
        start_for(process, process.node().deadline(ms), TimerKind::User, message, make)
    };
    // A message that nobody gets is freed here, outside the locks.
    table::look_inside_or(inside, to, message, start, Err).map_or_else(|_| Ref::fresh(), ref_of)
}

/// Has `message` sent to whoever `find` finds after `ms` milliseconds; dropped when nobody is there. Unlike a timer to
/// a pid it ends with nobody.
pub fn start_found_timer(node: &Arc<Node>, find: Find, ms: u64, message: Term) -> Ref {
    ref_of(start(node, node.deadline(ms), TimerKind::User, Alarm::SendTo(Box::new((find, message)))))
}

/// Sends `message` to `to` every `ms` milliseconds, without drift: the k-th at k times `ms` from now. A sender that
/// comes late catches up.
pub fn send_interval(node: &Arc<Node>, to: Pid, ms: u64, message: Term) -> Result<Ref, Error> {
    if ms == 0 {
        return Err(Error::Argument("an interval is at least one millisecond"));
    }
    let id = Ref::fresh();
    let period = ms.saturating_mul(1_000_000);
    let due = node.deadline(ms);
    let interval = Box::new(Interval { id, to, period, message });
    let not_started = table::with_process(to, |process| {
        let mut intervals = node.intervals.0.lock();
        match start_for(process, due, TimerKind::User, interval, |_, interval| Alarm::Interval(interval)) {
            Ok(timer) => {
                intervals.insert(id, timer);
                None
            }
            Err(interval) => Some(interval),
        }
    });
    // Freed here, outside the locks.
    drop(not_started);
    Ok(id)
}

/// Sends the message of an interval and starts its next timer; nothing if it was cancelled meanwhile, or the process is
/// dead. All under the lock, so that a cancel comes before or after it; the interval is given back if it is over.
fn fire_interval(node: &Node, timer: TimerId, at: u64, interval: Box<Interval>) -> Option<Box<Interval>> {
    let (id, to) = (interval.id, interval.to);
    let mut intervals = node.intervals.0.lock();
    if intervals.get(&id) != Some(&timer) {
        return Some(interval);
    }
    let start = |process: &Process, interval: Box<Interval>, _: &inside::Inside| {
        deliver(process, Message::Info(interval.message.clone()));
        let due = at.saturating_add(interval.period);
        start_for(process, due, TimerKind::User, interval, |_, interval| Alarm::Interval(interval))
    };
    match table::with_process_or(to, interval, start, Err) {
        Ok(next) => {
            intervals.insert(id, next);
            None
        }
        Err(interval) => {
            intervals.remove(&id);
            intervals.tidy();
            Some(interval)
        }
    }
}

/// Cancels up to `max` timers of a process that ended, and says how many; fewer than `max`: that were all.
pub(super) fn cancel_owned(node: &Node, owner: OwnerId, max: usize) -> usize {
    let mut alarms = Vec::new();
    let all = node.timers.cancel_owned(owner, max, &mut alarms);
    for alarm in &alarms {
        if let Alarm::Interval(interval) = alarm {
            node.intervals.forget(interval.id);
        }
    }
    if all { alarms.len().min(max.saturating_sub(1)) } else { max }
}

/// Whether that timer of the process has been taken out to be fired, and its message has not come yet.
fn is_firing(process: &Process, timer: Ref) -> bool {
    let owner = process.lock().tied().map(|ties| ties.timers).unwrap_or_default();
    id_of(timer).is_some_and(|id| process.node().timers.is_firing(id, owner))
}

/// Takes the message of a timer that has fired out of the caller's mailbox; waits for it if it is on its way.
pub fn flush_timer(timer: Ref) {
    while super::current().is_some_and(|me| is_firing(me, timer)) {
        std::thread::yield_now();
    }
    let is_it = |term: &Term| {
        term.as_tuple().is_some_and(|parts| {
            parts.len() == 3 && parts[0].is_atom(atoms::TIMEOUT) && parts[1].as_reference() == Some(timer)
        })
    };
    let _ = super::receive::receive(Some(0), is_it);
}

/// Starts a behaviour's own timer: `Message::Tick(token)` comes after `ms` milliseconds.
pub fn start_tick(process: &Process, ms: u64, kind: TimerKind, token: u64) -> TimerId {
    let node = process.node();
    let to = process.pid();
    start_for(process, node.deadline(ms), kind, (), |_, ()| Alarm::Tick { to, token }).unwrap_or(NEVER)
}

/// Cancels; when it was due, or none when it has fired, was cancelled, or its process ended. What it was to do is put
/// into `alarm`, to be freed where nothing is looked at.
#[inline(always)]
pub fn cancel_timer(node: &Node, timer: Ref, alarm: &mut Option<Alarm>) -> Option<u64> {
    let Some(id) = id_of(timer) else { return cancel_interval(node, timer, alarm) };
    node.timers.cancel_into(id, alarm)
}

/// Frees what a timer was to do, which for most is to send a message.
#[inline]
pub fn free_alarm(alarm: Option<Alarm>) {
    match alarm {
        Some(Alarm::Send { message, .. }) => drop(message),
        other => free_other(other),
    }
}

#[cold]
fn free_other(alarm: Option<Alarm>) {
    drop(alarm);
}

#[cold]
#[inline(never)]
fn cancel_interval(node: &Node, interval: Ref, alarm: &mut Option<Alarm>) -> Option<u64> {
    let id = node.intervals.forget(interval)?;
    // None: due, and about to be fired; it finds that it is an interval no more.
    Some(node.timers.cancel(id).map_or(0, |(cancelled, due)| {
        *alarm = Some(cancelled);
        due
    }))
}

/// The nanoseconds that are left.
pub fn read_timer(node: &Node, timer: Ref) -> Option<u64> {
    let (id, interval) = match id_of(timer) {
        Some(id) => (id, false),
        None => (*node.intervals.0.lock().get(&timer)?, true),
    };
    // An interval that is just being fired is alive.
    let due = node.timers.read(id).or(interval.then_some(0))?;
    Some(node.left(due))
}

impl Process {
    /// Cancels a timer of [`start_tick`].
    pub fn cancel_tick(&self, timer: TimerId) {
        drop(self.node().timers.cancel(timer));
    }
}

/// Fires what is due; the nanoseconds until the next, or until a part of the wheel begins in which there are many.
pub(super) fn fire_due(node: &Arc<Node>) -> Option<u64> {
    // Inside from before a timer is taken out until it has done its work: settle sees that.
    let _inside = inside::enter();
    let (mut due, mut fired) = (Vec::new(), Vec::new());
    loop {
        let now = node.clock.now();
        let more = node.timers.fire_due(now, AT_ONCE, &mut due);
        for (id, at, alarm) in due.drain(..) {
            fired.push(id);
            fire(node, id, at, alarm);
        }
        if !fired.is_empty() {
            node.timers.finish(&fired);
            fired.clear();
        }
        if !more {
            break;
        }
    }
    let next = node.timers.next_due_hint();
    (next != u64::MAX).then(|| node.left(next))
}

fn fire(node: &Arc<Node>, id: TimerId, at: u64, alarm: Alarm) {
    match alarm {
        Alarm::Wake(pid) => {
            table::with_process(pid, |process| process.unpark());
        }
        Alarm::WakeThread(parker) => parker.unpark(),
        Alarm::Send { to, message } => {
            table::with_process(to, |process| deliver(process, Message::Info(message)));
        }
        Alarm::Tick { to, token } => {
            table::with_process(to, |process| deliver(process, Message::Tick(token)));
        }
        Alarm::Interval(interval) => drop(fire_interval(node, id, at, interval)),
        Alarm::SendTo(what) => {
            let (find, message) = *what;
            if let Some(pid) = find(node) {
                table::with_process(pid, |process| process.deliver(Message::Info(message)));
            }
        }
        Alarm::Slot(slot) => slot.time_out(),
        Alarm::Pursuit(pursuit) => {
            pursuit.poke();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, looks};

    /// The watch thread wakes while many timers, in no order, wait far from now: it does not look at them all.
    #[test]
    fn a_wake_costs_no_look_at_what_is_far_from_due() {
        let node = Node::new(Clock::monotonic(), 1, 1, 0, Box::new(|_, _, _| ()));
        let hour = node.deadline(3_600_000);
        let start = |due| node.timers.start(due, TimerKind::User, Alarm::Wake(Pid(0)));
        const FAR: u64 = 20_000;
        const WAKES: u64 = 100;
        for name in 0..FAR {
            start(hour + name * 7919 % FAR);
        }
        looks::take();
        for wake in 0..WAKES {
            // One is due, so that the wheel is looked at; and another one brings the slot out of order.
            start(node.clock.now());
            start(hour + FAR - wake);
            let left = fire_due(&node).expect("some are waited for");
            assert!(left > 0 && node.clock.now() + left <= hour + 1_000_000_000, "in {left} ns");
        }
        assert_eq!(node.timers.len() as u64, FAR + WAKES);
        let looks = looks::take();
        assert!(looks as u64 <= 64 * WAKES, "looked at {looks} entries in {WAKES} wakes");
    }
}
