//! regrow: OTP for native code. See ARCHITECTURE.md for the rooms and the arrows between them.

pub mod mailbox;
#[cfg(not(loom))]
pub mod scheduler;
pub mod sync;
pub mod term;
