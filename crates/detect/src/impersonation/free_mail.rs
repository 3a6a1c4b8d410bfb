//! Providers where anybody gets an address in a minute.

const FREE_MAIL: &[&str] = &[
    "126.com",
    "163.com",
    "aliyun.com",
    "aol.com",
    "bk.ru",
    "foxmail.com",
    "freenet.de",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "icloud.com",
    "inbox.ru",
    "laposte.net",
    "libero.it",
    "list.ru",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.fr",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "seznam.cz",
    "sina.cn",
    "sina.com",
    "sohu.com",
    "t-online.de",
    "tutanota.com",
    "uol.com.br",
    "web.de",
    "wp.pl",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.br",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "yeah.net",
    "zoho.com",
];

/// `domain` in lower case.
pub fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.binary_search(&domain).is_ok()
}

#[cfg(test)]
#[test]
fn the_list_can_be_searched() {
    assert!(FREE_MAIL.is_sorted());
    assert!(is_free_mail("qq.com") && is_free_mail("126.com") && is_free_mail("zoho.com") && !is_free_mail("example.com"));
}
