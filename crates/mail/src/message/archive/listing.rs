//! What a container lists: names, sizes, and where the octets of each file lie in it.
//!
//! In: a container whose files lie open in it. Out: [`Listing`]. Packed ones are undone elsewhere (`stream`, `seven`, `cab`).

use std::ops::Range;

#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) members: Vec<Member>,
    /// Why the list may not be whole.
    pub(super) flaw: Option<&'static str>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) octets: u64,
    pub(super) lies: Lies,
}

/// Where the content of a member is.
#[derive(Debug)]
pub(super) enum Lies {
    /// In the container as it is.
    At(Range<usize>),
    /// In the container, in pieces that belong one after another.
    In(Vec<Range<usize>>),
    /// Taken out already; the container had it packed in small or written in letters.
    Out(Vec<u8>),
    /// Behind a password.
    Locked,
    /// Packed in a way that is not undone here.
    Unread,
}

impl Listing {
    pub(super) fn broken(flaw: &'static str) -> Listing {
        Listing { members: Vec::new(), flaw: Some(flaw) }
    }

    pub(super) fn push(&mut self, name: String, octets: u64, lies: Lies) {
        self.members.push(Member { name, octets, lies });
    }

    /// A file that lies open from `at` on; what is past the end of the container is missing, and said to be.
    pub(super) fn push_open(&mut self, name: String, container: &[u8], at: usize, octets: usize) {
        let end = at.saturating_add(octets);
        if end > container.len() {
            self.flaw = self.flaw.or(Some("a member that goes on past the end"));
        }
        let end = end.min(container.len());
        self.push(name, octets as u64, Lies::At(at.min(end)..end));
    }
}
