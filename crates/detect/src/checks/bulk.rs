//! Articles of `bulk.*`.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[
    doc(
        "bulk.marks",
        ["Sent to many", "群发邮件"],
        "The header has the marks of mail that is sent to many, and a level of 1 to 9 says how likely recipients complain. Lists people joined are 1 to 3; newsletters with a way to leave 4 to 6; bulk that hides its sender or gives no way to leave 7 to 9. The policy says from which level on it is treated as bulk.",
        "邮件头带有群发标记，1 至 9 的级别表示收件人投诉的可能性。自愿加入的邮件列表为 1 至 3，可退订的简报为 4 至 6，隐藏发件人或无法退订的群发为 7 至 9。从哪一级起按群发处理由策略决定。",
    ),
    doc(
        "bulk.history",
        ["What recipients said about this sender", "收件人对该发件人的反馈"],
        "The bulk level was raised or lowered by what recipients here did with earlier mail of this sender: how many they got, how many they called junk, how many they took out of the junk folder. Shares count from a hundred mails on.",
        "群发级别已根据本组织收件人对该发件人以往邮件的处理而上调或下调：收到多少、多少被标为垃圾、多少被移出垃圾箱。满一百封后才计算比例。",
    ),
];
