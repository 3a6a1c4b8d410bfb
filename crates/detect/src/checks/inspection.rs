//! Articles of `inspection.*`: what keeps a mail from being inspected to the end.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[doc(
    crate::inspect::INCOMPLETE,
    ["The inspection was not finished", "检查未能完成"],
    "An inspection failed or took too long, so nobody can say what the mail is. It is held rather than passed unseen. Release it only if you expect it; an operator finds the cause in the log and under service health, and can have the mail judged again.",
    "某项检查出错或耗时过长，因此无法判断这封邮件。为避免未经检查就放行，邮件被隔离。仅在确知其来历时才放行；运营者可在日志与服务健康页面中找到原因，并让该邮件重新判定。",
)];
