//! One end, step by step: what `exit` carries out for each process, in slices.
//!
//! Each step has what is left of its list, so that an end may stop after any entry and go on later, on another worker.
//! Their order is that of the module above: everything is released before the pid is stale, and the pid is stale before
//! anybody hears of the end.

use super::control::Process;
use super::exit::{self, Ending};
use super::few::{self, Few};
use super::holdings::{Link, Owned, Release, Ties, Watch};
use super::id_hash::IdHash;
use super::message::StartResult;
use super::names::Name;
use super::reply::ReplyTo;
use super::watchdog::Stuck;
use super::whereabouts::Left;
use super::{signal, start, table, timer};
use crate::clock::OwnerId;
use crate::sync::blocks::Small;
use crate::term::{Pid, Ref, Term, atoms};
use hashbrown::{HashMap, hash_map};
use std::ptr::NonNull;
use std::sync::Arc;

/// An end that is under way.
pub(super) struct Exit {
    process: NonNull<Process>,
    ghost: bool,
    /// The ghost has returned, and left its state to us.
    returned: bool,
    pub at_once: bool,
    /// To be reported first.
    pub stuck: Option<Stuck>,
    step: Step,
    reason: Term,
    name: Option<Name>,
    /// What it owned, and what its descendants did; the next one last.
    owned: Vec<Release>,
    /// What has news of its end.
    news: Vec<Arc<dyn Owned>>,
    /// Descendants whose names are to go.
    descendants: Vec<Pid>,
    watching: Few<Ref, Watch>,
    watchers: Few<Ref, Pid>,
    deferred: HashMap<u64, ReplyTo, IdHash>,
}

/// What comes next; with what is left of its list.
enum Step {
    Fence,
    Timers(OwnerId),
    Owned,
    Face,
    Names,
    Descendants,
    Stale,
    Links(few::IntoIter<Pid, Link>),
    Watchers(few::IntoIter<Ref, Pid>),
    Watching(few::IntoIter<Ref, Watch>),
    State,
    Deferred(hash_map::IntoIter<u64, ReplyTo>),
    Mailbox,
}

impl Exit {
    pub fn new(ending: Ending) -> Exit {
        Exit {
            process: ending.process,
            ghost: ending.ghost,
            returned: false,
            at_once: false,
            stuck: None,
            step: Step::Fence,
            reason: Term::nil(),
            name: None,
            owned: Vec::new(),
            news: Vec::new(),
            descendants: Vec::new(),
            watching: Few::default(),
            watchers: Few::default(),
            deferred: HashMap::default(),
        }
    }

    /// The rest of an end that is over but for the mailbox.
    pub fn of_mailbox(ending: Ending, reason: Term) -> Exit {
        Exit { step: Step::Mailbox, reason, ..Exit::new(ending) }
    }

    pub fn process<'a>(&self) -> &'a Process {
        // SAFETY: the table's count is given back by this very end, in its last step, and freed only after this thread
        // has left; the reference is not kept over a slice.
        unsafe { self.process.as_ref() }
    }

    /// Goes on for about `limit` entries, and takes them from `left`; true when it is over. Nothing may touch the
    /// process after that.
    pub fn go_on(&mut self, mut limit: usize, left: &mut usize) -> bool {
        let process = self.process();
        let (pid, node) = (process.pid(), process.node());
        let before = limit;
        let over = loop {
            if limit == 0 {
                break false;
            }
            match &mut self.step {
                Step::Fence => {
                    if let Some(stuck) = self.stuck.take() {
                        stuck.report(process);
                    }
                    self.fence(process);
                }
                Step::Timers(owner) => {
                    let cancelled = timer::cancel_owned(node, *owner, limit);
                    limit -= cancelled;
                    if limit > 0 {
                        self.step = Step::Owned;
                    }
                }
                Step::Owned => {
                    if self.release_owned(&mut limit) {
                        self.step = Step::Face;
                    }
                }
                Step::Face => {
                    if process
                        .face
                        .as_ref()
                        .is_none_or(|face| release(&*face.ends, pid, &mut Left::default(), &mut limit))
                    {
                        self.step = Step::Names;
                    }
                }
                Step::Names => {
                    if let Some(name) = self.name.take() {
                        node.names.release(&name, pid);
                    }
                    self.step = Step::Descendants;
                }
                Step::Descendants => {
                    if !self.release_owned(&mut limit) {
                        continue;
                    }
                    match self.descendants.pop() {
                        Some(pid) => {
                            signal::fence_names(pid, &mut self.descendants, &mut self.owned);
                            limit -= 1;
                        }
                        None => self.step = Step::Stale,
                    }
                }
                Step::Stale => self.stale(process),
                Step::Links(links) => match links.next() {
                    Some((peer, _)) => {
                        table::with_process(peer, |peer| signal::link_broken(peer, pid, self.reason.clone()));
                        limit -= 1;
                    }
                    None => self.step = Step::Watchers(std::mem::take(&mut self.watchers).into_iter()),
                },
                Step::Watchers(watchers) => match watchers.next() {
                    Some((monitor, watcher)) => {
                        table::with_process(watcher, |watcher| signal::down(watcher, monitor, self.reason.clone()));
                        limit -= 1;
                    }
                    None => self.step = Step::Watching(std::mem::take(&mut self.watching).into_iter()),
                },
                Step::Watching(watching) => match watching.next() {
                    Some((monitor, watch)) => {
                        table::with_process(watch.target, |target| target.lock().unwatched(monitor));
                        limit -= 1;
                    }
                    None => self.step = Step::State,
                },
                Step::State => self.drop_state(process),
                Step::Deferred(deferred) => match deferred.next() {
                    Some((call, reply)) => {
                        reply.die(self.reason.clone());
                        node.outside.answered(call);
                        limit -= 1;
                    }
                    None => self.step = Step::Mailbox,
                },
                Step::Mailbox => {
                    if empty_mailbox(process, &self.reason, &mut limit) {
                        gone(process);
                        break true;
                    }
                }
            }
        };
        *left = left.saturating_sub(before - limit);
        over
    }

    /// Fence: nothing can be added to what is taken here.
    fn fence(&mut self, process: &Process) {
        let pid = process.pid();
        let mut inner = process.lock();
        inner.fenced = true;
        self.reason = inner.exit_reason.get_or_insert(Term::atom(atoms::KILLED)).clone();
        if let Some(rare) = &mut inner.rare {
            // The first of them last, where it is taken from.
            let all = std::mem::take(&mut rare.owned).into_iter().rev();
            self.owned.extend(all.map(|held| Release { pid, what: held.what, left: Left::of(held.whereabouts) }));
        }
        self.descendants.extend(inner.children());
        self.name = inner.name.take();
        let timers = inner.tied().map(|ties| std::mem::take(&mut ties.timers)).unwrap_or_default();
        self.step = Step::Timers(timers);
    }

    /// True when nothing owned is left.
    fn release_owned(&mut self, limit: &mut usize) -> bool {
        let own = self.process().pid();
        while let Some(Release { pid, what, left }) = self.owned.last_mut() {
            let forget = if *pid == own { release } else { unname };
            if *limit == 0 || !forget(&**what, *pid, left, limit) {
                return false;
            }
            if let Some(Release { pid, what, .. }) = self.owned.pop()
                && pid == own
                && what.has_news(pid)
            {
                self.news.push(what);
            }
        }
        true
    }

    /// Everything is released: the pid leads nowhere from now on, and whoever waits for the end hears of it.
    fn stale(&mut self, process: &Process) {
        let (pid, node) = (process.pid(), process.node());
        // Stale first, then closed: whoever finds it closed can say so.
        table::clear(pid);
        let (ties, pending, farewells) = {
            let mut inner = process.lock();
            inner.closed = true;
            self.returned = inner.returned;
            let farewells = match &mut inner.rare {
                Some(rare) => {
                    self.deferred = std::mem::take(&mut rare.deferred);
                    std::mem::take(&mut rare.farewells)
                }
                None => Vec::new(),
            };
            (inner.ties.take(), inner.end_start(), farewells)
        };
        let Ties { links, watching, watchers, .. } = ties.map_or_else(Ties::default, Small::into_inner);
        (self.watching, self.watchers) = (watching, watchers);
        self.step = Step::Links(links.into_iter());
        process.close_bounded();
        node.count_out();
        if process.place.thread_home().is_some() {
            node.thread_pids.lock().remove(&pid);
            node.watchdogs.remove(pid);
        }
        for what in std::mem::take(&mut self.news) {
            what.tell(pid);
        }
        if let Some(pending) = pending.map(Small::into_inner) {
            let result = pending.result.map_or_else(|| StartResult::Failed(self.reason.clone()), |result| *result);
            start::acknowledge(pid, pending.ack, result);
        }
        for (reply, answer) in farewells {
            reply.answer(answer);
        }
        // A registry may be waited in for somebody.
        if process.face.is_some() {
            node.departed(pid);
        }
    }

    /// The state, then what nobody will read any more.
    fn drop_state(&mut self, process: &Process) {
        self.step = Step::Deferred(std::mem::take(&mut self.deferred).into_iter());
        if self.returned {
            exit::ghost_ends(process);
        } else if !self.ghost {
            // SAFETY: DEAD without a ghost: the private parts are ours.
            exit::drop_behaviour(process, unsafe { process.behaviour() }.take());
        }
        if let Some(reply) = process.take_current_call() {
            reply.die(self.reason.clone());
        }
    }
}

/// The last step. Nothing may touch the process after this.
pub(super) fn gone(process: &Process) {
    process.place.wake();
    let last = process.state.gone();
    // Partner: the look at the word after a push, in `Process::notify`. Either that sees the word, or we see the
    // message. Only those who found the process before it was stale can have sent one.
    if !process.mailbox_is_bare() {
        exit::too_late(process);
    }
    if last {
        table::retire(process);
    }
}

/// Has `what` release things of `pid`, at most `limit`; true when nothing is left.
fn release(what: &dyn Owned, pid: Pid, left: &mut Left, limit: &mut usize) -> bool {
    spend(limit, what.release_some(pid, left, *limit))
}

/// As [`release`], for a descendant.
fn unname(what: &dyn Owned, pid: Pid, left: &mut Left, limit: &mut usize) -> bool {
    spend(limit, what.unname(pid, left, *limit))
}

fn spend(limit: &mut usize, released: usize) -> bool {
    let all = released < *limit;
    *limit = limit.saturating_sub(released);
    all
}

/// True when it is empty.
fn empty_mailbox(process: &Process, reason: &Term, limit: &mut usize) -> bool {
    // SAFETY: DEAD: the reading end is ours; a ghost is refused it by the state word.
    unsafe { process.reading() }.release();
    while *limit > 0 {
        // SAFETY: as above.
        let Some(message) = (unsafe { process.take_message() }) else { return true };
        exit::discard(process, message, reason);
        *limit -= 1;
    }
    false
}
