//! The articles under `help/` of the repository: a name, and both languages.

/// One article: name in the address, English and Chinese Markdown.
type Written = (&'static str, &'static str, &'static str);

/// All of them, in the order of the list.
pub const ARTICLES: &[Written] = &[
    ("first-steps", include_str!("../../../../help/en/first-steps.md"), include_str!("../../../../help/zh-CN/first-steps.md")),
    ("add-a-domain", include_str!("../../../../help/en/add-a-domain.md"), include_str!("../../../../help/zh-CN/add-a-domain.md")),
    (
        "connect-a-server",
        include_str!("../../../../help/en/connect-a-server.md"),
        include_str!("../../../../help/zh-CN/connect-a-server.md"),
    ),
    ("why-was-it-held", include_str!("../../../../help/en/why-was-it-held.md"), include_str!("../../../../help/zh-CN/why-was-it-held.md")),
    ("release", include_str!("../../../../help/en/release.md"), include_str!("../../../../help/zh-CN/release.md")),
    ("allow-a-sender", include_str!("../../../../help/en/allow-a-sender.md"), include_str!("../../../../help/zh-CN/allow-a-sender.md")),
    ("write-a-rule", include_str!("../../../../help/en/write-a-rule.md"), include_str!("../../../../help/zh-CN/write-a-rule.md")),
    ("phone-directory", include_str!("../../../../help/en/phone-directory.md"), include_str!("../../../../help/zh-CN/phone-directory.md")),
    ("digest", include_str!("../../../../help/en/digest.md"), include_str!("../../../../help/zh-CN/digest.md")),
    (
        "people-and-roles",
        include_str!("../../../../help/en/people-and-roles.md"),
        include_str!("../../../../help/zh-CN/people-and-roles.md"),
    ),
    ("ask-support", include_str!("../../../../help/en/ask-support.md"), include_str!("../../../../help/zh-CN/ask-support.md")),
    ("support-desk", include_str!("../../../../help/en/support-desk.md"), include_str!("../../../../help/zh-CN/support-desk.md")),
    ("api", include_str!("../../../../help/en/api.md"), include_str!("../../../../help/zh-CN/api.md")),
];

#[cfg(test)]
mod tests {
    use super::ARTICLES;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_is_an_article_in_both_languages() {
        for lang in ["en", "zh-CN"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../help").join(lang);
            let files = std::fs::read_dir(folder).expect("a folder of articles").flatten();
            let files: BTreeSet<String> = files.map(|file| file.file_name().to_string_lossy().replace(".md", "")).collect();
            assert_eq!(files, ARTICLES.iter().map(|(name, _, _)| name.to_string()).collect(), "{lang}");
        }
    }
}
