use super::*;

/// Text parts as mail programs write them, with the own words that are to be left.
#[test]
fn what_programs_quote_is_folded_and_own_words_stay() {
    for (program, text, own) in [
        (
            "Thunderbird, below the quotation",
            "On 11/24/26 13:00, Gatepost support wrote:\n> Which connector is it?\n> \n\nIt is the one called main.\n\nLi\n",
            "It is the one called main.\n\nLi",
        ),
        ("Thunderbird, above", "It is main.\n\nAm 24.11.26 um 13:00 schrieb Gatepost support:\n> Which connector is it?\n", "It is main."),
        (
            "Outlook for Windows, English",
            "It is main.\r\n\r\nRegards,\r\nBo\r\n\r\n________________________________\r\nFrom: Gatepost support <request+r0@mx.example>\r\nSent: Tuesday, November 24, 2026 1:00 PM\r\nTo: Bo <bo@acme.example>\r\nSubject: [r0] Mail is late\r\n\r\nWhich connector is it?\r\n",
            "It is main.\n\nRegards,\nBo",
        ),
        (
            "Outlook for Windows, Chinese",
            "是 main 这个连接器。\r\n\r\n发件人: Gatepost 支持 <request+r0@mx.example>\r\n发送时间: 2026年11月24日 13:00\r\n收件人: 李 <li@acme.example>\r\n主题: [r0] 邮件延迟\r\n\r\n是哪个连接器？\r\n",
            "是 main 这个连接器。",
        ),
        (
            "Outlook on the web, bold names in text made of HTML",
            "Done.\n\n*From:* Gatepost support\n*Sent:* Tuesday\n*To:* Bo\n*Subject:* Re: x\n\nold",
            "Done.",
        ),
        (
            "Apple Mail",
            "It is main.\n\n> On 24 Nov 2026, at 13:00, Gatepost support <request+r0@mx.example> wrote:\n> \n> Which connector is it?\n",
            "It is main.",
        ),
        (
            "iPhone, Chinese",
            "就是它。\n\n发自我的 iPhone\n\n> 在 2026年11月24日，13:00，Gatepost 支持 <request+r0@mx.example> 写道：\n> \n> 是哪个连接器？\n",
            "就是它。\n\n发自我的 iPhone",
        ),
        (
            "Gmail, attribution over two lines",
            "It is main, thanks\n\nOn Tue, Nov 24, 2026 at 1:00 PM Gatepost support <\nrequest+r0@mx.example> wrote:\n\n> Which connector is it?\n>\n",
            "It is main, thanks",
        ),
        ("Gmail, Chinese", "是 main\n\nGatepost 支持 <request+r0@mx.example> 于2026年11月24日周二 13:00写道：\n\n> 是哪个？\n", "是 main"),
        (
            "QQ mail",
            "是 main 连接器\n\n\n------------------ 原始邮件 ------------------\n发件人: \"Gatepost 支持\" <request+r0@mx.example>;\n发送时间: 2026年11月24日(星期二) 中午1:00\n收件人: \"li\"<li@acme.example>;\n主题: [r0] 邮件延迟\n\n是哪个连接器？\n",
            "是 main 连接器",
        ),
        (
            "163 mail",
            "是 main 连接器\n\n\n\n在 2026-11-24 13:00:00，\"Gatepost 支持\" <request+r0@mx.example> 写道：\n\n是哪个连接器？\n",
            "是 main 连接器",
        ),
        (
            "163 mail, in its application",
            "好的\n---- 回复的原邮件 ----\n| 发件人 | Gatepost 支持 |\n| 日期 | 2026年11月24日 |\n是哪个？\n",
            "好的",
        ),
        (
            "Outlook, plain text",
            "Yes.\n\n-----Original Message-----\nFrom: Gatepost support\nSent: Tuesday\nTo: Bo\nSubject: x\n\nold",
            "Yes.",
        ),
        (
            "answers between the lines",
            "On Tue, 24 Nov 2026, Gatepost wrote:\n> Which connector?\nmain\n> Since when?\nMonday\n",
            "main\nMonday",
        ),
        ("nothing quoted", "It is main.\nOn Monday Bo wrote:\nthat it works\n", "It is main.\nOn Monday Bo wrote:\nthat it works"),
        ("a name that begins like a header", "From: here on nothing works\nplease help\n", "From: here on nothing works\nplease help"),
        ("only a quotation", "> all\n> of it\n", "> all\n> of it"),
        ("nothing", "", ""),
    ] {
        let split = split(text);
        assert_eq!(split.own, own, "{program}");
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        assert_eq!(letters(&split.own) + letters(&split.quoted), letters(text), "{program}: nothing is lost");
    }
}

#[test]
fn it_takes_no_longer_for_hostile_text() {
    for text in ["On 1234 ".repeat(200_000), "> ".repeat(200_000), "From: a\n".repeat(100_000), "写道：\n".repeat(100_000)] {
        let split = split(&text);
        assert!(split.own.len() + split.quoted.len() <= text.len());
    }
}
