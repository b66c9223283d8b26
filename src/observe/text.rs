//! A tree for people: a line for each process, children below their parents and further in.

use super::dump::{Step, Tree};
use super::json::quoted;
use crate::term::{Pretty, Term};
use std::fmt::Write;

/// From here on the depth stands as a number before the line: a deep tree would be all spaces.
const DEEPEST: usize = 32;

impl Tree {
    /// Lines such as `  {connection,1} <0.7.0> server waiting, mailbox 0, restarts 2`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.visit(|step, branch| {
            let Step::Enter(_, depth, _) = step else { return };
            // Writing to a string does not fail.
            let _ = write_line(&mut text, depth, branch);
        });
        text
    }
}

fn write_line(text: &mut String, depth: usize, branch: &super::Branch) -> std::fmt::Result {
    for _ in 0..depth.min(DEEPEST) {
        text.push_str("  ");
    }
    if depth > DEEPEST {
        write!(text, "({depth}) ")?;
    }
    if let Some(child) = &branch.child {
        write!(text, "{} ", Pretty(&child.id))?;
    }
    if let Some(pid) = branch.pid {
        write!(text, "{} ", Term::pid(pid))?;
    }
    write!(text, "{} ", branch.kind())?;
    if let Some(name) = branch.snapshot.as_ref().and_then(|snapshot| snapshot.name.as_ref()) {
        let name = name.term();
        match name.as_text() {
            Some(name) => quoted(text, name),
            None => write!(text, "{}", Pretty(&name))?,
        }
        text.push(' ');
    }
    text.push_str(branch.status());
    if let Some(snapshot) = &branch.snapshot {
        write!(text, ", mailbox {}", snapshot.mailbox_length)?;
    }
    if let Some(child) = &branch.child {
        write!(text, ", restarts {}", child.restarts)?;
    }
    if let Some(label) = branch.snapshot.as_ref().and_then(|snapshot| snapshot.label.as_ref()) {
        write!(text, ", label {}", Pretty(label))?;
    }
    if branch.answered == Some(false) {
        text.push_str(", no answer");
    }
    text.push('\n');
    Ok(())
}
