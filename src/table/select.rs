//! Matching and selecting, and going through a whole table.
//!
//! A key that is fixed is looked up. Else the table is gone through in its order, one shard or a thousand objects under
//! the lock at a time, so that nobody waits long; where to go on is a hash, or the key behind which to begin.

use super::group::{Part, key_of};
use super::object::end_of_table;
use super::tree::From;
use super::{Error, Kind, Objects, Table, caller, reading, with, writing};
use crate::pattern::{Gives, Key, Spec};
use crate::term::{ListBuilder, Pid, Ref, Term};

/// How many objects of an ordered set are looked at under one lock.
const CHUNK: usize = 1000;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a> {
    /// A pattern; gives the list of what has a name.
    Match(&'a Term),
    /// A pattern; gives the object.
    Object(&'a Term),
    /// A match specification.
    Spec(&'a Term),
}

/// A part of what was looked for, and how to get the rest: `'$end_of_table'` when there is none.
#[derive(Debug, PartialEq)]
pub struct Chunk {
    pub results: Term,
    pub continuation: Term,
}

/// Where to begin.
#[derive(Debug)]
pub(super) enum Cursor {
    Start,
    /// In a hashed table: with that hash or a larger one.
    Hash(u64),
    /// In an ordered set: behind that key, or before it when going backwards.
    Key(Term),
}

impl Form<'_> {
    fn compile(self) -> Result<Spec, Error> {
        Ok(match self {
            Form::Match(pattern) => Spec::pattern(pattern, Gives::Names)?,
            Form::Object(pattern) => Spec::pattern(pattern, Gives::Object)?,
            Form::Spec(spec) => Spec::compile(spec)?,
        })
    }
}

impl Table {
    /// Shows the groups from `cursor` on to `visit`, part by part, each with its hash; until it says false, which it
    /// does only when it leaves something.
    fn walk(
        &self, reverse: bool, cursor: Cursor, mut visit: impl for<'g> FnMut(&mut Part<'g>) -> bool,
    ) -> Result<(), Error> {
        match &self.objects {
            Objects::Hashed(hashed) => {
                let from = match cursor {
                    Cursor::Hash(hash) => hash,
                    Cursor::Start | Cursor::Key(_) => 0,
                };
                for (shard, from) in hashed.shards_from(from) {
                    let shard = shard.read();
                    if shard.closed {
                        return Err(Error::NoTable);
                    }
                    let mut goes_on = true;
                    shard.show_from(from, |groups| {
                        goes_on = visit(groups);
                        goes_on
                    });
                    if !goes_on {
                        break;
                    }
                }
            }
            Objects::Ordered(lock) => {
                let mut behind = match cursor {
                    Cursor::Key(key) => Some(key),
                    Cursor::Start | Cursor::Hash(_) => None,
                };
                loop {
                    let tree = lock.read();
                    if tree.closed {
                        return Err(Error::NoTable);
                    }
                    let from = behind.as_ref().map_or(From::Start, From::Beyond);
                    let last = tree.show_from(from, reverse, CHUNK, &mut visit);
                    drop(tree);
                    if last.is_none() {
                        break;
                    }
                    // The old key goes here, outside the lock.
                    behind = last;
                }
            }
        }
        Ok(())
    }

    /// The keys that a specification is about, each once and in order, if it is about some only.
    fn keys<'s>(&self, spec: &'s Spec, reverse: bool) -> Option<Vec<&'s Term>> {
        let Key::OneOf(all) = spec.key(self.position + 1) else { return None };
        let is_ordered = self.kind == Kind::OrderedSet;
        let mut keys: Vec<&Term> = Vec::with_capacity(all.len());
        for key in all {
            let is_it = |other: &&Term| if is_ordered { other.eq_value(key) } else { *other == key };
            if !keys.iter().any(is_it) {
                keys.push(key);
            }
        }
        if is_ordered {
            keys.sort_by(|a, b| if reverse { b.cmp_erlang(a) } else { a.cmp_erlang(b) });
        }
        Some(keys)
    }

    /// Gives all that a specification gives for the objects of some keys to `take`; false when it is not about some
    /// only.
    fn collect_keys(
        &self, spec: &Spec, caller: Option<Pid>, reverse: bool, mut take: impl FnMut(Term),
    ) -> Result<bool, Error> {
        let Some(keys) = self.keys(spec, reverse) else { return Ok(false) };
        for key in keys {
            self.look(key, |rows| {
                let mut matcher = spec.matcher(caller);
                rows.iter().filter_map(|row| matcher.run(row)).for_each(|value| take(value.into_term()));
            })?;
        }
        Ok(true)
    }

    /// All that a specification gives, as a list.
    fn list(&self, spec: &Spec, caller: Option<Pid>, reverse: bool) -> Result<Term, Error> {
        let mut results = ListBuilder::default();
        if !self.collect_keys(spec, caller, reverse, |value| results.push(value))? {
            self.walk(reverse, Cursor::Start, |groups| {
                let mut matcher = spec.matcher(caller);
                for (_, rows) in groups {
                    rows.iter().filter_map(|row| matcher.run(row)).for_each(|value| results.push(value.into_term()));
                }
                true
            })?;
        }
        Ok(results.finish())
    }

    /// What a specification gives from `cursor` on, until there are `limit`; and where to go on. A key's objects are
    /// not torn apart, so in bags there may be more.
    pub(super) fn collect(
        &self, spec: &Spec, caller: Option<Pid>, reverse: bool, cursor: Cursor, limit: usize,
    ) -> Result<(Vec<Term>, Option<Cursor>), Error> {
        let mut results = Vec::new();
        if self.collect_keys(spec, caller, reverse, |value| results.push(value))? {
            return Ok((results, None));
        }
        let mut stopped = None;
        let is_ordered = self.kind == Kind::OrderedSet;
        self.walk(reverse, cursor, |groups| {
            let mut matcher = spec.matcher(caller);
            for (hash, rows) in groups {
                results.extend(rows.iter().filter_map(|row| matcher.run(row)).map(|value| value.into_term()));
                if results.len() >= limit {
                    stopped = match rows.first() {
                        Some(row) if is_ordered => Some(Cursor::Key(key_of(row, self.position).clone())),
                        _ => hash.checked_add(1).map(Cursor::Hash),
                    };
                    return false;
                }
            }
            true
        })?;
        Ok((results, stopped))
    }

    /// How many objects a specification gives `true` for.
    fn count(&self, spec: &Spec, caller: Option<Pid>) -> Result<usize, Error> {
        let mut count = 0;
        if let Some(keys) = self.keys(spec, false) {
            for key in keys {
                self.look(key, |rows| {
                    let mut matcher = spec.matcher(caller);
                    count += rows.iter().filter(|row| matcher.is_true(row)).count();
                })?;
            }
            return Ok(count);
        }
        self.walk(false, Cursor::Start, |groups| {
            let mut matcher = spec.matcher(caller);
            for (_, rows) in groups {
                count += rows.iter().filter(|row| matcher.is_true(row)).count();
            }
            true
        })?;
        Ok(count)
    }

    /// Deletes the objects a specification gives `true` for.
    fn delete(&self, spec: &Spec, caller: Option<Pid>) -> Result<usize, Error> {
        if let Some(keys) = self.keys(spec, false) {
            let mut count = 0;
            for key in keys {
                count += self.take_out(key, |row| spec.matcher(caller).is_true(row))?.len();
            }
            return Ok(count);
        }
        let mut count = 0;
        match &self.objects {
            Objects::Hashed(hashed) => {
                for lock in hashed.shards() {
                    let mut removed = Vec::new();
                    let mut shard = lock.write();
                    if shard.closed {
                        return Err(Error::NoTable);
                    }
                    let mut leaving = Vec::with_capacity(shard.rows);
                    shard.show_from(0, |groups| {
                        let mut matcher = spec.matcher(caller);
                        leaving.extend(groups.flat_map(|(_, rows)| rows).map(|row| matcher.is_true(row)));
                        true
                    });
                    if leaving.contains(&true) {
                        let mut leaving = leaving.into_iter();
                        shard.retain(self.position, |_| leaving.next().unwrap_or(false), &mut removed);
                    }
                    drop(shard);
                    count += removed.len();
                }
            }
            Objects::Ordered(lock) => {
                let mut behind = None;
                loop {
                    let mut removed = Vec::new();
                    let mut tree = lock.write();
                    if tree.closed {
                        return Err(Error::NoTable);
                    }
                    let mut leaving = Vec::new();
                    let from = behind.as_ref().map_or(From::Start, From::Beyond);
                    let last = tree.show_from(from, false, CHUNK, |groups| {
                        let mut matcher = spec.matcher(caller);
                        let rows = groups.flat_map(|(_, rows)| rows).filter(|row| matcher.is_true(row));
                        leaving.extend(rows.map(|row| key_of(row, self.position).clone()));
                        true
                    });
                    removed.extend(leaving.iter().filter_map(|key| tree.remove(key)));
                    drop(tree);
                    count += removed.len();
                    if last.is_none() {
                        break;
                    }
                    behind = last;
                }
            }
        }
        Ok(count)
    }

    /// Whether one object may stand where the other is.
    fn replaces(&self, new: &Term, old: &Term) -> bool {
        self.takes(new) && key_of(new, self.position) == key_of(old, self.position)
    }

    /// Puts what a specification gives in the places of what it is given for.
    fn replace(&self, spec: &Spec, caller: Option<Pid>) -> Result<usize, Error> {
        let mut count = 0;
        match &self.objects {
            Objects::Hashed(hashed) => {
                for lock in hashed.shards() {
                    let mut shard = lock.write();
                    if shard.closed {
                        return Err(Error::NoTable);
                    }
                    let mut made: Vec<Option<Term>> = Vec::with_capacity(shard.rows);
                    shard.show_from(0, |groups| {
                        let mut matcher = spec.matcher(caller);
                        let rows = groups.flat_map(|(_, rows)| rows);
                        made.extend(rows.map(|row| matcher.run(row).map(|value| value.into_term())));
                        true
                    });
                    let mut made_here = made.iter_mut();
                    shard.for_each_mut(|old| {
                        if let Some(Some(new)) = made_here.next()
                            && self.replaces(new, old)
                        {
                            std::mem::swap(old, new);
                            count += 1;
                        }
                    });
                    drop(shard);
                }
            }
            Objects::Ordered(lock) => {
                let mut behind = None;
                loop {
                    let mut tree = lock.write();
                    if tree.closed {
                        return Err(Error::NoTable);
                    }
                    let mut made = Vec::new();
                    let from = behind.as_ref().map_or(From::Start, From::Beyond);
                    let last = tree.show_from(from, false, CHUNK, |groups| {
                        let mut matcher = spec.matcher(caller);
                        for row in groups.flat_map(|(_, rows)| rows) {
                            if let Some(value) = matcher.run(row) {
                                made.push((key_of(row, self.position).clone(), value.into_term()));
                            }
                        }
                        true
                    });
                    for (key, new) in &mut made {
                        let old = tree.first_mut(key, false);
                        if let Some(mut old) = old
                            && self.replaces(new, &old)
                        {
                            std::mem::swap(&mut *old, new);
                            count += 1;
                        }
                    }
                    drop(tree);
                    if last.is_none() {
                        break;
                    }
                    behind = last;
                }
            }
        }
        Ok(count)
    }

    /// A part and its continuation, from the results up to the limit and the list of those over it.
    fn chunk(&self, how: &How<'_>, results: Vec<Term>, rest: Term, cursor: Option<Cursor>) -> Chunk {
        let continuation = if cursor.is_none() && rest.is_nil() {
            end_of_table()
        } else {
            let cursor = match cursor {
                Some(Cursor::Hash(hash)) => Term::int(hash as i64),
                Some(Cursor::Key(key)) => Term::tuple_of([key]),
                Some(Cursor::Start) | None => end_of_table(),
            };
            Term::tuple_of([
                Term::reference(Ref(self.handle)),
                how.spec.clone(),
                Term::int(i64::try_from(how.limit).unwrap_or(i64::MAX)),
                Term::bool(how.reverse),
                cursor,
                // Kept, so that what is over is not copied with the continuation.
                if rest.is_nil() { rest } else { Term::keeping(rest) },
            ])
        };
        Chunk { results: Term::list(results), continuation }
    }
}

/// How a select with a limit was begun.
struct How<'a> {
    spec: &'a Term,
    limit: usize,
    reverse: bool,
}

/// Takes what is over the limit off, as a list.
fn over(results: &mut Vec<Term>, limit: usize) -> Term {
    if results.len() > limit { Term::list(results.split_off(limit)) } else { Term::nil() }
}

/// All that matches, as a list; of an ordered set in its order, or from the last to the first (`reverse`).
pub fn select(table: Ref, form: Form<'_>, reverse: bool) -> Result<Term, Error> {
    let spec = form.compile()?;
    let caller = caller()?;
    reading(table, |table| table.list(&spec, caller, reverse))
}

/// As [`select`], the first `limit` (not 0) of it.
pub fn select_limit(table: Ref, form: Form<'_>, reverse: bool, limit: usize) -> Result<Chunk, Error> {
    if limit == 0 {
        return Err(Error::Argument("the limit is 0"));
    }
    let spec = form.compile()?;
    let caller = caller()?;
    reading(table, |table| {
        let (mut results, cursor) = table.collect(&spec, caller, reverse, Cursor::Start, limit)?;
        let rest = over(&mut results, limit);
        Ok(table.chunk(&How { spec: spec.source(), limit, reverse }, results, rest, cursor))
    })
}

/// The next part of a select with a limit.
pub fn go_on(continuation: &Term) -> Result<Chunk, Error> {
    const NONE: Error = Error::Argument("not a continuation");
    let caller = caller()?;
    if *continuation == end_of_table() {
        return Ok(Chunk { results: Term::nil(), continuation: end_of_table() });
    }
    let Some([table, spec, limit, reverse, cursor, rest]) = continuation.as_tuple() else { return Err(NONE) };
    let table = table.as_reference().ok_or(NONE)?;
    let limit = limit.as_int().and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).ok_or(NONE)?;
    let reverse = reverse.as_bool().ok_or(NONE)?;
    let how = How { spec, limit, reverse };
    let rest = if rest.is_nil() { rest } else { rest.kept().ok_or(NONE)? };
    // What was over the last time comes first, and is shared with whoever goes on from there again: each part takes as
    // long as it is large, however much is left.
    let mut left = rest.list_iter();
    let mut results: Vec<Term> = left.by_ref().take(limit).cloned().collect();
    let rest = left.tail().clone();
    reading(table, |table| {
        let is_ordered = table.kind == Kind::OrderedSet;
        let cursor = match (cursor.as_int(), cursor.as_tuple()) {
            (Some(hash), _) if !is_ordered => Some(Cursor::Hash(hash as u64)),
            (None, Some([key])) if is_ordered => Some(Cursor::Key(key.clone())),
            _ if *cursor == end_of_table() => None,
            _ => return Err(NONE),
        };
        match cursor {
            Some(cursor) if results.len() < limit => {
                let spec = Spec::compile(how.spec)?;
                let (more, cursor) = table.collect(&spec, caller, reverse, cursor, limit - results.len())?;
                results.extend(more);
                let rest = over(&mut results, limit);
                Ok(table.chunk(&how, results, rest, cursor))
            }
            cursor => Ok(table.chunk(&how, results, rest, cursor)),
        }
    })
}

/// How many objects the specification gives `true` for.
pub fn select_count(table: Ref, spec: &Term) -> Result<usize, Error> {
    let spec = Form::Spec(spec).compile()?;
    let caller = caller()?;
    reading(table, |table| table.count(&spec, caller))
}

/// Deletes the objects the specification gives `true` for; how many.
pub fn select_delete(table: Ref, spec: &Term) -> Result<usize, Error> {
    let spec = Form::Spec(spec).compile()?;
    let caller = caller()?;
    writing(table, |table| table.delete(&spec, caller))
}

/// Deletes the objects that a pattern matches; how many.
pub fn match_delete(table: Ref, pattern: &Term) -> Result<usize, Error> {
    let spec = Spec::pattern(pattern, Gives::True)?;
    writing(table, |table| table.delete(&spec, None))
}

/// Replaces each object that is matched by what the specification gives, which must be an object with the same key; how
/// many. Each replacement is atomic. Not for bags.
pub fn select_replace(table: Ref, spec: &Term) -> Result<usize, Error> {
    let spec = Form::Spec(spec).compile()?;
    let caller = caller()?;
    writing(table, |table| {
        if table.kind == Kind::Bag {
            return Err(Error::Argument("a bag's objects are not replaced"));
        }
        if !spec.keeps(table.position + 1) {
            return Err(Error::Argument("what the specification makes may have another key"));
        }
        table.replace(&spec, caller)
    })
}

/// All objects, as a list; of an ordered set in its order.
pub fn to_list(table: Ref) -> Result<Term, Error> {
    reading(table, |table| {
        let mut objects = Vec::with_capacity(table.size());
        table.walk(false, Cursor::Start, |groups| {
            groups.for_each(|(_, rows)| objects.extend_from_slice(rows));
            true
        })?;
        Ok(Term::list(objects))
    })
}

/// What a whole table is gone through with, part by part; for files. Reading it must be allowed.
pub(super) fn part(table: Ref, all: &Spec, cursor: Cursor, limit: usize) -> Result<(Vec<Term>, Option<Cursor>), Error> {
    with(table, |table| table.collect(all, None, false, cursor, limit))
}
