//! Icons by name from one sprite, coloured by the text around them and silent to screen readers: words stand beside them.

/// Names in `assets/icons.svg`.
pub fn svg(name: &str) -> String {
    // The names are ours, written in templates.
    format!(
        "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\"><use href=\"{}#{name}\"></use></svg>",
        super::assets::href("icons.svg")
    )
}
