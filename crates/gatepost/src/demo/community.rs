//! What people of the demo ask and answer in the community, in both languages. Nobody of them is real.

use super::ORGANISATION;
use anyhow::Context;
use gateway::scope::OrgScope;
use mail::id::IdMaker;
use std::sync::Arc;
use store::Error;
use web::community::Space;
use web::community::change::{At, Planted, plant};
use web::community::sql;
use web::page::words::Lang;
use web::people::Person;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Makes identifiers of the past.
const DEMO_NODE: u8 = 31;

/// A question: space, language, title, tags, text, who asks; then the answer, who answers, their role, and whether it helped.
type Row = (&'static str, Lang, [&'static str; 4], &'static str, &'static str, &'static str, bool);

use Lang::{Chinese as Zh, English as En};

const ROWS: &[Row] = &[
    (
        "gatepost",
        En,
        [
            "How do I rotate a DKIM key without mail failing?",
            "dkim dns",
            "Our key is two years old. I am afraid that mail on its way fails when I change it.",
            "Maya",
        ],
        "Make the second key beside the first, publish its record, and wait until every resolver has it (the TTL of the old answer). Then switch signing over. \
         Leave the **old** record in DNS for a week: mail on its way is still verified with it.\n\n1. Domains → your domain → Keys → *New key*\n2. Publish `selector2._domainkey`\n3. Switch, then remove the old one",
        "support-engineer",
        "Jonas",
        true,
    ),
    (
        "gatepost",
        En,
        [
            "Mail to one partner waits for hours, all other mail is quick",
            "queue delivery",
            "The trace shows *deferred* with `451 4.7.1 try again later` again and again, only for one domain.",
            "Priya",
        ],
        "Their server asks you to slow down. Look at **Destinations**: it shows which limit holds that domain and what their server answered. Usually it settles by itself; \
         a connector for that domain can lower the number of connections.",
        "",
        "Tom",
        true,
    ),
    (
        "gatepost",
        En,
        [
            "Why is a newsletter I subscribed to held as bulk?",
            "bulk quarantine",
            "It is no spam, I want it. How do I get it without opening the door to all newsletters?",
            "Anna",
        ],
        "Allow that sender for yourself under *My senders*. The bulk threshold of your organisation stays as it is, only this sender passes it.",
        "",
        "Maya",
        false,
    ),
    (
        "gatepost",
        En,
        [
            "SPF passes but DMARC fails. How can that be?",
            "spf dmarc",
            "The mail comes from our marketing service. `spf=pass`, `dmarc=fail` in the receipt.",
            "Tom",
        ],
        "SPF passed for *their* domain, and DMARC wants the domain in From. Let them sign with DKIM for your domain, or use a bounce domain below yours: then it aligns.",
        "support-engineer",
        "Jonas",
        true,
    ),
    (
        "gatepost",
        En,
        [
            "Can two administrators approve the release of malware from a phone?",
            "quarantine release",
            "We need the four-eyes release at night.",
            "Priya",
        ],
        "",
        "",
        "",
        false,
    ),
    (
        "gatepost",
        Zh,
        ["更换 MX 记录之后，旧服务器还会收到邮件吗？", "mx dns", "昨天改了 MX，今天旧服务器上仍有邮件进来，正常吗？", "小林"],
        "正常。对方的 DNS 缓存要等 TTL 到期才会更新，一般一两天。旧服务器先不要关，把收到的邮件**转发**过来即可。",
        "support-engineer",
        "王工",
        true,
    ),
    (
        "gatepost",
        Zh,
        [
            "客户的邮件总是被判为垃圾邮件，怎样只放行这一个发件人？",
            "允许 发件人",
            "不想降低整个组织的阈值，只希望这一个地址的邮件能进收件箱。",
            "陈晨",
        ],
        "在“允许和阻止”中为这个地址添加允许条目，并设置到期时间。先用“保存前试用”看看会影响哪些历史邮件。恶意软件不会因为允许条目而放行。",
        "",
        "小林",
        true,
    ),
    (
        "gatepost",
        Zh,
        ["隔离邮件摘要可以改成每天早上八点发吗？", "摘要 隔离", "现在收到的时间太晚了。", "阿明"],
        "可以。打开“我的隔离邮件”里的摘要设置，选择每天和时间。时间按你账户里的时区计算。",
        "",
        "陈晨",
        false,
    ),
    (
        "gatepost",
        Zh,
        ["连接器测试提示证书不匹配怎么办？", "连接器 证书", "测试时 TLS 那一步失败，提示证书名称与服务器名称不一致。", "阿明"],
        "",
        "",
        "",
        false,
    ),
    (
        "demo",
        En,
        [
            "Who may release mail for the shared mailbox of the front desk?",
            "release roles",
            "The front desk waits for parcels, and notices are held now and then.",
            "Alice",
        ],
        "The quarantine reviewers can. Ask for the role under *People*; it needs no administrator right.",
        "",
        "Bo",
        true,
    ),
    (
        "demo",
        En,
        ["Do we sign mail of the invoice system?", "dkim", "Invoices go out through the printer room's server.", "Bo"],
        "Yes: it sends through the outgoing connector, so it is signed for demo.example like all other mail.",
        "",
        "Alice",
        false,
    ),
    (
        "demo",
        Zh,
        ["新同事的邮箱要多久才能收信？", "收件人 目录", "今天刚开的账户，外部来信被退回 550 5.4.1。", "李伟"],
        "目录同步每小时一次。着急的话，管理员可以在“收件人”里手动添加，一秒内生效。",
        "",
        "Bo",
        true,
    ),
];

/// Makes two spaces with questions where there is none yet.
pub async fn fill(app: &web::App) -> anyhow::Result<()> {
    let organisation = app.directory.snapshot().organisation_named(ORGANISATION).map(|found| found.id);
    let Some(org) = organisation else { return Ok(()) };
    // A maker of its own: those of the server never go back in time.
    let (ids, now_ms) = (Arc::new(IdMaker::new(DEMO_NODE)), app.now_ms());
    let space = |name: &str, title: &str, about: &str, org| Space {
        id: app.fresh_id(),
        org,
        name: name.into(),
        title: title.into(),
        about: about.into(),
        is_public: org.is_none(),
        is_closed: false,
    };
    let spaces = [
        space("gatepost", "Gatepost", "Using and running Gatepost, in English and 中文.", None),
        space("demo", "Demo organisation", "Among people of demo.example.", Some(org)),
    ];
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            if !sql::spaces(tx, OrgScope::All).await?.is_empty() {
                return Ok::<_, Error>(());
            }
            for space in &spaces {
                sql::put_space(tx, space, now_ms).await?;
            }
            for (nth, row) in ROWS.iter().enumerate() {
                let Some(space) = spaces.iter().find(|space| space.name == row.0) else { continue };
                // One a day, so that lists look like lists.
                let at_ms = now_ms - DAY_MS * (ROWS.len() - nth) as i64;
                let at = At { app: None, ids: ids.clone(), person: Person::at_the_machine("demo"), now_ms: at_ms };
                plant(tx, &at, space, &planted(row)).await?;
            }
            Ok(())
        })
    });
    work.await.context("filling the demo's community")
}

fn planted(row: &Row) -> Planted<'static> {
    let (_, lang, [title, tags, body, asker], answer, staff, answerer, is_accepted) = *row;
    let answer = Some(answer).filter(|answer| !answer.is_empty());
    Planted { lang, title, tags, body, asker, answer, answerer, staff, is_accepted }
}
