//! The bucket that the status pages are copied to: it answers, and knows our key.

use super::{Case, Finding, two};
use web::health::site::bucket::{Target, Wrong};

const ID: &str = "status.bucket";

/// Nothing where no bucket is named.
pub async fn look(case: &Case) -> Vec<Finding> {
    let settings = &case.chosen.settings.health.bucket;
    if !case.knows("health") || !settings.is_on() {
        return Vec::new();
    }
    let looked = match Target::open(settings) {
        Ok(target) => target.look().await,
        Err(why) => Err(why),
    };
    let todo = two(
        "Correct [health.bucket]: address, region, key and secret. Meanwhile the copy of the status pages there grows old; nothing else is touched.",
        "请更正 [health.bucket] 中的地址、区域、访问密钥和机密。在此期间，那里的状态页副本不会更新，其他功能不受影响。",
    );
    let found = match looked {
        Ok(true) => {
            Finding::ok(ID, &settings.url, two("Status pages stand there, and our key is known.", "其中已有状态页，访问密钥有效。"))
        }
        Ok(false) => Finding::ok(
            ID,
            &settings.url,
            two("It answers and knows our key; no status page was copied yet.", "有应答，访问密钥有效；尚未复制过状态页。"),
        ),
        // A key that may only put is a good one.
        Err(Wrong::Refused { status: 403, code }) if code == "AccessDenied" => Finding::cannot_tell(
            ID,
            &settings.url,
            two(
                "It answers, and our key may not read there. Whether it may write is seen when the service runs.",
                "有应答，但该密钥无权读取。能否写入要在服务运行时才能知道。",
            ),
        ),
        Err(why @ Wrong::Settings(_)) => Finding::problem(ID, &settings.url, two("It cannot be used.", "无法使用。"), todo).seen(why),
        Err(why @ Wrong::Unreachable(_)) => Finding::problem(ID, &settings.url, two("It does not answer.", "没有应答。"), todo).seen(why),
        Err(why) => Finding::problem(ID, &settings.url, two("It refuses us.", "请求被拒绝。"), todo).seen(why),
    };
    vec![found]
}
