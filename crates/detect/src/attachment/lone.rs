//! `attachment.lone`: nearly nothing is said, everything is in one document.

use crate::content::plain::{plain, starts_word};
use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::{AhoCorasick, MatchKind};
use mail::message::Attachment;
use mail::{AuthResults, Mail, Message};
use std::sync::LazyLock;

/// More letters than this are a letter with an enclosure.
const LETTERS_MAX: usize = 320;
/// Octets of text looked through for words.
const TEXT_OCTETS_MAX: usize = 2_000;

pub struct LoneDocument;

impl Inspect for LoneDocument {
    fn name(&self) -> &'static str {
        "attachment.lone"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(document) = document(message).filter(|_| !sender::is_talk(message)) else { return };
        let Some(from) = sender::shown(message) else { return };
        // People send each other documents without a word too, and scanners do, so it is a hint.
        let name = document.name.as_deref().unwrap_or("a document");
        // Firms that write about money have a name of their own; tradesmen send invoices from free mailboxes.
        let weight = match (is_free_mail(&from.domain), asks(message, name)) {
            (true, Ask::Money) => 3.0,
            (true, Ask::Paper) => 1.8,
            (true, Ask::Nothing) => 1.2,
            (false, Ask::Money) => 1.0,
            (false, Ask::Paper | Ask::Nothing) => 0.5,
        };
        findings.push(Finding::new(
            "attachment.lone",
            Kind::Phish,
            weight,
            format!("{name} from {}, and hardly a word beside it", from.address),
        ));
    }
}

/// The one PDF of a mail that says hardly anything beside it.
pub(crate) fn document(message: &Message) -> Option<&Attachment> {
    let mut documents = message.attachments.iter().filter(|attachment| attachment.inside.is_empty());
    let (Some(document), None) = (documents.next(), documents.next()) else { return None };
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(LETTERS_MAX + 1).count();
    let is_lone = document.true_type.extension == "pdf" && message.texts.iter().all(|text| letters(&text.visible) <= LETTERS_MAX);
    is_lone.then_some(document)
}

/// What the few words are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    Nothing,
    /// An invoice, a payment: papers that people send.
    Paper,
    /// Money that waits, an account that is in danger.
    Money,
}

const PAPERS: &[&str] = &[
    "invoice",
    "payment",
    "overdue",
    "account",
    "subscription",
    "renewal",
    "tax",
    "konto",
    "rechnung",
    "zahlung",
    "compte",
    "facture",
    "cuenta",
    "factura",
    "boleto",
    "fatura",
    "comprovante",
    "rekening",
    "factuur",
    "fattura",
    "付款",
    "发票",
];
const MONEY: &[&str] = &[
    "bitcoin",
    "btc",
    "ethereum",
    "crypto",
    "balance",
    "payout",
    "withdraw",
    "your account",
    "blocked",
    "locked",
    "suspend",
    "refund",
    "gesperrt",
    "erstattung",
    "bloqué",
    "remboursement",
    "bloquea",
    "reembolso",
    "restitui",
    "saldo",
    "intimaç",
    "processo em",
    "irpf",
    "geblokkeerd",
    "rimborso",
    "冻结",
    "退款",
    "补贴",
];

/// In the subject, the text or the name of the file.
fn asks(message: &Message, name: &str) -> Ask {
    static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let words = PAPERS.iter().chain(MONEY);
        AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(words).expect("fixed patterns")
    });
    let of = |text: &str| {
        let text = plain(&text[..text.floor_char_boundary(TEXT_OCTETS_MAX)]);
        let found = WORDS.find_iter(text.as_ref()).filter(|found| starts_word(&text, found.start()));
        found.map(|found| if found.pattern().as_usize() < PAPERS.len() { Ask::Paper } else { Ask::Money }).max().unwrap_or(Ask::Nothing)
    };
    let texts = message.texts.iter().map(|text| of(&text.visible)).max().unwrap_or(Ask::Nothing);
    texts.max(of(&message.subject)).max(of(name))
}
