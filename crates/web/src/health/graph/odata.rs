//! The part of OData 4.0 that Graph's clients use: `$filter $select $expand $orderby $top $skip $count $search`, `Prefer: odata.maxpagesize`.
//!
//! In: a query string. Out: a [`Query`] that is applied to JSON values. Invariant: length and depth are bounded, and what cannot be
//! read is an error with a sentence, never left out.

use crate::page::guard::form_pair;
use serde_json::Value;
use std::cmp::Ordering;

const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;
const FILTER_CHARS_MAX: usize = 4_000;
const TOKENS_MAX: usize = 500;
const DEPTH_MAX: usize = 30;
const PAIRS_MAX: usize = 50;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    filter: Option<Expr>,
    select: Vec<String>,
    pub expand: Vec<String>,
    /// Field, and whether the greatest comes first.
    orderby: Vec<(String, bool)>,
    top: Option<usize>,
    skip: usize,
    pub count: bool,
    search: String,
    page: usize,
    /// Everything as sent, for the link to the next page.
    pairs: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare(Operand, Compare, Value),
    In(Operand, Vec<Value>),
    /// contains, startswith, endswith
    Call(String, Operand, String),
    /// `services/any(s:s eq 'x')`: the variable stands for each element.
    Any(Operand, Box<Expr>),
    /// A field that is true by itself.
    Field(Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A path such as `viewPoint/isRead`, perhaps in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Operand {
    path: Vec<String>,
    is_lowered: bool,
}

/// `%41` is `A`; what is not UTF-8 stays as it is.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

impl Query {
    pub fn read(text: &str, prefer: &str) -> Result<Query, String> {
        let mut query = Query { page: page_of(prefer), ..Query::default() };
        for pair in text.split('&').filter(|pair| !pair.is_empty()).take(PAIRS_MAX) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")));
            let list = || value.split(',').map(|part| part.trim().to_string()).filter(|part| !part.is_empty());
            let number = || value.parse::<usize>().map_err(|_| format!("{name} is a number, not “{value}”"));
            match name.trim_start_matches('$') {
                "filter" => query.filter = Some(parse(&value)?),
                "select" => query.select = list().collect(),
                "expand" => query.expand = list().collect(),
                "orderby" => query.orderby = list().map(|part| ordered(&part)).collect(),
                "top" => query.top = Some(number()?),
                "skip" | "skiptoken" => query.skip = number()?,
                "count" => query.count = value == "true",
                "format" if value.eq_ignore_ascii_case("json") || value.starts_with("application/json") => {}
                "search" => query.search = value.trim_matches('"').to_lowercase(),
                _ if name.starts_with('$') => return Err(format!("{name} is not understood here")),
                _ => {}
            }
            query.pairs.push((name, value));
        }
        Ok(query)
    }

    pub fn filtered(&self, all: Vec<Value>) -> Result<Vec<Value>, String> {
        let found = |one: &Value| self.search.is_empty() || one.to_string().to_lowercase().contains(&self.search);
        Ok(all.into_iter().filter(|one| found(one) && self.filter.as_ref().is_none_or(|filter| filter.holds(one, one))).collect())
    }

    /// Whether filter, search or order look at one of these properties.
    pub fn looks_at(&self, properties: &[&str]) -> bool {
        let is_one = |path: &str| properties.contains(&path.split('/').next().unwrap_or_default());
        let is_sorted = self.orderby.iter().any(|(field, _)| is_one(field));
        !self.search.is_empty() || is_sorted || self.filter.as_ref().is_some_and(|filter| filter.looks_at(&is_one))
    }

    /// How many rows in their own order answer this, with one more to know whether there are more; `None` when all have to be looked at.
    pub fn rows_enough(&self) -> Option<usize> {
        let is_plain = self.filter.is_none() && self.search.is_empty() && self.orderby.is_empty() && !self.count;
        is_plain.then(|| self.skip.saturating_add(self.size()).saturating_add(1))
    }

    pub fn sorted(&self, all: Vec<Value>) -> Vec<Value> {
        if self.orderby.is_empty() {
            return all;
        }
        let paths: Vec<Vec<String>> = self.orderby.iter().map(|(field, _)| field.split('/').map(str::to_string).collect()).collect();
        let key = |one: &Value| paths.iter().map(|path| Key::of(at(one, path).clone())).collect::<Vec<_>>();
        let mut keyed: Vec<(Vec<Key>, Value)> = all.into_iter().map(|one| (key(&one), one)).collect();
        keyed.sort_by(|(a, _), (b, _)| {
            let fields = self.orderby.iter().zip(a.iter().zip(b));
            let each = fields.map(|((_, is_down), (a, b))| if *is_down { a.order(b).reverse() } else { a.order(b) });
            each.fold(Ordering::Equal, Ordering::then)
        });
        keyed.into_iter().map(|(_, one)| one).collect()
    }

    /// Rows of one page.
    fn size(&self) -> usize {
        self.top.unwrap_or(self.page).min(PAGE_MAX).min(self.top.unwrap_or(usize::MAX).min(self.page.max(self.top.unwrap_or(0))))
    }

    /// One page, and the query of the next.
    pub fn paged(&self, all: Vec<Value>) -> (Vec<Value>, Option<String>) {
        let size = self.size();
        let has_more = all.len() > self.skip.saturating_add(size) && self.top.is_none_or(|top| top > size);
        let page: Vec<Value> = all.into_iter().skip(self.skip).take(size).collect();
        let next = has_more.then(|| {
            let kept = self.pairs.iter().filter(|(name, _)| !matches!(name.trim_start_matches('$'), "skip" | "skiptoken"));
            let mut pairs: Vec<String> = kept.map(|(name, value)| form_pair(name, value).replace("%24", "$")).collect();
            pairs.push(format!("$skip={}", self.skip + size));
            pairs.join("&")
        });
        (page, next)
    }

    pub fn selected(&self, mut value: Value) -> Value {
        if let (false, Some(fields)) = (self.select.is_empty(), value.as_object_mut()) {
            fields.retain(|name, _| name == "id" || name.starts_with('@') || self.select.contains(name));
        }
        value
    }
}

fn page_of(prefer: &str) -> usize {
    let wanted = prefer.split([',', ';']).find_map(|part| part.trim().strip_prefix("odata.maxpagesize="));
    wanted.and_then(|size| size.trim().parse().ok()).map_or(PAGE, |size: usize| size.clamp(1, PAGE_MAX))
}

fn ordered(part: &str) -> (String, bool) {
    match part.split_once(' ') {
        Some((field, way)) => (field.to_string(), way.trim().eq_ignore_ascii_case("desc")),
        None => (part.to_string(), false),
    }
}

static NULL: Value = Value::Null;

fn at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(value, |value, step| value.get(step).unwrap_or(&NULL))
}

/// A value to sort by, read once.
struct Key {
    value: Value,
    moment: Option<jiff::Timestamp>,
}

impl Key {
    fn of(value: Value) -> Key {
        Key { moment: value.as_str().and_then(moment), value }
    }

    /// Moments compare as moments, numbers as numbers, everything else as text; nothing comes first.
    fn order(&self, other: &Key) -> Ordering {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Less,
            (_, Value::Null) => Ordering::Greater,
            (Value::String(a), Value::String(b)) => match (self.moment, other.moment) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.cmp(b),
            },
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        }
    }
}

fn order(a: &Value, b: &Value) -> Ordering {
    Key::of(a.clone()).order(&Key::of(b.clone()))
}

fn moment(text: &str) -> Option<jiff::Timestamp> {
    let is_date = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    if !is_date {
        return None;
    }
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

impl Operand {
    fn of(&self, value: &Value, root: &Value) -> Value {
        // `s` alone is the element of `any`; a path from it begins below it.
        let found = match self.path.first().map(String::as_str) {
            Some("$it") => at(value, &self.path[1..]),
            _ => at(root, &self.path),
        };
        match found {
            Value::String(text) if self.is_lowered => Value::String(text.to_lowercase()),
            other => other.clone(),
        }
    }
}

impl Expr {
    /// Whether a property that `is_one` decides anything.
    fn looks_at(&self, is_one: &impl Fn(&str) -> bool) -> bool {
        let begins = |field: &Operand| field.path.first().is_some_and(|name| is_one(name));
        match self {
            Expr::And(a, b) | Expr::Or(a, b) => a.looks_at(is_one) || b.looks_at(is_one),
            Expr::Not(a) => a.looks_at(is_one),
            Expr::Compare(field, ..) | Expr::In(field, _) | Expr::Call(_, field, _) | Expr::Field(field) => begins(field),
            Expr::Any(field, inner) => begins(field) || inner.looks_at(is_one),
        }
    }

    /// `value` is the element that an `any` looks at, `root` the whole.
    fn holds(&self, value: &Value, root: &Value) -> bool {
        match self {
            Expr::And(a, b) => a.holds(value, root) && b.holds(value, root),
            Expr::Or(a, b) => a.holds(value, root) || b.holds(value, root),
            Expr::Not(a) => !a.holds(value, root),
            Expr::Field(field) => field.of(value, root) == Value::Bool(true),
            Expr::In(field, all) => all.iter().any(|one| same(&field.of(value, root), one)),
            Expr::Compare(field, how, with) => {
                let found = field.of(value, root);
                let order = || order(&found, with);
                match how {
                    Compare::Eq => same(&found, with),
                    Compare::Ne => !same(&found, with),
                    _ if found.is_null() || with.is_null() => false,
                    Compare::Gt => order() == Ordering::Greater,
                    Compare::Ge => order() != Ordering::Less,
                    Compare::Lt => order() == Ordering::Less,
                    Compare::Le => order() != Ordering::Greater,
                }
            }
            Expr::Call(name, field, with) => {
                let found = field.of(value, root);
                let Some(text) = found.as_str() else { return false };
                match name.as_str() {
                    "contains" => text.contains(with),
                    "startswith" => text.starts_with(with),
                    _ => text.ends_with(with),
                }
            }
            Expr::Any(field, inner) => field.of(value, root).as_array().is_some_and(|all| all.iter().any(|one| inner.holds(one, root))),
        }
    }
}

/// Enum values are compared without case: Graph's own documentation writes them both ways.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(x), Value::String(y)) => x.eq_ignore_ascii_case(y) || moment(x).is_some() && order(a, b) == Ordering::Equal,
        _ => order(a, b) == Ordering::Equal,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    if text.chars().count() > FILTER_CHARS_MAX {
        return Err(format!("$filter is longer than {FILTER_CHARS_MAX} characters"));
    }
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let (token, used) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' => quoted(rest)?,
            _ => {
                // A colon ends the variable of `any`; within a moment it belongs to it.
                let is_number = first.is_ascii_digit();
                let end = rest.find(|c: char| c.is_whitespace() || "(),'".contains(c) || c == ':' && !is_number).unwrap_or(rest.len());
                if end == 0 { (Token::Colon, 1) } else { (Token::Word(rest[..end].to_string()), end) }
            }
        };
        found.push(token);
        rest = rest[used..].trim_start();
        if found.len() > TOKENS_MAX {
            return Err("$filter has too many parts".into());
        }
    }
    Ok(found)
}

/// `'it''s'` is `it's`.
fn quoted(rest: &str) -> Result<(Token, usize), String> {
    let (mut text, mut chars) = (String::new(), rest.char_indices().skip(1).peekable());
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            return Ok((Token::Text(text), at + 1));
        }
    }
    Err("a text in $filter has no closing quote".into())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// The variable of the `any` around us.
    variable: Option<String>,
}

fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, variable: None };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("$filter goes on unexpectedly at {token:?}")),
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("$filter ends too early")?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        let is_it = self.peek() == Some(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn word(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is_it);
        is_it
    }

    fn wants(&mut self, wanted: &Token) -> Result<(), String> {
        if self.takes(wanted) { Ok(()) } else { Err(format!("$filter should have {wanted:?} at its part {}", self.at + 1)) }
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.unary()?;
        while self.word("and") {
            left = Expr::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("$filter is nested too deeply".into());
        }
        let expr = if self.word("not") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.takes(&Token::Open) {
            let inner = self.or()?;
            self.wants(&Token::Close)?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let Token::Word(word) = self.next()? else { return Err("$filter should name a field".into()) };
        if matches!(word.as_str(), "contains" | "startswith" | "endswith") {
            self.wants(&Token::Open)?;
            let field = self.operand()?;
            self.wants(&Token::Comma)?;
            let Value::String(with) = self.value()? else { return Err(format!("{word} wants a text")) };
            self.wants(&Token::Close)?;
            return Ok(Expr::Call(word, field, with));
        }
        if let Some(path) = word.strip_suffix("/any") {
            return self.any(path);
        }
        self.at -= 1;
        let field = self.operand()?;
        let how = match self.peek() {
            Some(Token::Word(how)) => how.to_ascii_lowercase(),
            _ => return Ok(Expr::Field(field)),
        };
        let how = match how.as_str() {
            "eq" => Compare::Eq,
            "ne" => Compare::Ne,
            "gt" => Compare::Gt,
            "ge" => Compare::Ge,
            "lt" => Compare::Lt,
            "le" => Compare::Le,
            "in" => return self.within(field),
            _ => return Ok(Expr::Field(field)),
        };
        self.at += 1;
        Ok(Expr::Compare(field, how, self.value()?))
    }

    fn within(&mut self, field: Operand) -> Result<Expr, String> {
        self.at += 1;
        self.wants(&Token::Open)?;
        let mut all = vec![self.value()?];
        while self.takes(&Token::Comma) {
            all.push(self.value()?);
        }
        self.wants(&Token::Close)?;
        Ok(Expr::In(field, all))
    }

    fn any(&mut self, path: &str) -> Result<Expr, String> {
        let field = self.path(path);
        self.wants(&Token::Open)?;
        let Token::Word(variable) = self.next()? else { return Err("any wants a variable".into()) };
        self.wants(&Token::Colon)?;
        let outer = self.variable.replace(variable);
        let inner = self.or()?;
        self.variable = outer;
        self.wants(&Token::Close)?;
        Ok(Expr::Any(field, Box::new(inner)))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let Token::Word(word) = self.next()? else { return Err("$filter should name a field".into()) };
        if word == "tolower" && self.takes(&Token::Open) {
            let inner = self.operand()?;
            self.wants(&Token::Close)?;
            return Ok(Operand { is_lowered: true, ..inner });
        }
        Ok(self.path(&word))
    }

    fn path(&self, word: &str) -> Operand {
        let mut path: Vec<String> = word.split('/').map(str::to_string).collect();
        if self.variable.is_some() && path.first() == self.variable.as_ref() {
            path[0] = "$it".into();
        }
        Operand { path, is_lowered: false }
    }

    fn value(&mut self) -> Result<Value, String> {
        Ok(match self.next()? {
            Token::Text(text) => Value::String(text),
            Token::Word(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                number if number.parse::<i64>().is_ok() => Value::from(number.parse::<i64>().unwrap_or_default()),
                other => Value::String(other.to_string()),
            },
            other => return Err(format!("$filter should have a value, not {other:?}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn things() -> Vec<Value> {
        vec![
            json!({ "id": "EX1", "classification": "incident", "isResolved": false, "startDateTime": "2026-11-24T12:00:00.000Z", "title": "It's down", "services": ["Delivery"], "viewPoint": { "isRead": true } }),
            json!({ "id": "EX2", "classification": "advisory", "isResolved": true, "startDateTime": "2026-11-20T12:00:00.000Z", "title": "Slow", "services": ["Filtering", "Delivery"], "viewPoint": { "isRead": false } }),
            json!({ "id": "EX3", "classification": "advisory", "isResolved": false, "startDateTime": "2026-11-22T00:00:00.000Z", "title": "Old", "services": [], "endDateTime": null }),
        ]
    }

    fn ids(query: &str) -> Result<String, String> {
        let query = Query::read(query, "")?;
        let found = query.paged(query.sorted(query.filtered(things())?)).0;
        Ok(found.iter().map(|one| one["id"].as_str().unwrap_or_default()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn filters_as_clients_write_them() {
        for (query, want) in [
            ("", "EX1 EX2 EX3"),
            ("$filter=classification eq 'incident'", "EX1"),
            ("$filter=classification eq 'Advisory' and isResolved eq false", "EX3"),
            ("$filter=classification%20ne%20'incident'", "EX2 EX3"),
            ("$filter=isResolved", "EX2"),
            ("$filter=not isResolved", "EX1 EX3"),
            ("$filter=not (isResolved or id eq 'EX1')", "EX3"),
            ("$filter=startDateTime ge 2026-11-22T00:00:00Z", "EX1 EX3"),
            ("$filter=startDateTime lt 2026-11-22", "EX2"),
            ("$filter=title eq 'It''s down'", "EX1"),
            ("$filter=contains(tolower(title),'low')", "EX2"),
            ("$filter=startswith(title,'O')", "EX3"),
            ("$filter=services/any(s:s eq 'Delivery')", "EX1 EX2"),
            ("$filter=id in ('EX1','EX3')", "EX1 EX3"),
            ("$filter=viewPoint/isRead eq false", "EX2"),
            ("$filter=endDateTime eq null and id eq 'EX3'", "EX3"),
            ("$orderby=startDateTime desc", "EX1 EX3 EX2"),
            ("$orderby=classification,startDateTime desc", "EX3 EX2 EX1"),
            ("$top=1&$skip=1", "EX2"),
            ("$search=\"slow\"", "EX2"),
        ] {
            assert_eq!(ids(query).as_deref(), Ok(want), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let deep = format!("$filter={}a{}", "(".repeat(40), ")".repeat(40));
        for query in [
            "$filter=",
            "$filter=title eq",
            "$filter=(title eq 'x'",
            "$filter=title eq 'x",
            "$top=many",
            "$apply=x",
            "$filter=a b c",
            deep.as_str(),
        ] {
            assert!(ids(query).is_err(), "{query}");
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let query = Query::read("$filter=id ne 'x'&$count=true", "odata.maxpagesize=2").expect("a query");
        let (page, next) = query.paged(things());
        assert_eq!((page.len(), next.as_deref()), (2, Some("$filter=id%20ne%20%27x%27&$count=true&$skip=2")));
        let rest = Query::read(&next.unwrap_or_default(), "odata.maxpagesize=2").expect("a query");
        assert_eq!(rest.paged(things()), (vec![things()[2].clone()], None));
        let top = Query::read("$top=2", "").expect("a query").paged(things());
        assert_eq!((top.0.len(), top.1), (2, None), "who asks for two gets two");
    }
}
