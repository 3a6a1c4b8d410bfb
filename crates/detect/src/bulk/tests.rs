use super::level;
use crate::acquaintance::Volume;
use crate::fixture::{neutral, plain};
use mail::Message;
use mail::auth::DmarcResult;
use mail::message::Budget;

fn check(header: &str, want: u8, want_unsigned: u8, why: &str) {
    let message = Message::parse(plain(header, "News of the garden.").into(), &Budget::default());
    let mut auth = neutral();
    assert_eq!(level(&message, &auth, &Volume::default()), want, "{why}");
    auth.dmarc.result = DmarcResult::Fail;
    assert_eq!(level(&message, &auth, &Volume::default()), want_unsigned, "{why}, unsigned");
}

#[test]
fn levels_follow_the_marks() {
    check("", 0, 0, "a letter");
    check("List-Id: <talk.example>\r\nList-Unsubscribe: <mailto:x@example.net>\r\n", 2, 2, "a list people joined");
    check("List-Id: <talk.example>\r\nIn-Reply-To: <1@example.net>\r\n", 1, 1, "an answer on a list");
    check("List-Unsubscribe: <https://example.net/u>\r\n", 4, 7, "a newsletter");
    check(
        "List-Unsubscribe: <https://example.net/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        3,
        6,
        "left with one click",
    );
    check("List-Unsubscribe: <https://example.net/u>\r\nFeedback-ID: 1:2:3\r\n", 5, 8, "by a service");
    check("Precedence: bulk\r\n", 6, 9, "no way to leave");
    check("Precedence: bulk\r\nAuto-Submitted: auto-generated\r\n", 6, 9, "said to be bulk itself");
    check("Auto-Submitted: auto-replied\r\nIn-Reply-To: <1@example.net>\r\n", 0, 0, "an automatic answer");
}

#[test]
fn what_recipients_said_moves_the_level() {
    let newsletter = "List-Unsubscribe: <https://example.net/u>\r\nFeedback-ID: 1:2:3\r\n";
    let known = |mails, complaints, wanted| Volume { mails: Some(mails), complaints: Some(complaints), wanted: Some(wanted) };
    for (header, volume, want, why) in [
        (newsletter, Volume::default(), 5, "nobody counts"),
        (newsletter, known(1_000, 0, 0), 4, "many got it and nobody complained"),
        (newsletter, known(1_000, 1, 0), 5, "one in a thousand"),
        (newsletter, known(1_000, 6, 0), 7, "six in a thousand"),
        (newsletter, known(1_000, 40, 0), 9, "one in twenty-five"),
        (newsletter, known(10, 1, 0), 5, "too few to say"),
        (newsletter, known(1_000, 0, 50), 3, "asked for"),
        ("", known(1_000, 40, 0), 6, "a letter by its marks, but sent to many who complain"),
        ("", known(1_000, 0, 0), 0, "a busy correspondent"),
    ] {
        let message = Message::parse(plain(header, "News of the garden.").into(), &Budget::default());
        assert_eq!(level(&message, &neutral(), &volume), want, "{why}");
        let mut findings = Vec::new();
        super::inspect(&message, &neutral(), &volume, &mut findings);
        assert_eq!(findings.len(), usize::from(want != level(&message, &neutral(), &Volume::default())), "{why}");
        assert!(findings.iter().all(|finding| finding.check == "bulk.history" && finding.weight == f32::from(want)), "{why}: {findings:?}");
    }
}
