//! Fields that collect passwords, and texts that make people give them, in English and Chinese.

use super::Case;
use super::dice::Dice;
use super::letter::Letter;
use super::names;

const COUNT: usize = 8;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        cases.push(field(dice, number));
        cases.push(lure(dice, number));
    }
    for number in 0..2 * COUNT {
        cases.push(chinese(dice, number));
    }
    for number in 0..COUNT {
        cases.push(brand(dice, number));
    }
}

fn field(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("Thank you for taking part. Your answers help us to plan the next year.");
    let field = [
        "<input type=\"password\" name=\"p\">",
        "<input type=text name=\"passwd\">",
        "<INPUT TYPE='PassWord'>",
        "<input type=\"text\" placeholder=\"邮箱密码\">",
    ][number % 4];
    let form = format!(
        "<form action=\"https://{}/c\" method=\"post\"><input name=\"user\">{field}<input type=submit value=Go></form>",
        names::stranger(dice)
    );
    Case {
        kind: "a form for a password",
        name: format!("form-{number}"),
        mail: letter.clone().with_html(&form).octets(),
        check: "content.html.password-field",
        twin: letter.with_html("").octets(),
    }
}

fn linked(letter: Letter, said: &str, domain: &str, number: usize) -> Vec<u8> {
    letter.with_html(&format!("<p><a href=\"https://{domain}/m/{number}\">{said}</a></p>")).octets()
}

/// Pressure and a link to a stranger; the twin is the same notice with a link to the sender and no pressure.
fn lure(dice: &mut Dice, number: usize) -> Case {
    let mut letter = Letter::new(dice);
    letter.name = dice.pick(&["Mail Service", "IT Desk", "Account Notice"]).to_string();
    letter.subject = "Notice about your mailbox".to_string();
    let stranger = names::stranger(dice);
    let trick = [
        "Your mailbox is almost full and will be suspended within 24 hours. Verify your account to keep it.",
        "Your password expires today. Keep the same password below, or your access will be disabled.",
        "We noticed unusual activity. Confirm your identity and sign in, otherwise the account is permanently closed.",
        "Four messages are on hold. Log in to release the undelivered mail before it is deleted within 48 hours.",
    ][number % 4];
    let own = letter.domain().to_string();
    let honest = "The handbook for your mailbox has a new chapter about calendars.";
    Case {
        kind: "pressure and a link",
        name: format!("lure-{number}"),
        mail: linked(letter.clone().with_text(trick), "Continue", &stranger, number),
        check: "content.credential-lure",
        twin: linked(letter.with_text(honest), "Continue", &own, number),
    }
}

fn chinese(dice: &mut Dice, number: usize) -> Case {
    let mut letter = Letter::chinese(dice);
    letter.name = dice.pick(&["信息中心", "邮件服务", "网络管理处", "人事通知"]).to_string();
    letter.subject = dice.pick(&["邮箱使用通知", "系统升级提醒", "关于账号的通知"]).to_string();
    let stranger = names::stranger(dice);
    let trick = [
        "您的邮箱容量已满，将无法收发邮件，请在24小时内点击下方链接登录完成邮箱升级。",
        "检测到您的账号登录异常，为避免被冻结，请立即验证您的身份。",
        "您的密码即将过期，请尽快点击下方链接更新，逾期账号将被停用。",
        "为落实实名认证要求，请员工于48小时内登录系统完成重新认证，逾期将停用邮箱账号。",
    ][number % 4];
    let own = letter.domain().to_string();
    let honest = "新版邮件手册已发布，增加了日历一章，欢迎查阅。";
    letter.text = format!("各位同事：\r\n\r\n{trick}\r\n\r\n信息中心\r\n");
    let mail = linked(letter.clone(), "点击此处", &stranger, number);
    letter.text = format!("各位同事：\r\n\r\n{honest}\r\n\r\n信息中心\r\n");
    Case {
        kind: "Chinese phish",
        name: format!("chinese-{number}"),
        mail,
        check: "content.credential-lure",
        twin: linked(letter, "点击此处", &own, number),
    }
}

/// A brand's own name in front of a free mailbox.
fn brand(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("There is a message for you. Please answer to this mail.");
    let name =
        dice.pick(&["PayPal", "Netflix Support", "DHL Express", "支付宝安全中心", "Microsoft Account Team", "顺丰速运客服", "工商银行"]);
    let address = format!("{}@{}", dice.letters(9), dice.pick(&["gmail.com", "hotmail.com", "163.com", "qq.com"]));
    Case {
        kind: "a brand's name, a free mailbox",
        name: format!("brand-{number}"),
        mail: Letter { name: name.to_string(), address: address.clone(), ..letter.clone() }.octets(),
        check: "impersonation.brand-name",
        twin: Letter { address, ..letter }.octets(),
    }
}
