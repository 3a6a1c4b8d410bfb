//! `link.picture-host`: what is shown lies where anybody puts a picture, or on a computer without a name.

use super::place;
use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::message::LinkOrigin;
use mail::{AuthResults, Mail};
use std::net::IpAddr;

pub struct Pictures;

impl Inspect for Pictures {
    fn name(&self) -> &'static str {
        "link.picture"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        // People show each other such pictures in answers and on lists.
        if sender::is_talk(message) {
            return;
        }
        let mut hosts = message.links.iter().filter(|link| link.origin == LinkOrigin::Image).filter_map(|link| link.host.as_deref());
        let Some((host, what, weight)) = hosts.find_map(place_of) else { return };
        let Some(from) = sender::speaker(message, surroundings) else { return };
        let weight = if is_free_mail(&from.domain) { weight / 2.0 } else { weight };
        findings.push(Finding::new("link.picture-host", Kind::Spam, weight, format!("{host}, {what}; the sender is {}", from.domain)));
    }
}

/// Firms keep their pictures on machines of their own, or of who sends for them.
fn place_of(host: &str) -> Option<(&str, &'static str, f32)> {
    let is_number = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    match () {
        () if is_number => Some((host, "a computer without a name", 1.6)),
        () if place::is_rented(host) => Some((host, "a rented computer", 1.2)),
        () if place::is_picture_host(host) => Some((host, "where anybody puts a picture", 1.2)),
        () => None,
    }
}
