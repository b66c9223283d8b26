//! Counters, and elements set in place.

use super::group::key_of;
use super::{Error, Kind, Table, caller, handle, writing};
use crate::pattern::arithmetic;
use crate::term::{Kind as TermKind, Ref, Term};

/// `{Position, Increment, Threshold, SetValue}` and its shorter forms.
struct Operation {
    position: usize,
    increment: Term,
    limit: Option<(Term, Term)>,
}

fn is_integer(term: &Term) -> bool {
    matches!(term.kind(), TermKind::Int | TermKind::Big)
}

/// A position as the user counts them, from 1; not that of the key.
fn position(term: &Term, key: usize) -> Result<usize, Error> {
    let position = term.as_int().and_then(|position| usize::try_from(position).ok()?.checked_sub(1));
    match position {
        Some(position) if position == key => Err(Error::Argument("the key of an object cannot be changed")),
        Some(position) => Ok(position),
        None => Err(Error::Argument("a position is an integer from 1 on")),
    }
}

fn operation(term: &Term, key: usize) -> Result<Operation, Error> {
    const SHAPE: Error =
        Error::Argument("an operation is {Position, Increment} or {Position, Increment, Limit, Value}");
    let (place, increment, limit) = match term.as_tuple().ok_or(SHAPE)? {
        [place, increment] => (place, increment, None),
        [place, increment, limit, value] => (place, increment, Some((limit.clone(), value.clone()))),
        _ => return Err(SHAPE),
    };
    let all = [increment].into_iter().chain(limit.iter().flat_map(|(limit, value)| [limit, value]));
    if !all.into_iter().all(is_integer) {
        return Err(Error::Argument("increment, limit and value are integers"));
    }
    Ok(Operation { position: position(place, key)?, increment: increment.clone(), limit })
}

impl Operation {
    fn apply(&self, value: &Term) -> Result<Term, Error> {
        if !is_integer(value) {
            return Err(Error::Argument("the element is no integer"));
        }
        let sum = arithmetic::add(value, &self.increment).ok_or(Error::Limit)?;
        let Some((limit, otherwise)) = &self.limit else { return Ok(sum) };
        let is_down = self.increment.cmp_erlang(&Term::int(0)).is_lt();
        let beyond = if is_down { sum.cmp_erlang(limit).is_lt() } else { sum.cmp_erlang(limit).is_gt() };
        Ok(if beyond { otherwise.clone() } else { sum })
    }
}

/// Sets elements of an object: in place when nobody else has it, else in a copy. What was there goes to `spare`.
fn set(row: &mut Term, values: Vec<(usize, Term)>, spare: &mut Vec<Term>) {
    if let Some(elements) = row.as_tuple_mut() {
        for (position, value) in values {
            if let Some(element) = elements.get_mut(position) {
                spare.push(std::mem::replace(element, value));
            }
        }
        return;
    }
    let mut elements = row.as_tuple().unwrap_or_default().to_vec();
    for (position, value) in values {
        if let Some(element) = elements.get_mut(position) {
            spare.push(std::mem::replace(element, value));
        }
    }
    let made = Term::tuple(elements);
    if !made.is_invalid() {
        spare.push(std::mem::replace(row, made));
    }
}

/// Counts up, in one object at one or more positions, at once.
///
/// `operation`: an increment of the element behind the key; `{Position, Increment}`; `{Position, Increment, Limit,
/// Value}`, where a sum beyond the limit becomes the value; or a list of the latter two. Gives the new value, or their
/// list. `default`: what is put in first when the key is not there, with that key. A failure changes nothing.
pub fn update_counter(table: Ref, key: &Term, operation: &Term, default: Option<&Term>) -> Result<Term, Error> {
    if let Some(sum) = count_up(table, key, operation, default) {
        return Ok(Term::int(sum));
    }
    writing(table, |table| {
        not_a_bag(table)?;
        if operation.list_len().is_none() {
            let only = if is_integer(operation) {
                Operation { position: table.position + 1, increment: operation.clone(), limit: None }
            } else {
                self::operation(operation, table.position)?
            };
            return count(table, key, &[only], default).map(|mut values| values.pop().unwrap_or_default());
        }
        let operations: Result<Vec<Operation>, Error> =
            operation.list_iter().map(|term| self::operation(term, table.position)).collect();
        count(table, key, &operations?, default).map(Term::list)
    })
}

/// As [`update_counter`], for what is counted as a rule: a small integer is added to one, in an object of a set that
/// nobody else has. None: nothing was changed, and `update_counter` does it or says why not.
#[inline]
pub fn count_up(table: Ref, key: &Term, operation: &Term, default: Option<&Term>) -> Option<i64> {
    is_object(default).ok()?;
    let (position, increment) = match operation.as_tuple() {
        Some([place, increment]) => (Some(usize::try_from(place.as_int()?).ok()?.checked_sub(1)?), increment.as_int()?),
        _ => (None, operation.as_int()?),
    };
    let caller = caller().ok()?;
    handle::with(table.0, |table| {
        let position = position.unwrap_or(table.position + 1);
        if table.kind.is_bag() || !table.is_writable(caller) || position == table.position {
            return None;
        }
        let counted = table.change(key, true, |row| {
            let element = row.as_tuple_mut()?.get_mut(position)?;
            let sum = element.as_int()?.checked_add(increment)?;
            *element = Term::int(sum);
            Some(sum)
        });
        counted.ok()??
    })?
}

fn not_a_bag(table: &Table) -> Result<(), Error> {
    match table.kind {
        Kind::Set | Kind::OrderedSet => Ok(()),
        Kind::Bag | Kind::DuplicateBag => Err(Error::Argument("a bag's objects are not updated")),
    }
}

/// Also refused when it is not needed, as ETS does.
fn is_object(default: Option<&Term>) -> Result<(), Error> {
    match default {
        Some(default) if default.as_tuple().is_none() => Err(Error::Argument("the default is no object")),
        _ => Ok(()),
    }
}

/// The values that operations give one after the other, and what is to be set.
type Counted = (Vec<Term>, Vec<(usize, Term)>);

fn compute(row: &Term, operations: &[Operation]) -> Result<Counted, Error> {
    let elements = row.as_tuple().unwrap_or_default();
    let (mut values, mut changes): Counted = (Vec::with_capacity(operations.len()), Vec::new());
    for operation in operations {
        let changed = changes.iter().position(|(position, _)| *position == operation.position);
        let current = match changed {
            Some(index) => &changes[index].1,
            None => elements.get(operation.position).ok_or(Error::Argument("the object has no such element"))?,
        };
        let value = operation.apply(current)?;
        match changed {
            Some(index) => changes[index].1 = value.clone(),
            None => changes.push((operation.position, value.clone())),
        }
        values.push(value);
    }
    Ok((values, changes))
}

fn count(table: &Table, key: &Term, operations: &[Operation], default: Option<&Term>) -> Result<Vec<Term>, Error> {
    let mut spare = Vec::new();
    let mut fresh = None;
    is_object(default)?;
    loop {
        let counted = table.change(key, false, |row| {
            let (values, changes) = compute(row, operations)?;
            set(row, changes, &mut spare);
            Ok(values)
        })?;
        if let Some(counted) = counted {
            return counted;
        }
        let default = default.ok_or(Error::NoKey)?;
        if !table.takes(default) {
            return Err(Error::Argument("the default is no tuple with a key"));
        }
        let (values, row) = match fresh.take() {
            Some(fresh) => fresh,
            None => {
                let mut row = default.clone();
                set(&mut row, vec![(table.position, key.clone())], &mut spare);
                let (values, changes) = compute(&row, operations)?;
                set(&mut row, changes, &mut spare);
                (values, row)
            }
        };
        debug_assert!(key_of(&row, table.position) == key);
        if table.put(row.clone(), true)? {
            return Ok(values);
        }
        // Somebody else was first: count in that one, unless it goes again.
        fresh = Some((values, row));
    }
}

/// Sets elements of the object of a key, at once: `{Position, Value}` or a list of them. False when there is no such
/// key.
pub fn update_element(table: Ref, key: &Term, elements: &Term) -> Result<bool, Error> {
    writing(table, |table| {
        not_a_bag(table)?;
        let pair = |term: &Term| match term.as_tuple() {
            Some([place, value]) if place.as_int().is_some() => Ok((place.clone(), value.clone())),
            _ => Err(Error::Argument("an element is given as {Position, Value}")),
        };
        let given: Vec<(Term, Term)> = match elements.list_len() {
            None => vec![pair(elements)?],
            Some(_) => elements.list_iter().map(pair).collect::<Result<_, _>>()?,
        };
        let mut spare = Vec::new();
        let set = table.change(key, false, |row| {
            let size = row.as_tuple().map_or(0, <[Term]>::len);
            let place = |(place, value): &(Term, Term)| match position(place, table.position)? {
                position if position < size => Ok((position, value.clone())),
                _ => Err(Error::Argument("the object has no such element")),
            };
            let values = given.iter().map(place).collect::<Result<_, Error>>()?;
            set(row, values, &mut spare);
            Ok(())
        })?;
        set.transpose().map(|set| set.is_some())
    })
}
