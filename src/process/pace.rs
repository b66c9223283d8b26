//! What a sender does whose messages come faster than they are handled.
//!
//! A message that has gone to memory and back costs more than one that lies in the cache when it is taken, and a
//! backlog that grows costs a page of memory for each 248. So now and then a process that sends looks how many wait at
//! its receiver. When there are a great many it does what nobody can observe but by a clock, and waits for nothing:
//!
//! * a receiver that nobody runs yet, since it was woken by this very sender, which goes on and on, is left to another
//!   worker that sleeps, and is woken for it;
//! * where none sleeps, and the sender goes on for thousands in one turn, another worker is asked for
//!   ([`scheduler::holds_up`]): it would come anyway, but only after a tick, and by then half a million lie there;
//! * a receiver that is at work, or is about to be, is given a few microseconds. It takes what it takes anyway;
//! * should it take nothing meanwhile, its thread has no processor, as a rule, and this one is offered. To
//!   [yield](std::thread::yield_now) offers it to other senders, too, who offer it to the next after another 31
//!   messages. So where very many wait ([`FLOOD`]) the sender is off it for a while. If that was in vain, since what
//!   the receiver does takes long, it is so less and less often: one that floods a receiver with 100 us for each message
//!   takes 8.8 us for each send else.
//!
//! What the second is worth (two processors, medians of four alternating runs): eight that send 500,000 messages
//! each to one, 43M a second in place of 19M with one worker, 52M in place of 24M with two. Half of that time had gone
//! into pages that the kernel cleared and into messages that came from memory.
//!
//! What the last is worth (medians of 21 alternating runs): of eight that send 200,000 each to one a message takes 25 ns
//! in place of 31 with one worker, 20 in place of 24 with two. For each that holds others up there is one more thread,
//! nine on two processors, and they gave it to each other 8,000 times; 600 times now. With shorter times (20, 50, 100
//! us), or from fewer messages on, it is less. What is left of the difference from run to run is the machine's, where a
//! line goes from one core to the other in 30 to 160 ns.
//!
//! What the third is (two workers, a machine under load, medians of seven alternating runs, when each message took 64
//! bytes): eight that send 200,000 messages each to one took 61 MB in place of 94, and 14 ns of the kernel's time for
//! each in place of 25; one that sends 2,000,000 took 33 ns of the program's own for each in place of 41.
//!
//! It is soft: nothing is refused or delayed beyond that, and who never takes its messages has as many as are sent.
//! Erlang did the same by counting a send to a long mailbox as more work of its sender's.

use super::control::{ENTERED, Process};
use super::current;
use super::state::{CALLBACK, READY, RUNNING};
use crate::scheduler;
use crate::sync::seldom::Seldom;
use std::time::Duration;

/// So many are no crowd yet.
const CROWD: usize = 1024;
/// So many looks at a receiver that is at work, each after as many pauses: about three microseconds.
const LOOKS: usize = 8;
const PAUSES: usize = 8;
/// So many are a flood: a quarter of a megabyte, which a cache still holds, and 300 microseconds of a receiver's work.
const FLOOD: usize = 16 * CROWD;
/// How long a thread is off its processor then, and how many blocks of 31 are to be read meanwhile: else what the
/// receiver does takes long, and no processor helps.
const OFF: Duration = Duration::from_micros(200);
const WORTH_IT: usize = 8;

thread_local! {
    /// Whether to be off is worth it.
    static BEING_OFF: Seldom = const { Seldom::new() };
}

/// Looks whether there is a crowd; at each new block of the mailbox, for the look costs a line that the receiver
/// writes.
#[cold]
pub(super) fn look(receiver: &Process) {
    let waiting = receiver.mailbox.len();
    if waiting < CROWD {
        return;
    }
    // A thread of the embedding program is not held up, also where it runs a server inline.
    let Some(me) = current::current() else { return };
    let is_ours = scheduler::is_worker() || me.place.thread_home().is_some() && me.flags & ENTERED == 0;
    if !is_ours || std::ptr::eq(me, receiver) {
        return;
    }
    match receiver.state.phase() {
        READY => {
            scheduler::share_woken(receiver.node().scheduler());
            if scheduler::holds_up(receiver.node().scheduler()) {
                give_way(receiver, waiting);
            }
        }
        RUNNING | CALLBACK => give_way(receiver, waiting),
        _ => {}
    }
}

fn give_way(receiver: &Process, waiting: usize) {
    let before = receiver.mailbox.position();
    for _ in 0..LOOKS {
        (0..PAUSES).for_each(|_| std::hint::spin_loop());
        if receiver.mailbox.len() < CROWD {
            return;
        }
    }
    if receiver.mailbox.position() != before {
        return;
    }
    if waiting < FLOOD {
        return std::thread::yield_now();
    }
    if !BEING_OFF.with(Seldom::is_time) {
        return std::thread::yield_now();
    }
    let before = receiver.mailbox.blocks_read();
    std::thread::sleep(OFF);
    let read = receiver.mailbox.blocks_read().wrapping_sub(before);
    BEING_OFF.with(|being_off| being_off.learn(read >= WORTH_IT));
}
