//! Invoices that go to another account; charges that nobody made.

use super::Case;
use super::dice::Dice;
use super::letter::Letter;

const COUNT: usize = 10;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        cases.push(payment_change(dice, number));
        cases.push(payment_change_in_chinese(dice, number));
        cases.push(callback(dice, number));
    }
}

/// ISO 13616 check digits for a German account.
fn iban(dice: &mut Dice) -> String {
    let account = dice.digits(18);
    let rest = format!("{account}131400").bytes().fold(0u32, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

fn answer(letter: &mut Letter, dice: &mut Dice, subject: &str) {
    letter.subject = subject.to_string();
    letter.header =
        format!("In-Reply-To: <{number}@northwind-paper.com>\r\nReferences: <{number}@northwind-paper.com>\r\n", number = dice.letters(10));
}

fn payment_change(dice: &mut Dice, number: usize) -> Case {
    let mut letter = Letter::new(dice);
    let invoice = dice.digits(5);
    answer(&mut letter, dice, &format!("Re: Invoice {invoice}"));
    let (old, new) = (iban(dice), iban(dice));
    let honest = format!("Thank you for the order. Invoice {invoice} is due on the 30th, to the bank account you know, IBAN {old}.");
    let changed = match number % 4 {
        0 => format!(
            "Thank you for the order. Please note that our bank account has changed. Invoice {invoice} is to be paid to IBAN {new}."
        ),
        1 => format!(
            "Thank you for the order. Our old account is under audit, so please remit invoice {invoice} to our new bank account, IBAN {new}."
        ),
        2 => format!(
            "Before you transfer invoice {invoice}: we have updated bank details. The beneficiary stays the same. Account number: {}.",
            dice.digits(10)
        ),
        _ => format!(
            "We switched banks last week. Kindly settle invoice {invoice} to the new account details below.\r\nIBAN: {new}\r\nSWIFT: NWPXDEFF"
        ),
    };
    Case {
        kind: "payment details change",
        name: format!("payment-{number}"),
        mail: letter.clone().with_text(&changed).octets(),
        check: "content.payment-change",
        twin: letter.with_text(&honest).octets(),
    }
}

fn payment_change_in_chinese(dice: &mut Dice, number: usize) -> Case {
    let mut letter = Letter::chinese(dice);
    answer(&mut letter, dice, "回复：货款结算");
    let (old, new) = (dice.digits(19), dice.digits(19));
    let honest = format!("您好，本月货款请于月底前付清，仍汇至原银行账户。\r\n账号：{old}\r\n\r\n谢谢！\r\n");
    let changed = match number % 3 {
        0 => format!("您好，因银行调整，我司收款账户已变更，本月货款请付至以下账户。\r\n账号：{new}\r\n\r\n谢谢！\r\n"),
        1 => format!("您好，原银行账户正在审计，已停用。请将尾款汇款到新账户。\r\n开户行：城东支行\r\n账号：{new}\r\n\r\n谢谢！\r\n"),
        _ => format!("您好，付款前请注意：我司更换了对公账户，请勿再使用旧账户，发票不变。\r\n卡号：{new}\r\n\r\n谢谢！\r\n"),
    };
    Case {
        kind: "payment details change, Chinese",
        name: format!("payment-zh-{number}"),
        mail: Letter { text: changed, ..letter.clone() }.octets(),
        check: "content.payment-change",
        twin: Letter { text: honest, ..letter }.octets(),
    }
}

fn callback(dice: &mut Dice, number: usize) -> Case {
    let order = dice.digits(8);
    let phone = format!("+1 (8{}) 555-01{}", dice.digits(2), dice.digits(2));
    let amount = format!("{}.99", dice.digits(3));
    let mut letter = Letter::new(dice);
    letter.subject = format!("Order {order}");
    letter.address = format!("{}@{}", dice.letters(9), dice.pick(&["gmail.com", "outlook.com", "aol.com"]));
    let honest =
        format!("Your subscription to the magazine was renewed. Order number {order}, total amount {amount}. Thank you for reading.");
    let trick = match number % 4 {
        0 => format!("{honest} If you did not place this order, call us at {phone} within 24 hours to cancel and get a refund."),
        1 => format!(
            "Your subscription renewal: {amount} will be debited today, order id {order}. To cancel, please call our billing desk at {phone}."
        ),
        2 => format!(
            "Invoice {order}: your account has been charged {amount} for the auto-renewal. Not made by you? Dispute it by phone, call now {phone}."
        ),
        _ => format!("您的会员已续费，订单 {order}，扣款 {amount} 元。如需取消或退款，请拨打客服电话 400-555-0{}。", dice.digits(3)),
    };
    Case {
        kind: "callback",
        name: format!("callback-{number}"),
        mail: letter.clone().with_text(&trick).octets(),
        check: "content.callback",
        twin: letter.with_text(&honest).octets(),
    }
}
