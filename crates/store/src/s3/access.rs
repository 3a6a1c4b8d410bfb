//! Where a bucket is and by which key it is opened.

use super::Wrong;
use reqwest::Url;
use rusty_s3::{Bucket, Credentials, UrlStyle};
use std::fmt;

/// Octets of a file with a secret that are read.
const SECRET_OCTETS_MAX: usize = 4_096;

/// A bucket and a key to it, as settings say it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Address of the store, such as "https://s3.example.net".
    pub endpoint: String,
    /// Name of the bucket, and perhaps a folder in it: "bucket/folder".
    pub path: String,
    /// Requests go to the bucket's name before the host instead of into the path.
    pub by_host: bool,
    /// Region that requests are signed for.
    pub region: String,
    /// Access key. Empty, with no secret either: key and secret are those of the environment (AWS_ACCESS_KEY_ID and its neighbours).
    pub key_id: String,
    pub secret: String,
    /// File whose first line is the secret; it is read again for each request.
    pub secret_file: String,
}

/// Without the secret: settings are printed where something is looked into.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("endpoint", &self.endpoint).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Access {
    /// Where an address such as "https://s3.example.net/bucket/folder" leads to; without a key.
    /// # Errors
    /// It is none, or names no bucket.
    pub fn at(address: &str) -> Result<Access, String> {
        const EXAMPLE: &str = "write an address such as \"https://s3.example.net/bucket/folder\"";
        let mut endpoint = plain(address).ok_or_else(|| EXAMPLE.to_string())?;
        let path = endpoint.path().trim_matches('/').to_string();
        endpoint.set_path("/");
        let access = Access { endpoint: endpoint.to_string(), path, ..Access::default() };
        if is_path(&access.path) { Ok(access) } else { Err(EXAMPLE.into()) }
    }

    /// The bucket, and what stands before each name in it: "" or "folder/".
    /// # Errors
    /// What is wrong, for the operator.
    pub fn place(&self) -> Result<(Bucket, String), String> {
        let endpoint = plain(&self.endpoint).ok_or("the address of the store is none: write one such as \"https://s3.example.net\"")?;
        let path = self.path.trim_matches('/');
        if !is_path(path) {
            return Err("write bucket and folder as \"bucket/folder\"".into());
        }
        let (name, folder) = path.split_once('/').unwrap_or((path, ""));
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let style = if self.by_host { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let bucket = Bucket::new(endpoint, style, name.to_string(), self.region.clone()).map_err(|why| why.to_string())?;
        Ok((bucket, prefix))
    }

    /// What is missing beside the address: the key of the settings, such as "secret_file", and what to write there.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        let has_secret = !(self.secret.is_empty() && self.secret_file.is_empty());
        match (self.key_id.is_empty(), has_secret) {
            (true, true) => Some(("key_id", "it is needed beside the secret")),
            (false, false) => Some(("secret_file", "it is needed beside key_id")),
            _ => None,
        }
    }

    /// Key and secret come from the environment.
    pub fn is_of_environment(&self) -> bool {
        self.key_id.is_empty() && self.secret.is_empty() && self.secret_file.is_empty()
    }

    pub(super) async fn credentials(&self) -> Result<Credentials, Wrong> {
        if self.is_of_environment() {
            let why = "there is no key: set key_id and secret_file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment";
            return Credentials::from_env().ok_or_else(|| Wrong::Settings(why.into()));
        }
        Ok(Credentials::new(self.key_id.clone(), self.secret().await.map_err(Wrong::Settings)?))
    }

    /// The secret in the clear.
    async fn secret(&self) -> Result<String, String> {
        if self.secret_file.is_empty() {
            return Ok(self.secret.clone());
        }
        let failed = |why: String| format!("{}: the secret cannot be read: {why}", self.secret_file);
        let octets = tokio::fs::read(&self.secret_file).await.map_err(|why| failed(why.to_string()))?;
        if octets.len() > SECRET_OCTETS_MAX {
            return Err(failed("it is too long".into()));
        }
        let text = String::from_utf8(octets).map_err(|_| failed("it is not UTF-8".into()))?;
        let secret = text.lines().next().unwrap_or_default().trim().to_string();
        if secret.is_empty() { Err(failed("its first line is empty".into())) } else { Ok(secret) }
    }
}

/// An address without anything that a signature could not cover.
fn plain(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let has_more = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
    let is_plain = matches!(url.scheme(), "http" | "https") && url.has_host() && !has_more && is_named(url.path());
    is_plain.then_some(url)
}

/// Bucket and folders by names that no store and no proxy writes in two ways.
fn is_path(path: &str) -> bool {
    is_named(path) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn is_named(path: &str) -> bool {
    path.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_./".contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_and_folder_are_read() {
        for (endpoint, path, by_host, want) in [
            ("https://s3.example.net", "mail", false, Some(("https://s3.example.net/mail/", ""))),
            ("https://s3.example.net/", "mail/one/two", false, Some(("https://s3.example.net/mail/", "one/two/"))),
            ("https://s3.example.net", "mail/one", true, Some(("https://mail.s3.example.net/", "one/"))),
            ("http://127.0.0.1:9000/s3", "mail/", false, Some(("http://127.0.0.1:9000/s3/mail/", ""))),
            ("https://s3.example.net", "", false, None),
            ("https://s3.example.net", "ma il", false, None),
            ("https://s3.example.net", "mail//one", false, None),
            ("https://s3.example.net", "mail/../one", false, None),
            ("https://key:secret@s3.example.net", "mail", false, None),
            ("https://s3.example.net?x=1", "mail", false, None),
            ("http://127.0.0.1:9000", "mail", true, None),
            ("s3.example.net", "mail", false, None),
            ("", "mail", false, None),
        ] {
            let access = Access { endpoint: endpoint.into(), path: path.into(), by_host, region: "us-east-1".into(), ..Access::default() };
            let found = access.place().ok();
            let found = found.as_ref().map(|(bucket, prefix)| (bucket.base_url().as_str(), prefix.as_str()));
            assert_eq!(found, want, "{endpoint} {path}");
        }
    }

    #[test]
    fn an_address_in_one_piece_is_taken_apart() {
        for (address, want) in [
            ("https://s3.example.net/pages/mail", Some(("https://s3.example.net/", "pages/mail"))),
            ("http://127.0.0.1:9000/pages/", Some(("http://127.0.0.1:9000/", "pages"))),
            ("https://s3.example.net/", None),
            ("s3://pages", None),
            ("pages", None),
        ] {
            let found = Access::at(address).ok();
            assert_eq!(found.as_ref().map(|access| (access.endpoint.as_str(), access.path.as_str())), want, "{address}");
        }
    }

    #[tokio::test]
    async fn a_secret_comes_from_its_file_and_is_never_printed() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("secret");
        let access = Access { key_id: "AK".into(), secret_file: file.display().to_string(), secret: "s3cret".into(), ..Access::default() };
        assert!(!format!("{access:?}").contains("s3cret"));
        for (text, want) in [("a secret\nmore\n", Some("a secret")), ("\n", None), ("x".repeat(5_000).as_str(), None)] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(access.secret().await.ok().as_deref(), want);
        }
        std::fs::remove_file(&file).expect("removed");
        assert!(access.secret().await.is_err_and(|why| why.contains("cannot be read")));
    }

    #[test]
    fn half_a_key_is_named() {
        let access = |key_id: &str, secret: &str, file: &str| Access {
            key_id: key_id.into(),
            secret: secret.into(),
            secret_file: file.into(),
            ..Access::default()
        };
        for (access, want) in [
            (access("", "", ""), None),
            (access("AK", "s", ""), None),
            (access("AK", "", "/run/secret"), None),
            (access("AK", "", ""), Some("secret_file")),
            (access("", "s", ""), Some("key_id")),
        ] {
            assert_eq!(access.missing().map(|(key, _)| key), want);
        }
    }
}
