//! What a process has and is tied to: links, monitors, timers, names, and whatever others keep for it. All of it lies
//! under its lock; what is added is refused from the fence on, and what is there then is released (`exit`).
//!
//! Who keeps things for many processes lets each have the note of where its own are (`whereabouts`): so that note needs
//! no lock and no search of its own.

use super::awaited::Awaits;
use super::control::Process;
use super::few::Few;
use super::id_hash::IdHash;
use super::lineage::Lineage;
use super::names::Name;
use super::reply::ReplyTo;
use super::start::Pending;
use super::whereabouts::{Left, Whereabouts};
use crate::clock::OwnerId;
use crate::sync::blocks::Small;
use crate::sync::room::Room;
use crate::term::{Pid, Ref, Term};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// One end of a link.
#[derive(Clone, Copy, Default)]
pub struct Link {
    /// The other end was started by this one and is its child.
    pub child: bool,
    /// What becomes of its end here is a priority message.
    pub priority: bool,
}

/// Something owned by processes that has to go when its owner does.
pub trait Owned: Send + Sync {
    /// Forgets everything of `pid`. Called outside all locks, before the death can be observed.
    fn release(&self, pid: Pid);
    /// Forgets about `limit` things of `pid`, at least one, and says how many; fewer than `limit`: nothing is left. For
    /// what may hold a great many, so that an end does not keep a worker; called again until nothing is left. `left`:
    /// what is left of what the process had noted.
    fn release_some(&self, pid: Pid, left: &mut Left, limit: usize) -> usize {
        let _ = (left, limit);
        self.release(pid);
        0
    }

    /// Forgets what `pid` can be found by, in the way of [`Owned::release_some`]: its supervisor died without stopping
    /// it, and it goes on. What it has comes to `release_some` when it ends, be it meanwhile.
    fn unname(&self, pid: Pid, left: &mut Left, limit: usize) -> usize {
        self.release_some(pid, left, limit)
    }

    /// After the last of it is released: whether others are to hear of that once `pid` has ended, by
    /// [`Owned::tell`].
    fn has_news(&self, pid: Pid) -> bool {
        let _ = pid;
        false
    }

    /// `pid` has ended, and everything of it is released: tells so. Called outside all locks, and before links and
    /// monitors, so that whoever acts on the end comes after what is told here.
    fn tell(&self, pid: Pid) {
        let _ = pid;
    }
}

/// What somebody keeps for a process.
pub struct Holding {
    pub(super) what: Arc<dyn Owned>,
    /// Where it is, for those who want to know.
    pub whereabouts: Whereabouts,
    /// The process's link with who keeps it was made for this.
    pub linked: bool,
}

impl Holding {
    fn is_of(&self, what: *const ()) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.what), what)
    }
}

/// What was held when its process ended, and is being released.
pub(super) struct Release {
    pub pid: Pid,
    pub what: Arc<dyn Owned>,
    pub left: Left,
}

/// A monitor held by a process.
pub(super) struct Watch {
    pub target: Pid,
    pub kind: Watched,
}

/// How its end is told.
pub(super) enum Watched {
    /// By a DOWN that names the pid.
    Plain,
    /// By a DOWN that names what it was asked for by.
    ByName(Term),
    /// It is given to the wait of that number (`awaited`).
    Awaited(usize),
}

impl Watch {
    pub fn of(target: Pid) -> Watch {
        Watch { target, kind: Watched::Plain }
    }

    /// `name`: what it was asked for by, if anything.
    pub fn named(target: Pid, name: Option<Term>) -> Watch {
        Watch { target, kind: name.map_or(Watched::Plain, Watched::ByName) }
    }
}

/// What the lock guards.
#[derive(Default)]
pub(super) struct Inner {
    /// Set by the first fatal thing; what the exit is carried out with.
    pub exit_reason: Option<Term>,
    /// No owned resource, name or timer can be added any more.
    pub fenced: bool,
    /// Its lists were taken: links and monitors find it dead.
    pub closed: bool,
    /// Its ghost has returned before that: the state is dropped by whoever carries out the end.
    pub returned: bool,
    /// Its supervisor died without stopping it: it may hold no name or entry.
    pub nameless: bool,
    pub trap_exit: bool,
    /// Its start is not over.
    pub starting: bool,
    pub name: Option<Name>,
    /// Who hears when its start is over; none: nobody.
    pub pending: Option<Small<Pending>>,
    /// None until the first of them: most idle processes have none. Read with `tied`.
    pub ties: Option<Small<Ties>>,
    pub rare: Option<Box<Rare>>,
}

/// Links, monitors and timers; and what its children share.
#[derive(Default)]
pub(super) struct Ties {
    pub lineage: Option<Arc<Lineage>>,
    pub links: Few<Pid, Link>,
    pub watching: Few<Ref, Watch>,
    pub watchers: Few<Ref, Pid>,
    /// Its waits for monitors, and what came of those.
    pub awaits: Option<Small<Awaits>>,
    /// As whom it has its timers.
    pub timers: OwnerId,
}

impl Ties {
    /// Whether it has that monitor, and it has not fired.
    pub fn watches(&self, monitor: Ref) -> bool {
        self.watching.contains_key(&monitor)
    }
}

impl Inner {
    /// To add one.
    #[inline]
    pub fn ties(&mut self) -> &mut Ties {
        if self.ties.is_none() {
            self.tie();
        }
        self.ties.as_deref_mut().expect("made just now, or before")
    }

    #[cold]
    #[inline(never)]
    fn tie(&mut self) {
        self.ties = Some(Small::default());
    }

    /// To look for one, or to take one away.
    pub fn tied(&mut self) -> Option<&mut Ties> {
        self.ties.as_deref_mut()
    }

    /// Its start is over. Who is to hear of that, unless it was before.
    pub fn end_start(&mut self) -> Option<Small<Pending>> {
        self.starting = false;
        self.pending.take()
    }

    /// Takes a link away.
    pub fn unlink(&mut self, peer: Pid) -> Option<Link> {
        self.tied()?.links.remove(&peer)
    }

    /// Takes a monitor away that it holds.
    pub fn unwatch(&mut self, monitor: Ref) -> Option<Watch> {
        let watch = self.tied()?.watching.remove(&monitor)?;
        if let Some(rare) = &mut self.rare {
            rare.priority.remove(&monitor);
            rare.priority.tidy();
        }
        Some(watch)
    }

    /// Whether what comes by this alias (if its sender says so) or monitor is a priority message.
    pub fn has_priority(&self, by: Ref) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.priority.contains(&by))
    }

    /// Takes a monitor away that another holds on it.
    pub fn unwatched(&mut self, monitor: Ref) {
        if let Some(ties) = self.tied() {
            ties.watchers.remove(&monitor);
        }
    }

    /// The processes that it started and is linked with.
    pub fn children(&self) -> Vec<Pid> {
        let links = self.ties.as_deref().into_iter().flat_map(|ties| ties.links.iter());
        links.filter(|(_, link)| link.child).map(|(&pid, _)| pid).collect()
    }
}

/// What few processes have.
#[derive(Default)]
pub(super) struct Rare {
    pub owned: Vec<Holding>,
    pub deferred: HashMap<u64, ReplyTo, IdHash>,
    pub label: Option<Term>,
    /// Refs that messages may be sent to without a monitor behind them.
    pub aliases: HashSet<Ref, IdHash>,
    /// Those aliases, and monitors, that priority messages may come by.
    pub priority: HashSet<Ref, IdHash>,
    /// Answers that are given once everything of it is released.
    pub farewells: Vec<(ReplyTo, Term)>,
}

impl Process {
    /// Runs `look` under this process's lock, to add something it owns. None when it is fenced.
    #[inline]
    pub fn own<R>(&self, look: impl FnOnce(&mut Owner<'_>) -> R) -> Option<R> {
        let mut inner = self.mailbox.between.lock();
        if inner.fenced || inner.nameless {
            return None;
        }
        Some(look(&mut Owner { inner: &mut inner, pid: self.pid() }))
    }

    /// As [`Process::own`], for what others do not find the process by: also for one that may hold no name any more.
    pub fn own_nameless<R>(&self, look: impl FnOnce(&mut Owner<'_>) -> R) -> Option<R> {
        let mut inner = self.lock();
        if inner.fenced {
            return None;
        }
        Some(look(&mut Owner { inner: &mut inner, pid: self.pid() }))
    }

    /// Shows where that is what `what` keeps for it; None when it keeps nothing, or that is being released.
    pub fn whereabouts<T: Owned, R>(&self, what: &T, look: impl FnOnce(&Whereabouts) -> R) -> Option<R> {
        let inner = self.lock();
        let mut owned = inner.rare.as_ref()?.owned.iter();
        owned.find(|holding| holding.is_of((&raw const *what).cast())).map(|holding| look(&holding.whereabouts))
    }

    /// Links it, on its side only, with processes that have the link already: those hear of its end.
    ///
    /// For a process that ends and has kept count of who is linked to it in another way.
    pub fn take_up_links(&self, peers: impl Iterator<Item = Pid>) {
        let mut inner = self.mailbox.between.lock();
        if inner.closed {
            return;
        }
        for peer in peers {
            inner.ties().links.insert_new(peer, Link::default());
        }
    }

    /// A copy of its links.
    pub fn links(&self) -> Vec<Pid> {
        self.lock().tied().map(|ties| ties.links.iter().map(|(&peer, _)| peer).collect()).unwrap_or_default()
    }
}

/// A process under its own lock, as [`Process::own`] shows it.
pub struct Owner<'a> {
    inner: &'a mut Inner,
    pid: Pid,
}

impl Owner<'_> {
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Has `what` released when the process ends; once, however often it is added.
    pub fn add(&mut self, what: &Arc<dyn Owned>) {
        let owned = &self.inner.rare.get_or_insert_default().owned;
        if !owned.iter().any(|holding| holding.is_of(Arc::as_ptr(what).cast())) {
            self.hold(what.clone(), Whereabouts::None, false);
        }
    }

    /// As [`Owner::add`] of what is not there yet; with where it is, and whether a link was made for it.
    pub fn hold(&mut self, what: Arc<dyn Owned>, whereabouts: Whereabouts, linked: bool) {
        self.inner.rare.get_or_insert_default().owned.push(Holding { what, whereabouts, linked });
    }

    /// What `what` keeps for it.
    #[inline]
    pub fn holding<T: Owned>(&mut self, what: &T) -> Option<&mut Holding> {
        let owned = &mut self.inner.rare.as_mut()?.owned;
        owned.iter_mut().find(|holding| holding.is_of((&raw const *what).cast()))
    }

    /// Takes it off the list again; what was there, to be dropped outside the lock.
    pub fn remove<T: Owned>(&mut self, what: &T) -> Option<Holding> {
        let owned = &mut self.inner.rare.as_mut()?.owned;
        let at = owned.iter().position(|holding| holding.is_of((&raw const *what).cast()))?;
        Some(owned.remove(at))
    }

    /// Links it with `peer` on its side only: it hears of the peer's end if that takes the link up
    /// ([`Process::take_up_links`]), the peer does not hear of its end. False when it was linked already.
    #[inline]
    pub fn link(&mut self, peer: Pid) -> bool {
        let links = &mut self.inner.ties().links;
        if links.contains_key(&peer) {
            return false;
        }
        links.insert(peer, Link::default());
        true
    }

    /// Takes a link away again, on its side only.
    pub fn unlink(&mut self, peer: Pid) {
        self.inner.unlink(peer);
    }
}
