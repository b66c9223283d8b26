//! Processes: what lives, fails alone, and is found by its pid.
//!
//! # The state word
//!
//! One atomic decides who may touch a process's private parts (its behaviour, its mailbox's reading end):
//!
//! ```text
//!              message                    worker takes it
//!      IDLE ───────────────► READY ───────────────────────► RUNNING ◄──────┐
//!       ▲                      ▲        used up its turn       │  │        │ returns
//!       │                      └───────────────────────────────┘  │ calls user code
//!       └── mailbox empty ──────────────────────────────────────  ▼        │
//!                                                              CALLBACK ───┘
//!                                                               │    ▲
//!                                                         waits │    │ back on its stack
//!                                                               ▼    │
//!                                                            PARKED ─► RESUMING
//!      any of them ──► DEAD          (fenced: by its own end, or by a fatal signal from outside)
//! ```
//!
//! Two short ways beside these: a caller that has an idle process answer it there and then goes from `IDLE` to
//! `CALLBACK` and back (`inline`), and one that is parked while the callee runs above its own stack goes from `PARKED`
//! to `CALLBACK` by itself, if nobody has unparked it.
//!
//! * `IDLE`, `READY`: nobody touches the private parts.
//! * `RUNNING`: the one thread that runs it is in runtime code on its behalf; so short that nobody interrupts it.
//!   A fatal signal sets `EXIT`, which the runner sees at its next step.
//! * `CALLBACK`: that thread is in user code, for as long as that takes, or has just come out of it and touches nothing
//!   but the behaviour: when nothing is in the mailbox it goes from there to `IDLE` in one step, and when a message is
//!   there it takes that one (`between`). A kill makes the word `DEAD` at once; the thread then runs a *ghost*: each of
//!   its calls returns `KILLED`, its state is dropped when it returns, or when the pid is stale, if that is later: by the
//!   ghost, or by whoever carries out the end, which they settle under the lock. Other fatal signals set `EXIT`.
//! * `PARKED`, `RESUMING`: user code waits on a stack of its own. Any fatal signal makes the word `DEAD` at once,
//!   and the stack is resumed as a ghost, to unwind.
//! * `DEAD`: the winner of the transition carries out the exit, exactly once.
//!
//! Flags beside the phase: `EXIT` (a fatal reason is set), `WAKE` (an unpark came while it ran), `RECEIVES` (parked
//! for a message), `QUEUED` (a run queue still holds it, although it is dead), `SEEN` (the watchdog saw this stretch of
//! user code).
//!
//! # One lock
//!
//! A small lock per process guards the fence, links, monitors, names, owned resources, and as whom it has its timers
//! (those themselves lie under the one lock of the runtime's timers, which is taken within it). Signals are acted
//! on at once, by their sender, under the receiver's lock: what becomes a message goes into the mailbox in the
//! sender's order, what is fatal changes the state word. Never two process locks at once; owner lock before bucket
//! lock; no signal is sent, no term freed and no user code run under a lock.
//!
//! # The order of an end
//!
//! fence → timers → owned resources and name, descendants' names → the pid is stale → news of what was owned (the
//! `leave` of groups) → starter's answer → links and monitors → state → mailbox, calls in it answered. So whoever hears
//! of a death finds nothing of the dead. (A value that is awaited is handed over first of all: `awaited`.) An end with a
//! great deal to do is a job that gives its worker back every so often (`exit`).

mod alias;
mod arrival;
mod awaited;
mod between;
mod bound;
mod callers;
mod control;
mod current;
mod ending;
mod error;
mod exit;
mod few;
mod holdings;
mod home;
mod id_hash;
mod inbox;
mod info;
mod inline;
mod latch;
mod limit;
mod lineage;
mod message;
mod names;
mod node;
mod outside;
mod pace;
mod packing;
mod pool;
mod pursuit;
mod reading;
mod receive;
mod reply;
mod request;
mod run;
mod send;
mod signal;
mod slot;
mod spare;
mod start;
mod state;
mod table;
mod timer;
mod turns;
mod undelivered;
mod wait;
mod watchdog;
mod whereabouts;

pub use alias::{alias, alias_opt, exit_alias, send_alias, send_to_alias, unalias};
pub use arrival::{Places, Sought, Turn, until_arrival};
pub use awaited::{Awaiting, Given, Received, receive_awaited};
pub use bound::{Bound, Policy};
pub use callers::Callers;
pub use control::{Face, MakeFace, Process};
pub use current::{Identity, current, current_pid, identity, in_callback};
pub use error::Error;
pub use holdings::{Holding, Link, Owned, Owner};
pub use home::{Home, enter_thread, leave_thread, thread_event_fd};
pub use id_hash::IdHash;
pub use info::{Snapshot, info, snapshot};
pub use inline::{Desk, Question, Request as Asked, ask};
pub use latch::Latch;
pub use message::{Down, DownOf, Message, Redeem, StartResult, Started, SystemRequest, Ticket};
pub use names::{Called, Name, register, sought, unregister, whereis};
pub use node::{LogLevel, Logger, Node};
pub use outside::owe_outside;
pub use pursuit::pursue;
pub use receive::{flush, receive, receive_first};
pub use reply::{
    Outcome, ReplyTo, Slot, answer_deferred, call, call_in_turn, defer, owe, stop, stop_in_turn, stop_request,
    take_owed,
};
pub use request::Request;
pub use run::{Behaviour, Fenced, Flow, Init};
pub use send::{Begun, Found, begin as begin_send, finish as finish_send, hand, send, send_if_there, send_now, tell};
pub use signal::{
    demonitor, end_outside, exit_signal, is_alive, link, link_opt, monitor, monitor_opt, trap_exit, unlink,
};
pub use spare::trim_thread;
pub use start::{
    Ack, ChildStart, FLAG_CONCURRENT, FLAG_ENTERED, FLAG_INLINE, FLAG_NO_PARK, FLAG_SYSTEM, Spawned, StartSpec,
    Startable, Via, boxed, spawn, spawn_alone, spawn_and_wait,
};
pub use table::{look_inside, trim, with_process};
pub use timer::{
    Alarm, Find, cancel_timer, flush_timer, free_alarm, read_timer, send_interval, start_found_timer,
    start_message_timer, start_tick,
};
pub use undelivered::Undelivered;
pub use wait::{free, may_wait_here, sleep, without_waiting};
pub use watchdog::watch;
pub use whereabouts::{Left, Spot, Whereabouts};
