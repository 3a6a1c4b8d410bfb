//! Asks before something that cannot be undone: with scripts a dialog in the page, without them a page of its own.
//!
//! A form whose button carries `data-confirm` sends `sure=1` once its dialog was answered. Without it the handler answers with
//! [`page`], whose form sends the same fields again and `sure=1`.

use super::{Page, Say, View, show};
use askama::Template;

/// What is asked, and what is sent on.
#[derive(Debug)]
pub struct Confirm {
    pub title: Say,
    pub text: Say,
    /// Words key of the button that does it.
    pub button: &'static str,
    /// Where the form goes.
    pub action: String,
    pub fields: Vec<(String, String)>,
    /// Where "no" leads.
    pub back: String,
}

/// Whether a form says that it was asked and answered.
pub fn is_sure(form: &[(String, String)]) -> bool {
    form.iter().any(|(name, value)| name == "sure" && !value.is_empty())
}

#[derive(Template)]
#[template(path = "page/templates/confirm.html")]
struct ConfirmPage<'a> {
    view: &'a View,
    confirm: &'a Confirm,
}

pub fn page(view: &View, confirm: &Confirm) -> Page {
    show(&ConfirmPage { view, confirm })
}
