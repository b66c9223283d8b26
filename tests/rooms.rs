//! The house keeps its plan: no room of `src` uses a room that ARCHITECTURE.md does not let it use.
//!
//! The plan is the table `| room | may use | ...` there. A room is a file or a folder of `src`; what uses it
//! is found in the text: `crate::room`, `use crate::{room, ...}`, and `super::` that leads out of a room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// room to the rooms it may use
type Arrows = BTreeMap<String, BTreeSet<String>>;
/// (room, room it uses) to the files that do
type Uses = BTreeMap<(String, String), BTreeSet<String>>;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names in a cell: what stands in backticks, or, if nothing does, each word but "nothing".
fn names(cell: &str) -> BTreeSet<String> {
    let quoted: BTreeSet<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    if !quoted.is_empty() {
        return quoted;
    }
    cell.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
        .filter(|word| !word.is_empty() && *word != "nothing")
        .map(str::to_owned)
        .collect()
}

fn parse_plan(text: &str) -> Arrows {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    text.lines()
        .skip_while(|line| {
            let cells = cells(line);
            !(cells.len() >= 2 && cells[0].eq_ignore_ascii_case("room") && cells[1].eq_ignore_ascii_case("may use"))
        })
        .skip(2) // the heading and the rule below it
        .take_while(|line| line.trim_start().starts_with('|'))
        .flat_map(|line| {
            let cells = cells(line);
            let may_use = names(&cells[1]);
            names(&cells[0]).into_iter().map(move |room| (room, may_use.clone()))
        })
        .collect()
}

/// The text without comments, so that prose may name any room.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The first names of the paths that follow `prefix`: one, or those of a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|sign| sign.is_ascii_alphanumeric() || *sign == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(name(&group[start..at]));
                start = at + 1;
                if sign == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// The names at the top of the crate that a file uses. `depth`: how many `super::` lead there.
fn used(text: &str, depth: usize) -> BTreeSet<String> {
    let text = code(text);
    let mut found = BTreeSet::new();
    for prefix in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&prefix) {
            let before = text[..at].chars().next_back();
            // A name that only ends in crate, and one `super::` too many are other things.
            if before.is_some_and(|sign| sign.is_alphanumeric() || sign == '_' || sign == ':') {
                continue;
            }
            found.extend(first_names(&text[at + prefix.len()..]));
        }
    }
    found
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms there are, and the arrows between them.
fn rooms_and_uses() -> (BTreeSet<String>, Uses) {
    let src = top().join("src");
    let mut files = Vec::new();
    files_below(&src, &mut files);
    let within: Vec<(Vec<String>, String)> = files
        .iter()
        .map(|file| {
            let within = file.strip_prefix(&src).expect("found below src").with_extension("");
            let parts = within.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            (parts, fs::read_to_string(file).expect("src can be read"))
        })
        .filter(|(parts, _): &(Vec<String>, String)| parts[0] != "lib")
        .collect();
    let rooms: BTreeSet<String> = within.iter().map(|(parts, _)| parts[0].clone()).collect();
    let mut uses = Uses::new();
    for (parts, text) in &within {
        let depth = if parts.last().is_some_and(|last| last == "mod") { parts.len() - 1 } else { parts.len() };
        for name in used(text, depth) {
            if rooms.contains(&name) && name != parts[0] {
                uses.entry((parts[0].clone(), name)).or_default().insert(parts.join("/"));
            }
        }
    }
    (rooms, uses)
}

fn plan() -> Arrows {
    let text = fs::read_to_string(top().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md can be read");
    let plan = parse_plan(&text);
    assert!(!plan.is_empty(), "ARCHITECTURE.md has no table that begins with | room | may use |");
    plan
}

#[test]
fn no_room_uses_what_the_plan_does_not_let_it_use() {
    let plan = plan();
    let (_, uses) = rooms_and_uses();
    let wrong: Vec<String> = uses
        .iter()
        .filter(|((room, name), _)| plan.get(room).is_some_and(|may_use| !may_use.contains(name)))
        .map(|((room, name), files)| format!("{room} -> {name} in {files:?}"))
        .collect();
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not have:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_on_the_plan() {
    let plan = plan();
    let (rooms, _) = rooms_and_uses();
    let missing: Vec<&String> = rooms.iter().filter(|room| !plan.contains_key(*room)).collect();
    assert!(missing.is_empty(), "rooms of src that ARCHITECTURE.md does not name: {missing:?}");
}

/// Takes away the rooms that use nothing that is left, until none is left or all that are left go in circles.
#[test]
fn the_arrows_of_the_plan_point_down_only() {
    let mut left = plan();
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, may_use)| may_use.iter().all(|name| !left.contains_key(name)))
            .map(|(room, _)| room.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|room, _| !free.contains(room));
    }
    assert!(left.is_empty(), "these rooms use each other in a circle: {:?}", left.keys());
}

#[test]
fn the_reader_of_this_test_sees_every_kind_of_arrow() {
    let text = "use crate::term::{Pid, Term};\nuse crate::{clock::Timers, sync};\nfn f() { crate::process::exit(); }\n\
                // crate::prose\nuse super::super::server;\nuse super::sibling;\nuse $crate::macros;";
    let found = used(text, 2);
    let expected: BTreeSet<String> =
        ["clock", "process", "server", "sync", "term"].iter().map(|name| (*name).to_owned()).collect();
    // `$crate` is seen too, which is right: the macro's text is this room's.
    assert!(found.is_superset(&expected), "{found:?}");
    assert!(!found.contains("prose") && !found.contains("sibling"), "{found:?}");

    let plan = parse_plan(
        "# x\n| room | may use | why |\n| --- | --- | --- |\n| `a`, `b` | `c` | `d` |\n| c | nothing | |\n\nend",
    );
    assert_eq!(plan.len(), 3);
    assert_eq!(plan["b"], BTreeSet::from(["c".to_owned()]));
    assert!(plan["c"].is_empty());
}
