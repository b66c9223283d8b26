//! Timers to processes.
//!
//! The refs that users hold are the timers' own ids, marked in the highest bit; an interval has a ref of its own,
//! since its timer is a new one each time. A timer to a process is listed there and cancelled when it ends.

use super::control::{IdHash, Process};
use super::error::Error;
use super::message::Message;
use super::node::Node;
use super::reply::Slot;
use super::{signal, table};
use crate::clock::{TimerId, TimerKind};
use crate::sync::parker::Parker;
use crate::sync::{Mutex, inside};
use crate::term::{Pid, Ref, Term, atoms};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// Timers that end with their process.
pub(super) type TimerRefs = HashSet<u64, IdHash>;

const TIMER_BIT: u64 = 1 << 63;
/// How many timers one look fires before it looks at the clock again.
const AT_ONCE: usize = 256;

/// What a timer does.
pub enum Alarm {
    /// Ends a wait.
    Wake(Pid),
    WakeThread(Arc<Parker>),
    /// Sends a message.
    Send { to: Pid, message: Term },
    /// Sends it, and starts again a period later than it was due.
    Interval { id: Ref, to: Pid, period: u64, message: Term },
    /// Tells a behaviour that its timer has run out.
    Tick { to: Pid, token: u64 },
    /// Ends a request's own time.
    Slot(Arc<Slot>),
}

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

fn start_with(node: &Node, due: u64, kind: TimerKind, make: impl FnOnce(TimerId) -> Alarm) -> TimerId {
    let started = node.timers.start_with(due, kind, make);
    if started.earliest && !node.clock.is_manual() {
        node.scheduler().alarm(due);
    }
    started.id
}

pub(super) fn start_slot_timer(node: &Node, due: u64, slot: &Arc<Slot>) -> TimerId {
    start(node, due, TimerKind::Sleep, Alarm::Slot(slot.clone()))
}

/// Lists a timer with its process, or cancels it when that is dead.
fn adopt(node: &Node, process: &Process, timer: TimerId) -> bool {
    let mut inner = process.lock();
    if inner.fenced {
        drop(inner);
        drop(node.timers.cancel(timer));
        return false;
    }
    inner.timers.insert(timer.to_bits());
    // It may have fired between its start and now: then it is not listed.
    if node.timers.read(timer).is_none() {
        inner.timers.remove(&timer.to_bits());
    }
    true
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
    let id = start_with(node, due, TimerKind::User, alarm);
    if table::with_process(to, |process| adopt(node, process, id)).is_none() {
        drop(node.timers.cancel(id));
    }
    ref_of(id)
}

/// Sends `message` to `to` every `ms` milliseconds, without drift: the k-th at k times `ms` from now. A sender that
/// comes late catches up.
pub fn send_interval(node: &Arc<Node>, to: Pid, ms: u64, message: Term) -> Result<Ref, Error> {
    if ms == 0 {
        return Err(Error::Argument("an interval is at least one millisecond"));
    }
    let id = Ref::fresh();
    let period = ms.saturating_mul(1_000_000);
    arm_interval(node, id, to, node.deadline(ms), period, message);
    Ok(id)
}

fn arm_interval(node: &Node, id: Ref, to: Pid, due: u64, period: u64, message: Term) {
    let mut intervals = node.intervals.0.lock();
    let timer = start(node, due, TimerKind::User, Alarm::Interval { id, to, period, message });
    intervals.insert(id, timer);
}

/// Starts a behaviour's own timer: `Message::Tick(token)` comes after `ms` milliseconds.
pub fn start_tick(process: &Process, ms: u64, kind: TimerKind, token: u64) -> TimerId {
    let node = process.node();
    let id = start(node, node.deadline(ms), kind, Alarm::Tick { to: process.pid(), token });
    adopt(node, process, id);
    id
}

/// Cancels; the nanoseconds that were left, or none when it has fired, was cancelled, or its process ended.
pub fn cancel_timer(node: &Node, timer: Ref) -> Option<u64> {
    let id = match id_of(timer) {
        Some(id) => id,
        None => node.intervals.0.lock().remove(&timer)?,
    };
    cancel(node, id)
}

pub(super) fn cancel(node: &Node, id: TimerId) -> Option<u64> {
    let (alarm, due) = node.timers.cancel(id)?;
    if let Alarm::Send { to, .. } | Alarm::Tick { to, .. } = &alarm {
        table::with_process(*to, |process| process.lock().timers.remove(&id.to_bits()));
    }
    Some(due.saturating_sub(node.clock.now()))
}

/// The nanoseconds that are left.
pub fn read_timer(node: &Node, timer: Ref) -> Option<u64> {
    let id = match id_of(timer) {
        Some(id) => id,
        None => *node.intervals.0.lock().get(&timer)?,
    };
    node.timers.read(id).map(|due| due.saturating_sub(node.clock.now()))
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
            table::with_process(to, |process| {
                process.lock().timers.remove(&id.to_bits());
                process.deliver(Message::Info(message));
            });
        }
        Alarm::Tick { to, token } => {
            table::with_process(to, |process| {
                process.lock().timers.remove(&id.to_bits());
                process.deliver(Message::Tick(token));
            });
        }
        Alarm::Interval { id, to, period, message } => {
            // Cancelled in between: the map no longer has it.
            if node.intervals.0.lock().remove(&id).is_none() || !signal::send(to, message.clone()) {
                return;
            }
            arm_interval(node, id, to, at.saturating_add(period), period, message);
        }
        Alarm::Slot(slot) => slot.time_out(),
    }
}
