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
        read(words, |_| true)
    }

    /// The same of words about a mail between two, in which "password" or "connector" is what the mail was about.
    pub fn read_of_mail(words: &str) -> Symptom {
        read(words, |symptom| !symptom.is_of_service())
    }

    /// The words say that somebody is kept out, not only what was on the way: a password, a code.
    pub fn is_kept_out(words: &str) -> bool {
        const KEPT_OUT: [&str; 12] = [
            "sign in",
            "signing in",
            "log in",
            "log on",
            "locked out",
            "lets me in",
            "let me in",
            "登录不",
            "登不上",
            "登陆不",
            "进不去",
            "不让进",
        ];
        let words = words.to_lowercase();
        KEPT_OUT.iter().any(|cue| stands(&words, cue))
    }

    /// It is about this service itself, not about one mail.
    pub fn is_of_service(self) -> bool {
        matches!(self, Symptom::SignIn | Symptom::Digest | Symptom::Connector)
    }
}

fn read(words: &str, is_wanted: impl Fn(Symptom) -> bool) -> Symptom {
    let words = THINGS.iter().fold(words.to_lowercase().replace(['’', '‘'], "'"), |words, thing| words.replace(thing, " "));
    let count = |cues: &[&str]| cues.iter().filter(|cue| cue.split('+').all(|part| stands(&words, part))).count();
    // Several cues of one kind are often one thing said: "does not get" is also "not get".
    let score = |weight: usize, count: usize| if count == 0 { 0 } else { weight + (count - 1).min(1) };
    let wanted = CUES.iter().filter(|(symptom, ..)| is_wanted(*symptom));
    let scored = wanted.map(|(symptom, weight, cues)| (*symptom, score(*weight, count(cues))));
    // Of equals the first, which is the more telling.
    let best = scored.fold((Symptom::Unknown, 0), |best, next| if next.1 > best.1 { next } else { best });
    best.0
}

/// Whether the words are there. Letters of English words stand for themselves only at the beginning of a word: "late" is not in "template",
/// "ndr" not in "Sandra"; a short word has to end there as well. Chinese has no spaces between words.
fn stands(words: &str, part: &str) -> bool {
    const SHORT: usize = 4;
    const ENDS: [&str; 2] = ["", "s"];
    if !part.is_ascii() {
        return words.contains(part);
    }
    words.match_indices(part).any(|(at, _)| {
        let begins = !words[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let rest = &words[at + part.len()..];
        let tail = &rest[..rest.bytes().take_while(u8::is_ascii_alphanumeric).count()];
        begins && (part.len() > SHORT || ENDS.contains(&tail))
    })
}

/// Things that mails are about, named with words by which people complain.
const THINGS: [&str; 9] = [
    "password-protected",
    "password protected",
    "protected by a password",
    "with a password",
    "anti-virus",
    "antivirus",
    "带密码",
    "加密码",
    "密码保护",
];

/// Words by which people say it; `+` joins parts that must all be there. The more telling stand first and weigh more.
#[rustfmt::skip]
const CUES: &[(Symptom, usize, &[&str])] = &[
    (Symptom::Digest, 6, &["digest", "quarantine notification", "quarantine summary", "overview of held", "overview of blocked", "overview of quarantined", "summary of held", "summary of blocked", "list of held", "list of blocked", "quarantine report", "report of held", "report of blocked", "拦截汇总", "隔离汇总", "隔离报告", "被拦邮件的汇总", "拦截报告", "摘要", "隔离通知", "隔离邮件通知"]),
    (Symptom::SignIn, 5, &["sign in", "signing in", "log in", "login", "log on", "password", "sign-in", "登录", "登陆", "密码", "get into the quarantine", "get into quarantine", "get into the page", "get in to the quarantine", "open the quarantine", "open my quarantine", "access the quarantine", "access my quarantine", "into the portal", "open the portal", "locked out", "verification code", "passkey", "two-factor", "验证码", "进不去", "打不开隔离", "打不开网页", "账号被锁", "登不上", "登录不", "上不去"]),
    (Symptom::Connector, 5, &["connector", "smart host", "smarthost", "next hop", "validation fail", "连接器", "下一跳", "中继主机"]),
    (Symptom::Duplicate, 5, &["twice", "duplicate", "two copies", "same mail again", "several copies", "重复", "两遍", "两次", "两份", "多份", "three times", "four times", "several times the same", "identical mail", "identical message", "again and again", "over and over", "more than once", "一模一样", "好几遍", "好几次", "三次", "三份", "反复收到"]),
    (Symptom::Forged, 5, &["forged mail", "forged e-mail", "forged message", "forged letter", "forged invoice", "forged sender", "forged address", "forged name", "is forged", "was forged", "are forged", "were forged", "be forged", "forging", "spoof", "in our name", "pretend+us", "impersonat", "looks like from", "look like from", "look as if", "posing as", "passes himself off", "passes themselves off", "passing themselves off", "looks as if from", "looked like from", "looks like it came from", "looks like it comes from", "冒充", "fake+from our", "fake+from us", "never sent those", "使用我们的域名", "冒充我们", "冒用", "伪造", "假冒", "nobody here+wrote", "nobody here+written", "nobody here+sent", "nobody of us+sent", "not from us", "isn't from us", "use our name", "using our name", "use our domain", "using our domain", "uses our domain", "uses our address", "using our address", "as their sender", "as the sender+crook", "write as our", "writes as our", "write as acme", "fraud+our name", "scam+our name", "在冒充", "假装是我们", "以我们的名义", "用我们的名义", "的名义写信", "的名义发", "骗子", "根本没发过那", "我们没发过", "我们根本没发", "从没发过这些", "拿+当发件人", "wasn't us", "wasn't them", "was not us", "was not them", "wasn't me", "wasn't him", "wasn't her", "we did not send", "we didn't send", "never sent by us", "payment instruction", "不是我们发", "不是他们发", "不是我发", "不是本人", "发誓没发", "付款指令", "冒名"]),
    (Symptom::Bounce, 4, &["bounce", "bounced", "ndr", "undeliverable", "non-delivery", "returned mail", "came back", "comes back", "come back", "delivery failure", "returned to me", "returned to the sender", "退信", "被退回", "退回", "undelivered", "undeliverable notices", "failure notice", "could not be delivered", "couldn't be delivered", "wasn't delivered", "is rejected", "was rejected", "got rejected", "gets rejected", "kicked back", "thrown back", "sent back", "back to the sender", "gets his+back", "gets her+back", "gets their+back", "got it back", "error message", "打回", "弹回", "被拒", "拒收", "退了回", "退回来", "投递失败", "发送失败", "未送达", "无法送达"]),
    (Symptom::InJunk, 4, &["junk", "spam folder", "in spam", "as spam", "marked+spam", "垃圾邮件文件夹", "垃圾箱", "垃圾邮件里", "进了垃圾", "当成垃圾", "in their spam", "in the spam", "to spam", "into spam", "out of spam", "junk folder", "junk e-mail", "junk email", "垃圾文件夹", "垃圾邮箱", "进垃圾", "垃圾邮件夹", "从垃圾箱"]),
    (Symptom::GoodHeld, 4, &["quarantine", "held", "hold", "withheld", "holding back", "holds back", "false positive", "blocked by the filter", "was caught", "隔离", "误判", "误拦", "被拦", "stopped by the filter", "stopped anyway", "was stopped", "got stopped", "filtered out", "white list", "whitelist", "allow list", "allowlist", "not spam", "is no spam", "isn't spam", "被拦截", "拦截了", "拦下来", "被扣", "扣下", "白名单", "放行", "被过滤"]),
    (Symptom::BadDelivered, 4, &["got through", "came through", "gets through", "get through", "let through", "let that through", "let this through", "let it through", "let in", "phishing", "phish", "a virus", "why did+deliver", "spam+in my inbox", "spam+in the inbox", "junk+in my inbox", "钓鱼", "漏过", "放进来", "进了收件箱", "病毒", "should have been stopped", "should have stopped", "should have caught", "end up in front of", "rubbish", "how did this+get in", "how could this", "slipped through", "slip through", "slips through", "keeps getting in", "keep getting in", "made it through", "not filtered", "wasn't filtered", "not blocked", "scam", "fraudulent mail", "malicious", "dangerous mail", "怎么会跑到", "没拦住", "没有拦住", "没拦下", "漏掉", "漏进来", "混进来", "诈骗邮件", "恶意邮件", "有毒", "广告邮件怎么"]),
    (Symptom::Late, 4, &["late", "delay", "slow", "slowly", "slower", "hours after", "hours later", "takes hours", "took hours", "minutes later", "took ages", "takes ages", "took+long", "takes+long", "took an hour", "took forever", "延迟", "很慢", "才收到", "才到", "迟到", "晚到", "太慢", "hours before", "in the afternoon+in the morning", "sent+in the morning+only", "only in the evening", "only today", "only now", "only arrived", "only came", "days later", "next day", "a day later", "held up", "holding up", "what held", "takes forever", "take forever", "too long", "so long", "long time to", "lag", "behind schedule", "才看到", "才送到", "才进来", "拖了", "耽搁", "晚了", "好久才", "半天才", "几个小时后", "第二天才", "下午才", "隔天才"]),
    (Symptom::NotDelivered, 3, &["didn't get my", "did not get my", "doesn't get my", "don't get my", "never got my", "not get my", "doesn't receive my", "didn't receive my", "did not receive my", "never received my", "not receive our", "don't receive our", "don't get our", "doesn't get our", "didn't get our", "never got our", "didn't receive our", "can't send", "cannot send", "unable to send", "i sent", "we sent", "our mail to", "my mail to", "sending to", "收不到我", "没收到我", "没有收到我", "收不到我们", "没收到我们", "没有收到我们", "我发", "我们发", "发不出", "发不了", "not reach our customer", "can't mail", "cannot mail", "can't write to", "do not go out", "does not go out", "doesn't go out", "not going out", "won't go out", "don't leave", "outgoing mail", "outbound mail", "going out", "往外发", "没发出去", "我发出去", "我们发出去", "发出去的信", "发出去的邮件", "外发", "对方没收到", "对方收不到", "客户收不到", "客户没收到", "那边不收", "那边没有收", "没法给"]),
    (Symptom::NotReceived, 2, &["not receiv", "didn't receive", "don't receive", "doesn't receive", "never receiv", "did not receive", "does not get", "doesn't get", "don't get", "didn't get", "not get", "never got", "not arriv", "never arriv", "doesn't arrive", "didn't arrive", "missing", "isn't coming", "not coming", "never came", "did not come", "disappear", "waiting for", "where is", "no mail", "no email", "can't get mail", "lost", "never reach", "not reach", "doesn't reach", "didn't reach", "does not reach", "fails to reach", "stopped coming", "stopped arriving", "dried up", "nothing reaches", "nothing gets", "without a trace", "never showed", "no sign of", "not a single", "cannot get", "no incoming", "nothing has come", "nothing arrives", "does not come", "do not come", "has neither", "没进来", "什么也没有", "什么都没有", "一封邮件都没", "一封都没", "没收到", "收不到", "没有收到", "未收到", "没到", "没来", "没有到", "丢失", "丢了", "不见了", "一直没", "nothing came", "nothing comes", "no trace", "nowhere", "not show up", "no longer shows up", "does not turn up", "didn't turn up", "never turned up", "never made it", "has nothing", "have nothing", "has neither", "shows nothing", "in vain", "still has no", "still have no", "had no post", "no post", "not found", "can't find", "cannot find", "can't see", "gone", "swallowed", "vanished", "没影", "石沉大海", "没见", "没看到", "看不到", "找不到", "哪去了", "哪儿去了", "哪里去了", "啥也没有", "什么都没有", "什么也没有", "没有收", "没有见", "收不着", "没影儿", "没个影", "音信全无", "杳无音信", "没动静", "不见踪影", "没能到", "到不了", "进不来", "白等", "没有来信", "get lost", "少了", "漏收", "没收着", "失踪"]),
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
            ("Sandra never got the template with the hundred plates", Symptom::NotReceived),
            ("I miss some mails lately, they never arrive", Symptom::NotReceived),
            ("the password-protected archive is missing", Symptom::NotReceived),
            ("The offer for forged steel never arrived", Symptom::NotReceived),
            ("带密码的压缩包一直没收到", Symptom::NotReceived),
        ] {
            assert_eq!(Symptom::read(words), want, "{words}");
        }
        for symptom in Symptom::ALL {
            assert_eq!(Symptom::named(symptom.name()), Some(symptom));
        }
        // What a mail was about is no complaint about this service.
        for (words, want) in [
            ("the verification code never reaches Li", Symptom::NotReceived),
            ("连接器报价一直没收到", Symptom::NotReceived),
            ("the login is refused", Symptom::Unknown),
        ] {
            assert_eq!(Symptom::read_of_mail(words), want, "{words}");
        }
    }
}
