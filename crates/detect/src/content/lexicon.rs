//! Words that ask, threaten and speak of money, in English and Chinese and, for the most used, some other languages.
//!
//! In: visible text. Out: which kinds of words stand where. One pass over the text finds all kinds; what they mean together
//! is for `persuasion`. Words as such are the classifier's; here only those count that make an evidence a person can check.

use aho_corasick::{AhoCorasick, MatchKind};
use std::sync::LazyLock;

/// Octets of one text looked at; fraud says what it wants early.
pub const TEXT_OCTETS_MAX: usize = 24 << 10;
/// Places kept of one text.
const PLACES_MAX: usize = 400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A bank account as such.
    Account,
    /// Something is other than before.
    Change,
    /// Paying is asked for.
    Pay,
    /// Something was bought, charged or renewed.
    Charge,
    /// Cancelling, refunding, disputing.
    Cancel,
    /// Calling by telephone.
    Call,
    /// Passwords, signing in, confirming who one is.
    Credential,
    /// It will be too late soon.
    Urgency,
    /// Scanning a code.
    Scan,
}

use Topic::{Account, Call, Cancel, Change, Charge, Credential, Pay, Scan, Urgency};

const WORDS: &[(Topic, &[&str])] = &[
    (
        Account,
        &[
            "bank account",
            "banking details",
            "bank details",
            "bank information",
            "account number",
            "account no",
            "account details",
            "beneficiary",
            "iban",
            "sort code",
            "routing number",
            "swift",
            "wiring instructions",
            "wire instructions",
            "payment instructions",
            "remittance details",
            "bankverbindung",
            "kontonummer",
            "coordonnées bancaires",
            "cuenta bancaria",
            "conta bancária",
            "收款账户",
            "收款帐户",
            "收款账号",
            "收款帐号",
            "银行账户",
            "银行帐户",
            "银行账号",
            "银行帐号",
            "开户行",
            "对公账户",
            "账户信息",
            "帐户信息",
            "打款账户",
            "汇款账号",
            "汇款账户",
        ],
    ),
    (
        Change,
        &[
            "have changed",
            "has changed",
            "have been changed",
            "has been changed",
            "we changed",
            "change of",
            "change in our",
            "new bank",
            "new account",
            "new banking",
            "have moved",
            "moved our",
            "switched",
            "updated bank",
            "updated account",
            "updated payment",
            "revised",
            "amended",
            "no longer use",
            "no longer in use",
            "no longer valid",
            "do not use the old",
            "instead of the old",
            "different account",
            "under audit",
            "being audited",
            "geändert",
            "neue bankverbindung",
            "nouvelles coordonnées",
            "变更",
            "更换",
            "更改为",
            "改为",
            "已更新",
            "新账户",
            "新帐户",
            "新账号",
            "新帐号",
            "新的账户",
            "新的银行",
            "停用",
            "不再使用",
            "请勿再",
        ],
    ),
    (
        Pay,
        &[
            "payment",
            "invoice",
            "remit",
            "transfer",
            "wire",
            "settle",
            "outstanding balance",
            "deposit",
            "zahlung",
            "rechnung",
            "überweis",
            "paiement",
            "facture",
            "pago",
            "pagamento",
            "factura",
            "付款",
            "汇款",
            "转账",
            "货款",
            "打款",
            "发票",
            "尾款",
            "支付",
        ],
    ),
    (
        Charge,
        &[
            "purchase",
            "invoice id",
            "order id",
            "compra",
            "transação",
            "transacao",
            "valor de r$",
            "para análise",
            "para analise",
            "em análise",
            "em analise",
            "cobrança",
            "cargo de",
            "abbuchung",
            "prélèvement",
            "has been charged",
            "will be charged",
            "been debited",
            "will be debited",
            "auto-debit",
            "auto debit",
            "auto-renew",
            "auto renew",
            "renewal",
            "renewed",
            "subscription",
            "invoice",
            "order id",
            "order number",
            "order no",
            "transaction id",
            "your order",
            "your purchase",
            "amount debited",
            "total amount",
            "amount charged",
            "paypal",
            "扣款",
            "扣费",
            "续费",
            "订单",
            "会员",
            "账单",
        ],
    ),
    (
        Cancel,
        &[
            "não reconhe",
            "nao reconhe",
            "no reconoce",
            "contestar",
            "cancelar",
            "nicht veranlasst",
            "stornieren",
            "pas à l'origine",
            "annuler",
            "cancel",
            "refund",
            "dispute",
            "did not authorize",
            "didn't authorize",
            "not authorized",
            "did not place",
            "didn't place",
            "did not make",
            "didn't make",
            "not made by you",
            "if this was not you",
            "if this wasn't you",
            "取消",
            "退款",
            "非本人",
            "如非",
        ],
    ),
    (
        Call,
        &[
            "contact us +",
            "contact us :",
            "contact: +",
            "ligue para",
            "ligue já",
            "ligue agora",
            "llame al",
            "llame a",
            "rufen sie",
            "appelez",
            "bel ons",
            "call us",
            "call our",
            "call at",
            "call now",
            "call immediately",
            "please call",
            "contact us at",
            "contact our",
            "reach us at",
            "toll free",
            "toll-free",
            "helpline",
            "help line",
            "help desk at",
            "support number",
            "customer care",
            "customer support",
            "speak to",
            "give us a call",
            "dial",
            "致电",
            "拨打",
            "客服电话",
            "热线",
            "联系电话",
            "来电",
        ],
    ),
    (
        Credential,
        &[
            "password",
            "passcode",
            "verify your",
            "confirm your",
            "validate your",
            "update your account",
            "re-activate",
            "reactivate",
            "restore access",
            "unlock your",
            "sign in",
            "sign-in",
            "log in",
            "login",
            "mailbox",
            "your account",
            "passwort",
            "konto bestätigen",
            "verifizieren",
            "bestätigen sie",
            "mot de passe",
            "vérifier votre",
            "votre compte",
            "contraseña",
            "verifique su",
            "su cuenta",
            "senha",
            "sua conta",
            "verifica il",
            "il tuo account",
            "wachtwoord",
            "uw account",
            "密码",
            "验证您的",
            "验证你的",
            "身份验证",
            "登录",
            "登陆",
            "账户验证",
            "帐户验证",
            "邮箱升级",
            "邮箱容量",
            "邮箱账号",
            "重新认证",
            "实名认证",
            "激活",
            "解除限制",
            "更新资料",
        ],
    ),
    (
        Urgency,
        &[
            "suspend",
            "deactivat",
            "disabled",
            "will be closed",
            "will be locked",
            "has been locked",
            "been limited",
            "expire",
            "within 24",
            "within 48",
            "24 hours",
            "48 hours",
            "72 hours",
            "immediately",
            "final notice",
            "last warning",
            "unusual activity",
            "unusual sign",
            "suspicious activity",
            "unauthorized",
            "on hold",
            "undelivered",
            "pending messages",
            "permanently",
            "gesperrt",
            "eingeschränkt",
            "innerhalb von",
            "suspendu",
            "sous 24",
            "bloqué",
            "suspendida",
            "bloqueada",
            "en 24 horas",
            "bloqueio",
            "suspensa",
            "sospeso",
            "bloccato",
            "geblokkeerd",
            "停用",
            "冻结",
            "封停",
            "过期",
            "到期",
            "逾期",
            "异常",
            "立即",
            "尽快",
            "24小时",
            "48小时",
            "将被关闭",
            "将被删除",
            "无法收发",
            "无法使用",
            "被限制",
            "失效",
            "最后通知",
        ],
    ),
    (
        Scan,
        &[
            "scan the qr",
            "scan the code",
            "scan this",
            "scan code",
            "qr code",
            "qr-code",
            "scan with your",
            "with your phone",
            "scannen sie",
            "扫码",
            "扫描二维码",
            "扫描下方",
            "扫一扫",
            "二维码",
        ],
    ),
];

struct Finder {
    words: AhoCorasick,
    topics: Vec<Topic>,
}

static FINDER: LazyLock<Finder> = LazyLock::new(|| {
    let all = || WORDS.iter().flat_map(|(topic, words)| words.iter().map(move |word| (*topic, *word)));
    let words = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(all().map(|(_, word)| word))
        .expect("fixed patterns");
    Finder { words, topics: all().map(|(topic, _)| topic).collect() }
});

/// Where words of which topic end in a text.
#[derive(Debug, Default)]
pub struct Places(Vec<(Topic, usize, usize)>);

impl Places {
    pub fn of(text: &str) -> Places {
        let mut end = text.len().min(TEXT_OCTETS_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let finder = &*FINDER;
        let found = finder.words.find_overlapping_iter(&text[..end]).take(PLACES_MAX);
        Places(found.map(|word| (finder.topics[word.pattern().as_usize()], word.start(), word.end())).collect())
    }

    /// The first word of `topic`, as a range.
    pub fn first(&self, topic: Topic) -> Option<std::ops::Range<usize>> {
        self.all(topic).next()
    }

    pub fn all(&self, topic: Topic) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.0.iter().filter(move |(found, ..)| *found == topic).map(|(_, start, end)| *start..*end)
    }

    pub fn has(&self, topic: Topic) -> bool {
        self.first(topic).is_some()
    }

    /// Different places with words of `topic`.
    pub fn count(&self, topic: Topic) -> usize {
        self.all(topic).count()
    }
}
