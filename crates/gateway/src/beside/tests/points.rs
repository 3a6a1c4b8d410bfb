//! Points and actions.

use super::super::score::{ADD_HEADER_SCORE, REJECT_SCORE, SPAMD_THRESHOLD, finding_points, points_of, rspamd_action, symbol};
use crate::policy::PolicyAction;
use detect::Class;

#[test]
fn points_follow_the_class_and_rise_with_the_probability() {
    let classes = [
        (Class::Clean, 0.0, 4.0),
        (Class::Bulk, 4.0, 4.9),
        (Class::Spam, 6.0, 7.9),
        (Class::Spoof, 8.0, 9.0),
        (Class::HighSpam, 10.0, 11.9),
        (Class::Phish, 12.0, 14.9),
        (Class::HighPhish, 15.0, 17.9),
        (Class::Malware, 20.0, 20.0),
    ];
    for (class, from, to) in classes {
        assert_eq!((points_of(class, 5, 0.0), points_of(class, 5, 1.0)), (from, to), "{class:?}");
        let is_junk = !matches!(class, Class::Clean | Class::Bulk);
        assert_eq!(points_of(class, 5, 0.5) >= SPAMD_THRESHOLD, is_junk, "{class:?}: spam for spamd");
        assert_eq!(points_of(class, 5, 0.5) >= ADD_HEADER_SCORE, is_junk, "{class:?}: marked for rspamd");
        assert_eq!(points_of(class, 5, 0.5) >= REJECT_SCORE, class >= Class::HighPhish, "{class:?}: refused by rspamd's own measure");
    }
    assert_eq!(points_of(Class::Spam, -1, 1.0), -10.0, "an allow entry");
}

#[test]
fn names_and_actions_as_neighbours_spell_them() {
    assert_eq!(symbol("auth.dmarc.fail"), "AUTH_DMARC_FAIL");
    assert_eq!(symbol("link.text-mismatch"), "LINK_TEXT_MISMATCH");
    assert_eq!((finding_points(100.0), finding_points(-0.123)), (20.0, -0.12));
    for (action, want) in [
        (PolicyAction::None, "no action"),
        (PolicyAction::Junk, "add header"),
        (PolicyAction::AddHeader, "add header"),
        (PolicyAction::Prefix, "rewrite subject"),
        (PolicyAction::Redirect, "add header"),
        (PolicyAction::Quarantine, "reject"),
        (PolicyAction::Delete, "reject"),
        (PolicyAction::Reject, "reject"),
    ] {
        assert_eq!(rspamd_action(action), want, "{action:?}");
    }
}
