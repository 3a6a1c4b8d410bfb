//! What somebody complains about: chosen from a list, or read from their words. It says where to look, never what the cause is.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// I do not get mail from somebody.
    NotReceived,
    /// They do not get mine.
    NotDelivered,
    Late,
    InJunk,
    /// Good mail is held.
    GoodHeld,
    /// Bad mail came through.
    BadDelivered,
    Bounce,
    /// People get forged mail from us.
    Forged,
    Duplicate,
    /// Somebody cannot sign in to the quarantine.
    SignIn,
    Connector,
    /// A digest is missing.
    Digest,
    #[default]
    Unknown,
}

impl Symptom {
    pub const ALL: [Symptom; 13] = [
        Symptom::NotReceived,
        Symptom::NotDelivered,
        Symptom::Late,
        Symptom::InJunk,
        Symptom::GoodHeld,
        Symptom::BadDelivered,
        Symptom::Bounce,
        Symptom::Forged,
        Symptom::Duplicate,
        Symptom::SignIn,
        Symptom::Connector,
        Symptom::Digest,
        Symptom::Unknown,
    ];

    /// In forms and JSON; words `symptom-…`.
    pub fn name(self) -> &'static str {
        match self {
            Symptom::NotReceived => "not-received",
            Symptom::NotDelivered => "not-delivered",
            Symptom::Late => "late",
            Symptom::InJunk => "in-junk",
            Symptom::GoodHeld => "good-held",
            Symptom::BadDelivered => "bad-delivered",
            Symptom::Bounce => "bounce",
            Symptom::Forged => "forged",
            Symptom::Duplicate => "duplicate",
            Symptom::SignIn => "sign-in",
            Symptom::Connector => "connector",
            Symptom::Digest => "digest",
            Symptom::Unknown => "unknown",
        }
    }

    pub fn named(name: &str) -> Option<Symptom> {
        Symptom::ALL.into_iter().find(|symptom| symptom.name() == name)
    }

    /// The symptom that words speak of; [`Symptom::Unknown`] when they could mean any.
    pub fn read(words: &str) -> Symptom {
        let words = words.to_lowercase().replace(['’', '‘'], "'");
        let count = |cues: &[&str]| cues.iter().filter(|cue| cue.split('+').all(|part| words.contains(part))).count();
        // Several cues of one kind are often one thing said: "does not get" is also "not get".
        let score = |weight: usize, count: usize| if count == 0 { 0 } else { weight + (count - 1).min(1) };
        let scored = CUES.iter().map(|(symptom, weight, cues)| (*symptom, score(*weight, count(cues))));
        // Of equals the first, which is the more telling.
        let best = scored.fold((Symptom::Unknown, 0), |best, next| if next.1 > best.1 { next } else { best });
        best.0
    }
}

/// Words by which people say it; `+` joins parts that must all be there. The more telling stand first and weigh more.
#[rustfmt::skip]
const CUES: &[(Symptom, usize, &[&str])] = &[
    (Symptom::Digest, 6, &["digest", "quarantine notification", "quarantine summary", "摘要", "隔离通知", "隔离邮件通知"]),
    (Symptom::SignIn, 5, &["sign in", "signing in", "log in", "login", "log on", "password", "sign-in", "登录", "登陆", "密码"]),
    (Symptom::Connector, 5, &["connector", "smart host", "smarthost", "next hop", "validation fail", "连接器", "下一跳", "中继主机"]),
    (Symptom::Duplicate, 5, &["twice", "duplicate", "two copies", "same mail again", "several copies", "重复", "两遍", "两次", "两份", "多份"]),
    (Symptom::Forged, 5, &["forged", "spoof", "in our name", "pretend+us", "impersonat", "fake+from our", "fake+from us", "never sent those", "使用我们的域名", "冒充我们", "冒用", "伪造", "假冒"]),
    (Symptom::Bounce, 4, &["bounce", "bounced", "ndr", "undeliverable", "non-delivery", "returned mail", "came back", "comes back", "come back", "delivery failure", "returned to me", "returned to the sender", "退信", "被退回", "退回"]),
    (Symptom::InJunk, 4, &["junk", "spam folder", "in spam", "as spam", "marked+spam", "垃圾邮件文件夹", "垃圾箱", "垃圾邮件里", "进了垃圾", "当成垃圾"]),
    (Symptom::GoodHeld, 4, &["quarantine", "held", "hold", "false positive", "blocked by the filter", "was caught", "隔离", "误判", "误拦", "被拦"]),
    (Symptom::BadDelivered, 4, &["got through", "came through", "gets through", "get through", "let through", "let in", "phishing", "phish", "a virus", "why did+deliver", "spam+in my inbox", "spam+in the inbox", "junk+in my inbox", "钓鱼", "漏过", "放进来", "进了收件箱", "病毒"]),
    (Symptom::Late, 4, &["late", "delay", "slow", "hours after", "hours later", "takes hours", "took hours", "minutes later", "took ages", "takes ages", "took+long", "takes+long", "took an hour", "took forever", "延迟", "很慢", "才收到", "才到", "迟到", "晚到", "太慢"]),
    (Symptom::NotDelivered, 3, &["didn't get my", "did not get my", "doesn't get my", "don't get my", "never got my", "not get my", "doesn't receive my", "didn't receive my", "did not receive my", "never received my", "not receive our", "don't receive our", "don't get our", "doesn't get our", "didn't get our", "never got our", "didn't receive our", "can't send", "cannot send", "unable to send", "i sent", "we sent", "our mail to", "my mail to", "sending to", "收不到我", "没收到我", "没有收到我", "收不到我们", "没收到我们", "没有收到我们", "我发", "我们发", "发不出", "发给", "发不了"]),
    (Symptom::NotReceived, 2, &["not receiv", "didn't receive", "don't receive", "doesn't receive", "never receiv", "did not receive", "does not get", "doesn't get", "don't get", "didn't get", "not get", "never got", "not arriv", "never arriv", "doesn't arrive", "didn't arrive", "missing", "isn't coming", "not coming", "never came", "did not come", "disappear", "waiting for", "where is", "no mail", "no email", "can't get mail", "lost", "没收到", "收不到", "没有收到", "未收到", "没到", "没来", "没有到", "丢失", "丢了", "不见了", "一直没"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_say_is_read() {
        for (words, want) in [
            ("I never got the invoice from bob@x.example", Symptom::NotReceived),
            ("供应商说发了报价，我一直没收到", Symptom::NotReceived),
            ("The customer didn't get my offer", Symptom::NotDelivered),
            ("客户说没收到我们的合同", Symptom::NotDelivered),
            ("My mail to jane@x.example bounced with 550 5.7.1", Symptom::Bounce),
            ("邮件被退回来了", Symptom::Bounce),
            ("Mail takes hours to arrive", Symptom::Late),
            ("邮件过了三个小时才收到", Symptom::Late),
            ("Their newsletter ends up in junk", Symptom::InJunk),
            ("A good mail is in quarantine", Symptom::GoodHeld),
            ("正常邮件被隔离了", Symptom::GoodHeld),
            ("Why did this phishing mail get through?", Symptom::BadDelivered),
            ("有人冒充我们公司发邮件", Symptom::Forged),
            ("I get every mail twice", Symptom::Duplicate),
            ("I cannot sign in to see my quarantine", Symptom::SignIn),
            ("没有收到隔离摘要", Symptom::Digest),
            ("The connector to our Exchange fails", Symptom::Connector),
            ("Hello", Symptom::Unknown),
        ] {
            assert_eq!(Symptom::read(words), want, "{words}");
        }
        for symptom in Symptom::ALL {
            assert_eq!(Symptom::named(symptom.name()), Some(symptom));
        }
    }
}
