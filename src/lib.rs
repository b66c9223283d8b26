//! regrow: OTP for native code. See ARCHITECTURE.md for the rooms and the arrows between them.

#[cfg(not(loom))]
pub mod clock;
pub mod sync;
pub mod term;
