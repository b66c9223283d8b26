//! A tree for programs: one JSON object, with the keys of the term, pids and other terms as text.

use super::dump::{Branch, Step, Tree};
use crate::term::{Pretty, Term};
use std::fmt::{Display, Write};

impl Tree {
    /// `{"id": ..., ..., "children": [...]}` on one line; `null` for what is not known.
    pub fn json(&self) -> String {
        let mut json = String::new();
        self.visit(|step, branch| match step {
            Step::Enter(_, _, is_first) => {
                if !is_first {
                    json.push(',');
                }
                write_branch(&mut json, branch);
            }
            Step::Leave(_) => json.push_str("]}"),
        });
        json
    }
}

/// All but the end of the children.
fn write_branch(json: &mut String, branch: &Branch) {
    let (snapshot, child) = (branch.snapshot.as_ref(), branch.child.as_ref());
    let text = |term: &Term| Pretty(term).to_string();
    let known = snapshot.is_some() || child.is_some();
    json.push('{');
    member(json, "id", child.map(|child| Text(text(&child.id))));
    member(json, "pid", branch.pid.map(|pid| Text(text(&Term::pid(pid)))));
    member(json, "kind", known.then(|| Text(text(&branch.kind()))));
    member(json, "name", snapshot.and_then(|snapshot| snapshot.name.as_ref()).map(|name| Text(name.to_string())));
    member(json, "label", snapshot.and_then(|snapshot| snapshot.label.as_ref()).map(|label| Text(text(label))));
    member(json, "status", Some(Text(branch.status().into())));
    member(json, "message_queue_len", snapshot.map(|snapshot| snapshot.mailbox_length));
    member(json, "links", snapshot.map(|snapshot| snapshot.links));
    member(json, "monitors", snapshot.map(|snapshot| snapshot.monitors));
    member(json, "monitored_by", snapshot.map(|snapshot| snapshot.monitored_by));
    member(json, "restarts", child.map(|child| child.restarts));
    member(json, "answered", branch.answered);
    json.push_str("\"children\":[");
}

/// Text as a JSON string.
struct Text(String);

impl Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut json = String::new();
        quoted(&mut json, &self.0);
        f.write_str(&json)
    }
}

fn member(json: &mut String, key: &str, value: Option<impl Display>) {
    // Writing to a string does not fail.
    let _ = match value {
        Some(value) => write!(json, "\"{key}\":{value},"),
        None => write!(json, "\"{key}\":null,"),
    };
}

/// Appends text in quotes: no control character and no quote of its own is left in it.
pub(super) fn quoted(json: &mut String, text: &str) {
    json.push('"');
    for sign in text.chars() {
        match sign {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            '\r' => json.push_str("\\r"),
            sign if sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}') => {
                let _ = write!(json, "\\u{:04x}", u32::from(sign));
            }
            sign => json.push(sign),
        }
    }
    json.push('"');
}
