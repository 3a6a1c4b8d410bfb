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
    doc(
        "impersonation.correspondent",
        ["The sender’s domain looks like a correspondent’s", "发件人域名酷似往来单位"],
        "The mail comes from a domain that is nearly one with which your organisation writes: a letter more, less or exchanged, or letters that look the same. Fraud about invoices starts like this. Ask your contact by telephone.",
        "邮件来自与贵组织往来单位几乎相同的域名：多一个、少一个或换了一个字母，或使用外形相同的字母。发票诈骗常由此开始。请致电您的联系人核实。",
    ),
    doc(
        "impersonation.brand-domain",
        ["The sender’s domain uses a brand’s name", "发件人域名冒用品牌名称"],
        "The domain has a well-known name in it, or letters that look like it, but does not belong to its owner. Exchanged letters are always meant to deceive; a name with an addition sometimes belongs to an agency.",
        "发件人域名包含知名品牌或外形相近的字母，却不属于该品牌。替换字母必是有意欺骗；附加词语的名称有时属于代理机构。",
    ),
    doc(
        "impersonation.brand-name",
        ["A brand’s name, another’s address", "品牌名称配他人地址"],
        "The sender’s name is that of a well-known company, but the address is not at one of its domains. Most programs show only the name. If the name is written with letters of another alphabet, it is certainly a forgery.",
        "发件人名称是知名公司，地址却不属于该公司的域名。多数程序只显示名称。若名称用其他文字的相似字母写成，则必为伪造。",
    ),
    doc(
        "impersonation.brand-content",
        ["Speaks as a brand, comes from another", "以品牌口吻说话，却来自他人"],
        "The mail is about a well-known name, but neither the sender nor the page it leads to belongs to that name. Kits for phishing copy a company’s text and pictures and change one link. Open the company’s site by its own address instead.",
        "邮件内容围绕某知名品牌，但发件人和所指向的页面都不属于该品牌。钓鱼工具包会复制公司的文字和图片，只改动一个链接。请自行输入该公司的网址访问。",
    ),
    doc(
        "impersonation.forwarded",
        ["Passes on a mail with a borrowed name", "转发的邮件冒用他人名义"],
        "Somebody outside passes on a mail without a word, and whoever wrote that one used a well-known name with somebody else’s address. It may be meant as a warning. Judge the mail inside, not the person who sent it on.",
        "外部人员未加说明地转发了一封邮件，而原发件人使用知名品牌的名义，地址却属于他人。转发者可能只是想提醒您。请判断被转发的邮件本身，而不是转发者。",
    ),
    doc(
        "impersonation.rented-sender",
        ["The sender has no domain of its own", "发件人没有自己的域名"],
        "The address belongs to a rented machine, a throw-away name, a tenant without a domain, or a name that looks drawn by lot. Companies write from a domain of their own; programs and small firms sometimes do not, so it is a hint only.",
        "该地址属于租用的主机、用后即弃的域名、尚未绑定域名的租户，或看似随机生成的域名。企业通常使用自有域名发信；有些程序和小公司并非如此，因此仅供判断时参考。",
    ),
    doc(
        "impersonation.company",
        ["A company writes from a free mailbox", "公司却使用免费邮箱"],
        "The sender calls itself a company, bank or office but writes from an address that anybody gets in a minute. Small traders do so too; ask for their own domain or call them.",
        "发件人自称公司、银行或部门，却使用任何人都能随手注册的邮箱。小商户也会如此；请核实其自有域名或致电。",
    ),
    doc(
        "impersonation.reply-to-look-alike",
        ["Answers go to a domain that looks like the sender’s", "回复将发往酷似发件人的域名"],
        "The answer would go to a domain that is nearly the sender’s own but not it. Threads are taken over like this. Write to the address you know.",
        "回复将发往与发件人域名几乎相同但并非同一个的域名。劫持往来邮件正是如此。请写信到您所知的地址。",
    ),
    doc(
        "impersonation.first-contact",
        ["The first mail from this address", "该地址首次来信"],
        "Nobody here has got mail from this address before. That is normal for a new contact, and worth knowing when the mail asks for money, a password or a call.",
        "本组织此前从未收到该地址的来信。新联系人自然如此；若邮件要求付款、输入密码或致电，则值得留意。",
    ),
    doc(
        "impersonation.known-sender",
        ["A sender known for long", "长期往来的发件人"],
        "This address has written often and for more than a week, and DMARC confirms that it is not borrowed. It speaks for the mail, unless the mail asks for money, a password or a call: accounts of known people are taken over too.",
        "该地址来信多次且已超过一周，并经 DMARC 证实未被冒用，因此对邮件有利；但若邮件要求付款、输入密码或致电则不计，因为熟人的账户也会被盗。",
    ),
    doc(
        "impersonation.inside",
        ["An outsider speaks as your own organisation", "外部发件人自称本单位部门"],
        "The mail signs as a desk of your house, such as the IT service, the mail system or the personnel office, or names your organisation or your address, but comes from outside and leads to a page of somebody else. Ask that desk by telephone or in person before you follow it.",
        "邮件以本单位的部门（如信息中心、邮件系统、人事部）或本单位名称署名，或在主题中写出您的地址，实际却来自外部，并引向他人的网页。请先电话或当面向该部门核实，切勿直接点击。",
    ),
    doc(
        "impersonation.foreign-tenant",
        ["Signed only by a tenant of another name", "仅由名称无关的租户签名"],
        "The mail carries one signature, of a rented tenant whose name has nothing to do with the sender’s domain. A firm that has set up no signature of its own is signed for by the tenant it was given, which is mostly named like the firm; whoever borrows a name sends through a tenant of their own. The sender can set up DKIM for their domain.",
        "邮件唯一的签名来自一个租用的租户，其名称与发件人域名毫无关系。没有自设签名的公司由其租户代签，而租户名通常与公司相近；冒名者则经由自己的租户发信。发件人可为其域名启用 DKIM。",
    ),
    doc(
        "impersonation.coded-reader",
        ["The sender’s name is an address in hexadecimal", "发件人名称是十六进制的邮箱地址"],
        "From or the address for answers holds somebody’s mail address written in hexadecimal, mostly the reader’s own. A program filled it into every field there was; an honest sender has a name. Services that mail to many put such codes into the envelope, which nobody sees.",
        "发件人或回复地址中含有以十六进制写成的邮箱地址，多为收件人自己的。这是程序把它填进了所有字段；正规发件人有自己的名称。群发服务只会把这类编码放在信封中，收件人看不到。",
    ),
];
