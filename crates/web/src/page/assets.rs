//! Files for browsers, in the binary, served under names that carry their hash, so that they can be kept for ever.

use crate::App;
use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Characters of the hash in a name.
const HASH_CHARS: usize = 12;

struct Asset {
    href: String,
    kind: &'static str,
    octets: &'static [u8],
}

const FILES: &[(&str, &str, &[u8])] = &[
    ("style.css", "text/css; charset=utf-8", include_bytes!("assets/style.css")),
    ("gatepost.js", "text/javascript; charset=utf-8", include_bytes!("assets/gatepost.js")),
    ("requests.js", "text/javascript; charset=utf-8", include_bytes!("assets/requests.js")),
    ("desk.js", "text/javascript; charset=utf-8", include_bytes!("assets/desk.js")),
    ("passkey.js", "text/javascript; charset=utf-8", include_bytes!("assets/passkey.js")),
    ("htmx.js", "text/javascript; charset=utf-8", include_bytes!("assets/vendor/htmx.min.js")),
    ("overview.js", "text/javascript; charset=utf-8", include_bytes!("assets/overview.js")),
    ("uplot.js", "text/javascript; charset=utf-8", include_bytes!("assets/vendor/uPlot.iife.min.js")),
    ("uplot.css", "text/css; charset=utf-8", include_bytes!("assets/vendor/uPlot.min.css")),
    ("hx-sse.js", "text/javascript; charset=utf-8", include_bytes!("assets/vendor/hx-sse.min.js")),
    ("icons.svg", "image/svg+xml", include_bytes!("assets/vendor/icons.svg")),
    ("favicon.svg", "image/svg+xml", include_bytes!("assets/favicon.svg")),
];

static ASSETS: LazyLock<BTreeMap<&str, Asset>> =
    LazyLock::new(|| FILES.iter().map(|(name, kind, octets)| (*name, asset(name, kind, octets))).collect());

fn asset(name: &str, kind: &'static str, octets: &'static [u8]) -> Asset {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets);
    let hash: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    Asset { href: format!("/assets/{stem}.{}.{extension}", &hash[..HASH_CHARS]), kind, octets }
}

/// The path of a file by its plain name.
pub fn href(name: &str) -> String {
    ASSETS.get(name).map(|asset| asset.href.clone()).unwrap_or_default()
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{name}", get(file))
}

/// `GET /assets/{name}`: names without the right hash are not there.
async fn file(Path(name): Path<String>) -> Response {
    let wanted = format!("/assets/{name}");
    let Some(asset) = ASSETS.values().find(|asset| asset.href == wanted) else {
        return super::Fault::NotFound.into_response();
    };
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], asset.octets).into_response()
}

#[cfg(test)]
mod tests {
    /// Files of others are those that were published.
    #[test]
    fn vendored_files_have_the_digests_that_the_readme_names() {
        let readme = include_str!("assets/vendor/README.md");
        let named: Vec<(&str, &str)> = readme.lines().filter_map(|line| line.strip_prefix("- `")?.split_once("` ")).collect();
        assert!(!named.is_empty());
        for (file, want) in named {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/assets/vendor").join(file);
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &std::fs::read(path).expect("a vendored file"));
            let found: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(found, want, "{file}");
        }
    }
}
