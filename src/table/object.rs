//! Operations on one key and its objects.
//!
//! What is replaced or taken out leaves the lock as a value, and is freed behind it; small objects a little later
//! (`later.rs`).

use super::group::{Group, key_of};
use super::hashed::{Hashed, SHARDS};
use super::shard::Shard;
use super::tree::From;
use super::{Error, Kind, Objects, Table, later, reading, writing};
use crate::sync::RwLock;
use crate::term::{Atom, Ref, Term};

/// What an insertion took out of the table, or did not take.
type Spare = Option<Group>;

impl Table {
    /// Shows the objects of a key.
    #[inline]
    pub(super) fn look<R>(&self, key: &Term, look: impl FnOnce(&[Term]) -> R) -> Result<R, Error> {
        match &self.objects {
            Objects::Hashed(hashed) => {
                let hash = hashed.hash(key);
                let shard = hashed.shard_of(hash).read();
                if shard.closed { Err(Error::NoTable) } else { Ok(look(&shard.get(hash, key, self.position))) }
            }
            Objects::Ordered(tree) => {
                let tree = tree.read();
                if tree.closed { Err(Error::NoTable) } else { Ok(look(&tree.get(key))) }
            }
        }
    }

    /// Whether there is an object with that key.
    fn has(&self, key: &Term) -> Result<bool, Error> {
        match &self.objects {
            Objects::Hashed(hashed) => {
                let hash = hashed.hash(key);
                let shard = hashed.shard_of(hash).read();
                if shard.closed { Err(Error::NoTable) } else { Ok(shard.has(hash, key, self.position)) }
            }
            Objects::Ordered(_) => self.look(key, |rows| !rows.is_empty()),
        }
    }

    /// Shows the one object of a key to somebody who may change it, but not its key. `is_inline`: what is put into it,
    /// if anything, has no payload.
    #[inline]
    pub(super) fn change<R>(
        &self, key: &Term, is_inline: bool, change: impl FnOnce(&mut Term) -> R,
    ) -> Result<Option<R>, Error> {
        match &self.objects {
            Objects::Hashed(hashed) => {
                let hash = hashed.hash(key);
                let mut shard = hashed.shard_of(hash).write();
                if shard.closed {
                    return Err(Error::NoTable);
                }
                let row = shard.object_mut(hash, key, self.position).and_then(|group| group.first_mut(is_inline));
                Ok(row.map(|mut row| change(&mut row)))
            }
            Objects::Ordered(tree) => {
                let mut tree = tree.write();
                if tree.closed {
                    Err(Error::NoTable)
                } else {
                    Ok(tree.first_mut(key, is_inline).map(|mut row| change(&mut row)))
                }
            }
        }
    }

    /// Puts a group of one in.
    #[inline]
    fn put_in_shard(&self, shard: &mut Shard, hash: u64, fresh: Group) -> Spare {
        let Some(group) = shard.get_mut(hash, fresh.key(self.position), self.position) else {
            shard.insert(hash, fresh);
            return None;
        };
        match self.kind {
            Kind::Set | Kind::OrderedSet => return Some(std::mem::replace(group, fresh)),
            Kind::Bag if group.rows().iter().any(|row| row.eq_row(&fresh.rows()[0])) => return Some(fresh),
            Kind::Bag | Kind::DuplicateBag => {
                fresh.into_rows().into_iter().for_each(|row| group.add(row, self.position));
            }
        }
        shard.rows += 1;
        None
    }

    /// Puts one object in. `new`: only when there is none with that key; false when there is.
    #[inline]
    pub(super) fn put(&self, row: Term, new: bool) -> Result<bool, Error> {
        let spare = match &self.objects {
            Objects::Hashed(hashed) => {
                let hash = hashed.hash(key_of(&row, self.position));
                let fresh = Group::one(row, self.position);
                let mut shard = hashed.shard_of(hash).write();
                if shard.closed {
                    drop(shard);
                    return Err(Error::NoTable);
                }
                if new && shard.has(hash, fresh.key(self.position), self.position) {
                    drop(shard);
                    return Ok(false);
                }
                self.put_in_shard(&mut shard, hash, fresh)
            }
            Objects::Ordered(tree) => {
                let fresh = Group::one(row, self.position);
                let mut tree = tree.write();
                if tree.closed {
                    drop(tree);
                    return Err(Error::NoTable);
                }
                if new && tree.has(fresh.key(self.position)) {
                    drop(tree);
                    return Ok(false);
                }
                tree.insert(fresh)
            }
        };
        match spare {
            Some(spare) if spare.is_small() => later::free(spare),
            spare => drop(spare),
        }
        Ok(true)
    }

    /// Puts many in, all of them at once.
    fn put_all(&self, rows: Vec<Term>, new: bool) -> Result<bool, Error> {
        let rows: Vec<Group> = rows.into_iter().map(|row| Group::one(row, self.position)).collect();
        match &self.objects {
            Objects::Hashed(hashed) => self.put_all_in_shards(hashed, rows, new),
            Objects::Ordered(tree) => {
                let mut spare = Vec::new();
                let mut tree = tree.write();
                let refusal = if tree.closed {
                    Some(Err(Error::NoTable))
                } else if new && rows.iter().any(|row| tree.has(row.key(self.position))) {
                    Some(Ok(false))
                } else {
                    None
                };
                if let Some(refusal) = refusal {
                    drop(tree);
                    return refusal;
                }
                spare.extend(rows.into_iter().filter_map(|row| tree.insert(row)));
                drop(tree);
                Ok(true)
            }
        }
    }

    fn put_all_in_shards(&self, hashed: &Hashed, rows: Vec<Group>, new: bool) -> Result<bool, Error> {
        let index = |hash: u64| (hash >> (64 - super::hashed::SHARD_BITS)) as usize;
        let rows: Vec<(u64, Group)> = rows.into_iter().map(|row| (hashed.hash(row.key(self.position)), row)).collect();
        let mut wanted = [false; SHARDS];
        rows.iter().for_each(|(hash, _)| wanted[index(*hash)] = true);
        let lock = |(shard, wanted): (_, bool)| wanted.then(|| RwLock::write(shard));
        let mut locked: Vec<_> = hashed.shards().zip(wanted).map(lock).collect();
        let closed = locked.iter().flatten().any(|shard| shard.closed);
        let taken = |(hash, row): &(u64, Group)| {
            let shard = locked[index(*hash)].as_ref();
            shard.is_some_and(|shard| shard.has(*hash, row.key(self.position), self.position))
        };
        if closed || new && rows.iter().any(taken) {
            drop(locked);
            return if closed { Err(Error::NoTable) } else { Ok(false) };
        }
        let mut spare = Vec::new();
        for (hash, row) in rows {
            if let Some(shard) = &mut locked[index(hash)] {
                spare.extend(self.put_in_shard(shard, hash, row));
            }
        }
        drop(locked);
        drop(spare);
        Ok(true)
    }

    fn insert(&self, objects: Term, new: bool) -> Result<bool, Error> {
        if self.takes(&objects) {
            return self.put(objects, new);
        }
        if objects.list_len().is_none() {
            return Err(Error::Argument("an object is a tuple with a key, or a list of such"));
        }
        if objects.list_iter().any(|object| !self.takes(object)) {
            return Err(Error::Argument("an object in the list is no tuple with a key"));
        }
        self.put_all(objects.list_iter().cloned().collect(), new)
    }

    /// Takes those objects of a key out that `leaves` says.
    pub(super) fn take_out(&self, key: &Term, mut leaves: impl FnMut(&Term) -> bool) -> Result<Vec<Term>, Error> {
        let mut removed = Vec::new();
        match &self.objects {
            Objects::Hashed(hashed) => {
                let hash = hashed.hash(key);
                let mut shard = hashed.shard_of(hash).write();
                if shard.closed {
                    return Err(Error::NoTable);
                }
                shard.take_out(hash, key, self.position, leaves, &mut removed);
            }
            Objects::Ordered(tree) => {
                let taken = {
                    let mut tree = tree.write();
                    if tree.closed {
                        return Err(Error::NoTable);
                    }
                    if tree.get(key).first().is_some_and(&mut leaves) { tree.remove(key) } else { None }
                };
                removed.extend(taken.into_iter().flat_map(Group::into_rows));
            }
        }
        Ok(removed)
    }

    /// Takes a key with all its objects out.
    fn take(&self, key: &Term) -> Result<Group, Error> {
        match &self.objects {
            Objects::Hashed(hashed) => {
                let hash = hashed.hash(key);
                let mut shard = hashed.shard_of(hash).write();
                if shard.closed { Err(Error::NoTable) } else { Ok(shard.remove(hash, key, self.position)) }
            }
            Objects::Ordered(tree) => {
                let taken = {
                    let mut tree = tree.write();
                    if tree.closed {
                        return Err(Error::NoTable);
                    }
                    tree.remove(key)
                };
                Ok(taken.unwrap_or(Group::NONE))
            }
        }
    }

    /// The key of the first object that comes; `'$end_of_table'` for none.
    fn key_or_end(&self, rows: Option<&[Term]>) -> Term {
        let row = rows.and_then(<[Term]>::first);
        row.map_or_else(end_of_table, |row| key_of(row, self.position).clone())
    }

    /// The first key whose hash is so much at least.
    fn first_from(&self, hashed: &Hashed, hash: u64) -> Term {
        for (shard, from) in hashed.shards_from(hash) {
            let shard = shard.read();
            let first = shard.iter_from(from).next();
            if let Some((_, rows)) = first {
                return self.key_or_end(Some(&rows));
            }
        }
        end_of_table()
    }

    fn next_in_hashed(&self, hashed: &Hashed, key: &Term) -> Result<Term, Error> {
        let hash = hashed.hash(key);
        let found = {
            let shard = hashed.shard_of(hash).read();
            match shard.behind(hash, key, self.position) {
                Some(Some(rows)) => return Ok(self.key_or_end(Some(&rows))),
                Some(None) => true,
                None => false,
            }
        };
        if !found && !self.is_fixed() {
            return Err(Error::NoKey);
        }
        Ok(hash.checked_add(1).map_or_else(end_of_table, |hash| self.first_from(hashed, hash)))
    }
}

/// `'$end_of_table'`.
pub(super) fn end_of_table() -> Term {
    static END: once_cell::sync::Lazy<Atom> = once_cell::sync::Lazy::new(|| super::known("$end_of_table"));
    Term::atom(*END)
}

/// Inserts an object, or a list of them, all at once. Of equal keys the last one wins, but in bags.
#[inline]
pub fn insert(table: Ref, objects: Term) -> Result<(), Error> {
    writing(table, |table| table.insert(objects, false)).map(drop)
}

/// As [`insert`], but only when none of the keys is there; false when one is.
pub fn insert_new(table: Ref, objects: Term) -> Result<bool, Error> {
    writing(table, |table| table.insert(objects, true))
}

/// The objects of a key, as a list.
#[inline]
pub fn lookup(table: Ref, key: &Term) -> Result<Term, Error> {
    let found = reading(table, |table| {
        table.look(key, |rows| match rows {
            [] => Ok(None),
            [row] => Ok(Some(row.clone())),
            rows => Err(rows.to_vec()),
        })
    })?;
    Ok(match found {
        Ok(None) => Term::nil(),
        Ok(Some(row)) => Term::cons(row, Term::nil()),
        Err(rows) => Term::list(rows),
    })
}

/// The first object of a key.
#[inline]
pub fn get(table: Ref, key: &Term) -> Result<Term, Error> {
    reading(table, |table| table.look(key, |rows| rows.first().cloned()))?.ok_or(Error::NoKey)
}

/// Element `position` (from 0) of the object of a key; in bags a list of those of all its objects.
pub fn lookup_element(table: Ref, key: &Term, position: usize) -> Result<Term, Error> {
    reading(table, |table| {
        let is_bag = table.kind.is_bag();
        table.look(key, |rows| {
            let elements: Option<Vec<Term>> =
                rows.iter().map(|row| row.as_tuple().and_then(|elements| elements.get(position)).cloned()).collect();
            let mut elements = elements.ok_or(Error::Argument("an object has no such element"))?;
            match elements.pop() {
                None => Err(Error::NoKey),
                Some(element) if is_bag => {
                    elements.push(element);
                    Ok(Term::list(elements))
                }
                Some(element) => Ok(element),
            }
        })?
    })
}

/// Whether there is an object with that key.
pub fn member(table: Ref, key: &Term) -> Result<bool, Error> {
    reading(table, |table| table.has(key))
}

/// Takes the objects of a key out, as a list.
pub fn take(table: Ref, key: &Term) -> Result<Term, Error> {
    writing(table, |table| table.take(key)).map(|group| Term::list(group.into_rows()))
}

/// Deletes the objects of a key, if there are any.
pub fn delete_key(table: Ref, key: &Term) -> Result<(), Error> {
    writing(table, |table| table.take(key)).map(drop)
}

/// Deletes all objects that are exactly that one.
pub fn delete_object(table: Ref, object: &Term) -> Result<(), Error> {
    writing(table, |table| {
        if !table.takes(object) {
            return Err(Error::Argument("an object is a tuple with a key"));
        }
        table.take_out(key_of(object, table.position), |row| row.eq_row(object))
    })
    .map(drop)
}

/// Deletes all objects, at once.
pub fn delete_all_objects(table: Ref) -> Result<(), Error> {
    writing(table, |table| {
        table.empty(false);
        Ok(())
    })
}

/// The first key: of an ordered set the least; `'$end_of_table'` when there is none.
pub fn first(table: Ref) -> Result<Term, Error> {
    reading(table, |table| {
        Ok(match &table.objects {
            Objects::Hashed(hashed) => table.first_from(hashed, 0),
            Objects::Ordered(tree) => table.key_or_end(tree.read().first(From::Start).as_deref()),
        })
    })
}

/// The last key of an ordered set; of other tables, as for ETS, the first.
pub fn last(table: Ref) -> Result<Term, Error> {
    reading(table, |table| {
        Ok(match &table.objects {
            Objects::Hashed(hashed) => table.first_from(hashed, 0),
            Objects::Ordered(tree) => table.key_or_end(tree.read().last(From::Start).as_deref()),
        })
    })
}

/// The key behind one; `NoKey` when that is not there, but in an ordered set or a table that is fixed.
pub fn next(table: Ref, key: &Term) -> Result<Term, Error> {
    reading(table, |table| match &table.objects {
        Objects::Hashed(hashed) => table.next_in_hashed(hashed, key),
        Objects::Ordered(tree) => Ok(table.key_or_end(tree.read().first(From::Beyond(key)).as_deref())),
    })
}

/// The key in front of one in an ordered set; in other tables, as for ETS, the next.
pub fn prev(table: Ref, key: &Term) -> Result<Term, Error> {
    reading(table, |table| match &table.objects {
        Objects::Hashed(hashed) => table.next_in_hashed(hashed, key),
        Objects::Ordered(tree) => Ok(table.key_or_end(tree.read().last(From::Beyond(key)).as_deref())),
    })
}
