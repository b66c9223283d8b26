//! On whose behalf a process runs.

use crate::term::Pid;
use std::sync::Arc;

/// On whose behalf a process runs, nearest first: a list that shares its tail with that process's own.
pub struct Callers {
    pub pid: Pid,
    above: Option<Arc<Callers>>,
    length: usize,
}

impl Callers {
    /// So many are kept of a chain of processes that start each other.
    const MOST: usize = 64;

    /// Those of a process that `pid` starts, whose own are `above`.
    pub fn new(pid: Pid, above: Option<&Arc<Callers>>) -> Arc<Callers> {
        let length = above.map_or(0, |above| above.length) + 1;
        if length <= Callers::MOST {
            return Arc::new(Callers { pid, above: above.cloned(), length });
        }
        // The furthest is left out.
        let mut kept: Vec<Pid> = above.into_iter().flat_map(|above| above.pids()).take(Callers::MOST - 1).collect();
        kept.reverse();
        let above = kept.into_iter().fold(None, |above, pid| Some(Callers::new(pid, above.as_ref())));
        Callers::new(pid, above.as_ref())
    }

    pub fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        std::iter::successors(Some(self), |callers| callers.above.as_deref()).map(|callers| callers.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_callers_are_kept() {
        let start = |pid: u64, above: Option<Arc<Callers>>| Some(Callers::new(Pid(pid), above.as_ref()));
        let callers = (1..=1000).fold(None, |above, pid| start(pid, above)).expect("a thousand");
        let pids: Vec<u64> = callers.pids().map(|pid| pid.0).collect();
        assert_eq!(pids, (1000 - 63..=1000).rev().collect::<Vec<_>>());
    }
}
