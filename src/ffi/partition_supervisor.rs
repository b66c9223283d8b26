//! Partition supervisors: their spec, and the way from a key to a process.
#![allow(non_camel_case_types)]

use super::child::{child_template, regrow_child_spec};
use super::supervisor::{max_restarts, strategy};
use super::support::{Fault, SizedStruct, borrow, guard, out, sized};
use super::types::{REGROW_SIMPLE_ONE_FOR_ONE, REGROW_WITH_NUMBER, regrow_error, regrow_pid, regrow_term};
use crate::process::Startable;
use crate::supervisor::{self, PartitionSpec, SupervisorSpec};
use std::ffi::c_void;
use std::sync::Arc;

/// A supervisor of the same child several times, once for each partition: what would be one process that everybody
/// waits for becomes several. A key leads to its partition by regrow_partition_whereis(), or by a regrow_address with
/// the supervisor in place of a registry. The children's ids are 0, 1, 2, ... Copied when used.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_partition_supervisor_spec {
    /// sizeof(regrow_partition_supervisor_spec).
    pub size: usize,
    /// Borrowed: what each partition is. Its id is not looked at; it has no name and no via.
    pub child: *const regrow_child_spec,
    /// How many, at most 65536; 0: one for each processor.
    pub partitions: u32,
    /// As in regrow_supervisor_spec, but for REGROW_SIMPLE_ONE_FOR_ONE.
    pub strategy: u32,
    /// As in regrow_supervisor_spec.
    pub max_restarts: u32,
    /// As in regrow_supervisor_spec.
    pub period_ms: u32,
    /// REGROW_WITH_NUMBER: each gets the number of its partition as one more argument, as in
    /// regrow_supervisor_start_instance(), which tells which kinds take one.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_partition_supervisor_spec {}

/// Reads a partition supervisor spec.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_partition_supervisor_spec>()) }?;
    // SAFETY: as above. First: once it is read, what belongs to it is given back on every path.
    let child = unsafe { child_template(given.child) }?;
    if given.flags & !REGROW_WITH_NUMBER != 0 || given.reserved != 0 || given.strategy == REGROW_SIMPLE_ONE_FOR_ONE {
        return Err(Fault::argument("a partition supervisor's strategy or flags are unknown"));
    }
    if child.start.name.is_some() || child.start.via.is_some() || child.significant {
        return Err(Fault::argument("a partition has no name, no via, and is not significant"));
    }
    let defaults = SupervisorSpec::default();
    let mut spec = PartitionSpec::new(child);
    if given.partitions != 0 {
        spec.partitions = given.partitions;
    }
    spec.with_number = given.flags & REGROW_WITH_NUMBER != 0;
    spec.supervisor = SupervisorSpec {
        strategy: strategy(given.strategy)?,
        max_restarts: max_restarts(given.max_restarts, defaults.max_restarts),
        period_ms: if given.period_ms == 0 { defaults.period_ms } else { given.period_ms },
        ..defaults
    };
    spec.check()?;
    Ok(Arc::new(spec))
}

/// The process of a key's partition. Never waits; any thread.
///
/// An integer belongs to the partition of its remainder by their number, any other key to that of Erlang's
/// `phash2(Key, Number)`.
///
/// @param key  borrowed.
/// @param pid  out: the partition's present pid, a restart gives it another.
/// @return REGROW_ERR_NO_PROCESS when the partition, or the supervisor, is not alive at this moment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_partition_whereis(
    supervisor: regrow_pid, key: *const regrow_term, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, pid) = unsafe { (borrow(key)?, out(pid)?) };
        pid.set(supervisor::partition(supervisor.into(), key)?);
        Ok(())
    })
}

/// How many partitions a partition supervisor has. Never waits; any thread.
///
/// @param count  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_partition_count(supervisor: regrow_pid, count: *mut u32) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let count = unsafe { out(count) }?;
        count.set(supervisor::partitions(supervisor.into())?);
        Ok(())
    })
}
