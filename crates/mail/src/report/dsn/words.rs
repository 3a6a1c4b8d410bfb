//! All words of notices, one table a language.

use super::{Cause, Outcome};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    English,
    SimplifiedChinese,
}

impl Language {
    /// From a language tag (RFC 5646); everything but Chinese is English.
    pub fn from_tag(tag: &str) -> Language {
        match tag.get(..2) {
            Some(start) if start.eq_ignore_ascii_case("zh") => Language::SimplifiedChinese,
            _ => Language::English,
        }
    }

    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::SimplifiedChinese => "zh-CN",
        }
    }

    pub fn words(self) -> &'static Words {
        match self {
            Language::English => &ENGLISH,
            Language::SimplifiedChinese => &SIMPLIFIED_CHINESE,
        }
    }

    /// What happened, and whose turn it is with what to do.
    pub fn cause(self, cause: Cause) -> (&'static str, &'static str) {
        match self {
            Language::English => english(cause),
            Language::SimplifiedChinese => simplified_chinese(cause),
        }
    }
}

/// Fixed words of a notice.
#[derive(Debug)]
pub struct Words {
    pub sender_name: &'static str,
    pub no_subject: &'static str,
    failed: Outcomes,
    delayed: Outcomes,
    delivered: Outcomes,
    relayed: Outcomes,
    pub recipient: &'static str,
    pub what: &'static str,
    pub turn: &'static str,
    pub answer: &'static str,
    pub until: &'static str,
    pub more_recipients: &'static str,
    pub your_message: &'static str,
    pub arrived: &'static str,
    pub trace: &'static str,
    pub no_replies: &'static str,
}

/// Subject and first sentence.
#[derive(Debug)]
pub struct Outcomes {
    pub subject: &'static str,
    pub opening: &'static str,
    /// Said in place of a cause where nothing went wrong; empty otherwise.
    pub good_news: &'static str,
}

impl Words {
    pub fn outcome(&self, outcome: Outcome) -> &Outcomes {
        match outcome {
            Outcome::Failed => &self.failed,
            Outcome::Delayed { .. } => &self.delayed,
            Outcome::Delivered => &self.delivered,
            Outcome::Relayed => &self.relayed,
        }
    }
}

const ENGLISH: Words = Words {
    sender_name: "Mail Delivery",
    no_subject: "(no subject)",
    failed: Outcomes { subject: "Not delivered", opening: "Your message was not delivered. We have stopped trying.", good_news: "" },
    delayed: Outcomes {
        subject: "Delayed",
        opening: "Your message has not been delivered yet. We keep trying; you need not send it again.",
        good_news: "",
    },
    delivered: Outcomes {
        subject: "Delivered",
        opening: "Your message was delivered. You asked to be told.",
        good_news: "The message is in the recipient's mailbox. Nothing is left to do.",
    },
    relayed: Outcomes {
        subject: "Passed on",
        opening: "Your message was passed on to a server that does not report delivery.",
        good_news: "The next server has taken the message over. You will hear from it only if something goes wrong.",
    },
    recipient: "Recipient",
    what: "What happened",
    turn: "What to do",
    answer: "The other server said",
    until: "We try until",
    more_recipients: "More recipients are listed in the attached report:",
    your_message: "Your message",
    arrived: "Received by us",
    trace: "Trace number",
    no_replies: "This message was written by a program; nobody reads replies. When you ask for help, give the trace number.",
};

const SIMPLIFIED_CHINESE: Words = Words {
    sender_name: "邮件投递系统",
    no_subject: "（无主题）",
    failed: Outcomes { subject: "邮件未送达", opening: "您的邮件未能送达，我们已停止投递。", good_news: "" },
    delayed: Outcomes {
        subject: "邮件投递延迟", opening: "您的邮件尚未送达。我们会继续尝试投递，请不要重复发送。", good_news: ""
    },
    delivered: Outcomes {
        subject: "邮件已送达",
        opening: "您的邮件已经送达。这是您要求的送达通知。",
        good_news: "邮件已进入收件人的邮箱，您无需再做任何操作。",
    },
    relayed: Outcomes {
        subject: "邮件已转交",
        opening: "您的邮件已转交给下一台服务器，该服务器不提供送达通知。",
        good_news: "下一台服务器已接收这封邮件。只有投递出现问题时，您才会收到它的通知。",
    },
    recipient: "收件人",
    what: "发生了什么",
    turn: "怎么办",
    answer: "对方服务器的答复",
    until: "继续尝试至",
    more_recipients: "其余收件人见所附报告，数量：",
    your_message: "您的邮件",
    arrived: "我们收到邮件的时间",
    trace: "追踪编号",
    no_replies: "本邮件由系统自动发出，请勿回复。如需帮助，请提供上面的追踪编号。",
};

fn english(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::NoSuchRecipient => (
            "There is no mailbox with this address.",
            "Your turn: check the address letter by letter. If it is right, ask the recipient for the present one by another way.",
        ),
        Cause::NoSuchDomain => (
            "The part after “@” does not lead to a mail server.",
            "Your turn: check the part after “@” for typing errors. If it is right, the recipient's organisation must repair its DNS.",
        ),
        Cause::MailboxOff => (
            "The mailbox exists but takes no mail at present.",
            "The recipient's turn: their mail administrator can switch the mailbox on again. Try to reach them by another way.",
        ),
        Cause::MailboxFull => (
            "The recipient's mailbox is full.",
            "The recipient's turn: they must make room. Tell them by another way, then send your message again.",
        ),
        Cause::TooBig => (
            "The message is larger than the recipient's server takes.",
            "Your turn: send it without the large attachments, or share them by a link.",
        ),
        Cause::Unreachable => (
            "The recipient's mail server could not be reached.",
            "The turn of the recipient's mail administrator: their server or its connection is down. Send your message again later.",
        ),
        Cause::Loop => (
            "The message went round in a circle between servers.",
            "The administrators' turn: a forwarding or a route is wrong. Pass this notice on to your own administrator.",
        ),
        Cause::Expired => (
            "The recipient's mail server did not take the message during the whole time we tried.",
            "The turn of the recipient's mail administrator. Tell the recipient by another way, and send your message again later.",
        ),
        Cause::Refused => (
            "The recipient's server refused the message because of its rules.",
            "Your turn: read the server's answer below; it often says which rule. If it names your server or domain, pass this notice on to your administrator.",
        ),
        Cause::SenderNotProved => (
            "The recipient's server could not make sure that the message really comes from you.",
            "Your administrator's turn: SPF, DKIM or DMARC of your domain do not fit the way this message was sent. Pass this notice on to them.",
        ),
        Cause::TlsMissing => (
            "The message asks for an encrypted way, and the recipient's server does not offer one.",
            "The turn of the recipient's mail administrator: their server must offer TLS with a valid certificate.",
        ),
        Cause::NeedsUtf8 => (
            "The message has an address or headers in letters that the recipient's server does not understand.",
            "Your turn: use addresses in plain Latin letters, for all recipients and yourself, if there are such.",
        ),
        Cause::BadContent => (
            "The recipient's server cannot take the message in its present form.",
            "Your turn: send it again as plain text, without unusual attachments. If that fails too, ask your administrator.",
        ),
        Cause::ServerTrouble => (
            "The recipient's mail server had trouble of its own.",
            "The turn of the recipient's mail administrator. Send your message again later.",
        ),
        Cause::Unknown => (
            "The recipient's mail server did not take the message and gave no clear reason.",
            "Read the server's answer below, if there is one. If it does not help, ask your administrator and give the trace number.",
        ),
    }
}

fn simplified_chinese(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::NoSuchRecipient => {
            ("该地址没有对应的邮箱。", "请您处理：逐字检查收件人地址。如果地址无误，请用其他方式向收件人确认现在的邮箱地址。")
        }
        Cause::NoSuchDomain => (
            "“@”之后的域名没有可用的邮件服务器。",
            "请您处理：检查“@”之后的部分是否拼写有误。如果无误，需要收件人所在单位修复其 DNS 设置。",
        ),
        Cause::MailboxOff => {
            ("该邮箱存在，但目前不接收邮件。", "由对方处理：收件人的邮件管理员可以重新启用该邮箱。请先用其他方式联系收件人。")
        }
        Cause::MailboxFull => ("收件人的邮箱已满。", "由收件人处理：需要清理邮箱空间。请用其他方式告知收件人，然后重新发送。"),
        Cause::TooBig => ("邮件超过了对方服务器允许的大小。", "请您处理：去掉较大的附件后重新发送，或改用链接分享附件。"),
        Cause::Unreachable => ("无法连接收件人的邮件服务器。", "由对方邮件管理员处理：其服务器或网络出现故障。请稍后重新发送。"),
        Cause::Loop => ("邮件在服务器之间循环转发。", "由管理员处理：某处的转发或路由设置有误。请把本通知转给您的管理员。"),
        Cause::Expired => {
            ("在我们尝试投递的整个期限内，对方服务器都没有接收这封邮件。", "由对方邮件管理员处理。请用其他方式告知收件人，并稍后重新发送。")
        }
        Cause::Refused => (
            "对方服务器依据其规则拒收了这封邮件。",
            "请您处理：查看下面的服务器答复，其中通常会说明原因。如果提到您的服务器或域名，请把本通知转给您的管理员。",
        ),
        Cause::SenderNotProved => (
            "对方服务器无法确认这封邮件确实由您发出。",
            "由您的管理员处理：您域名的 SPF、DKIM 或 DMARC 设置与这封邮件的发送方式不符。请把本通知转给管理员。",
        ),
        Cause::TlsMissing => ("这封邮件要求加密传输，而对方服务器不支持。", "由对方邮件管理员处理：其服务器需要支持 TLS 并配置有效证书。"),
        Cause::NeedsUtf8 => {
            ("邮件的地址或信头含有对方服务器不支持的文字。", "请您处理：如有英文字母的邮箱地址，请为收件人和您自己改用这样的地址。")
        }
        Cause::BadContent => {
            ("对方服务器无法接收这种格式的邮件。", "请您处理：改用纯文本、不带特殊附件重新发送。如果仍然失败，请联系您的管理员。")
        }
        Cause::ServerTrouble => ("收件人的邮件服务器自身出现故障。", "由对方邮件管理员处理。请稍后重新发送。"),
        Cause::Unknown => (
            "收件人的邮件服务器没有接收这封邮件，也没有给出明确的原因。",
            "如果下面有服务器的答复，请先查看。若仍不清楚，请联系您的管理员并提供追踪编号。",
        ),
    }
}
