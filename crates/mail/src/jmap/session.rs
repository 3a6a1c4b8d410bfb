//! The session resource: what the server can, and which accounts this user sees (RFC 8620 §2).

use super::{ACCOUNTS_MAX, CORE, JmapError, MAIL, is_id, shown, text};
use serde_json::Value;

/// What is used of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who is signed in.
    pub username: String,
    pub api_url: String,
    /// A template.
    pub download_url: String,
    /// Those with mail.
    pub accounts: Vec<Account>,
    /// Identifier of the user's own account with mail; '' is none.
    pub primary: String,
}

/// An account with mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub is_read_only: bool,
}

impl Session {
    /// # Errors
    /// It is no session, or one of a server without mail.
    pub fn read(octets: &[u8]) -> Result<Session, JmapError> {
        let whole: Value = serde_json::from_slice(octets).map_err(|_| JmapError::NotJson)?;
        let can = |what: &str| whole.get("capabilities").and_then(|all| all.get(what)).is_some();
        if !can(CORE) || !can(MAIL) {
            return Err(JmapError::Missing("capabilities"));
        }
        let accounts = whole.get("accounts").and_then(Value::as_object).ok_or(JmapError::Missing("accounts"))?;
        if accounts.len() > ACCOUNTS_MAX {
            return Err(JmapError::TooMuch);
        }
        let has_mail = |account: &Value| account.get("accountCapabilities").is_none_or(|all| all.get(MAIL).is_some());
        let account = |(id, account): (&String, &Value)| {
            let is_read_only = account.get("isReadOnly").and_then(Value::as_bool).unwrap_or(false);
            let name = shown(account.get("name").and_then(Value::as_str).unwrap_or_default());
            (is_id(id) && has_mail(account)).then(|| Account { id: id.clone(), name, is_read_only })
        };
        let primary = whole.get("primaryAccounts").and_then(|all| all.get(MAIL)).and_then(Value::as_str).filter(|id| is_id(id));
        Ok(Session {
            username: shown(whole.get("username").and_then(Value::as_str).unwrap_or_default()),
            api_url: text(&whole, "apiUrl").filter(|url| !url.is_empty()).ok_or(JmapError::Missing("apiUrl"))?,
            download_url: text(&whole, "downloadUrl").unwrap_or_default(),
            accounts: accounts.iter().filter_map(account).collect(),
            primary: primary.unwrap_or_default().to_string(),
        })
    }

    /// The account in which mail to this mailbox lies: one of its name, or the user's own where the user is the mailbox.
    pub fn account_of(&self, mailbox: &str) -> Option<&Account> {
        let is_it = |account: &&Account| account.name.eq_ignore_ascii_case(mailbox) || account.id == mailbox;
        self.accounts.iter().find(is_it).or_else(|| self.username.eq_ignore_ascii_case(mailbox).then(|| self.own()).flatten())
    }

    /// The account of whoever is signed in.
    pub fn own(&self) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == self.primary)
    }
}
