//! Articles of `auth.*` and `spoof.*`.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[
    doc(
        "auth.dmarc.fail",
        ["The sender’s domain did not confirm this mail (DMARC)", "发件人域名未能证实此邮件（DMARC 失败）"],
        "Neither SPF nor DKIM passed for the domain in From, and that domain publishes a DMARC policy. Anybody can write any name into From; this is how the owner says which mail is theirs. If you expected the mail, ask the sender to align SPF or DKIM with their From domain; if it came through a forwarder or list, ask for ARC and trust its sealer.",
        "发件人（From）域名的 SPF 与 DKIM 均未通过，而该域名公布了 DMARC 策略。任何人都可以在 From 中填写任意名称，域名所有者正是借此声明哪些邮件是自己的。若这封邮件是您所期待的，请让发件人使 SPF 或 DKIM 与其 From 域名一致；若经转发或邮件列表而来，请对方启用 ARC，并信任其签署者。",
    ),
    doc(
        "auth.dmarc.pass",
        ["The sender’s domain confirmed this mail (DMARC)", "发件人域名已证实此邮件（DMARC 通过）"],
        "SPF or DKIM passed for the domain in From, so the name is not borrowed. That says nothing about intentions: spammers confirm their own domains too, so it counts only a little in favour. Nothing to do.",
        "From 域名的 SPF 或 DKIM 已通过，说明名称未被冒用。但这并不说明发件人的意图：垃圾邮件发送者也会证实自己的域名，因此只略微加分。无需处理。",
    ),
    doc(
        "auth.arc.trusted",
        ["A trusted forwarder vouches for this mail (ARC)", "受信任的转发方为此邮件作证（ARC）"],
        "DMARC fails here, but a forwarder whose ARC seal this service trusts saw it pass before. The failure is therefore not held against the mail. Remove the sealer from the trusted list if you doubt it.",
        "此处 DMARC 失败，但本服务信任其 ARC 签章的转发方在此之前看到它通过，因此不以失败论处。如有疑虑，请将该签署者从信任列表中移除。",
    ),
    doc(
        "auth.spf.fail",
        ["The sending server is not allowed by the domain (SPF)", "发送服务器未获域名许可（SPF 失败）"],
        "The domain in the envelope lists its servers, and the one that connected is not among them. Forwarded mail fails in the same way, so it weighs little alone. The sender can add the server to their SPF record.",
        "信封发件域名公布了自己的服务器，而连接过来的服务器不在其中。被转发的邮件也会如此，因此单独来看影响不大。发件人可将该服务器加入其 SPF 记录。",
    ),
    doc(
        "auth.spf.softfail",
        ["The sending server is probably not allowed (SPF softfail)", "发送服务器可能未获许可（SPF 软失败）"],
        "The domain in the envelope says that other servers are probably not its own, without certainty. It weighs very little. The sender can complete their SPF record and end it with “-all”.",
        "信封发件域名表示其他服务器“可能”不属于自己，但并不确定，因此影响很小。发件人可以补全 SPF 记录并以“-all”结尾。",
    ),
    doc(
        "auth.dkim.fail",
        ["The signature does not hold (DKIM)", "签名无效（DKIM 失败）"],
        "The mail is signed, but no signature fits its content or key. Mailing lists that add a footer break signatures; forgers reuse them. Ask the sender to check their key, or look whether something on the way rewrites mail.",
        "邮件带有签名，但没有任何签名与内容或密钥相符。邮件列表添加页脚会破坏签名，伪造者也会挪用签名。请发件人检查其密钥，或查看途中是否有系统改写邮件。",
    ),
    doc(
        "auth.composite.fail",
        ["Nothing confirms the sender", "没有任何依据能证实发件人"],
        "The domain in From publishes no DMARC policy, and neither SPF nor DKIM passed for it. Much honest mail of small domains looks like this, so it weighs little. The sender can publish SPF, DKIM and DMARC.",
        "From 域名没有公布 DMARC 策略，其 SPF 与 DKIM 也都未通过。许多小型域名的正常邮件也是如此，因此影响较小。发件人可发布 SPF、DKIM 和 DMARC。",
    ),
    doc(
        "auth.unavailable",
        ["The sender could not be checked for now", "暂时无法核实发件人"],
        "A DNS question about the sender got no answer, so one signal is missing. The mail flows on with less certainty. If it happens often, run the DNS diagnostics.",
        "关于发件人的 DNS 查询没有得到回答，因此缺少一项依据。邮件照常流转，但判断的把握较小。若经常发生，请运行 DNS 诊断。",
    ),
    doc(
        "spoof.own-domain",
        ["Mail from outside that claims to come from you", "外部邮件冒用您的域名"],
        "From names a domain served here, but the mail came from outside and nothing confirms it. Usually it is a forgery of a colleague; sometimes a service that writes on your behalf. For such a service, add its servers to your SPF record or let it sign with your DKIM key.",
        "From 中是由本服务负责的域名，但邮件来自外部，且没有任何依据能证实。通常是冒充同事，有时是代您发信的服务。若是后者，请将其服务器加入您的 SPF 记录，或让其使用您的 DKIM 密钥签名。",
    ),
];
