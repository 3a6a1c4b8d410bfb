//! Reads what a source is to find: people, groups, members that are held back, groups made by a search; and whether anything changed.

use super::client::{Ask, Client, Scope};
use super::entry::{self, dn_key};
use super::{Entry, Found, FoundGroup, Member};
use crate::directory_sync::fault::SyncError;
use crate::directory_sync::settings::{DYNAMIC_MAX, SourceSettings};
use std::time::Duration;
use tokio::time::timeout;

/// Parts of the members of one group.
const PARTS_MAX: usize = 1_000;
/// Searches that groups hold, in one run.
const SEARCHES_MAX: usize = 500;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The mark is the same: nothing changed.
    Same,
    /// Everything, and the mark that stood before it was read.
    Whole(Found, String),
}

/// Reads the directory within its time. `mark` is that of the last whole run; "" reads in any case.
pub async fn read(settings: &SourceSettings, mark: &str) -> Result<Read, SyncError> {
    timeout(Duration::from_secs(u64::from(settings.within_s)), within(settings, mark)).await.map_err(|_| SyncError::Late)?
}

async fn within(settings: &SourceSettings, mark: &str) -> Result<Read, SyncError> {
    let mut client = Client::open(settings).await?;
    let root = client.root().await?;
    let now = mark_of(&mut client, &root, settings).await?;
    if !mark.is_empty() && mark == now {
        client.close().await;
        return Ok(Read::Same);
    }
    let mut found = Found::default();
    people(&mut client, settings, &mut found).await?;
    if !settings.groups_filter.is_empty() {
        groups(&mut client, settings, &mut found).await?;
    }
    made_groups(&mut client, settings, &mut found).await?;
    client.close().await;
    Ok(Read::Whole(found, now))
}

/// What changes when anything in the directory does; "" where the server has no such thing.
async fn mark_of(client: &mut Client, root: &Entry, settings: &SourceSettings) -> Result<String, SyncError> {
    let usn = root.text("highestcommittedusn");
    if !usn.is_empty() {
        // Each domain controller counts for itself.
        return Ok(format!("{} {usn}", root.text("dnshostname")));
    }
    let base = dn_key(&settings.base);
    let holds = |context: &&String| base == dn_key(context) || base.ends_with(&format!(",{}", dn_key(context)));
    let contexts = root.texts("namingcontexts");
    let Some(context) = contexts.iter().filter(holds).max_by_key(|context| context.len()) else { return Ok(String::new()) };
    let ask = Ask { base: context, scope: Scope::Base, filter: "(objectClass=*)", attributes: &["contextCSN"] };
    // An account that may not read there learns nothing from it, and reads everything instead.
    let mut marks: Vec<String> =
        client.all(&ask).await.map(|found| found.iter().flat_map(|one| one.texts("contextcsn")).collect()).unwrap_or_else(|_| Vec::new());
    marks.sort();
    Ok(marks.join(" "))
}

fn names<'a>(settings: &'a SourceSettings, more: &[&'a str]) -> Vec<&'a str> {
    let own = settings.mail_attributes.iter().map(String::as_str).chain([settings.name_attribute.as_str(), "cn"]);
    let mut names: Vec<&str> = own.chain(more.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

async fn people(client: &mut Client, settings: &SourceSettings, found: &mut Found) -> Result<(), SyncError> {
    let attributes = names(settings, &["uid", "primaryGroupID"]);
    let ask = Ask { base: &settings.base, scope: Scope::Subtree, filter: &settings.people_filter, attributes: &attributes };
    client
        .search(&ask, &mut |entry| {
            let (account, unreadable) = entry::account(&entry, settings);
            found.unreadable += unreadable;
            found.people.extend(account);
        })
        .await
}

async fn groups(client: &mut Client, settings: &SourceSettings, found: &mut Found) -> Result<(), SyncError> {
    let members: Vec<&str> = settings.member_attributes.iter().map(String::as_str).chain(["memberURL", "objectSid"]).collect();
    let attributes = names(settings, &members);
    let ask = Ask { base: &settings.base, scope: Scope::Subtree, filter: &settings.groups_filter, attributes: &attributes };
    let mut entries = Vec::new();
    client.search(&ask, &mut |entry| entries.push(entry)).await?;
    let mut searches = 0;
    for one in entries {
        let (mut group, unreadable) = entry::group(&one, settings);
        found.unreadable += unreadable;
        for attribute in &settings.member_attributes {
            held_back(client, &one, attribute, &mut group).await?;
        }
        for url in one.texts("memberurl").iter().filter_map(|text| entry::url(text)) {
            searches += 1;
            if searches > SEARCHES_MAX {
                return Err(SyncError::TooMany(SEARCHES_MAX.to_string()));
            }
            let scope = match url.scope.as_str() {
                "sub" => Scope::Subtree,
                "one" => Scope::One,
                _ => Scope::Base,
            };
            let ask = Ask { base: &url.base, scope, filter: &url.filter, attributes: &["1.1"] };
            client.search(&ask, &mut |entry| group.members.push(Member::Dn(dn_key(&entry.dn)))).await?;
        }
        found.groups.push(group);
    }
    Ok(())
}

/// The further parts of a group that does not say all its members at once.
async fn held_back(client: &mut Client, one: &Entry, attribute: &str, group: &mut FoundGroup) -> Result<(), SyncError> {
    let Some((_, mut next)) = entry::held_back(one, attribute) else { return Ok(()) };
    for _ in 0..PARTS_MAX {
        let Some(from) = next else { return Ok(()) };
        let name = format!("{attribute};range={from}-*");
        let ask = Ask { base: &one.dn, scope: Scope::Base, filter: "(objectClass=*)", attributes: &[&name] };
        let part = client.all(&ask).await?.into_iter().next().unwrap_or_default();
        group.members.extend(entry::members(&part, attribute));
        next = entry::held_back(&part, attribute).and_then(|(_, next)| next).filter(|next| *next > from);
    }
    Err(SyncError::TooLarge)
}

/// Groups of whoever a filter of the settings finds.
async fn made_groups(client: &mut Client, settings: &SourceSettings, found: &mut Found) -> Result<(), SyncError> {
    for made in settings.dynamic.iter().take(DYNAMIC_MAX) {
        let mut group = FoundGroup { dn: format!("filter {}", made.name.to_lowercase()), name: made.name.clone(), ..FoundGroup::default() };
        let ask = Ask { base: &settings.base, scope: Scope::Subtree, filter: &made.filter, attributes: &["1.1"] };
        client.search(&ask, &mut |entry| group.members.push(Member::Dn(dn_key(&entry.dn)))).await?;
        found.groups.push(group);
    }
    Ok(())
}
