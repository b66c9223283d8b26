//! Who goes down and comes up again with a child that failed.
//!
//! Pure: keys stand for children, in the order they were started in. Rule: OTP `supervisor`, "Restart strategy".

use super::spec::{Restart, Strategy};
use std::ops::Bound;

/// What a restart does, in this order.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan<K> {
    /// To be stopped: the last started first. Those of them that are temporary are forgotten then.
    pub stop: Vec<K>,
    /// To be started: in the order of the first start, the one that failed among them.
    pub start: Vec<K>,
}

/// The children that a failure of `failed` can touch.
pub fn reach<K: Copy>(strategy: Strategy, failed: K) -> (Bound<K>, Bound<K>) {
    match strategy {
        Strategy::OneForOne | Strategy::SimpleOneForOne => (Bound::Included(failed), Bound::Included(failed)),
        Strategy::OneForAll => (Bound::Unbounded, Bound::Unbounded),
        Strategy::RestForOne => (Bound::Included(failed), Bound::Unbounded),
    }
}

/// Plans the restart of `failed`. `reached`: the children within [`reach`], in start order, running or not: siblings
/// that had been stopped come up again too.
pub fn plan<K: Copy + PartialEq>(reached: impl Iterator<Item = (K, Restart)>, failed: K) -> Plan<K> {
    let mut plan = Plan { stop: Vec::new(), start: Vec::new() };
    for (key, restart) in reached {
        if key != failed {
            plan.stop.push(key);
        }
        if key == failed || restart != Restart::Temporary {
            plan.start.push(key);
        }
    }
    plan.stop.reverse();
    plan
}
