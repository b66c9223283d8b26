//! Quiet: nothing runs, nothing is under way, and only time could change that.
//!
//! No message is counted. The workers' sleep counters are read, then whether any other thread is inside the library,
//! then the counters again. Whoever was inside and sent something in between has woken a worker, and its counter
//! differs; whoever is still inside is seen. A thread that waits in a call is not inside, nor is one that drops a
//! state: who carries out ends and is not seen by its worker says so (`process/exit.rs`, `Unseen`), and has not begun
//! to in between.
//!
//! What goes on outside is looked at around all that: there is none before, and nothing has changed after, so there was
//! none at the moment at which the workers slept. Whoever gives a token back has made its calls before.

use crate::clock::TimerKind;
use crate::process::{self, Error, Node, Request};
use crate::sync::{inside, retired};
use crate::term::{Pid, Term};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a quiet runtime waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// In nanoseconds of the runtime's clock.
    pub now: u64,
    /// The next timer, and its kind; none: nothing will happen by itself.
    pub next: Option<(u64, TimerKind)>,
}

/// Looks this often before it sleeps between looks.
const SPINS: u32 = 50;
/// How long it then sleeps; real time, also under a manual clock: it waits for threads.
const PAUSE: Duration = Duration::from_micros(100);

fn look(node: &Arc<Node>, work: Work) -> Option<Settled> {
    let outside = match work {
        Work::Any => Some(node.outside_stamp()?),
        Work::Inside => None,
    };
    let stamp = || node.scheduler().quiet_stamp(|id| node.is_ghost(Pid(id)));
    let (before, unseen) = (stamp()?, node.unseen_stamp()?);
    // Inside is looked at before and after: who was on the way into an inline call is seen at the first look, or in it.
    if others_inside() || node.has_busy_threads() || others_inside() {
        return None;
    }
    let now = node.clock.now();
    let next = node.next_due();
    if next.is_some_and(|(due, _)| due <= now) {
        // Due, and about to be fired: by the watch thread, or by whoever moves the manual clock.
        return None;
    }
    let same = stamp() == Some(before)
        && node.unseen_stamp() == Some(unseen)
        && (outside.is_none() || node.outside_stamp() == outside);
    same.then_some(Settled { now, next })
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Also what goes on outside.
    Any,
    /// Only that of the runtime itself: at its end nobody counts on what is outside.
    Inside,
}

fn others_inside() -> bool {
    let me = inside::this_thread();
    let mut inside = false;
    inside::for_each_thread(|thread, count| inside |= count % 2 == 1 && thread != me);
    inside
}

/// Waits until the runtime is quiet, at most `timeout` milliseconds of real time. `WouldDeadlock` in a callback, which
/// would wait for itself.
pub fn settle(node: &Arc<Node>, timeout: Option<u32>) -> Result<Settled, Error> {
    if process::in_callback() {
        return Err(Error::WouldDeadlock);
    }
    let depth = inside::step_out();
    let settled = wait(node, timeout, Work::Any);
    // What this thread ended may be freed now; it has perhaps nothing more to end for a long time.
    retired::collect();
    inside::re_enter(depth);
    settled
}

/// As [`settle`], from outside the library.
pub(super) fn wait(node: &Arc<Node>, timeout: Option<u32>, work: Work) -> Result<Settled, Error> {
    let end = timeout.map(|ms| Instant::now() + Duration::from_millis(u64::from(ms)));
    let mut spins = 0;
    loop {
        if node.clock.is_manual() {
            // A timer may be started that is due at once.
            node.fire_due();
        }
        if let Some(settled) = look(node, work) {
            return Ok(settled);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(Error::Timeout);
        }
        spins += 1;
        if spins < SPINS { std::thread::yield_now() } else { std::thread::sleep(PAUSE) }
    }
}

/// As [`settle`], to be collected later. The answer is `quiet`, or `{waiting, DeadlineMs, Kind}`.
pub fn settle_request(node: &Arc<Node>) -> Result<Request, Error> {
    let request = Request::new(node, None);
    let reply = request.reply_to();
    let node = node.clone();
    let thread = std::thread::Builder::new().name("regrow-settle".into()).spawn(move || {
        // A runtime that never comes to rest is left alone once nobody waits for the answer.
        let settled = loop {
            match settle(&node, Some(100)) {
                Err(Error::Timeout) if reply.is_awaited() => {}
                other => break other,
            }
        };
        match settled {
            Ok(settled) => reply.answer(term(&settled)),
            Err(error) => reply.die(error.reason()),
        }
    });
    thread.map(|_| request).map_err(|_| Error::Limit)
}

fn term(settled: &Settled) -> Term {
    match settled.next {
        None => Term::atom_named("quiet"),
        Some((due, kind)) => {
            let kind = match kind {
                TimerKind::User => "user",
                TimerKind::Supervision => "supervision",
                TimerKind::Sleep => "sleep",
            };
            let due = i64::try_from(due.div_ceil(1_000_000)).unwrap_or(i64::MAX);
            Term::tuple_of([Term::atom_named("waiting"), Term::int(due), Term::atom_named(kind)])
        }
    }
}

/// Moves a manual clock on by `ns`, from deadline to deadline, and lets the runtime come to rest at each. Time stands
/// still while work goes on outside.
pub fn advance(node: &Arc<Node>, ns: u64) -> Result<(), Error> {
    if process::in_callback() {
        return Err(Error::WouldDeadlock);
    }
    if !node.clock.is_manual() {
        return Err(Error::Argument("only a manual clock is moved by hand"));
    }
    let depth = inside::step_out();
    let target = node.clock.now().saturating_add(ns);
    loop {
        let settled = wait(node, None, Work::Any)?;
        match settled.next {
            Some((due, _)) if due <= target => {
                node.clock.advance_to(due);
                node.fire_due();
            }
            _ => break,
        }
    }
    node.clock.advance_to(target);
    let settled = wait(node, None, Work::Any);
    inside::re_enter(depth);
    settled.map(|_| ())
}
