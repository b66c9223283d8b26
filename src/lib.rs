//! regrow: OTP for native code. See ARCHITECTURE.md for the rooms and the arrows between them.

#[cfg(not(loom))]
pub mod agent;
#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
mod ffi;
pub mod mailbox;
#[cfg(not(loom))]
pub mod observe;
#[cfg(not(loom))]
pub mod pattern;
#[cfg(not(loom))]
pub mod process;
/// The files of `process` that loom models drive, without the rest.
#[cfg(loom)]
pub mod process {
    pub mod between;
    pub mod slot;
    pub mod state;
    pub mod turns;
    pub mod whereabouts;
    pub use whereabouts::{Left, Spot, Whereabouts};
}
#[cfg(not(loom))]
pub mod pubsub;
/// The file of `pubsub` that a loom model drives, without the rest.
#[cfg(loom)]
pub mod pubsub {
    pub mod inbox;
}
#[cfg(not(loom))]
pub mod registry;
/// The files of `registry` that a loom model drives, without the rest.
#[cfg(loom)]
pub mod registry {
    pub mod book;
    pub mod quick;
    pub mod shard;
}
#[cfg(not(loom))]
pub mod runtime;
#[cfg(not(loom))]
pub mod scheduler;
#[cfg(not(loom))]
pub mod server;
#[cfg(not(loom))]
pub mod supervisor;
pub mod sync;
#[cfg(not(loom))]
pub mod table;
/// The file of `table` that a loom model drives, without the rest.
#[cfg(loom)]
pub mod table {
    pub mod tenure;
}
#[cfg(not(loom))]
pub mod task;
pub mod term;
