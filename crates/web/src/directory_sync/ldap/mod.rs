//! A directory read by LDAP (RFC 4511): who has which addresses, who is in which group. Nothing is ever written to it.
//!
//! In: [`SourceSettings`](super::settings::SourceSettings). Out: [`Found`]. Our own client, because what a server sends is outside bytes:
//! the libraries there are recurse and allocate as it pleases.

pub mod ber;
pub mod client;
pub mod entry;
pub mod filter;
pub mod read;
pub mod transport;

use std::collections::HashMap;

/// One entry as the server sent it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    /// By lower-case name.
    pub attributes: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// Values of an attribute that are text.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let values = self.attributes.get(&name.to_lowercase());
        values.into_iter().flatten().filter_map(|value| String::from_utf8(value.clone()).ok()).collect()
    }

    /// The first of them; "" is none.
    pub fn text(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_default()
    }
}

/// What was found in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub people: Vec<Account>,
    pub groups: Vec<FoundGroup>,
    /// Values that are no addresses.
    pub unreadable: usize,
}

/// Somebody, or something, with addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// As [`entry::dn_key`] writes it.
    pub dn: String,
    /// `uid`, by which POSIX groups name their members.
    pub uid: String,
    pub name: String,
    /// Keys, the main one first; never empty.
    pub addresses: Vec<String>,
    /// Active Directory: the group that does not list its members.
    pub primary_group: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundGroup {
    pub dn: String,
    pub name: String,
    pub addresses: Vec<String>,
    pub members: Vec<Member>,
    /// Active Directory: the end of its security identifier.
    pub rid: Option<u32>,
}

/// Who is in a group, as the group says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// As [`entry::dn_key`] writes it.
    Dn(String),
    Uid(String),
}
