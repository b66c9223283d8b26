//! Guards and bodies: an expression becomes steps on a stack of values, arguments first.

use super::function::{self, Function};
use super::head::{self, Names};
use crate::term::{Kind, Term};

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Constant(u32),
    /// What has a name: its register.
    Name(u32),
    /// `'$_'`.
    Object,
    /// `'$$'`.
    Names,
    /// Takes its arguments off the stack.
    Call(Function),
    /// `and` and `or` of so many values: all are asked.
    And(u32),
    Or(u32),
    /// `andalso`: goes on when the value is `true`, to the step with that number, keeping it, when it is `false`.
    AndAlso(u32),
    OrElse(u32),
    /// Built from so many values.
    Tuple(u32),
    /// So many elements, then the tail.
    List(u32),
    /// So many keys, each with its value.
    Map(u32),
}

/// A value that is there already.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operand {
    Constant(u32),
    /// What has a name: its register.
    Name(u32),
    /// `'$_'`.
    Object,
}

/// A compiled expression. Those that most specifications are made of are told apart, since they need no stack: with it
/// they were half of what selecting from a table cost.
#[derive(Debug)]
pub(super) enum Expression {
    Value(Operand),
    /// A comparison of two values.
    Compare(Function, [Operand; 2]),
    /// A tuple of values.
    Tuple(Vec<Operand>),
    Steps(Vec<Step>),
}

impl From<Vec<Step>> for Expression {
    fn from(steps: Vec<Step>) -> Expression {
        let operand = |step: &Step| match *step {
            Step::Constant(index) => Some(Operand::Constant(index)),
            Step::Name(register) => Some(Operand::Name(register)),
            Step::Object => Some(Operand::Object),
            _ => None,
        };
        let special = match steps.as_slice() {
            [value] => operand(value).map(Expression::Value),
            [a, b, Step::Call(function)] if function.compares() => {
                operand(a).zip(operand(b)).map(|(a, b)| Expression::Compare(*function, [a, b]))
            }
            [elements @ .., Step::Tuple(count)] if *count as usize == elements.len() => {
                elements.iter().map(operand).collect::<Option<_>>().map(Expression::Tuple)
            }
            _ => None,
        };
        special.unwrap_or(Expression::Steps(steps))
    }
}

enum Task<'t> {
    Visit(&'t Term),
    Emit(Step),
    /// A jump to a place that is not known yet, and that place.
    Jump {
        label: usize,
        or: bool,
    },
    Label(usize),
}

/// Compiles one expression.
pub(super) fn compile(expression: &Term, names: &Names, constants: &mut Vec<Term>) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    // Where the jumps to a label stand.
    let mut labels: Vec<Vec<usize>> = Vec::new();
    let mut tasks = vec![Task::Visit(expression)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Visit(term) => visit(term, names, constants, &mut steps, &mut labels, &mut tasks)?,
            Task::Emit(step) => steps.push(step),
            Task::Jump { label, or } => {
                labels[label].push(steps.len());
                steps.push(if or { Step::OrElse(0) } else { Step::AndAlso(0) });
            }
            Task::Label(label) => {
                let end = number(steps.len())?;
                for &jump in &labels[label] {
                    steps[jump] = match steps[jump] {
                        Step::OrElse(_) => Step::OrElse(end),
                        _ => Step::AndAlso(end),
                    };
                }
            }
        }
    }
    number(steps.len())?;
    Ok(steps)
}

fn number(count: usize) -> Result<u32, String> {
    u32::try_from(count).map_err(|_| "the expression is too large".into())
}

fn visit<'t>(
    term: &'t Term, names: &Names, constants: &mut Vec<Term>, steps: &mut Vec<Step>, labels: &mut Vec<Vec<usize>>,
    tasks: &mut Vec<Task<'t>>,
) -> Result<(), String> {
    let mut constant = |term: &Term| -> Result<Step, String> {
        let index = number(constants.len())?;
        constants.push(term.clone());
        Ok(Step::Constant(index))
    };
    match term.kind() {
        Kind::Atom => {
            let step = match term.as_atom().map_or("", |atom| atom.as_str()) {
                "$_" => Step::Object,
                "$$" => Step::Names,
                text => match head::name(term) {
                    Some(name) => Step::Name(*names.get(&name).ok_or_else(|| format!("{text} is not in the head"))?),
                    None => constant(term)?,
                },
            };
            steps.push(step);
        }
        Kind::List => {
            let mut elements = term.list_iter();
            let first = tasks.len();
            tasks.extend(elements.by_ref().map(Task::Visit));
            let count = number(tasks.len() - first)?;
            tasks.push(Task::Visit(elements.tail()));
            tasks.push(Task::Emit(Step::List(count)));
            tasks[first..].reverse();
        }
        Kind::Map => {
            let map = term.as_map().into_iter().flatten();
            let first = tasks.len();
            tasks.extend(map.flat_map(|(key, value)| [Task::Visit(key), Task::Visit(value)]));
            let count = number((tasks.len() - first) / 2)?;
            tasks.push(Task::Emit(Step::Map(count)));
            tasks[first..].reverse();
        }
        Kind::Tuple => match term.as_tuple().unwrap_or_default() {
            [only] if only.kind() == Kind::Tuple => {
                let elements = only.as_tuple().unwrap_or_default();
                tasks.push(Task::Emit(Step::Tuple(number(elements.len())?)));
                tasks.extend(elements.iter().rev().map(Task::Visit));
            }
            [name, arguments @ ..] if name.kind() == Kind::Atom => {
                call(term, name, arguments, constant, steps, labels, tasks)?;
            }
            _ => return Err(format!("{} is neither a call nor a tuple {{{{...}}}}", short(term))),
        },
        _ => {
            let step = constant(term)?;
            steps.push(step);
        }
    }
    Ok(())
}

fn call<'t>(
    term: &Term, name: &Term, arguments: &'t [Term], mut constant: impl FnMut(&Term) -> Result<Step, String>,
    steps: &mut Vec<Step>, labels: &mut Vec<Vec<usize>>, tasks: &mut Vec<Task<'t>>,
) -> Result<(), String> {
    let text = name.as_atom().map_or("", |atom| atom.as_str());
    let count = number(arguments.len())?;
    match text {
        "const" => {
            let [value] = arguments else { return Err("const takes one term".into()) };
            let step = constant(value)?;
            steps.push(step);
        }
        "and" | "or" | "andalso" | "orelse" if count == 0 => return Err(format!("{text} has no argument")),
        "and" | "or" => {
            tasks.push(Task::Emit(if text == "and" { Step::And(count) } else { Step::Or(count) }));
            tasks.extend(arguments.iter().rev().map(Task::Visit));
        }
        "andalso" | "orelse" => {
            let label = labels.len();
            labels.push(Vec::new());
            tasks.push(Task::Label(label));
            for (index, argument) in arguments.iter().enumerate().rev() {
                if index + 1 < arguments.len() {
                    tasks.push(Task::Jump { label, or: text == "orelse" });
                }
                tasks.push(Task::Visit(argument));
            }
        }
        _ => {
            let function = function::named(text, arguments.len())
                .ok_or_else(|| format!("there is no function {}/{count}", short(name)))?;
            debug_assert!(term.kind() == Kind::Tuple);
            tasks.push(Task::Emit(Step::Call(function)));
            tasks.extend(arguments.iter().rev().map(Task::Visit));
        }
    }
    Ok(())
}

/// A term, printed as far as it helps.
fn short(term: &Term) -> String {
    /// Stops the printing once there is enough.
    struct Short(String);
    impl std::fmt::Write for Short {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            if self.0.len() > 60 {
                return Err(std::fmt::Error);
            }
            self.0.push_str(text);
            Ok(())
        }
    }
    let mut printed = Short(String::new());
    match std::fmt::Write::write_fmt(&mut printed, format_args!("{term}")) {
        Ok(()) => printed.0,
        Err(_) => printed.0 + "...",
    }
}

/// Whether an expression gives the object, or a tuple whose element `position` is what `pattern` matched in it.
pub(super) fn keeps(expression: &Term, position: usize, pattern: Option<&Term>) -> bool {
    if is_atom(expression, "$_") {
        return true;
    }
    let Some(pattern) = pattern else { return false };
    match expression.as_tuple() {
        Some([only]) => match only.as_tuple() {
            Some(elements) => elements
                .get(position.wrapping_sub(1))
                .is_some_and(|element| is_element_of_object(element, position) || is_same(pattern, element)),
            None => false,
        },
        Some([name, value]) if is_atom(name, "const") => value.as_tuple().is_some_and(|elements| {
            elements.get(position.wrapping_sub(1)).is_some_and(|element| head::is_plain(pattern) && pattern == element)
        }),
        _ => false,
    }
}

fn is_atom(term: &Term, name: &str) -> bool {
    term.as_atom().is_some_and(|atom| atom.as_str() == name)
}

/// `{element, Position, '$_'}`.
fn is_element_of_object(expression: &Term, position: usize) -> bool {
    matches!(expression.as_tuple(), Some([name, at, object])
        if is_atom(name, "element") && at.as_int() == i64::try_from(position).ok() && is_atom(object, "$_"))
}

/// Whether an expression gives what a pattern matched: the same names and constants in the same places.
fn is_same(pattern: &Term, expression: &Term) -> bool {
    let mut waiting = vec![(pattern, expression)];
    while let Some((pattern, expression)) = waiting.pop() {
        match (pattern.kind(), expression.as_tuple()) {
            (_, Some([name, value])) if is_atom(name, "const") => {
                if !head::is_plain(pattern) || pattern != value {
                    return false;
                }
            }
            (Kind::Tuple, Some([only])) if only.kind() == Kind::Tuple => {
                let (a, b) = (pattern.as_tuple().unwrap_or_default(), only.as_tuple().unwrap_or_default());
                if a.len() != b.len() {
                    return false;
                }
                waiting.extend(a.iter().zip(b));
            }
            (Kind::Tuple | Kind::Map, _) | (_, Some(_)) => return false,
            (Kind::List, None) => match (pattern.as_cons(), expression.as_cons()) {
                (Some(a), Some(b)) => waiting.extend([(a.1, b.1), (a.0, b.0)]),
                _ => return false,
            },
            (Kind::Atom, None) => {
                // '_' matches anything; '$_' and '$$' are constants here and names there.
                let text = pattern.as_atom().map_or("", |atom| atom.as_str());
                if matches!(text, "_" | "$_" | "$$") || pattern != expression {
                    return false;
                }
            }
            _ => {
                if pattern != expression {
                    return false;
                }
            }
        }
    }
    true
}
