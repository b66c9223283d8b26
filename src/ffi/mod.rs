//! The C face: every exported function, written out in full, and no logic.
//!
//! Terms that come by value are taken first, so that they are freed on every path. Then the body runs in `guard`:
//! inside the runtime, with a panic caught, and a fault kept as the caller's last error.

mod address;
mod agent;
mod ask;
mod behaviour;
mod child;
mod context;
mod dynamic_supervisor;
mod exceptions;
mod host;
mod observe;
mod partition_supervisor;
mod priority;
mod process;
mod process_body;
mod pubsub;
mod registry;
mod request;
mod runtime;
mod send;
mod server;
mod start;
mod supervisor;
mod support;
mod table;
mod table_select;
mod task;
mod task_supervisor;
mod term_make;
mod term_read;
mod types;
