//! Topics and patterns, and who is subscribed to them.
//!
//! A topic is any text. A *pattern* is one in which, cut at its dots, a piece is `*` (any one piece) or the last is `>`
//! (one piece or more). Exact topics lie in a table cut into shards, patterns in a tree of their pieces, whose depth is
//! bounded; a broadcast that meets no pattern does not look at the tree.

use super::topic::{Target, Targets, Topic};
use crate::sync::room::Room;
use crate::sync::{AtomicUsize, Ordering, RwLock};
use crate::term::Pid;
use crossbeam::utils::CachePadded;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

const SHARDS: usize = 64;

type Shard = CachePadded<RwLock<HashMap<Arc<str>, Topic>>>;

/// The most pieces of a pattern.
const DEPTH: usize = 64;

/// What a text that is subscribed to means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exact,
    Pattern,
}

/// `Err`: a `>` is not the last piece, or there are too many.
pub(super) fn kind_of(text: &str) -> Result<Kind, &'static str> {
    let mut pieces = text.split('.');
    if !pieces.clone().any(|piece| matches!(piece, "*" | ">")) {
        return Ok(Kind::Exact);
    }
    if text.split('.').count() > DEPTH {
        return Err("a pattern has at most 64 pieces");
    }
    if pieces.any(|piece| piece == ">")
        && (!text.ends_with(".>") && text != ">" || text.split('.').filter(|piece| *piece == ">").count() > 1)
    {
        return Err("the > of a pattern stands at its end");
    }
    Ok(Kind::Pattern)
}

#[derive(Default)]
struct Node {
    pieces: HashMap<Box<str>, Node>,
    any: Option<Box<Node>>,
    /// Who is subscribed to the pattern that ends here.
    here: Option<Topic>,
    /// Who is subscribed to `>` from here.
    rest: Option<Topic>,
}

impl Node {
    fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.any.is_none() && self.here.is_none() && self.rest.is_none()
    }

    fn topic_mut(&mut self, pattern: &str) -> &mut Option<Topic> {
        let mut node = self;
        for piece in pattern.split('.') {
            node = match piece {
                ">" => return &mut node.rest,
                "*" => node.any.get_or_insert_default(),
                piece => node.pieces.entry_ref(piece).or_default(),
            };
        }
        &mut node.here
    }

    fn topic(&self, pattern: &str) -> Option<&Topic> {
        let mut node = self;
        for piece in pattern.split('.') {
            node = match piece {
                ">" => return node.rest.as_ref(),
                "*" => node.any.as_deref()?,
                piece => node.pieces.get(piece)?,
            };
        }
        node.here.as_ref()
    }

    /// Takes nodes that nobody needs out, along a pattern; no deeper than a pattern is long.
    fn prune(&mut self, pieces: &mut std::str::Split<'_, char>) {
        match pieces.next() {
            None | Some(">") => {}
            Some("*") => {
                if let Some(any) = &mut self.any {
                    any.prune(pieces);
                    if any.is_empty() {
                        self.any = None;
                    }
                }
            }
            Some(piece) => {
                if let Some(node) = self.pieces.get_mut(piece) {
                    node.prune(pieces);
                    if node.is_empty() {
                        self.pieces.remove(piece);
                    }
                }
            }
        }
    }

    /// Shows everything whose pattern the pieces match.
    fn visit(&self, mut pieces: std::str::Split<'_, char>, look: &mut impl FnMut(&Topic)) {
        let Some(piece) = pieces.next() else {
            self.here.iter().for_each(look);
            return;
        };
        self.rest.iter().for_each(&mut *look);
        if let Some(node) = self.pieces.get(piece) {
            node.visit(pieces.clone(), look);
        }
        if let Some(any) = &self.any {
            any.visit(pieces, look);
        }
    }
}

#[derive(Default)]
pub(super) struct Topics {
    hasher: DefaultHashBuilder,
    shards: Box<[Shard]>,
    patterns: RwLock<Node>,
    /// Subscriptions to patterns.
    pattern_count: AtomicUsize,
}

impl Topics {
    pub fn new() -> Topics {
        Topics { shards: (0..SHARDS).map(|_| CachePadded::default()).collect(), ..Topics::default() }
    }

    fn shard(&self, topic: &str) -> &RwLock<HashMap<Arc<str>, Topic>> {
        &self.shards[(self.hasher.hash_one(topic) >> 48) as usize % SHARDS]
    }

    /// Changes the subscribers of a topic or pattern under its lock. It goes when none is left.
    pub fn change<R>(&self, kind: Kind, name: &Arc<str>, change: impl FnOnce(&mut Topic) -> R) -> R {
        match kind {
            Kind::Exact => {
                let mut shard = self.shard(name).write();
                let topic = shard.entry(name.clone()).or_default();
                let changed = change(topic);
                if topic.count() == 0 {
                    shard.remove(name);
                    shard.tidy();
                }
                changed
            }
            Kind::Pattern => {
                let mut patterns = self.patterns.write();
                let place = patterns.topic_mut(name);
                let topic = place.get_or_insert_default();
                let before = topic.count();
                let changed = change(topic);
                let after = topic.count();
                if after == 0 {
                    *place = None;
                    patterns.prune(&mut name.split('.'));
                }
                // SeqCst: whoever has subscribed gets what is broadcast after that.
                if after > before {
                    self.pattern_count.fetch_add(after - before, Ordering::SeqCst);
                } else {
                    self.pattern_count.fetch_sub(before - after, Ordering::SeqCst);
                }
                changed
            }
        }
    }

    fn look(&self, topic: &str, mut look: impl FnMut(&Topic)) {
        self.shard(topic).read().get(topic).into_iter().for_each(&mut look);
        if self.pattern_count.load(Ordering::SeqCst) > 0 {
            self.patterns.read().visit(topic.split('.'), &mut look);
        }
    }

    /// Whom a message of `from` goes to.
    pub fn targets(&self, topic: &str, from: Pid) -> Vec<Target> {
        let mut targets = Targets::default();
        self.look(topic, |topic| topic.collect(from, &mut targets));
        targets.into_vec()
    }

    /// How many subscriptions a broadcast to the topic meets; of a pattern, how many there are to it.
    pub fn count(&self, kind: Kind, name: &str) -> usize {
        let mut count = 0;
        match kind {
            Kind::Exact => self.look(name, |topic| count += topic.count()),
            Kind::Pattern => count = self.patterns.read().topic(name).map_or(0, Topic::count),
        }
        count
    }

    pub fn clear(&self) {
        for shard in &self.shards {
            let topics = std::mem::take(&mut *shard.write());
            drop(topics);
        }
        let patterns = std::mem::take(&mut *self.patterns.write());
        drop(patterns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        let mut root = Node::default();
        root.topic_mut(pattern).get_or_insert_default().add(Pid(1), None, None);
        let mut found = 0;
        root.visit(topic.split('.'), &mut |_: &Topic| found += 1);
        assert!(found <= 1);
        assert!(root.topic(pattern).is_some());
        *root.topic_mut(pattern) = None;
        root.prune(&mut pattern.split('.'));
        assert!(root.is_empty());
        found == 1
    }

    #[test]
    fn a_star_is_one_piece_and_an_arrow_one_or_more() {
        for (pattern, topic, expected) in [
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a..c", true),
            ("a.*.c", "a.c", false),
            ("a.*.c", "a.b.b.c", false),
            ("a.*.c", "a.b.d", false),
            ("a.>", "a.b", true),
            ("a.>", "a.b.c.d", true),
            ("a.>", "a", false),
            ("a.>", "b.a", false),
            (">", "a", true),
            ("*", "a", true),
            ("*", "a.b", false),
            ("*.*", "a.b", true),
            ("*.b.>", "a.b.c", true),
            ("*.b.>", "a.b", false),
        ] {
            assert_eq!(matches(pattern, topic), expected, "{pattern} {topic}");
        }
    }

    #[test]
    fn a_pattern_is_told_from_a_topic() {
        for (text, expected) in [
            ("a.b", Ok(Kind::Exact)),
            ("a*.b>", Ok(Kind::Exact)),
            ("room:1", Ok(Kind::Exact)),
            ("", Ok(Kind::Exact)),
            ("a.*", Ok(Kind::Pattern)),
            ("*.>", Ok(Kind::Pattern)),
        ] {
            assert_eq!(kind_of(text), expected, "{text}");
        }
        for text in ["a.>.b", ">.>", ">.a"] {
            assert!(kind_of(text).is_err(), "{text}");
        }
        assert!(kind_of(&"*.".repeat(DEPTH)).is_err());
    }
}
