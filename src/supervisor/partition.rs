//! Partition supervisors: one child for each partition, and which of them a key belongs to.
//!
//! A supervisor over as many children of one kind as there are partitions, their ids 0, 1, 2, ... What would be one
//! process that everybody waits for becomes several. Which child a key leads to is found without asking the
//! supervisor: it shows the pids to everybody, and writes a new one when a child has come up.
//!
//! Where it is from: Elixir 1.14 `PartitionSupervisor`.

use super::Supervisor;
use super::spec::{ChildSpec, SupervisorSpec};
use crate::process::{self, ChildStart, Error, FLAG_SYSTEM, Face, Owned, Sought, Startable};
use crate::sync::{AtomicU64, Ordering};
use crate::term::{Atom, Pid, Term, atoms};
use std::sync::Arc;

/// Far more than there are processors; what is larger is a mistake.
const MOST: u32 = 1 << 16;

/// A partition supervisor.
#[derive(Clone)]
pub struct PartitionSpec {
    /// What each partition is. Its id is not looked at.
    pub child: ChildSpec,
    /// How many there are: 1 to 65536.
    pub partitions: u32,
    /// Each gets its number as one more argument.
    pub with_number: bool,
    /// Strategy, intensity and the like; its children are not looked at.
    pub supervisor: SupervisorSpec,
}

impl PartitionSpec {
    /// As many partitions as the machine has processors, each restarted alone.
    pub fn new(child: ChildSpec) -> PartitionSpec {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        PartitionSpec { child, partitions: processors, with_number: false, supervisor: SupervisorSpec::default() }
    }

    /// The supervisor over the partitions.
    fn children(&self) -> Result<SupervisorSpec, Error> {
        let numbered = |number: u32| {
            let number = Term::int(i64::from(number));
            let extra = if self.with_number { number.clone() } else { Term::nil() };
            Ok(ChildSpec { id: number, ..self.child.instance(&extra)? })
        };
        let children = (0..self.partitions).map(numbered).collect::<Result<_, Error>>()?;
        Ok(SupervisorSpec { children, ..self.supervisor.clone() })
    }

    /// Whether it can be started.
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=MOST).contains(&self.partitions) {
            return Err(Error::Argument("there are from 1 to 65536 partitions"));
        }
        self.children().map(|_| ())
    }
}

impl Startable for PartitionSpec {
    fn build(&self) -> ChildStart {
        let partitions = Arc::new(Partitions::new(self.partitions));
        let what = partitions.clone();
        // Checked before; a spec that was not starts nothing.
        let children = self.children().unwrap_or_default();
        let supervisor = Supervisor { partitions: Some(partitions), ..Supervisor::new(children) };
        let face = move |_| Face::new(what, Arc::new(Nothing));
        let face: Option<process::MakeFace> = Some(Box::new(face));
        ChildStart { flags: FLAG_SYSTEM, kind: self.kind(), face, ..ChildStart::new(supervisor) }
    }

    fn kind(&self) -> Atom {
        atoms::PARTITION_SUPERVISOR
    }

    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        let child = self.child.instance(extra).ok()?;
        Some(Arc::new(PartitionSpec { child, ..self.clone() }))
    }
}

/// The face has nothing to give back.
struct Nothing;

impl Owned for Nothing {
    fn release(&self, _pid: Pid) {}
}

/// The pids of the partitions, by number; 0 before the first start.
pub(super) struct Partitions(Box<[AtomicU64]>);

impl Partitions {
    fn new(count: u32) -> Partitions {
        Partitions((0..count).map(|_| AtomicU64::new(0)).collect())
    }

    /// A partition has come up.
    pub fn set(&self, number: u64, pid: Pid) {
        if let Some(place) = self.0.get(number as usize) {
            // Partner: the load in `partition`, by one who waits for it: SeqCst, as `process::turns` asks.
            place.store(pid.0, Ordering::SeqCst);
        }
    }
}

/// Which of `count` partitions a key belongs to: an integer's remainder, or `phash2` of any other term.
pub fn partition_of(key: &Term, count: u32) -> u32 {
    if count == 0 {
        return 0;
    }
    if let Some(value) = key.as_int() {
        return (value.unsigned_abs() % u64::from(count)) as u32;
    }
    match key.as_big() {
        Some((_, magnitude)) => {
            let step = |rest: u64, &byte: &u8| (rest << 8 | u64::from(byte)) % u64::from(count);
            magnitude.iter().rev().fold(0, step) as u32
        }
        None => key.phash2_in(count),
    }
}

fn with_partitions<R>(supervisor: Pid, look: impl FnOnce(&[AtomicU64]) -> R) -> Result<R, Error> {
    process::with_process(supervisor, |process| match process.face::<Partitions>() {
        Some(partitions) => Ok(look(&partitions.0)),
        None => Err(Error::WrongKind),
    })
    .unwrap_or(Err(Error::NoProcess))
}

/// The process of a key's partition, which is alive. `NoProcess`: it is just not there, or the supervisor is not;
/// `WrongKind`: that is no partition supervisor. Asks nobody and does not wait.
pub fn partition(supervisor: Pid, key: &Term) -> Result<Pid, Error> {
    let pid = with_partitions(supervisor, |pids| {
        let number = partition_of(key, pids.len() as u32);
        pids.get(number as usize).map_or(Pid::NONE, |pid| Pid(pid.load(Ordering::SeqCst)))
    })?;
    if process::is_alive(pid) { Ok(pid) } else { Err(Error::NoProcess) }
}

/// What who waits for a key's partition waits for. None: that is no partition supervisor, or it is dead.
pub fn sought(supervisor: Pid, key: &Term) -> Option<Sought> {
    let count = partitions(supervisor).ok()?;
    Some(arrival(supervisor, u64::from(partition_of(key, count))))
}

/// What arrives with a partition.
pub(super) fn arrival(supervisor: Pid, number: u64) -> Sought {
    Sought::new(supervisor, number)
}

/// How many partitions there are.
pub fn partitions(supervisor: Pid) -> Result<u32, Error> {
    with_partitions(supervisor, |pids| pids.len() as u32)
}

/// Whether that process is a partition supervisor.
pub fn is_partition_supervisor(pid: Pid) -> bool {
    with_partitions(pid, |_| ()).is_ok()
}
