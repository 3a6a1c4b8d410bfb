//! How a message is built: order and form of its header fields, kinds of its parts, sizes. No language, no words.

use super::feature::Set;
use super::field::{self, Kept};
use mail::Message;
use mail::message::LinkOrigin;

const FIELDS_MAX: usize = 100;
const PARTS_MAX: usize = 20;
const FIELD_OCTETS_MAX: usize = 120;
/// Counts above are alike.
const COUNT_MAX: usize = 20;

pub(super) fn read(message: &Message, set: &mut Set<'_>) {
    let mut before = 0;
    for (name, value) in message.fields().take(FIELDS_MAX).filter(|(name, _)| field::kept(name) != Kept::Not) {
        let this = set.add_name(name);
        set.add_number(this.wrapping_mul(3), before);
        set.add_shape(this, &value[..value.len().min(FIELD_OCTETS_MAX)]);
        before = this;
    }
    for text in message.texts.iter().take(PARTS_MAX) {
        let traits = text.traits;
        let flags = [traits.form, traits.password_field, traits.script, traits.event_handler, traits.frame, traits.object, traits.refresh];
        let bits = flags.iter().fold(u32::from(text.is_html), |bits, flag| bits << 1 | u32::from(*flag));
        set.add_number(1, bits);
        set.add_number(2, traits.images_remote.min(COUNT_MAX as u32) << 1 | u32::from(text.is_html));
        set.add_part(3, text.charset.as_deref().unwrap_or("none").as_bytes());
    }
    for defect in message.defects.iter().take(PARTS_MAX) {
        set.add_number(4, defect.kind as u32);
    }
    let sum = |of: fn(&mail::message::Text) -> usize| message.texts.iter().map(of).sum::<usize>();
    set.add_number(5, magnitude(sum(|text| text.visible.len())));
    set.add_number(6, magnitude(sum(|text| text.hidden.len())));
    set.add_number(7, message.texts.len().min(COUNT_MAX) as u32);
    let links = |origin| message.links.iter().filter(|link| link.origin == origin).take(COUNT_MAX).count() as u32;
    set.add_number(8, links(LinkOrigin::Anchor));
    set.add_number(9, links(LinkOrigin::Image));
    set.add_number(10, links(LinkOrigin::Text));
    set.add_number(11, message.attachments.len().min(COUNT_MAX) as u32);
    set.add_number(12, message.all("Received").take(COUNT_MAX).count() as u32);
}

/// Bits of a size: sizes of one kind differ by less than the double.
fn magnitude(size: usize) -> u32 {
    usize::BITS - size.leading_zeros()
}
