//! Made-up people, firms and sentences.

use super::dice::Dice;

const FIRST: &[&str] =
    &["Ada", "Bruno", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lina", "Milo", "Nora"];
const LAST: &[&str] =
    &["Berg", "Castellan", "Dorn", "Eastwick", "Falkner", "Grove", "Halloran", "Iversen", "Junker", "Kestrel", "Lindqvist"];
const CHINESE: &[&str] = &["陈思远", "林晓", "周文", "吴静怡", "郑一鸣", "何佳", "罗明", "宋雨"];
const FIRMS: &[&str] =
    &["meadowbank", "northgate", "silverlake", "oakfield", "stonebridge", "riverton", "kingsford", "eastport", "greenhill"];
const THINGS: &[&str] =
    &["the minutes", "the drawings", "the timetable", "the price list", "the report", "the contract", "the agenda", "the photos"];
const DAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];

pub fn person(dice: &mut Dice) -> String {
    format!("{} {}", dice.pick(FIRST), dice.pick(LAST))
}

pub fn chinese_person(dice: &mut Dice) -> &'static str {
    dice.pick(CHINESE)
}

/// A firm's domain that nobody has.
pub fn firm(dice: &mut Dice) -> String {
    format!("{}.example", dice.pick(FIRMS))
}

/// The domain of somebody who means harm.
pub fn stranger(dice: &mut Dice) -> String {
    const WORDS: &[&str] = &["harvest", "lantern", "pebble", "velvet", "cobalt", "thicket", "marble", "willow"];
    format!("{}-{}.test", dice.pick(WORDS), dice.pick(WORDS))
}

/// A mailbox of a person at a domain.
pub fn mailbox(person: &str, domain: &str) -> String {
    let local: String = person.to_ascii_lowercase().chars().map(|c| if c == ' ' { '.' } else { c }).collect();
    format!("{local}@{domain}")
}

/// A few honest sentences.
pub fn paragraph(dice: &mut Dice) -> String {
    let thing = dice.pick(THINGS);
    let day = dice.pick(DAYS);
    let openings = [
        format!("Thank you for your message of {day}."),
        format!("It was good to speak with you on {day}."),
        format!("As we said on {day}, here is {thing}."),
    ];
    let middles = [
        format!("I have gone through {thing} with my colleagues and marked what is still open."),
        format!("The team has looked at {thing} and agrees with most of it."),
        format!("There are two small points in {thing} that we should talk about."),
    ];
    let ends = ["The room is booked from ten to noon.", "I am in the office until four.", "The train leaves a little after nine."];
    format!("{} {} {}", openings[dice.roll(3)], middles[dice.roll(3)], dice.pick(&ends))
}

/// The same in Chinese.
pub fn chinese_paragraph(dice: &mut Dice) -> String {
    const THINGS: &[&str] = &["会议纪要", "图纸", "日程安排", "报价单", "项目报告", "合同草稿"];
    const DAYS: &[&str] = &["周一", "周二", "周三", "周四", "周五"];
    let (thing, day) = (dice.pick(THINGS), dice.pick(DAYS));
    format!("您好，{day}的讨论很有收获。{thing}我已和同事看过一遍，还有两处想和您当面商量。会议室订在上午十点，到时见。")
}
