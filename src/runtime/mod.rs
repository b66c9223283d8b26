//! A runtime: its workers, its clock, its root supervisor; starting, settling, stopping.
use crate::process::Node;
use crate::term::Pid;
use std::sync::Arc;

/// The runtime whose root had this pid, also after the root died, until it is shut down.
pub fn node_of_root(_root: Pid) -> Option<Arc<Node>> {
    None
}
