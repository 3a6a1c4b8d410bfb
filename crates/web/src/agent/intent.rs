//! What somebody wants, where that shows in words of their own: a greeting, thanks, a person, a telephone number.
//!
//! Everything else is a question, and what it is about follows from what is found.

use crate::help::search::words::{Piece, is_han, pieces, plain};

const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "hi there",
    "hello there",
    "good morning",
    "good afternoon",
    "good evening",
    "你好",
    "您好",
    "嗨",
    "哈喽",
    "早上好",
    "下午好",
    "晚上好",
    "在吗",
    "你好啊",
];
const THANKS: &[&str] = &["thank", "thanks", "thx", "cheers", "谢谢", "多谢", "感谢", "谢了"];
const TALK: &[&str] = &["talk", "speak", "chat", "connect", "transfer", "get", "need", "want", "reach", "contact"];
const HUMANS: &[&str] = &["human", "person", "representative", "operator", "agent", "somebody", "someone", "people"];
const HUMANS_HAN: &[&str] = &["人工", "真人", "转人", "找人", "活人", "客服人员"];

/// Words that speak of a telephone.
const PHONE: &[&str] = &["phone", "telephone", "call", "calling", "hotline", "helpline", "dial", "ring", "number", "numbers"];
const PHONE_HAN: &[&str] = &["电话", "热线", "致电", "拨打", "打给", "号码", "来电"];
/// What can only mean a number to call, also without a country.
const NUMBER: &[&str] = &[
    "phone number",
    "telephone number",
    "hotline",
    "helpline",
    "call support",
    "phone support",
    "telephone support",
    "call you",
    "call somebody",
    "call someone",
    "do i call",
    "can i call",
    "to call",
    "by phone",
    "by telephone",
    "over the phone",
    "support number",
    "number do i",
    "whom to call",
    "ring you",
    "phone you",
];
const NUMBER_HAN: &[&str] = &[
    "电话号码",
    "客服电话",
    "热线",
    "打电话",
    "支持电话",
    "电话支持",
    "拨打",
    "致电",
    "打什么电话",
    "电话是多少",
    "电话多少",
    "打哪个号",
    "打哪个电话",
];
/// Those who keep the directory want its article; those whose telephone is gone want another way to sign in.
const NOT_A_CALL: &[&str] = &[
    "edit",
    "change",
    "add",
    "update",
    "import",
    "export",
    "maintain",
    "directory",
    "lost",
    "stolen",
    "broke",
    "broken",
    "new phone",
    "authenticator",
    "enter",
    "code",
    "codes",
];
const NOT_A_CALL_HAN: &[&str] = &["修改", "编辑", "添加", "导入", "导出", "维护", "更新", "在哪改", "怎么改", "手机", "验证码", "号码簿"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Greeting,
    Thanks,
    Person,
    Question,
}

/// What is wanted, short of a telephone number.
pub fn of(text: &str) -> Intent {
    let lower = plain(text);
    let words = words_of(text);
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric() && !is_han(c));
    if GREETINGS.contains(&bare) {
        return Intent::Greeting;
    }
    const THANKS_WORDS_MAX: usize = 6;
    let begins = THANKS.iter().any(|thanks| bare.starts_with(thanks));
    if begins && words.len() <= THANKS_WORDS_MAX && bare.chars().filter(|c| is_han(*c)).count() <= THANKS_WORDS_MAX {
        return Intent::Thanks;
    }
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    const WISH_WORDS_MAX: usize = 12;
    let asks = words.len() <= WISH_WORDS_MAX
        && has(HUMANS)
        && (has(TALK) || words.len() <= 3)
        && (lower.contains("real") || lower.contains("human") || has(&["talk", "speak", "chat", "connect", "transfer"]));
    // Whether it is one is a question about the assistant.
    let is_about_us = lower.contains("机器人");
    if asks || (!is_about_us && HUMANS_HAN.iter().any(|human| lower.contains(human))) {
        return Intent::Person;
    }
    Intent::Question
}

/// Whether a number to call is wanted. With a country any word of telephones will do.
pub fn wants_number(text: &str, has_country: bool) -> bool {
    let lower = plain(text);
    let words = words_of(text);
    let spaced = format!(" {} ", words.join(" "));
    let says = |list: &[&str]| list.iter().any(|one| spaced.contains(&format!(" {one} ")));
    let says_han = |list: &[&str]| list.iter().any(|one| lower.contains(one));
    if says(NOT_A_CALL) || says_han(NOT_A_CALL_HAN) {
        return false;
    }
    says(NUMBER) || says_han(NUMBER_HAN) || (has_country && (says(PHONE) || says_han(PHONE_HAN)))
}

/// Words in lower case, without Chinese.
pub fn words_of(text: &str) -> Vec<String> {
    let word = |piece: Piece| match piece {
        Piece::Word(word) => Some(word),
        Piece::Han(_) => None,
    };
    pieces(text).into_iter().filter_map(word).collect()
}
