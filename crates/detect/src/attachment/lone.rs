//! `attachment.lone`: nearly nothing is said, everything is in one document.

use crate::content::plain::{plain, starts_word};
use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::{forwarded, sender};
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::{AhoCorasick, MatchKind};
use mail::message::{Attachment, FileFamily};
use mail::{AuthResults, Mail, Message};
use std::sync::LazyLock;

/// More letters than this are a letter with an enclosure.
const LETTERS_MAX: usize = 320;
/// Letters of a header that is quoted above what is passed on.
const QUOTED_LETTERS_MAX: usize = 300;
/// Octets of text looked through for words.
const TEXT_OCTETS_MAX: usize = 2_000;

pub struct LoneDocument;

impl Inspect for LoneDocument {
    fn name(&self) -> &'static str {
        "attachment.lone"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(document) = document(message).filter(|_| !sender::is_talk(message)) else { return };
        let Some(from) = sender::speaker(message, surroundings) else { return };
        // People send each other documents without a word too, and scanners do, so it is a hint.
        let name = document.name.as_deref().unwrap_or("a document");
        // Firms that write about money have a name of their own; tradesmen send invoices from free mailboxes.
        let (is_free, ask) = (is_free_mail(&from.domain), asks(message, name));
        if is_page(document) && !is_free && ask == Ask::Nothing {
            return;
        }
        let weight = match (is_free, ask) {
            (true, Ask::Money) => 3.0,
            (true, Ask::Paper) => 1.8,
            (true, Ask::Nothing) => 1.2,
            (false, Ask::Money) => 1.0,
            (false, Ask::Paper | Ask::Nothing) => 0.5,
        };
        // Programs save pages; people send them to each other seldom, and firms a document.
        let weight = if is_page(document) { weight + 0.8 } else { weight };
        findings.push(Finding::new(
            "attachment.lone",
            Kind::Phish,
            weight,
            format!("{name} from {}, and hardly a word beside it", from.address),
        ));
    }
}

/// What is read in a program of its own: a PDF, or a page that opens in the browser.
fn is_document(attachment: &Attachment) -> bool {
    attachment.true_type.extension == "pdf" || is_page(attachment)
}

fn is_page(attachment: &Attachment) -> bool {
    attachment.true_type.family == FileFamily::Html
}

/// The one document of a mail that says hardly anything beside it.
pub(crate) fn document(message: &Message) -> Option<&Attachment> {
    let mut documents = message.attachments.iter().filter(|attachment| attachment.inside.is_empty());
    let (Some(document), None) = (documents.next(), documents.next()) else { return None };
    let letters = |text: &str, max: usize| text.chars().filter(|c| c.is_alphanumeric()).take(max + 1).count();
    // A quoted header has letters too, which nobody here wrote.
    let letters_max = if forwarded::is_passed_on(message) { LETTERS_MAX + QUOTED_LETTERS_MAX } else { LETTERS_MAX };
    let is_lone = is_document(document) && message.texts.iter().all(|text| letters(&text.visible, letters_max) <= letters_max);
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
    "pagamento",
    "remittance",
    "remessa",
    "paiement",
    "pago",
    "betaling",
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
    "irs",
    "liberad",
    "libera",
    "resgat",
    "valores a receber",
    "desbloque",
    "your account",
    "blocked",
    "locked",
    "suspend",
    "refund",
    "gesperrt",
    "erstattung",
    "bloqué",
    "bloqueio",
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
