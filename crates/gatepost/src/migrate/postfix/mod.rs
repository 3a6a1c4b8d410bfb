//! Postfix: `main.cf` and the tables it names.
//!
//! Every parameter that is set is looked at once, by one of the parts; what no part knows is named at the end.

mod access;
mod main_cf;
mod restrictions;
mod ways;

use super::{Draft, Fate};
use main_cf::MainCf;
use std::collections::BTreeSet;
use std::path::Path;

/// What is being read, and which parameters somebody took care of.
struct Reading {
    main: MainCf,
    draft: Draft,
    seen: BTreeSet<String>,
}

impl Reading {
    /// The value of a parameter that is set, which is taken care of from here on.
    fn take(&mut self, name: &str) -> Option<String> {
        self.main.parameters.contains_key(name).then(|| self.seen.insert(name.to_string()));
        self.main.parameters.contains_key(name).then(|| self.main.get(name))
    }

    fn note(&mut self, fate: Fate, name: &str, english: impl Into<String>, chinese: impl Into<String>) {
        let (at, what) = (self.main.at(name), format!("{name} = {}", self.main.get(name)));
        self.draft.note(fate, &at, &what, english, chinese);
    }
}

/// Parameters of Postfix' inside, by how they begin.
const INSIDE: [&str; 28] = [
    "compatibility_level",
    "queue_directory",
    "command_directory",
    "daemon_directory",
    "data_directory",
    "mail_owner",
    "setgid_group",
    "sendmail_path",
    "newaliases_path",
    "mailq_path",
    "html_directory",
    "manpage_directory",
    "sample_directory",
    "readme_directory",
    "meta_directory",
    "shlib_directory",
    "biff",
    "append_dot_mydomain",
    "debug",
    "inet_protocols",
    "inet_interfaces",
    "smtpd_banner",
    "mail_name",
    "mail_version",
    "tls_random",
    "smtpd_tls_session_cache",
    "smtp_tls_session_cache",
    "default_database_type",
];

/// Reads the folder of Postfix' settings.
/// # Errors
/// There is no `main.cf`, or a file cannot be read.
pub fn read(folder: &Path, organisation: &str) -> anyhow::Result<Draft> {
    let mut reading = Reading { main: MainCf::open(folder)?, draft: Draft::new(organisation), seen: BTreeSet::new() };
    ways::name_and_limits(&mut reading);
    ways::tls(&mut reading);
    ways::domains(&mut reading)?;
    ways::next_hops(&mut reading)?;
    ways::networks(&mut reading);
    restrictions::all(&mut reading)?;
    access::checks(&mut reading)?;
    access::rewriting(&mut reading);
    access::filters(&mut reading);
    rest(&mut reading);
    Ok(reading.draft)
}

fn rest(reading: &mut Reading) {
    let open: Vec<String> = reading.main.parameters.keys().filter(|name| !reading.seen.contains(*name)).cloned().collect();
    for name in open {
        if INSIDE.iter().any(|inside| name.starts_with(inside)) {
            reading.note(Fate::Unneeded, &name, "Concerns the inside of Postfix.", "只与 Postfix 内部有关。");
            continue;
        }
        // A name of the operator's own, which others name.
        let is_named = reading
            .main
            .parameters
            .values()
            .any(|other| other.value.contains(&format!("${name}")) || other.value.contains(&format!("${{{name}}}")));
        match is_named {
            true => reading.note(Fate::Unneeded, &name, "Put in where other parameters name it.", "已代入引用它的其他参数。"),
            false => reading.note(
                Fate::Left,
                &name,
                "Not known to this migration. If mail depends on it, look it up in gatepost config reference.",
                "本迁移不认识该参数。如果邮件收发依赖它，请在 gatepost config reference 中查找对应设置。",
            ),
        }
    }
}
