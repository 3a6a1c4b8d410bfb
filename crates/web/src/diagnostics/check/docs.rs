//! What each check of a domain is about, for the help: the same as its first comment says, in both languages.

/// One check: identifier, then title and text in English and Chinese.
pub struct Doc {
    pub id: &'static str,
    pub titles: [&'static str; 2],
    pub texts: [&'static str; 2],
}

const fn doc(id: &'static str, titles: [&'static str; 2], texts: [&'static str; 2]) -> Doc {
    Doc { id, titles, texts }
}

#[rustfmt::skip] // a check a line
pub const DOCS: &[Doc] = &[
    doc("domain.ownership", ["Is the domain yours?", "域名属于您吗？"], ["Only whoever keeps a domain's zone can put a record into it. Mail of a domain is taken once a record with a word made for the organisation was seen.", "只有管理域名区域的人才能添加记录。看到为本组织生成的记录后，才会接收该域的邮件。"]),
    doc("domain.mx", ["Does the world deliver to us?", "外界是否投递到这里？"], ["MX records name the hosts that take a domain's mail. All of them should be ours: a host beside us is a way around the filter. A host without an address loses mail.", "MX 记录指明为域名收信的主机。它们都应是我们的：另有主机就等于绕过过滤。没有地址的主机会丢失邮件。"]),
    doc("domain.spf", ["Who may send for the domain?", "谁可以代表域名发信？"], ["An SPF record lists the hosts that may. Receivers ask DNS at most ten times for one check; a record that needs more counts as broken. “+all” lets everybody send.", "SPF 记录列出可以发信的主机。收件方每次最多查询 DNS 十次，超出则视为无效。“+all”允许任何人发信。"]),
    doc("domain.dkim", ["Can receivers check our signatures?", "收件方能否验证我们的签名？"], ["A signature names a selector; the public key stands in DNS under it. It must be published before it signs, be the same key, and not be marked as a test (t=y).", "签名指明选择器，其公钥在 DNS 中。必须先发布再签名，密钥必须一致，且不能标为测试（t=y）。"]),
    doc("domain.dmarc", ["What happens to mail that only claims to be from the domain?", "冒充域名的邮件如何处理？"], ["A DMARC record says so: “p=none” only watches, “quarantine” and “reject” protect. Reports go to “rua”; an address elsewhere must agree to take them.", "由 DMARC 记录决定：“p=none”只观察，“quarantine”和“reject”提供保护。报告发往“rua”，外部地址须同意接收。"]),
    doc("domain.mta-sts", ["Must mail to the domain come encrypted?", "发往域名的邮件必须加密吗？"], ["With MTA-STS a domain tells senders over HTTPS which hosts take its mail and that they speak TLS with a good certificate.", "通过 MTA-STS，域名以 HTTPS 告知发件方由哪些主机收信，且须使用有效证书的 TLS。"]),
    doc("domain.tls-rpt", ["Who hears of failed encryption?", "加密失败时通知谁？"], ["With TLS reporting other servers tell a domain each day how many connections to it were encrypted and why some were not.", "通过 TLS 报告，其他服务器每天告知有多少连接已加密，以及部分未加密的原因。"]),
    doc("domain.delegation", ["Is the domain in good hands?", "域名的解析是否可靠？"], ["Two or more servers should answer for a domain, each with an address. When a registration ends, registrars put servers of their own in, and mail goes astray.", "应有两台以上的服务器为域名应答，且都有地址。注册到期后，注册商会换上自己的服务器，邮件就会走失。"]),
    doc("domain.dnssec", ["Do others get an answer at all?", "别人能得到应答吗？"], ["When the signatures of a zone have run out, resolvers that check them answer nothing: the domain vanishes for half of the world. The sign is that its own servers answer and a checking resolver does not.", "区域签名过期后，会验证签名的解析器不再应答，域名对一半的世界消失。迹象是域名自己的服务器有应答，而验证型解析器没有。"]),
    doc("domain.names", ["Do our own addresses have good names?", "我方地址的名称是否合格？"], ["Receivers look up the name of the address that connects, whether it leads back, and what the server calls itself. Where one is missing, large providers refuse mail.", "收件方会查询连接地址的名称、该名称能否指回，以及服务器的自称。缺少任何一项，大型服务商都可能拒收。"]),
    doc("domain.lists", ["Are we on a block list?", "是否被列入黑名单？"], ["Receivers ask lists in DNS about the address that connects and the domain. Lists that do not answer our resolver tell nothing.", "收件方通过 DNS 查询连接地址和域名是否在名单中。不应答我们解析器的名单无法判断。"]),
    doc("domain.dane", ["Do senders know our certificate from DNS?", "发件方能从 DNS 得知我们的证书吗？"], ["With DANE a signed zone says which certificate a mail server has. A record that does not fit keeps mail away, so it changes before the certificate does.", "通过 DANE，已签名的区域说明邮件服务器的证书。记录不符会使邮件无法投递，因此要先改记录再换证书。"]),
    doc("domain.bimi", ["Is a logo shown beside the domain's mail?", "邮件旁是否显示徽标？"], ["With BIMI a domain names a picture that mailbox providers show beside mail that passes DMARC. It is not needed.", "通过 BIMI，域名指定一张图片，由邮箱服务商显示在通过 DMARC 的邮件旁。并非必需。"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::{Lang, has};

    #[test]
    fn every_check_has_an_article_and_a_name() {
        for one in DOCS {
            let key = format!("domain-check-{}", one.id.trim_start_matches("domain."));
            assert!(Lang::ALL.into_iter().all(|lang| has(lang, &key)), "{key}");
        }
        assert_eq!(DOCS.len(), 13);
    }
}
