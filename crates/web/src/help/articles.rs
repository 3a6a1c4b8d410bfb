//! The articles under `help/` of the repository: a name, and both languages.

/// One article.
#[derive(Debug)]
pub struct Written {
    /// In the address.
    pub name: &'static str,
    /// Markdown.
    pub english: &'static str,
    pub chinese: &'static str,
    /// Ways to ask for it, in both languages.
    pub asked: &'static str,
}

/// Reads the files of an article into the program.
macro_rules! written {
    ($name:literal) => {
        Written {
            name: $name,
            english: include_str!(concat!("../../../../help/en/", $name, ".md")),
            chinese: include_str!(concat!("../../../../help/zh-CN/", $name, ".md")),
            asked: include_str!(concat!("../../../../help/asked/", $name, ".txt")),
        }
    };
}

/// All of them, in the order of the list.
pub const ARTICLES: &[Written] = &[
    written!("first-steps"),
    written!("change-mx"),
    written!("add-a-domain"),
    written!("connect-a-server"),
    written!("inbound-connectors"),
    written!("beside-a-server"),
    written!("outgoing-mail"),
    written!("recipients"),
    written!("directory-sync"),
    written!("mail-is-missing"),
    written!("mail-is-late"),
    written!("bounces"),
    written!("refused-here"),
    written!("why-was-it-held"),
    written!("quarantine"),
    written!("release"),
    written!("digest"),
    written!("report-mail"),
    written!("removal-after-delivery"),
    written!("spam-came-through"),
    written!("phishing"),
    written!("forged-in-our-name"),
    written!("malware"),
    written!("attachments"),
    written!("bulk-mail"),
    written!("duplicates"),
    written!("forwarding"),
    written!("troubleshooter"),
    written!("trace"),
    written!("how-mail-is-judged"),
    written!("policies"),
    written!("thresholds"),
    written!("allow-a-sender"),
    written!("block-a-sender"),
    written!("write-a-rule"),
    written!("rule-examples"),
    written!("approvals"),
    written!("try-before-saving"),
    written!("spf"),
    written!("dkim"),
    written!("dmarc"),
    written!("dmarc-reports"),
    written!("mta-sts"),
    written!("delivery-security"),
    written!("restricted-senders"),
    written!("certificates"),
    written!("block-lists"),
    written!("connectivity-test"),
    written!("overview"),
    written!("reports"),
    written!("service-health"),
    written!("notifications"),
    written!("maintenance"),
    written!("migrate"),
    written!("service-level"),
    written!("sign-in-problems"),
    written!("account-security"),
    written!("people-and-roles"),
    written!("single-sign-on"),
    written!("audit-log"),
    written!("help-and-support"),
    written!("assistant"),
    written!("community"),
    written!("ask-support"),
    written!("support-desk"),
    written!("call-support"),
    written!("phone-directory"),
    written!("language-and-display"),
    written!("accessibility"),
    written!("privacy"),
    written!("limits"),
    written!("api"),
    written!("command-line"),
    written!("settings-file"),
    written!("backup"),
    written!("recovery-assistant"),
    written!("monitoring"),
];

#[cfg(test)]
mod tests {
    use super::ARTICLES;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_is_an_article_in_both_languages_with_ways_to_ask() {
        for (folder, ending, more) in [("en", ".md", None), ("zh-CN", ".md", None), ("asked", ".txt", Some("none"))] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../help").join(folder);
            let files = std::fs::read_dir(path).expect("a folder of articles").flatten();
            let files: BTreeSet<String> = files.map(|file| file.file_name().to_string_lossy().replace(ending, "")).collect();
            assert_eq!(files, ARTICLES.iter().map(|article| article.name).chain(more).map(str::to_string).collect(), "{folder}");
        }
    }
}
