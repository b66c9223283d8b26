//! Pubsubs: groups of processes, and topics.
#![allow(non_camel_case_types)]

use super::support::{
    Fault, SizedStruct, borrow, guard, out, out_optional, sized, sized_optional, take, text, text_optional,
};
use super::types::{REGROW_DROP_NEWEST, REGROW_DROP_OLDEST, regrow_error, regrow_pid, regrow_ref, regrow_term};
use crate::process::{self, Startable};
use crate::pubsub::inbox::Overflow;
use crate::pubsub::{self, PubSubSpec, Subscription};
use crate::term::{Pid, Term};
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// A pubsub: groups and topics. Nobody is linked with it, and it starts empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_pubsub_spec {
    /// sizeof(regrow_pubsub_spec).
    pub size: usize,
    /// Zero.
    pub reserved: u64,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_pubsub_spec {}

/// How a subscription is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_subscription {
    /// sizeof(regrow_subscription).
    pub size: usize,
    /// A queue group: each message goes to one of its members, in turn, whichever topics and patterns these are
    /// subscribed to. NULL: none.
    pub queue: *const c_char,
    /// So many messages that the process has not received yet are kept; 0: any number. At the limit messages are
    /// dropped, and {lag, Topic, Count} comes in the place of those that are missing.
    pub max_messages: u32,
    /// Which are dropped: REGROW_DROP_NEWEST, and so with 0, or REGROW_DROP_OLDEST.
    pub overflow: u32,
}

// SAFETY: as above.
unsafe impl SizedStruct for regrow_subscription {}

/// Reads a pubsub spec.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_pubsub_spec>()) }?;
    if given.reserved != 0 {
        return Err(Fault::argument("a pubsub spec has a field that this library does not know"));
    }
    Ok(Arc::new(PubSubSpec))
}

fn pids_term(pids: Vec<Pid>) -> Term {
    Term::list(pids.into_iter().map(Term::pid).collect())
}

/// Makes a process a member of a group; once more if it is one. Any thread.
///
/// It is a member until it leaves as often, or ends: whoever can see that it has ended finds it a member no more.
///
/// @param group  borrowed; any term, compared exactly.
/// @param pid    needs not be the caller.
/// @return REGROW_ERR_NO_PROCESS when it, or the pubsub, is dead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_group_join(
    pubsub: regrow_pid, group: *const regrow_term, pid: regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let group = unsafe { borrow(group) }?;
        process::identity()?;
        Ok(pubsub::join(pubsub.into(), group, pid.into())?)
    })
}

/// Takes a process out of a group, once. Any thread.
///
/// @param group  borrowed.
/// @return REGROW_ERR_NOT_FOUND, reason not_joined, when it is no member.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_group_leave(
    pubsub: regrow_pid, group: *const regrow_term, pid: regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let group = unsafe { borrow(group) }?;
        process::identity()?;
        pubsub::leave(pubsub.into(), group, pid.into()).map_err(|error| {
            let mut fault = Fault::from(error);
            if fault.code == regrow_error::REGROW_ERR_NOT_FOUND {
                fault.reason = Term::atom_named("not_joined");
            }
            fault
        })
    })
}

/// The members of a group. Any thread.
///
/// @param group  borrowed.
/// @param pids   out: a list, in no order, each as often as it joined; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_group_members(
    pubsub: regrow_pid, group: *const regrow_term, pids: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (group, pids) = unsafe { (borrow(group)?, out(pids)?) };
        pids.set(pids_term(pubsub::members(pubsub.into(), group)?));
        Ok(())
    })
}

/// The groups that have members. Any thread.
///
/// @param groups  out: a list, in no order; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_group_which(pubsub: regrow_pid, groups: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let groups = unsafe { out(groups) }?;
        groups.set(Term::list(pubsub::groups(pubsub.into())?));
        Ok(())
    })
}

/// Sends a message to the members of a group, to each as often as it joined. Any thread.
///
/// @param group    borrowed.
/// @param message  moved.
/// @param count    out: how many times it was sent. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_group_send(
    pubsub: regrow_pid, group: *const regrow_term, message: regrow_term, count: *mut usize,
) -> regrow_error {
    let message = take(message);
    guard(|| {
        let message = message?;
        // SAFETY: as the header says.
        let (group, count) = unsafe { (borrow(group)?, out_optional(count)) };
        process::identity()?;
        count.set(pubsub::send_to_group(pubsub.into(), group, &message)?);
        Ok(())
    })
}

/// Has the caller told of all that changes in a group from now on. Needs an identity.
///
/// {Ref, join, Group, Pids} and {Ref, leave, Group, Pids} come in the order of the changes, and the DOWN of the same
/// Ref when the pubsub ends. That a process has left because it ended comes once it has: whoever is told finds nothing
/// of it any more, neither names nor tables, whatever it got first.
///
/// @param group    borrowed.
/// @param monitor  out: the Ref.
/// @param pids     out: the members as they are now; yours. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_group_monitor(
    pubsub: regrow_pid, group: *const regrow_term, monitor: *mut regrow_ref, pids: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (group, monitor, pids) = unsafe { (borrow(group)?, out(monitor)?, out_optional(pids)) };
        let (reference, members) = pubsub::monitor(pubsub.into(), group)?;
        monitor.set(reference);
        pids.set(pids_term(members));
        Ok(())
    })
}

/// Takes a monitor of the caller's away; nothing of it comes any more, and what had come is gone. Needs an identity.
///
/// @return REGROW_ERR_NOT_FOUND when the caller has none of that Ref.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_group_demonitor(pubsub: regrow_pid, monitor: regrow_ref) -> regrow_error {
    guard(|| Ok(pubsub::demonitor(pubsub.into(), monitor.into())?))
}

unsafe fn subscription(how: *const regrow_subscription) -> Result<Subscription, Fault> {
    // SAFETY: the caller's promise.
    let Some(given) = unsafe { sized_optional(how) }? else { return Ok(Subscription::default()) };
    // SAFETY: the caller's promise.
    let queue = unsafe { text_optional(given.queue) }?.map(Arc::from);
    let overflow = match given.overflow {
        0 | REGROW_DROP_NEWEST => Overflow::DropNewest,
        REGROW_DROP_OLDEST => Overflow::DropOldest,
        _ => return Err(Fault::argument("a subscription's overflow is unknown")),
    };
    let bound = (given.max_messages > 0).then_some((given.max_messages as usize, overflow));
    Ok(Subscription { queue, bound, once: false })
}

/// Subscribes a process to a topic: it gets each message that is broadcast to it, as it was sent. Any thread.
///
/// Subscribed twice it gets each twice; it unsubscribes once. It is subscribed until then, or until it ends.
///
/// @param topic  any text, or a pattern: with `*` for one piece between dots (a.*.c), and `>` at the end for one or
///               more (a.>).
/// @param pid    needs not be the caller.
/// @param how    borrowed. NULL: no queue group, no limit.
/// @return REGROW_ERR_NO_PROCESS when the process, or the pubsub, is dead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_pubsub_subscribe(
    pubsub: regrow_pid, topic: *const c_char, pid: regrow_pid, how: *const regrow_subscription,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (topic, how) = unsafe { (text(topic)?, subscription(how)?) };
        process::identity()?;
        Ok(pubsub::subscribe(pubsub.into(), topic, pid.into(), how)?)
    })
}

/// As regrow_pubsub_subscribe(), but nothing happens when the process is subscribed to that topic, in whatever way.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_pubsub_subscribe_once(
    pubsub: regrow_pid, topic: *const c_char, pid: regrow_pid, how: *const regrow_subscription,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (topic, how) = unsafe { (text(topic)?, subscription(how)?) };
        process::identity()?;
        Ok(pubsub::subscribe(pubsub.into(), topic, pid.into(), Subscription { once: true, ..how })?)
    })
}

/// Takes all subscriptions of a process to a topic, or to a pattern as it was given, away. REGROW_OK also when there
/// were none. Messages that were broadcast before may still come. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_pubsub_unsubscribe(
    pubsub: regrow_pid, topic: *const c_char, pid: regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let topic = unsafe { text(topic) }?;
        process::identity()?;
        Ok(pubsub::unsubscribe(pubsub.into(), topic, pid.into())?)
    })
}

/// Sends a message to all subscribers of a topic, and never waits for one. REGROW_OK also when there are none. Any
/// thread.
///
/// @param topic    no pattern.
/// @param message  moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_pubsub_broadcast(
    pubsub: regrow_pid, topic: *const c_char, message: regrow_term,
) -> regrow_error {
    let message = take(message);
    guard(|| {
        let message = message?;
        // SAFETY: as the header says.
        let topic = unsafe { text(topic) }?;
        process::identity()?;
        Ok(pubsub::broadcast(pubsub.into(), topic, Pid::NONE, &message)?)
    })
}

/// As regrow_pubsub_broadcast(), but not to one process, as a rule the sender. Any thread.
///
/// @param from     who does not get it.
/// @param message  moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_pubsub_broadcast_from(
    pubsub: regrow_pid, from: regrow_pid, topic: *const c_char, message: regrow_term,
) -> regrow_error {
    let message = take(message);
    guard(|| {
        let message = message?;
        // SAFETY: as the header says.
        let topic = unsafe { text(topic) }?;
        process::identity()?;
        Ok(pubsub::broadcast(pubsub.into(), topic, from.into(), &message)?)
    })
}

/// How many subscriptions a broadcast to a topic meets, each member of a queue group counted; of a pattern, how many
/// there are to it. Any thread.
///
/// @param count  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_pubsub_subscriber_count(
    pubsub: regrow_pid, topic: *const c_char, count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (topic, count) = unsafe { (text(topic)?, out(count)?) };
        count.set(pubsub::subscriber_count(pubsub.into(), topic)?);
        Ok(())
    })
}
