//! Tables as CSV (RFC 4180) that a spreadsheet cannot be tricked with.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// One cell. What a spreadsheet would take for a formula gets an apostrophe before it: subjects and names come from strangers.
fn cell(text: &str) -> String {
    let guarded =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) { format!("'{text}") } else { text.into() };
    if guarded.contains(['"', ',', '\r', '\n', ';']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

/// A file to keep. The mark before the first octet tells spreadsheets that it is UTF-8.
pub fn file(name: &str, header: &[String], rows: impl Iterator<Item = Vec<String>>) -> Response {
    let mut text = String::from("\u{feff}");
    let mut line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    };
    line(header);
    rows.for_each(|row| line(&row));
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_string()), (header::CONTENT_DISPOSITION, disposition)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_no_formula_and_no_second_cell() {
        for (text, want) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=cmd|' /C calc'!A0,x", "\"'=cmd|' /C calc'!A0,x\""),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(cell(text), want);
        }
    }
}
