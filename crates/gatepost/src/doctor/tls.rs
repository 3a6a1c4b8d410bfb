//! Our certificate: readable, a pair, in time, with our name.

use super::{Case, Finding, Repair, two};
use gateway::connection::acme;
use gateway::connection::settings::TlsSettings;
use gateway::connection::tls::{Keys, TlsError};
use gateway::connection::validity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::os::unix::fs::PermissionsExt;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub fn look(case: &Case) -> Vec<Finding> {
    let id = "tls.certificate";
    if !case.knows("tls") {
        return vec![case.unknown(id, "tls")];
    }
    let tls = &case.chosen.settings.tls;
    let name = gateway::connection::own_name(&case.chosen.settings.listen);
    if tls.acme.is_on() && !tls.off {
        return of_authority(case, &name);
    }
    let shown = tls.certificate.display().to_string();
    let keys = match Keys::from_settings(tls, &name) {
        Ok(None) => return vec![Finding::ok(id, "[tls] off", two("TLS is switched off in the settings.", "设置中关闭了 TLS。"))],
        Ok(Some(keys)) => keys,
        Err(why) => return vec![unusable(&shown, &why)],
    };
    if shown.is_empty() {
        let said = two("None is named; one is made at each start, signed by itself.", "未指定证书；每次启动会生成一张自签名证书。");
        return vec![Finding::ok(id, "[tls]", said)];
    }
    let mut found = vec![Finding::ok(id, &shown, two("Certificate and key make a pair.", "证书与私钥匹配。"))];
    found.push(expiry(case, &shown, keys.until_ms()));
    found.extend(early(case, &shown, &tls.certificate));
    if case.knows("listen") {
        found.push(named(&shown, &tls.certificate, &name));
    }
    found.extend(open_key(&tls.key));
    found
}

/// The certificate that an ACME server gives, and what kept it from doing so.
fn of_authority(case: &Case, own: &str) -> Vec<Finding> {
    let (tls, folder) = (&case.chosen.settings.tls, case.chosen.acme_folder());
    let (certificate, key) = (acme::certificate_in(&folder), acme::key_in(&folder));
    let (id, shown) = ("tls.acme", certificate.display().to_string());
    let todo = two(
        "See that port 80 of each name leads to this server ([tls.acme] listen, or a proxy that hands /.well-known/acme-challenge/ on). It is tried again by itself.",
        "请确认每个名称的 80 端口都通向此服务器（[tls.acme] listen，或由代理转交 /.well-known/acme-challenge/）。系统会自动重试。",
    );
    let mut found = Vec::new();
    if let Ok(why) = std::fs::read_to_string(acme::failure_in(&folder)) {
        let said = two("The authority gave no new certificate.", "证书颁发机构没有签发新证书。");
        found.push(Finding::problem(id, acme::directory_of(&tls.acme), said, todo).seen(why));
    } else if !certificate.exists() {
        let said =
            two("No certificate has come yet; one signed by ourselves is shown until then.", "尚未取得证书；在此之前使用自签名证书。");
        found.push(Finding::cannot_tell(id, &shown, said));
    }
    if !certificate.exists() {
        return found;
    }
    let files = TlsSettings { certificate: certificate.clone(), key: key.clone(), ..TlsSettings::default() };
    match Keys::from_settings(&files, own) {
        Ok(Some(keys)) => {
            found.push(Finding::ok("tls.certificate", &shown, two("Certificate and key make a pair.", "证书与私钥匹配。")));
            found.push(expiry(case, &shown, keys.until_ms()));
            found.extend(early(case, &shown, &certificate));
        }
        Ok(None) => {}
        Err(why) => found.push(unusable(&shown, &why)),
    }
    found.extend(tls.acme.names_or(own).iter().map(|name| named(&shown, &certificate, name)));
    found.extend(open_key(&key));
    found
}

fn unusable(shown: &str, why: &TlsError) -> Finding {
    let (id, said) = match why {
        TlsError::HalfSet => ("tls.certificate", two("Only one of certificate and key is set.", "证书和私钥只设置了一个。")),
        TlsError::Unreadable { .. } => ("tls.certificate", two("Certificate or key cannot be read.", "无法读取证书或私钥。")),
        TlsError::NoPair { .. } => ("tls.pair", two("Certificate and key do not belong together.", "证书与私钥不匹配。")),
        _ => ("tls.certificate", two("The certificate cannot be used.", "证书无法使用。")),
    };
    let todo = two(
        "Name the right PEM files in [tls], readable for the account of the service; after a renewal both must be new.",
        "请在 [tls] 中指定正确的 PEM 文件，并确保运行服务的账户可以读取；续期后两个文件都必须是新的。",
    );
    Finding::problem(id, shown, said, todo).seen(why)
}

fn expiry(case: &Case, shown: &str, until_ms: Option<i64>) -> Finding {
    let id = "tls.expiry";
    let Some(until_ms) = until_ms else {
        return Finding::cannot_tell(id, shown, two("Its end cannot be read.", "无法读取到期时间。"));
    };
    let (left_ms, ends) = (until_ms - case.now_ms, crate::output::time(until_ms));
    let early_ms = case.chosen.settings.health.certificate_before.as_ms();
    let todo = two("Renew it; a running service reads the new files by itself.", "请续期；正在运行的服务会自动读取新文件。");
    match left_ms {
        ..=0 => Finding::problem(id, shown, two("The certificate has expired.", "证书已过期。"), todo).seen(ends),
        left if left < early_ms => {
            let days = left / DAY_MS;
            let said = two(format!("The certificate ends in {days} days."), format!("证书将在 {days} 天后到期。"));
            Finding::problem(id, shown, said, todo).seen(ends)
        }
        left => {
            let days = left / DAY_MS;
            Finding::ok(id, shown, two(format!("Good for {days} more days."), format!("还有 {days} 天到期。"))).seen(ends)
        }
    }
}

/// A certificate whose time has not come is as bad as one that has expired; a clock that is behind looks the same.
fn early(case: &Case, shown: &str, file: &std::path::Path) -> Option<Finding> {
    let first = CertificateDer::pem_file_iter(file).ok().and_then(|mut all| all.next()?.ok())?;
    let begins = validity::from_ms(&first).filter(|begins| *begins > case.now_ms)?;
    let said = two("The certificate is not valid yet, by our clock.", "按本机时钟，证书尚未生效。");
    let todo = two(
        "See that our clock is right (see clock.files), and wait for the day it begins, or name another one in [tls] until then.",
        "请确认本机时钟准确（见 clock.files）；如果时钟无误，请等到证书生效，或在此之前在 [tls] 中使用另一张证书。",
    );
    Some(Finding::problem("tls.start", shown, said, todo).seen(crate::output::time(begins)))
}

fn named(shown: &str, file: &std::path::Path, name: &str) -> Finding {
    let id = "tls.name";
    let first = CertificateDer::pem_file_iter(file).ok().and_then(|mut all| all.next()?.ok());
    let server = ServerName::try_from(name.to_string()).ok();
    let (Some(certificate), Some(server)) = (first, server) else {
        return Finding::cannot_tell(id, shown, two("Its names cannot be read.", "无法读取证书中的名称。"));
    };
    let valid = webpki::EndEntityCert::try_from(&certificate).and_then(|end| end.verify_is_valid_for_subject_name(&server));
    match valid {
        Ok(()) => Finding::ok(id, shown, two("It is for our name.", "证书包含我们的名称。")).seen(name),
        Err(why) => {
            let said = two(
                format!("The certificate is not for {name}, the name we greet with."),
                format!("证书不包含 {name}，而我们对外使用的正是该名称。"),
            );
            let todo = two("Get a certificate with that name, or correct [listen] name.", "请申请包含该名称的证书，或更正 [listen] name。");
            Finding::problem(id, shown, said, todo).seen(why)
        }
    }
}

fn open_key(key: &std::path::Path) -> Option<Finding> {
    let mode = std::fs::metadata(key).ok()?.permissions().mode() & 0o777;
    if mode & 0o007 == 0 {
        return None;
    }
    let said = two("Everybody on this machine can read the private key.", "这台机器上的任何人都能读取私钥。");
    let found = Finding::problem(
        "tls.key-mode",
        key.display(),
        said,
        two("Take the rights of others away (chmod o-rwx).", "去掉其他用户的权限（chmod o-rwx）。"),
    );
    Some(found.seen(format!("mode {mode:03o}")).repaired_by(Repair::Mode { path: key.to_path_buf(), mode: mode & !0o007 }))
}
