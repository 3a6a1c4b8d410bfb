//! Articles of `impersonation.*`.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[
    doc(
        "impersonation.person",
        ["The name of a protected person, another address", "使用受保护人员的姓名，地址却不同"],
        "The sender’s name is that of somebody your organisation protects, but the address is not theirs. Fraud about payments starts like this. Ask the person by another way; if they write from this address too, an administrator can add it.",
        "发件人姓名与贵组织保护的人员相同，地址却不是其本人的。付款诈骗往往由此开始。请通过其他途径向本人核实；若其确实也用此地址，管理员可将其加入。",
    ),
    doc(
        "impersonation.display-address",
        ["The name shows another address than the sender’s", "名称中显示的地址并非发件地址"],
        "The sender’s name looks like a mail address, but the mail comes from another one. Most programs show only the name. Look at the real address before you answer.",
        "发件人名称看似一个邮件地址，而邮件实际来自另一个地址。多数程序只显示名称。回复前请查看真实地址。",
    ),
    doc(
        "impersonation.display-domain",
        ["The name shows another domain than the sender’s", "名称中显示的域名并非发件域名"],
        "The sender’s name has a domain that the mail does not come from. Some shops call themselves so; forgers do too.",
        "发件人名称中含有一个域名，而邮件并非来自该域名。有些商家如此自称，伪造者也会。",
    ),
    doc(
        "impersonation.look-alike",
        ["The sender’s domain looks like yours", "发件人域名酷似您的域名"],
        "The mail comes from a domain that is nearly one of your own: a letter more, less or exchanged, or letters that look the same. It is made to be taken for a colleague. If it is a partner with a similar name, an administrator can allow the domain.",
        "邮件来自与您的域名几乎相同的域名：多一个、少一个或换了一个字母，或使用外形相同的字母，意在冒充同事。若确为名称相近的合作方，管理员可允许该域名。",
    ),
    doc(
        "impersonation.mixed-script",
        ["The sender’s domain mixes alphabets", "发件人域名混用多种文字"],
        "The sender’s domain has letters of several alphabets in one word, which no language does. It is made to look like another domain.",
        "发件人域名在同一个词中混用多种字母，没有哪种语言会这样做。其目的是冒充另一个域名。",
    ),
    doc(
        "impersonation.reply-to",
        ["Answers go to a free mailbox", "回复将发往免费邮箱"],
        "The mail asks for answers to an address at a free provider that differs from the sender’s. Fraud does this to get answers to a forged name. Check the address before you answer.",
        "邮件要求将回复发往与发件人不同的免费邮箱。诈骗者借此接收冒名邮件的回复。回复前请核对地址。",
    ),
];
