//! Why an operation on a table was refused.

use crate::process;
use crate::term::Term;

/// Why it failed. For ETS all but the last two are `badarg`.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// There is no such table, or not any more.
    NoTable,
    /// The table is private or protected, and not the caller's.
    Access,
    Argument(&'static str),
    /// A match specification or pattern is malformed; the text says where.
    Spec(String),
    /// No object has that key.
    NoKey,
    /// The name is taken.
    Exists,
    /// There are too many tables, or a number is too large.
    Limit,
    /// Of the caller, or of the process that is to own the table.
    Process(process::Error),
    /// Reading or writing a file failed: an error of the operating system, or `bad_file` for one that is torn or no
    /// table.
    File(Term, String),
}

impl From<process::Error> for Error {
    fn from(error: process::Error) -> Error {
        Error::Process(error)
    }
}

impl From<crate::pattern::BadSpec> for Error {
    fn from(bad: crate::pattern::BadSpec) -> Error {
        Error::Spec(bad.to_string())
    }
}
