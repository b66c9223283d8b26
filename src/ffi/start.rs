//! Starting any kind of process outside a supervisor.
#![allow(non_camel_case_types)]

use super::child::{alone, regrow_child_spec, start_once};
use super::support::{Fault, guard, in_node, out_optional};
use super::types::{regrow_error, regrow_pid, regrow_ref};
use crate::process::{self, ChildStart, Error, Identity, Node, Process};
use crate::term::atoms;
use std::sync::Arc;

/// The calling process.
pub(super) fn me<'a>() -> Result<&'a Process, Fault> {
    match process::identity()? {
        Identity::Process(me) => Ok(me),
        Identity::Thread => Err(Error::NoIdentity.into()),
    }
}

/// Starts any kind of process, without parent or link, and waits until it is up. May wait.
///
/// @param runtime  the root, or any other process, of the runtime to start it in.
/// @param spec     borrowed, and copied; its id, restart and shutdown are not looked at.
/// @param pid      out. NULL: not wanted.
/// @return REGROW_ERR_START when its init stopped: regrow_last_reason(); REGROW_ERR_IGNORED; REGROW_ERR_EXISTS when its
///         name is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_start(
    runtime: regrow_pid, spec: *const regrow_child_spec, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pid = unsafe { out_optional(pid) };
        // SAFETY: as the header says.
        if let Some((behaviour, flags)) = unsafe { alone(spec) } {
            let begin = |node: &Arc<Node>| {
                process::identity()?;
                Ok(process::spawn_alone(node, behaviour, atoms::SERVER, flags)?)
            };
            pid.set(in_node(runtime, begin)?);
            return Ok(());
        }
        let begin = |start, timeout| in_node(runtime, |node| Ok(process::spawn_and_wait(node, start, timeout)?));
        // SAFETY: as the header says.
        pid.set(unsafe { start_once(spec, begin) }?.pid);
        Ok(())
    })
}

/// As regrow_start(), linked with the caller, which is its parent. Needs an identity; may wait.
///
/// A start that fails is an exit signal to the caller too, as in OTP: with its reason, normal when it was ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_start_link(spec: *const regrow_child_spec, pid: *mut regrow_pid) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pid = unsafe { out_optional(pid) };
        let begin = |mut start: ChildStart, timeout| {
            let me = me()?;
            (start.parent, start.link) = (me.pid(), true);
            Ok(process::spawn_and_wait(me.node(), start, timeout)?)
        };
        // SAFETY: as the header says.
        pid.set(unsafe { start_once(spec, begin) }?.pid);
        Ok(())
    })
}

/// As regrow_start(), with a host process for its parent: for code behind the host, which is not on any worker and so
/// cannot start it as the host. It is not linked with that: the host does so, or monitors it, once it has the pid. Any
/// thread; may wait.
///
/// @return REGROW_ERR_WRONG_KIND when `host` is no host process; REGROW_ERR_NO_PROCESS when it is dead; else as
///         regrow_start().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_start_for(
    host: regrow_pid, spec: *const regrow_child_spec, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pid = unsafe { out_optional(pid) };
        let begin = |mut start: ChildStart, timeout| {
            process::identity()?;
            let (kind, node) = process::with_process(host.into(), |host| (host.kind(), host.node().clone()))
                .ok_or(Error::NoProcess)?;
            if kind != atoms::HOST {
                return Err(Error::WrongKind.into());
            }
            start.parent = host.into();
            Ok(process::spawn_and_wait(&node, start, timeout)?)
        };
        // SAFETY: as the header says.
        pid.set(unsafe { start_once(spec, begin) }?.pid);
        Ok(())
    })
}

/// As regrow_start(), monitored by the caller before its first instruction. Needs an identity; may wait.
///
/// @param monitor  out: the Ref that its DOWN carries. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_start_monitor(
    spec: *const regrow_child_spec, pid: *mut regrow_pid, monitor: *mut regrow_ref,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (pid, monitor) = unsafe { (out_optional(pid), out_optional(monitor)) };
        let begin = |mut start: ChildStart, timeout| {
            let me = me()?;
            start.monitor = Some(me.pid());
            Ok(process::spawn_and_wait(me.node(), start, timeout)?)
        };
        // SAFETY: as the header says.
        let spawned = unsafe { start_once(spec, begin) }?;
        pid.set(spawned.pid);
        if let Some(reference) = spawned.monitor {
            monitor.set(reference);
        }
        Ok(())
    })
}
