//! Erlang's External Term Format, both ways: what Erlang nodes, ports, disks and networks speak.
//!
//! Promises: `encode` gives the bytes of OTP 25's `term_to_binary` (but for maps of more than 32 keys, which Erlang
//! orders by a hash of its own); `decode` takes what any OTP since R7 has written, and gives a term that encodes to
//! what OTP 25 would write for it. What has no kind of its own (funs, ports, pids and references of other nodes,
//! bitstrings) passes through. Bytes that are wrong are an error: never a panic, no recursion, and never more memory
//! than a constant times their length.
//!
//! Source: OTP's "External Term Format" (erts user's guide), and `erts/emulator/beam/external.c` where that is silent.

mod decode;
mod encode;
pub(super) mod foreign;

pub use decode::{DecodeError, Limits, decode, decode_prefix};
pub use encode::{EncodeError, encode, encode_into};

/// The first byte of every external term.
pub const VERSION: u8 = 131;

/// What the pids and references of regrow say as the `creation` of their node, `nonode@nohost`: "RGRW". A node of
/// Erlang without a name has creation 0; so neither side takes the other's for its own.
pub const CREATION: u32 = 0x5247_5257;

/// The byte before each term.
pub(super) mod tags {
    pub const NEW_FLOAT: u8 = 70;
    pub const BIT_BINARY: u8 = 77;
    pub const COMPRESSED: u8 = 80;
    pub const NEW_PID: u8 = 88;
    pub const NEW_PORT: u8 = 89;
    pub const NEWER_REFERENCE: u8 = 90;
    pub const SMALL_INTEGER: u8 = 97;
    pub const INTEGER: u8 = 98;
    pub const FLOAT: u8 = 99;
    pub const ATOM: u8 = 100;
    pub const REFERENCE: u8 = 101;
    pub const PORT: u8 = 102;
    pub const PID: u8 = 103;
    pub const SMALL_TUPLE: u8 = 104;
    pub const LARGE_TUPLE: u8 = 105;
    pub const NIL: u8 = 106;
    pub const STRING: u8 = 107;
    pub const LIST: u8 = 108;
    pub const BINARY: u8 = 109;
    pub const SMALL_BIG: u8 = 110;
    pub const LARGE_BIG: u8 = 111;
    pub const NEW_FUN: u8 = 112;
    pub const EXPORT: u8 = 113;
    pub const NEW_REFERENCE: u8 = 114;
    pub const SMALL_ATOM: u8 = 115;
    pub const MAP: u8 = 116;
    pub const FUN: u8 = 117;
    pub const ATOM_UTF8: u8 = 118;
    pub const SMALL_ATOM_UTF8: u8 = 119;
    pub const V4_PORT: u8 = 120;
}
