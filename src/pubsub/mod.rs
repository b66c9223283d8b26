//! Groups and topics: one message to many.
//!
//! A pubsub is a process whose tables ([`process::Face`]) everybody reads and writes directly; a broadcast runs in its
//! caller, and sends straight to the subscribers.
//!
//! *Groups* are OTP's `pg`: a process is a member as often as it joined, and who monitors a group hears of each change.
//! *Topics* are `Phoenix.PubSub`'s: whoever is subscribed twice gets each message twice, and unsubscribes once; with
//! patterns and queue groups as NATS has them, and bounds.
//!
//! Promises:
//! * a process is no member and no subscriber any more before anybody can observe that it has ended; that it has left
//!   a group is told once it has, and everything of it is released;
//! * what one process broadcasts comes to each subscriber in its order;
//! * a broadcast never waits for a subscriber: at a subscription's bound messages are dropped, and counted;
//! * a member's end costs what that process had, however many others there are;
//! * no lock is held while anything is sent or freed, or anything of the user's runs.
//!
//! Nobody is linked with a pubsub. It starts empty; who wants to know of its end monitors it.
//!
//! Any thread may call anything here, but [`monitor`] and [`demonitor`], which need an identity. Functions are given
//! the pubsub's pid; one of a process of another kind is `WrongKind`, one of a dead process `NoProcess`.
//!
//! Where it is from: OTP 25 `pg`; `Phoenix.PubSub` 2; NATS subjects.
#![forbid(unsafe_code)]

mod groups;
pub mod inbox;
mod owners;
mod topic;
mod topics;

use crate::process::{
    self, Behaviour, ChildStart, Error, FLAG_SYSTEM, Face, Flow, Identity, Init, Left, Message, Owned, Process,
    Startable, with_process,
};
use crate::server::{self, SysState};
use crate::term::{Atom, Pid, Ref, Term, atoms};
use groups::{Changed, Groups, Leave};
use inbox::{Inbox, Overflow};
use owners::{Owners, Place};
use std::sync::{Arc, Weak};
use topic::Bound;
use topics::{Kind, Topics, kind_of};

/// How a pubsub is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PubSubSpec;

impl Startable for PubSubSpec {
    fn build(&self) -> ChildStart {
        let face = |pid| {
            let store = Store::new(pid);
            Face::new(store.clone(), store)
        };
        ChildStart { flags: FLAG_SYSTEM, face: Some(Box::new(face)), ..ChildStart::new(PubSub::default()) }
    }

    fn kind(&self) -> Atom {
        atoms::PUBSUB
    }
}

/// The process: it tells monitors of groups what has changed.
#[derive(Default)]
struct PubSub {
    sys: SysState,
}

/// To itself: there are events.
struct Tell;

impl Behaviour for PubSub {
    fn init(&mut self, _me: &Process) -> Init {
        Init::Ready
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        let Some(message) = self.sys.admit(me, message) else { return Flow::Continue };
        match message {
            Message::System { request, reply } => return self.sys.answer(me, request, reply, || state(me)),
            Message::Exit { from, reason } if me.obeys(from) => return Flow::Stop(reason),
            Message::Native { request, .. } if request.is::<Tell>() => {
                if self.sys.traced {
                    server::trace::asked(me, &Term::atom_named("tell"), None, |_| None);
                }
                if let Some(store) = me.face::<Store>() {
                    tell(store);
                }
                if self.sys.traced {
                    server::trace::no_reply(me);
                }
            }
            Message::Native { reply, .. } => server::wrong_kind(reply),
            // A call ends without an answer; the rest is nothing to a pubsub.
            other => {
                if self.sys.traced {
                    server::trace::came_in(me, &other);
                    server::trace::no_reply(me);
                }
            }
        }
        Flow::Continue
    }
}

/// `#{groups}`: how many there are.
fn state(me: &Process) -> Option<Term> {
    me.face::<Store>().map(|store| {
        let groups = Term::int(i64::try_from(store.groups.names().len()).unwrap_or(i64::MAX));
        Term::map(vec![(Term::atom_named("groups"), groups)])
    })
}

/// `{Ref, join | leave, Group, Pids}` to each monitor, as `pg` sends it.
fn tell(store: &Store) {
    while let Some(event) = store.groups.next_event() {
        let what = Term::atom_named(if event.joined { "join" } else { "leave" });
        let pids = Term::cons(Term::pid(event.pid), Term::nil());
        for (monitor, watcher) in event.watchers {
            let message = Term::tuple_of([Term::reference(monitor), what.clone(), event.group.clone(), pids.clone()]);
            process::send_to_alias(watcher, monitor, message);
        }
    }
}

struct Store {
    me: Weak<Store>,
    pid: Pid,
    groups: Groups,
    topics: Topics,
    owners: Owners,
}

impl Store {
    fn new(pid: Pid) -> Arc<Store> {
        Arc::new_cyclic(|me| Store {
            me: me.clone(),
            pid,
            groups: Groups::new(),
            topics: Topics::new(),
            owners: Owners::default(),
        })
    }

    /// Runs `add` for a process that is alive, under its lock, which is to note one of its places; `add` is given what
    /// notes it. `NoProcess`: the process or the pubsub has ended.
    fn enter<R>(
        &self, home: &Process, pid: Pid, place: Place, add: impl FnOnce(&mut dyn FnMut() -> bool) -> Option<R>,
    ) -> Result<R, Error> {
        let owned = self.me.upgrade().map(|me| me as Arc<dyn Owned>).ok_or(Error::NoProcess)?;
        let kept = place.clone();
        let entered = with_process(pid, |process| {
            if !Arc::ptr_eq(process.node(), home.node()) {
                return Err(Error::OtherRuntime);
            }
            let added = process.own(|owner| {
                let mut place = Some(place);
                let mut is_first = false;
                let added = add(&mut || match place.take().and_then(|place| self.owners.add(pid, place)) {
                    Some(first) => {
                        is_first = first;
                        true
                    }
                    None => false,
                });
                if is_first {
                    owner.add(&owned);
                }
                added
            });
            added.flatten().ok_or(Error::NoProcess)
        });
        drop(kept);
        entered.unwrap_or(Err(Error::NoProcess))
    }

    /// Runs `take` for a process, under its lock while it is alive; true: a place of it is gone. Once it has none left,
    /// it is this pubsub's no more.
    fn leave(&self, pid: Pid, place: &Place, take: impl FnOnce(&mut dyn FnMut())) {
        let mut removed = None;
        let mut take = Some(take);
        with_process(pid, |process| {
            process.own(|owner| {
                let mut is_last = false;
                if let Some(take) = take.take() {
                    take(&mut || (is_last, removed) = self.owners.remove(pid, place));
                }
                if is_last {
                    owner.remove(self);
                }
            })
        });
        if let Some(take) = take {
            // It is ending, and what it has goes with it; but the caller is promised that this is gone now.
            take(&mut || (_, removed) = self.owners.remove(pid, place));
        }
        drop(removed);
    }

    fn changed(&self, changed: Changed) {
        if changed.has_events {
            self.has_events();
        }
        drop(changed.removed);
    }

    fn has_events(&self) {
        let _ = Process::post(self.pid, Message::Native { request: Box::new(Tell), reply: None });
    }

    fn forget_all(&self, pid: Pid, how: Leave) {
        for place in self.owners.take(pid).into_iter().flatten() {
            self.forget(pid, place, how);
        }
    }

    fn forget(&self, pid: Pid, place: Place, how: Leave) {
        match place {
            Place::Member(group) => {
                if let Some(changed) = self.groups.leave(&group, pid, how, || {}) {
                    self.changed(changed);
                }
            }
            Place::Monitor(group, monitor) => drop(self.groups.demonitor(&group, monitor)),
            Place::Topic(name) => self.unsubscribe_all(Kind::Exact, &name, pid),
            Place::Pattern(name) => self.unsubscribe_all(Kind::Pattern, &name, pid),
        }
    }

    fn unsubscribe_all(&self, kind: Kind, name: &Arc<str>, pid: Pid) {
        let mut removed = Vec::new();
        self.topics.change(kind, name, |topic| topic.remove(pid, &mut removed));
        drop(removed);
    }

    /// Ends it: nothing is added any more, and everything goes. The places last: until a member is gone from its group,
    /// its process finds that when it ends.
    fn close(&self) {
        self.owners.close();
        self.groups.clear();
        self.topics.clear();
        let places = self.owners.take_all();
        for (pid, _) in &places {
            with_process(*pid, |process| process.own(|owner| owner.remove(self)));
        }
    }
}

impl Owned for Store {
    fn release(&self, pid: Pid) {
        if pid == self.pid {
            return self.close();
        }
        self.forget_all(pid, Leave::Ends);
    }

    /// It goes on, and is told to have left like any other.
    fn unname(&self, pid: Pid, _left: &mut Left, _limit: usize) -> usize {
        self.forget_all(pid, Leave::All);
        0
    }

    fn has_news(&self, pid: Pid) -> bool {
        self.groups.has_news(pid)
    }

    fn tell(&self, pid: Pid) {
        if self.groups.ended(pid) {
            self.has_events();
        }
    }
}

/// Shows the tables of a pubsub. `look` runs inside, as with [`with_process`].
#[inline]
fn with_store<R>(pubsub: Pid, look: impl FnOnce(&Process, &Store) -> R) -> Result<R, Error> {
    with_process(pubsub, |process| match process.face::<Store>() {
        Some(store) => Ok(look(process, store)),
        None => Err(Error::WrongKind),
    })
    .unwrap_or(Err(Error::NoProcess))
}

/// Makes a process a member of a group, once more if it is one. `NoProcess`: it, or the pubsub, is dead.
pub fn join(pubsub: Pid, group: &Term, pid: Pid) -> Result<(), Error> {
    with_store(pubsub, |home, store| {
        let place = Place::Member(group.clone());
        let changed = store.enter(home, pid, place, |note| store.groups.join(group, pid, note))?;
        store.changed(changed);
        Ok(())
    })?
}

/// Takes a process out of a group, once. `Refused` with `not_joined`.
pub fn leave(pubsub: Pid, group: &Term, pid: Pid) -> Result<(), Error> {
    with_store(pubsub, |_, store| {
        let mut changed = None;
        store.leave(pid, &Place::Member(group.clone()), |last| {
            changed = store.groups.leave(group, pid, Leave::Once, last);
        });
        match changed {
            Some(changed) => {
                store.changed(changed);
                Ok(())
            }
            None => Err(Error::NotFound),
        }
    })?
}

/// The members of a group, in no order, each as often as it joined.
pub fn members(pubsub: Pid, group: &Term) -> Result<Vec<Pid>, Error> {
    with_store(pubsub, |_, store| store.groups.members(group))
}

/// The groups that have members, in no order.
pub fn groups(pubsub: Pid) -> Result<Vec<Term>, Error> {
    with_store(pubsub, |_, store| store.groups.names())
}

/// Sends a message to the members of a group, to each as often as it joined; how often that was.
pub fn send_to_group(pubsub: Pid, group: &Term, message: &Term) -> Result<usize, Error> {
    let members = members(pubsub, group)?;
    members.iter().for_each(|&pid| {
        // Whoever has no room for it is as one who is not there: nobody waits for a member.
        process::send_now(pid, message.clone());
    });
    Ok(members.len())
}

fn me<'a>() -> Result<&'a Process, Error> {
    match process::identity()? {
        Identity::Process(me) => Ok(me),
        Identity::Thread => Err(Error::NoIdentity),
    }
}

/// Has the caller told of all that changes in a group from now on, by `{Ref, join | leave, Group, Pids}`, and of the
/// pubsub's end by the DOWN of the same ref; who is a member now.
pub fn monitor(pubsub: Pid, group: &Term) -> Result<(Ref, Vec<Pid>), Error> {
    let me = me()?;
    with_store(pubsub, |home, _| if Arc::ptr_eq(home.node(), me.node()) { Ok(()) } else { Err(Error::OtherRuntime) })??;
    let monitor = process::monitor(pubsub, None)?;
    let entered = with_store(pubsub, |home, store| {
        let place = Place::Monitor(group.clone(), monitor);
        store.enter(home, me.pid(), place, |note| store.groups.monitor(group, monitor, me.pid(), note))
    });
    match entered.and_then(|entered| entered) {
        Ok(members) => Ok((monitor, members)),
        Err(error) => {
            let _ = process::demonitor(monitor, true);
            Err(error)
        }
    }
}

/// Takes a monitor of the caller's away; nothing of it comes any more, and nothing of it is left in the mailbox.
/// `NotFound`: there is none of that ref.
pub fn demonitor(pubsub: Pid, monitor: Ref) -> Result<(), Error> {
    let me = me()?.pid();
    with_store(pubsub, |_, store| {
        let place = store.owners.monitor(me, monitor).ok_or(Error::NotFound)?;
        let Place::Monitor(group, _) = &place else { return Err(Error::NotFound) };
        let mut removed = None;
        store.leave(me, &place, |last| {
            removed = store.groups.demonitor(group, monitor);
            last();
        });
        drop(removed);
        Ok(())
    })??;
    process::demonitor(monitor, true)?;
    let is_event = |message: &Term| {
        message.as_tuple().is_some_and(|parts| parts.len() == 4 && parts[0].as_reference() == Some(monitor))
    };
    while process::receive(Some(0), is_event).is_ok() {}
    Ok(())
}

/// How a subscription is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Only one member of this queue group gets each message.
    pub queue: Option<Arc<str>>,
    /// So many messages that were not received yet are kept; none: any number.
    pub bound: Option<(usize, Overflow)>,
    /// Nothing happens if the process is subscribed to that topic.
    pub once: bool,
}

fn place_of(kind: Kind, name: &Arc<str>) -> Place {
    match kind {
        Kind::Exact => Place::Topic(name.clone()),
        Kind::Pattern => Place::Pattern(name.clone()),
    }
}

/// Subscribes a process to a topic or a pattern.
pub fn subscribe(pubsub: Pid, topic: &str, pid: Pid, how: Subscription) -> Result<(), Error> {
    let kind = kind_of(topic).map_err(Error::Argument)?;
    let name: Arc<str> = topic.into();
    let bound =
        how.bound.map(|(limit, overflow)| Arc::new(Bound { inbox: Inbox::new(limit, overflow), topic: name.clone() }));
    with_store(pubsub, |home, store| {
        store.enter(home, pid, place_of(kind, &name), |note| {
            store.topics.change(kind, &name, |topic| {
                if how.once && topic.has(pid) {
                    return Some(());
                }
                note().then(|| topic.add(pid, how.queue, bound))
            })
        })
    })?
}

/// Takes all subscriptions of a process to a topic, or to a pattern as it was given, away; fine when there are none.
pub fn unsubscribe(pubsub: Pid, topic: &str, pid: Pid) -> Result<(), Error> {
    let kind = kind_of(topic).map_err(Error::Argument)?;
    let name: Arc<str> = topic.into();
    with_store(pubsub, |_, store| {
        let mut removed = Vec::new();
        store.leave(pid, &place_of(kind, &name), |last| {
            store.topics.change(kind, &name, |topic| {
                if topic.remove(pid, &mut removed) > 0 {
                    last();
                }
            });
        });
        drop(removed);
    })
}

/// Sends a message to all subscribers of a topic but `from` (`Pid::NONE`: to all).
pub fn broadcast(pubsub: Pid, topic: &str, from: Pid, message: &Term) -> Result<(), Error> {
    if kind_of(topic) != Ok(Kind::Exact) {
        return Err(Error::Argument("a message goes to a topic, not to a pattern"));
    }
    let targets = with_store(pubsub, |_, store| store.topics.targets(topic, from))?;
    targets.iter().for_each(|target| target.send(message));
    Ok(())
}

/// How many subscriptions a broadcast to the topic meets; of a pattern, how many there are to it.
pub fn subscriber_count(pubsub: Pid, topic: &str) -> Result<usize, Error> {
    let kind = kind_of(topic).map_err(Error::Argument)?;
    with_store(pubsub, |_, store| store.topics.count(kind, topic))
}
