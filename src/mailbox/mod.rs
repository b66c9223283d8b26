//! A mailbox: many send, one receives.
//!
//! A list of blocks of slots. Each message lies in a slot, as two words ([`Packed`]), so that a line of the cache holds
//! four and a backlog is a quarter of what it was with a node for each. A block is filled from its last slot to its first
//! and read so too, for then one word says where in the list somebody is: the address of the block, and in its low bits
//! how many of its slots are left. There are two such words, the *head* (left to be filled) and the *tail* (left to be
//! read); both null: there is no block.
//!
//! | state | head | tail | `first` |
//! |---|---|---|---|
//! | empty | null | null | null |
//! | pushed onto, not looked at | last block | null | null, then the first block |
//! | being read | last block | block that is read | null |
//!
//! * **Push** is one compare-and-swap of the head: it takes the next slot of the last block, or puts a new block in the
//!   place of one that is full, or of none. Only then the slot is filled (its first word, which is never 0, is stored
//!   last), or the new block, which has its message already, is made known: to the block before it, or in `first`. A
//!   message is published when `push` returns. Push never fails; nobody waits for another sender, who can only make the
//!   step before this one does.
//! * **Pop** tells three things apart: a message, nothing, and *busy* (a sender stands between its two steps). Busy is
//!   not empty: a receiver that is about to go to sleep must not.
//! * **Emptying**: the receiver that takes what seems to be the last message, since nothing lies behind it, swaps the head
//!   from there to null. If it is there no more, it was not the last. So the queue is empty when the head is null, and
//!   everybody can tell; and there is no block where there is no message.
//! * **Freeing** blocks is the receiver's: one that is read to its end when it knows the next, and the last one when it
//!   has emptied the queue. A sender touches a block only after a step that made a slot of it, or what follows it, the
//!   sender's to write; for both the receiver waits. So a head that was a block's, and is another's at the same place
//!   by the time of the step, is as good.
//! * **Waking** is the business of the one whose push found the queue empty, and `push` says so: the receiver rests
//!   only when it has found nothing, says that it rests, and looks once more. So whoever pushes onto something need not
//!   look at the receiver's state, which would cost a cache line at each message.
//! * **Order**: what one thread pushes is popped in that order.
//!
//! Who may touch what: `head` anybody; `first` whoever has pushed onto the empty queue, and then the consumer; `tail`
//! the one consumer. Who the consumer is, is decided by the process's state word: the one that runs it, or after its end
//! the one that carries out the exit.
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

mod block;
mod bounded;
mod packed;
mod queue;

pub use bounded::{Bounded, Offered, Popped};
pub use packed::{Packed, Words};
pub use queue::{Mailbox, Pop, Pushed};
