//! Services that send mail for others, by what shows in reports.
//!
//! Kept by hand; a service that is not here is shown by its names. A line is: name, domains of its signatures and bounces, what its setup page
//! tells customers to include in SPF, ends of the names of its servers. The source of a line is that setup page: a hint, not a proof, so
//! pages say what it follows from. Change a line when a service changes its page.

/// One service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    pub name: &'static str,
    /// Domains that it signs and takes bounces with, when customers set up nothing of their own.
    pub domains: &'static [&'static str],
    /// `include:` of its customers; "" when there is none.
    pub include: &'static str,
    /// Ends of confirmed names of its servers.
    pub hosts: &'static [&'static str],
}

const fn one(name: &'static str, domains: &'static [&'static str], include: &'static str, hosts: &'static [&'static str]) -> Service {
    Service { name, domains, include, hosts }
}

#[rustfmt::skip]
pub const SERVICES: &[Service] = &[
    one("Google Workspace", &["gappssmtp.com", "google.com", "gmail.com"], "_spf.google.com", &["google.com"]),
    one("Microsoft 365", &["onmicrosoft.com", "outlook.com"], "spf.protection.outlook.com", &["protection.outlook.com", "outlook.com"]),
    one("Amazon SES", &["amazonses.com"], "amazonses.com", &["amazonses.com"]),
    one("Twilio SendGrid", &["sendgrid.net", "sendgrid.me", "sendgrid.info"], "sendgrid.net", &["sendgrid.net"]),
    one("Mailgun", &["mailgun.org"], "mailgun.org", &["mailgun.net", "mailgun.org"]),
    one("Mailchimp", &["mcsv.net", "mailchimpapp.net"], "servers.mcsv.net", &["mcsv.net", "rsgsv.net", "mcdlv.net"]),
    one("Mandrill", &["mandrillapp.com"], "spf.mandrillapp.com", &["mandrillapp.com"]),
    one("Postmark", &["mtasv.net"], "spf.mtasv.net", &["mtasv.net"]),
    one("SparkPost", &["sparkpostmail.com"], "", &["sparkpostmail.com"]),
    one("Brevo", &["sendinblue.com", "brevosend.com"], "spf.brevo.com", &["sendinblue.com", "brevosend.com", "mailin.fr"]),
    one("Mailjet", &["mailjet.com"], "spf.mailjet.com", &["mailjet.com"]),
    one("Constant Contact", &["ccsend.com", "constantcontact.com"], "", &["constantcontact.com"]),
    one("HubSpot", &["hubspotemail.net", "hubspot.com"], "", &["hubspotemail.net", "hubspot.com"]),
    one("Salesforce", &["salesforce.com"], "_spf.salesforce.com", &["salesforce.com"]),
    one("Salesforce Marketing Cloud", &["exacttarget.com"], "cust-spf.exacttarget.com", &["exacttarget.com"]),
    one("Zendesk", &["zendesk.com"], "mail.zendesk.com", &["zendesk.com", "zdsys.com"]),
    one("Atlassian", &["atlassian.net"], "_spf.atlassian.net", &["atlassian.net"]),
    one("Shopify", &["shopifyemail.com", "shopify.com"], "shops.shopify.com", &["shopify.com"]),
    one("Zoho", &["zoho.com", "zohomail.com", "zoho.eu"], "zohomail.com", &["zoho.com", "zoho.eu", "zohomail.com"]),
    one("Fastmail", &["messagingengine.com", "fastmail.com"], "spf.messagingengine.com", &["messagingengine.com"]),
    one("Proton Mail", &["protonmail.com", "protonmail.ch"], "_spf.protonmail.ch", &["protonmail.ch"]),
    one("Mimecast", &["mimecast.com"], "", &["mimecast.com"]),
    one("Proofpoint", &["pphosted.com"], "", &["pphosted.com"]),
    one("腾讯企业邮 (Tencent Exmail)", &["exmail.qq.com", "qq.com"], "spf.mail.qq.com", &["qq.com"]),
    one("阿里企业邮箱 (Alibaba Mail)", &["mxhichina.com", "qiye.aliyun.com"], "spf.qiye.aliyun.com", &["mxhichina.com", "aliyun.com"]),
    one("网易企业邮 (NetEase Qiye)", &["qiye.163.com", "ym.163.com"], "spf.163.com", &["qiye.163.com", "163.com", "netease.com"]),
];

/// The service that one of its domains names.
pub fn by_domain(domain: &str) -> Option<&'static Service> {
    found(domain, |service| service.domains)
}

/// The service that a confirmed name of a server belongs to.
pub fn by_host(host: &str) -> Option<&'static Service> {
    found(host, |service| service.hosts)
}

fn found(name: &str, names: fn(&Service) -> &'static [&'static str]) -> Option<&'static Service> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_in = |end: &&str| name == **end || name.strip_suffix(*end).is_some_and(|rest| rest.ends_with('.'));
    // The longest end says most.
    let fit =
        |service: &'static Service| names(service).iter().filter(|end| is_in(end)).map(|end| end.len()).max().map(|len| (len, service));
    SERVICES.iter().filter_map(fit).max_by_key(|(len, _)| *len).map(|(_, service)| service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_names_only() {
        for (name, want) in [
            ("mail-it1-f201.google.com", Some("Google Workspace")),
            ("notgoogle.com", None),
            ("google.com.evil.example", None),
            ("a1-2.smtp-out.eu-west-1.amazonses.com.", Some("Amazon SES")),
            ("MAIL-x.outbound.protection.outlook.com", Some("Microsoft 365")),
        ] {
            assert_eq!(by_host(name).map(|service| service.name), want, "{name}");
        }
        assert_eq!(by_domain("acme-com.20230601.gappssmtp.com").map(|service| service.name), Some("Google Workspace"));
        assert_eq!(by_domain("acme.onmicrosoft.com").map(|service| service.name), Some("Microsoft 365"));
    }
}
