//! What kits of phishing do: take the reader's address along, sign as a desk of his house, tell the same few stories in any language.

use super::Case;
use super::dice::Dice;
use super::letter::{Letter, OWN_DOMAIN, base64};
use super::names;

const COUNT: usize = 8;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        cases.push(address(dice, number));
        cases.push(desk(dice, number));
    }
    for number in 0..STORIES.len() {
        cases.push(story(dice, number));
    }
}

fn button(letter: Letter, target: &str) -> Vec<u8> {
    letter.with_html(&format!("<p><a href=\"{}\">Open</a></p>", target.replace('&', "&amp;"))).octets()
}

/// The twin has the same link without the address.
fn address(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The pictures of the hall are online now.");
    let reader = format!("bo@{OWN_DOMAIN}");
    let place = format!("https://{}/g/{number}", names::stranger(dice));
    let coded = base64(reader.as_bytes());
    let target = match number % 4 {
        0 => format!("{place}#{reader}"),
        1 => format!("{place}#{coded}"),
        2 => format!("{place}/{}", coded.trim_end_matches('=')),
        _ => format!("{place}?u={}&v=2", coded.replace('=', "%3D")),
    };
    Case {
        kind: "the reader's address in a stranger's link",
        name: format!("address-{number}"),
        mail: button(letter.clone(), &target),
        check: "link.recipient",
        twin: button(letter, &place),
    }
}

/// The twin is a person who leads to his own firm.
fn desk(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The new form for the coming year is ready and waits for you.");
    let house = OWN_DOMAIN.split('.').next().unwrap_or_default();
    let name = match number % 8 {
        0 => format!("{OWN_DOMAIN} IT Support"),
        1 => format!("{house} HR Department"),
        2 => format!("Mail Administrator {OWN_DOMAIN}"),
        3 => format!("{OWN_DOMAIN} 信息中心"),
        4 => format!("{house} payroll"),
        5 => format!("IT-Abteilung {OWN_DOMAIN}"),
        6 => format!("{OWN_DOMAIN} メール管理者"),
        _ => format!("Service informatique {OWN_DOMAIN}"),
    };
    let own = format!("https://www.{}/form/{number}", letter.domain());
    Case {
        kind: "a desk of the reader's house",
        name: format!("desk-{number}"),
        mail: button(Letter { name, ..letter.clone() }, &format!("https://{}/form/{number}", names::stranger(dice))),
        check: "impersonation.inside",
        twin: button(letter, &own),
    }
}

/// Subject and sentence of a lure, and the honest sentence of its twin.
const STORIES: &[(&str, &str, &str)] = &[
    ("Доставка", "Ваша посылка задержана на складе. Оплатите доставку сегодня.", "Ваша посылка прибыла, склад открыт до шести."),
    ("Уведомление", "Ваш счёт временно заблокирован. Подтвердите данные по ссылке.", "Новый отчёт о работе отдела готов."),
    ("お知らせ", "お客様のアカウントは一時的に制限されています。本人確認をお願いします。", "新しい会議室の案内ができました。"),
    ("配達について", "お荷物をお届けにあがりましたが、住所不明のため持ち帰りました。", "来週の会議の資料ができました。"),
    ("Sendung", "Ihr Paket konnte nicht zugestellt werden, die Adresse unvollständig ist.", "Der neue Plan für das Lager ist fertig."),
    ("Votre colis", "Votre colis est en attente : réglez les frais de livraison.", "Le nouveau plan du dépôt est prêt."),
    ("Aviso", "Su paquete está retenido en el almacén: pague los gastos de envío.", "El nuevo plano de la sala está listo."),
    ("Aviso", "Seus pontos expiram hoje, resgate agora.", "A nova planta da sala está pronta."),
    ("Avviso", "Il tuo conto è stato sospeso per un accesso anomalo.", "La nuova pianta della sala è pronta."),
    ("Paczka", "Twoja paczka została wstrzymana, wymagana dopłata.", "Nowy plan magazynu jest gotowy."),
    ("Kargo", "Gönderiniz teslim edilemedi, adres eksik.", "Yeni salonun planı hazır."),
    ("Wallet", "Enter your 12-word recovery phrase to keep the coins.", "The drawings of the new hall are ready."),
];

fn story(dice: &mut Dice, number: usize) -> Case {
    let (subject, told, honest) = STORIES[number];
    let letter = Letter { subject: subject.to_string(), ..Letter::new(dice) };
    let own = format!("https://www.{}/plan/{number}", letter.domain());
    // Kits lie where anybody puts a page.
    let place = format!("https://{}.{}/", dice.letters(10), dice.pick(&["web.app", "pages.dev", "weebly.com"]));
    Case {
        kind: "a story in one of ten languages",
        name: format!("story-{number}"),
        mail: button(Letter { text: format!("{told}\r\n"), ..letter.clone() }, &place),
        check: "content.pretext",
        twin: button(Letter { text: format!("{honest}\r\n"), ..letter }, &own),
    }
}
