//! Timers to processes.
//!
//! The refs that users hold are the timers' own ids, marked in the highest bit; an interval has a ref of its own,
//! since its timer is a new one each time. A timer to a process is listed there and cancelled when it ends.

use super::control::Process;
use super::error::Error;
use super::few::Few;
use super::id_hash::IdHash;
use super::message::Message;
use super::node::Node;
use super::pursuit::Pursuit;
use super::reply::Slot;
use super::table;
use crate::clock::{TimerId, TimerKind};
use crate::sync::parker::Parker;
use crate::sync::room::Room;
use crate::sync::{Mutex, inside};
use crate::term::{Pid, Ref, Term, atoms};
use hashbrown::HashMap;
use std::sync::Arc;

/// Timers that end with their process.
pub(super) type TimerRefs = Few<u64, ()>;

/// Set in every reference to a timer. The bit below is not, as no id has it: tables have both (`table/handle.rs`).
const TIMER_BIT: u64 = 1 << 63;
/// A timer that was never started.
const NEVER: TimerId = TimerId::from_bits(u64::MAX);
/// How many timers one look fires before it looks at the clock again.
const AT_ONCE: usize = 256;

/// What a timer does.
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
    Interval {
        id: Ref,
        to: Pid,
        period: u64,
        message: Term,
    },
    /// Tells a behaviour that its timer has run out.
    Tick {
        to: Pid,
        token: u64,
    },
    /// Sends a message to whoever is found then; belongs to nobody, and outlives restarts.
    SendTo {
        find: Find,
        message: Term,
    },
    /// Ends a request's own time.
    Slot(Arc<Slot>),
    /// Ends the time in which somebody is looked for.
    Pursuit(Arc<Pursuit>),
}

/// Finds the one a timer is for, when it fires. Calls no code of the user's.
pub type Find = Box<dyn Fn(&Arc<Node>) -> Option<Pid> + Send>;

/// The timers behind intervals' refs.
#[derive(Default)]
pub(super) struct Intervals(Mutex<HashMap<Ref, TimerId, IdHash>>);

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

/// Starts a timer that is listed with its process from the first moment until it has done its work; none when the
/// process is dead. Lock order: intervals, process, timers.
fn start_for(
    node: &Node, process: &Process, due: u64, kind: TimerKind, make: impl FnOnce(TimerId) -> Alarm,
) -> Option<TimerId> {
    let started = {
        let mut inner = process.lock();
        if inner.fenced {
            return None;
        }
        let started = node.timers.start_with(due, kind, make);
        inner.ties().timers.insert(started.id.to_bits(), ());
        started
    };
    if started.earliest && !node.clock.is_manual() {
        node.scheduler().alarm(due);
    }
    Some(started.id)
}

/// Delivers a timer's message, and takes it off the list: nobody finds neither.
fn deliver(process: &Process, timer: TimerId, message: Message) {
    let mut inner = process.lock();
    inner.forget_timer(timer.to_bits());
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
pub fn start_message_timer(node: &Arc<Node>, to: Pid, ms: u64, message: Term, wrap: bool) -> Ref {
    let due = node.deadline(ms);
    let alarm = |id: TimerId| {
        let message = if wrap {
            Term::tuple_of([Term::atom(atoms::TIMEOUT), Term::reference(ref_of(id)), message])
        } else {
            message
        };
        Alarm::Send { to, message }
    };
    let started = table::with_process(to, |process| start_for(node, process, due, TimerKind::User, alarm));
    started.flatten().map_or_else(Ref::fresh, ref_of)
}

/// Has `message` sent to whoever `find` finds after `ms` milliseconds; dropped when nobody is there. Unlike a timer to
/// a pid it ends with nobody.
pub fn start_found_timer(node: &Arc<Node>, find: Find, ms: u64, message: Term) -> Ref {
    ref_of(start(node, node.deadline(ms), TimerKind::User, Alarm::SendTo { find, message }))
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
    table::with_process(to, |process| {
        let mut intervals = node.intervals.0.lock();
        let alarm = |_| Alarm::Interval { id, to, period, message: message.clone() };
        if let Some(timer) = start_for(node, process, due, TimerKind::User, alarm) {
            intervals.insert(id, timer);
        }
    });
    Ok(id)
}

/// Sends the message of an interval and starts its next timer; nothing if it was cancelled meanwhile, or the process is
/// dead. All under the lock, so that a cancel comes before or after it.
fn fire_interval(node: &Node, timer: TimerId, at: u64, id: Ref, to: Pid, period: u64, message: &Term) {
    let mut intervals = node.intervals.0.lock();
    if intervals.get(&id) != Some(&timer) {
        return;
    }
    let next = table::with_process(to, |process| {
        deliver(process, timer, Message::Info(message.clone()));
        let alarm = |_| Alarm::Interval { id, to, period, message: message.clone() };
        start_for(node, process, at.saturating_add(period), TimerKind::User, alarm)
    });
    match next.flatten() {
        Some(next) => intervals.insert(id, next),
        None => intervals.remove(&id),
    };
    intervals.tidy();
}

/// Cancels a timer that a process which ended had listed.
pub(super) fn cancel_listed(node: &Node, timer: u64) {
    if let Some((Alarm::Interval { id, .. }, _)) = node.timers.cancel(TimerId::from_bits(timer)) {
        let mut intervals = node.intervals.0.lock();
        intervals.remove(&id);
        intervals.tidy();
    }
}

/// Whether that timer has been taken out to be fired, and its message has not come yet.
fn is_firing(process: &Process, timer: Ref) -> bool {
    id_of(timer).is_some_and(|id| process.lock().tied().is_some_and(|ties| ties.timers.contains_key(&id.to_bits())))
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
    let _ = super::wait::receive(Some(0), is_it);
}

/// Starts a behaviour's own timer: `Message::Tick(token)` comes after `ms` milliseconds.
pub fn start_tick(process: &Process, ms: u64, kind: TimerKind, token: u64) -> TimerId {
    let node = process.node();
    let alarm = |_| Alarm::Tick { to: process.pid(), token };
    start_for(node, process, node.deadline(ms), kind, alarm).unwrap_or(NEVER)
}

/// Cancels; the nanoseconds that were left, or none when it has fired, was cancelled, or its process ended.
pub fn cancel_timer(node: &Node, timer: Ref) -> Option<u64> {
    match id_of(timer) {
        Some(id) => cancel(node, id),
        None => {
            let id = {
                let mut intervals = node.intervals.0.lock();
                let id = intervals.remove(&timer);
                intervals.tidy();
                id?
            };
            // Due, and about to be fired: it finds that it is an interval no more.
            Some(cancel(node, id).unwrap_or(0))
        }
    }
}

pub(super) fn cancel(node: &Node, id: TimerId) -> Option<u64> {
    let (alarm, due) = node.timers.cancel(id)?;
    if let Alarm::Send { to, .. } | Alarm::Tick { to, .. } | Alarm::Interval { to, .. } = &alarm {
        table::with_process(*to, |process| process.lock().forget_timer(id.to_bits()));
    }
    Some(due.saturating_sub(node.clock.now()))
}

/// The nanoseconds that are left.
pub fn read_timer(node: &Node, timer: Ref) -> Option<u64> {
    let (id, interval) = match id_of(timer) {
        Some(id) => (id, false),
        None => (*node.intervals.0.lock().get(&timer)?, true),
    };
    // An interval that is just being fired is alive.
    let due = node.timers.read(id).or(interval.then_some(0))?;
    Some(due.saturating_sub(node.clock.now()))
}

impl Process {
    /// Cancels a timer of [`start_tick`].
    pub fn cancel_tick(&self, timer: TimerId) {
        let _ = cancel(self.node(), timer);
    }
}

/// Fires what is due; the nanoseconds until the next.
pub(super) fn fire_due(node: &Arc<Node>) -> Option<u64> {
    // Inside from before a timer is taken out until it has done its work: settle sees that.
    let _inside = inside::enter();
    let mut due = Vec::new();
    loop {
        let now = node.clock.now();
        let more = node.timers.fire_due(now, AT_ONCE, &mut due);
        for (id, at, alarm) in due.drain(..) {
            fire(node, id, at, alarm);
        }
        if !more {
            break;
        }
    }
    node.timers.next_due().map(|(due, _)| due.saturating_sub(node.clock.now()))
}

fn fire(node: &Arc<Node>, id: TimerId, at: u64, alarm: Alarm) {
    match alarm {
        Alarm::Wake(pid) => {
            table::with_process(pid, |process| process.unpark());
        }
        Alarm::WakeThread(parker) => parker.unpark(),
        Alarm::Send { to, message } => {
            table::with_process(to, |process| deliver(process, id, Message::Info(message)));
        }
        Alarm::Tick { to, token } => {
            table::with_process(to, |process| deliver(process, id, Message::Tick(token)));
        }
        Alarm::Interval { id: interval, to, period, message } => {
            fire_interval(node, id, at, interval, to, period, &message);
        }
        Alarm::SendTo { find, message } => {
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
