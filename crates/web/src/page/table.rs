//! Lists as tables: chosen columns, sorting, paging by cursor, CSV. One template for all, cards on narrow screens.
//!
//! A feature makes [`Column`]s and [`Row`]s; [`Table`] puts `{{ table|safe }}` into its page. Filters are a form of the feature.

use super::guard::form_pair;
use super::{View, csv};
use askama::Template;
use axum::response::Response;

/// One column a list can have.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// In the query and in CSV.
    pub name: &'static str,
    /// Words key of its heading.
    pub title: &'static str,
    pub can_sort: bool,
    /// Shown unless the reader chose otherwise.
    pub is_usual: bool,
}

/// One cell: HTML that is safe, and the same as plain text for CSV.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    pub html: String,
    pub text: String,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        let text = text.into();
        Cell { html: escaped(&text), text }
    }

    pub fn link(href: &str, text: impl Into<String>) -> Cell {
        let text = text.into();
        Cell { html: format!("<a href=\"{}\">{}</a>", escaped(href), escaped(&text)), text }
    }

    pub fn time(view: &View, at_ms: i64) -> Cell {
        Cell { html: super::time::element(view, at_ms), text: super::time::rfc3339(at_ms) }
    }

    /// A word with a shape and a colour: `tone` is "good", "warn", "bad", "info" or "plain".
    pub fn badge(tone: &str, text: impl Into<String>) -> Cell {
        let text = text.into();
        Cell { html: badge(tone, &text), text }
    }

    /// Several cells in one, below each other.
    pub fn lines(cells: Vec<Cell>) -> Cell {
        let text = cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("; ");
        Cell { html: cells.iter().map(|cell| format!("<div>{}</div>", cell.html)).collect(), text }
    }
}

/// A word with a shape and a colour, as HTML.
pub fn badge(tone: &str, text: &str) -> String {
    format!("<span class=\"badge {}\">{}</span>", escaped(tone), escaped(text))
}

/// Text as HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// One row; `cells` stand in the order of all columns.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Value of its check box; "" has none.
    pub pick: String,
    /// What the check box is called: the row in a few words.
    pub label: String,
    pub cells: Vec<Cell>,
}

/// What the query says about a table, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Names of columns; empty: the usual ones.
    pub columns: Vec<String>,
    /// A column, and whether the greatest comes first.
    pub sort: Option<(String, bool)>,
    /// Everything else in the query, kept in links.
    pub rest: Vec<(String, String)>,
    pub is_csv: bool,
}

/// Pairs of one query.
const PAIRS_MAX: usize = 100;
/// Rows decided about with one press.
const PICKED_MAX: usize = 500;

/// The rows whose boxes were ticked, of what a form sends.
pub fn picked(form: &[(String, String)]) -> Vec<String> {
    form.iter().filter(|(name, _)| name == "pick").map(|(_, pick)| pick.clone()).take(PICKED_MAX).collect()
}

impl Asked {
    /// Reads `cols`, `sort` (with a leading "-" for descending) and `format=csv`.
    pub fn of(query: &[(String, String)]) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in query.iter().take(PAIRS_MAX) {
            match name.as_str() {
                "cols" => asked.columns.push(value.clone()),
                "sort" if !value.is_empty() => {
                    let (column, is_down) = value.strip_prefix('-').map_or((value.as_str(), false), |column| (column, true));
                    asked.sort = Some((column.to_string(), is_down));
                }
                "format" => asked.is_csv = value == "csv",
                "before" | "after" => {}
                _ => asked.rest.push((name.clone(), value.clone())),
            }
        }
        asked
    }

    /// Rows to read: one more than a page has, or as many as a file may have.
    pub fn rows_max(&self, page_rows: usize, file_rows_max: usize) -> usize {
        if self.is_csv { file_rows_max } else { page_rows + 1 }
    }

    /// Cuts what was read to one page; the query pair of the next one, by the place of the last row. A file is left whole.
    pub fn cut<T>(&self, found: &mut Vec<T>, page_rows: usize, place: impl Fn(&T) -> String) -> Option<(&'static str, String)> {
        if self.is_csv || found.len() <= page_rows {
            return None;
        }
        found.truncate(page_rows);
        found.last().map(|last| ("after", place(last)))
    }

    /// The query with `changes` put in; a change to "" removes.
    pub fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let sort = self.sort.as_ref().map(|(column, is_down)| format!("{}{column}", if *is_down { "-" } else { "" }));
        let own = self.columns.iter().map(|name| ("cols", name.as_str())).chain(sort.as_deref().map(|sort| ("sort", sort)));
        let all = self.rest.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
        let kept = all.filter(|(name, value)| !value.is_empty() && !changes.iter().any(|(changed, _)| changed == name));
        let put = changes.iter().copied().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = kept.chain(put).map(|(name, value)| form_pair(name, value)).collect();
        if pairs.is_empty() { path.to_string() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// A list ready to be shown.
pub struct Table<'a> {
    pub view: &'a View,
    pub path: &'a str,
    /// What it lists, for those who cannot see where it stands.
    pub caption: String,
    pub columns: &'static [Column],
    pub asked: &'a Asked,
    pub rows: Vec<Row>,
    /// The form its check boxes belong to; "" has no check boxes.
    pub form: &'static str,
    /// Query pair that leads to the next page.
    pub next: Option<(&'static str, String)>,
    /// Said instead of an empty table: why, and what to do.
    pub empty: String,
}

/// A heading as the template shows it.
struct Head {
    title: String,
    /// Where a click leads; "" does not sort.
    href: String,
    /// "ascending", "descending" or "none".
    sorted: &'static str,
}

#[derive(Template)]
#[template(path = "page/templates/table.html")]
struct Shown<'a> {
    view: &'a View,
    caption: &'a str,
    form: &'a str,
    heads: Vec<Head>,
    rows: Vec<(&'a Row, Vec<(&'a str, &'a str)>)>,
    choices: Vec<(&'static str, String, bool)>,
    path: &'a str,
    rest: Vec<(&'a str, &'a str)>,
    csv: String,
    next: Option<String>,
    empty: &'a str,
}

impl Table<'_> {
    fn is_shown(&self, column: &Column) -> bool {
        if self.asked.columns.is_empty() { column.is_usual } else { self.asked.columns.iter().any(|name| name == column.name) }
    }

    fn head(&self, column: &Column) -> Head {
        let now = self.asked.sort.as_ref().filter(|(name, _)| name == column.name).map(|(_, is_down)| *is_down);
        let wanted = if now == Some(false) { format!("-{}", column.name) } else { column.name.to_string() };
        Head {
            title: self.view.t(column.title),
            href: if column.can_sort { self.asked.href(self.path, &[("sort", &wanted)]) } else { String::new() },
            sorted: match now {
                Some(true) => "descending",
                Some(false) => "ascending",
                None => "none",
            },
        }
    }

    /// The table as HTML.
    pub fn html(&self) -> String {
        let shown: Vec<usize> = (0..self.columns.len()).filter(|at| self.is_shown(&self.columns[*at])).collect();
        let heads: Vec<Head> = shown.iter().map(|at| self.head(&self.columns[*at])).collect();
        let titles: Vec<String> = heads.iter().map(|head| head.title.clone()).collect();
        let cells = |row: &Row| -> Vec<(String, String)> {
            let cell = |(n, at): (usize, &usize)| (titles[n].clone(), row.cells.get(*at).map(|cell| cell.html.clone()).unwrap_or_default());
            shown.iter().enumerate().map(cell).collect()
        };
        let owned: Vec<(&Row, Vec<(String, String)>)> = self.rows.iter().map(|row| (row, cells(row))).collect();
        let sort = self.asked.sort.as_ref().map(|(column, is_down)| format!("{}{column}", if *is_down { "-" } else { "" }));
        let rest = self.asked.rest.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let page = Shown {
            view: self.view,
            caption: &self.caption,
            form: self.form,
            heads,
            rows: owned.iter().map(|(row, cells)| (*row, cells.iter().map(|(t, h)| (t.as_str(), h.as_str())).collect())).collect(),
            choices: self.columns.iter().map(|column| (column.name, self.view.t(column.title), self.is_shown(column))).collect(),
            path: self.path,
            rest: rest.chain(sort.as_deref().map(|sort| ("sort", sort))).collect(),
            csv: self.asked.href(self.path, &[("format", "csv")]),
            next: self.next.as_ref().map(|(name, value)| self.asked.href(self.path, &[(name, value)])),
            empty: &self.empty,
        };
        page.render().unwrap_or_else(|why| {
            tracing::error!("a table could not be written: {why}");
            String::new()
        })
    }

    /// All columns as a file.
    pub fn csv(&self, name: &str) -> Response {
        let header: Vec<String> = self.columns.iter().map(|column| self.view.t(column.title)).collect();
        csv::file(name, &header, self.rows.iter().map(|row| row.cells.iter().map(|cell| cell.text.clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_what_was_asked_and_change_what_they_mean() {
        let query = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>();
        let asked = Asked::of(&query(&[("sender", "a@b&c"), ("cols", "time"), ("sort", "-time"), ("before", "m1"), ("empty", "")]));
        assert_eq!(asked.sort, Some(("time".into(), true)));
        assert_eq!(asked.href("/trace", &[]), "/trace?sender=a%40b%26c&cols=time&sort=-time");
        assert_eq!(asked.href("/trace", &[("sort", "time"), ("before", "m2")]), "/trace?sender=a%40b%26c&cols=time&sort=time&before=m2");
        assert!(Asked::of(&query(&[("format", "csv")])).is_csv);
    }

    #[test]
    fn a_page_is_cut_and_a_file_is_whole() {
        let cut = |asked: &Asked, rows: usize| {
            let mut found: Vec<usize> = (0..rows.min(asked.rows_max(2, 9))).collect();
            let next = asked.cut(&mut found, 2, ToString::to_string);
            (found.len(), next)
        };
        let (page, file) = (Asked::default(), Asked { is_csv: true, ..Asked::default() });
        for (rows, want) in [(0, None), (2, None), (5, Some(("after", "1".to_string())))] {
            assert_eq!(cut(&page, rows), (rows.min(2), want), "{rows}");
            assert_eq!(cut(&file, rows), (rows, None), "{rows}");
        }
        assert_eq!(cut(&file, 20), (9, None), "at most");
    }

    #[test]
    fn ticked_rows_are_read_up_to_a_limit() {
        let form: Vec<(String, String)> =
            (0..600).flat_map(|n| [("pick".to_string(), n.to_string()), ("sure".into(), "1".into())]).collect();
        let picks = picked(&form);
        assert_eq!((picks.len(), picks[499].as_str()), (PICKED_MAX, "499"));
        assert!(picked(&[("verb".into(), "remove".into())]).is_empty());
    }

    #[test]
    fn a_cell_is_text() {
        assert_eq!(Cell::link("/x\"", "<b>").html, "<a href=\"/x&quot;\">&lt;b&gt;</a>");
    }
}
