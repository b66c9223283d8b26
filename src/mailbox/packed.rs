//! How a message lies in a slot of the queue: as two words.

/// A message in two words.
#[derive(Clone, Copy)]
pub struct Words {
    /// Never 0, which is a slot that nobody has filled yet.
    pub mark: u64,
    pub word: u64,
}

/// What can lie in two words.
pub trait Packed: Sized {
    fn pack(self) -> Words;

    /// # Safety
    /// The words are from [`Packed::pack`], and unpacked once.
    unsafe fn unpack(words: Words) -> Self;
}

/// What is too large lies elsewhere.
impl<T> Packed for Box<T> {
    fn pack(self) -> Words {
        Words { mark: 1, word: Box::into_raw(self).expose_provenance() as u64 }
    }

    unsafe fn unpack(words: Words) -> Self {
        // SAFETY: made by `pack`, and the caller's promise.
        unsafe { Box::from_raw(std::ptr::with_exposed_provenance_mut(words.word as usize)) }
    }
}
