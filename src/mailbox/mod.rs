//! A mailbox: many send, one receives.
//!
//! An intrusive queue (Dmitry Vyukov, "Intrusive MPSC node-based queue", 1024cores): a sender swaps the head and
//! then links the node that was there before to its own; the receiver follows the links from a stub.
//!
//! * **Push** never fails and never waits. A message is published when `push` returns: the swap is done, and the
//!   receiver that finds the link of an earlier sender still missing knows that more is under way.
//! * **Pop** tells three things apart: a message, nothing, and *busy* (a sender stands between swap and link). Busy
//!   is not empty: a receiver that is about to go to sleep must not.
//! * **The stub** takes the last message's place in one step (a compare-and-swap of the head): so it is in the queue
//!   alone, or before everything else, and the queue is empty when it is the head. One step fewer than pushing it behind
//!   the last message, and everybody can tell.
//! * **Waking** is the business of the one whose push found the queue empty, and `push` says so: the receiver rests
//!   only when it has found nothing, says that it rests, and looks once more. So whoever pushes onto something need not
//!   look at the receiver's state, which would cost a cache line at each message.
//! * **Order**: what one thread pushes is popped in that order.
//!
//! Who may touch what: `head` anybody; `tail` and the stub's place only the one consumer. Who the consumer is, is
//! decided by the process's state word: the one that runs it, or after its end the one that carries out the exit.
//!
//! Closing needs no sentinel of its own: a sender looks at the state word after its push (see `process`), and what
//! lies here at the very end is dropped with the mailbox, each message once.
//!
//! # Priority messages
//!
//! What goes before all ordinary messages lies in a queue of its own, of the same kind, made when the first of them
//! comes.
//!
//! * **Order**: priority messages come out in the order in which they went in, and before every ordinary one that is
//!   there. What a thread pushes first as a priority message and then as an ordinary one is popped in that order too:
//!   the receiver looks for priority messages *after* it has seen the ordinary message that it is about to take. It
//!   sees what that one's sender did before, so a priority message pushed before it is found. A look before that would
//!   not do: both may come in between.
//! * **Empty** means both. Each queue says to the one who pushes onto it that it was empty, and the receiver rests only
//!   when it has looked into both since it said so.
//! * **Whoever gets no priority message** pays for a pointer that is null, on the receiver's side, and one look at it.
//!
//! A mailbox with a limit is a second kind ([`Bounded`]): two queues under a lock, since the oldest message can be
//! taken from it by a sender, and a message that does not count must not be behind one that does not fit. Whoever has
//! no limit pays nothing for it.

mod bounded;
mod packed;
mod queue;

pub use bounded::{Bounded, Offered, Popped};
pub use packed::{Packed, Words};
pub use queue::{Mailbox, Pop, Pushed};
