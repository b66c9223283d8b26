//! How a message lies in a mailbox: a plain message and a cast as the two words of their term, others in a block.

use super::message::Message;
use crate::mailbox::{Packed, Words};
use crate::sync::blocks::{self, Size};
use crate::term::Term;
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

/// Which of the bits that no term uses says what the message is.
const INFO: u64 = 0x10;
const CAST: u64 = 0x20;
const ELSEWHERE: u64 = 0x40;

const _: () = assert!(INFO | CAST | ELSEWHERE == Term::SPARE);
const _: () = assert!(size_of::<Message>() <= Size::B64.bytes() && align_of::<Message>() <= 16);

/// Whether a plain message lies there, by the first of its words.
#[inline(always)]
pub(super) fn is_plain(mark: u64) -> bool {
    mark & INFO != 0
}

/// Whether a plain message or a cast lies there, and which.
#[inline(always)]
pub(super) fn is_bare(mark: u64) -> bool {
    mark & (INFO | CAST) != 0
}

/// The term of a plain message or a cast.
///
/// # Safety
/// As [`Packed::unpack`], of one of those.
#[inline(always)]
pub(super) unsafe fn term(words: Words) -> Term {
    // SAFETY: the caller's promise.
    unsafe { Term::from_words(words.mark & !Term::SPARE, words.word) }
}

#[inline(always)]
fn words(term: Term, kind: u64) -> Words {
    let (meta, word) = term.to_words();
    Words { mark: meta | kind, word }
}

impl Packed for Message {
    #[inline(always)]
    fn pack(self) -> Words {
        match self {
            Message::Info(term) => words(term, INFO),
            Message::Cast(term) => words(term, CAST),
            other => elsewhere(other),
        }
    }

    #[inline(always)]
    unsafe fn unpack(words: Words) -> Message {
        // SAFETY: the caller's promise.
        unsafe {
            if words.mark & INFO != 0 {
                Message::Info(term(words))
            } else if words.mark & CAST != 0 {
                Message::Cast(term(words))
            } else {
                from_elsewhere(words)
            }
        }
    }
}

#[inline]
fn elsewhere(message: Message) -> Words {
    let Some(place) = blocks::take(Size::B64) else { handle_alloc_error(Layout::new::<Message>()) };
    // SAFETY: a block is large enough, aligned, and nobody else's.
    unsafe { place.cast::<Message>().write(message) };
    Words { mark: ELSEWHERE, word: place.as_ptr().expose_provenance() as u64 }
}

/// # Safety
/// The words are from [`elsewhere`], and this is called once.
#[inline]
unsafe fn from_elsewhere(words: Words) -> Message {
    let place: *mut Message = std::ptr::with_exposed_provenance_mut(words.word as usize);
    // SAFETY: the caller's promise; the message is read out before its block goes.
    unsafe {
        let message = place.read();
        blocks::free(Size::B64, NonNull::new_unchecked(place.cast()));
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Pid;

    #[test]
    fn each_kind_of_message_comes_out_as_it_went_in() {
        let text = "longer than what lies in two words";
        let round = |message: Message| {
            let words = message.pack();
            assert_ne!(words.mark, 0);
            // SAFETY: packed just now.
            (is_plain(words.mark), unsafe { Message::unpack(words) })
        };
        for term in [Term::nil(), Term::int(-1), Term::text(text), Term::text("short"), Term::tuple_of([Term::nil()])] {
            assert!(matches!(round(Message::Info(term.clone())), (true, Message::Info(out)) if out == term));
            assert!(matches!(round(Message::Cast(term.clone())), (false, Message::Cast(out)) if out == term));
            assert!(matches!(round(Message::Seen(term.clone())), (false, Message::Seen(out)) if out == term));
        }
        let exit = Message::Exit { from: Pid(7), reason: Term::text(text) };
        assert!(matches!(round(exit), (false, Message::Exit { from: Pid(7), reason }) if reason == Term::text(text)));
        assert!(matches!(round(Message::Tick(9)), (false, Message::Tick(9))));
    }
}
