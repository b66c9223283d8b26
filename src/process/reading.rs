//! The mailbox's reading end: of the one who runs the process, or of the one who carries out its exit.
//!
//! What was taken out of the mailbox and is not handled yet is kept here, in the order in which it is to be looked at:
//! priority messages, then the others. So a priority message that a receive passed over is still before every ordinary
//! one.

use super::message::Message;
use crate::sync::room::Room;
use std::collections::VecDeque;

#[derive(Default)]
pub(super) struct Reading {
    /// None until there is something to keep: an idle process as a rule has nothing.
    kept: Option<Box<Kept>>,
    pub initialised: bool,
    /// Of a mailbox with a limit: whether the message taken last counted.
    pub counted: bool,
    /// Whether the message taken last is a priority message.
    pub priority: bool,
    /// What is done of its end already: `awaited::told`.
    pub told: u8,
}

/// Messages taken out of the mailbox and not yet handled.
#[derive(Default)]
struct Kept {
    /// Not to be looked at for now, and first in order.
    held: VecDeque<Message>,
    /// Not yet wanted.
    saved: VecDeque<Message>,
    /// The same of the priority messages; few processes have any.
    priority: Option<Box<Kept>>,
}

impl Kept {
    fn count(&self) -> usize {
        self.saved.len() + self.held.len() + self.priority.as_ref().map_or(0, |kept| kept.count())
    }

    fn release(&mut self) {
        for message in self.held.drain(..).rev() {
            self.saved.push_front(message);
        }
        if let Some(kept) = &mut self.priority {
            kept.release();
        }
    }
}

impl Reading {
    /// To add to the messages that are looked at first, or to look through them.
    pub fn saved(&mut self) -> &mut VecDeque<Message> {
        &mut self.kept.get_or_insert_default().saved
    }

    /// As [`Reading::saved`], of the priority messages, which come before those.
    pub fn saved_priority(&mut self) -> &mut VecDeque<Message> {
        &mut self.kept.get_or_insert_default().priority.get_or_insert_default().saved
    }

    /// How many there are, without the priority messages.
    pub fn saved_count(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.saved.len())
    }

    /// How many priority messages are among them.
    pub fn saved_priority_count(&self) -> usize {
        self.kept.as_ref().and_then(|kept| kept.priority.as_ref()).map_or(0, |kept| kept.saved.len())
    }

    /// Whether there is any to be looked at.
    pub fn has_saved(&self) -> bool {
        self.saved_count() + self.saved_priority_count() > 0
    }

    /// Takes all of them out.
    pub fn take_saved(&mut self, all: &mut Vec<Message>) {
        let Some(kept) = &mut self.kept else { return };
        if let Some(kept) = &mut kept.priority {
            all.extend(kept.saved.drain(..));
            kept.saved.tidy();
        }
        all.extend(kept.saved.drain(..));
        kept.saved.tidy();
    }

    /// Keeps a message that was not wanted: the one that was taken last.
    pub fn save(&mut self, message: Message) {
        if self.priority { self.saved_priority() } else { self.saved() }.push_back(message);
    }

    /// All that were taken out of the mailbox and not yet handled.
    pub fn kept_count(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.count())
    }

    /// Whether something may be kept.
    #[inline(always)]
    pub fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// The first of them, but for the priority messages.
    pub fn next_saved(&mut self) -> Option<Message> {
        let saved = &mut self.kept.as_mut()?.saved;
        let next = saved.pop_front();
        saved.tidy();
        next
    }

    /// The first priority message of them.
    pub fn next_saved_priority(&mut self) -> Option<Message> {
        self.kept.as_mut()?.priority.as_mut()?.saved.pop_front()
    }

    /// Puts the message that was taken last aside until [`Reading::release`].
    pub fn hold(&mut self, message: Message) {
        let kept = self.kept.get_or_insert_default();
        if self.priority { &mut kept.priority.get_or_insert_default().held } else { &mut kept.held }.push_back(message);
    }

    /// Has what was put aside looked at before all else of its sort, in its order.
    pub fn release(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.release();
        }
    }
}
