//! regrow: OTP for native code. See ARCHITECTURE.md for the rooms and the arrows between them.

pub mod sync;
pub mod term;
