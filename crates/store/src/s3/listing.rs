//! The XML in which a store lists objects (ListObjectsV2).

use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Elements in one another.
const DEPTH_MAX: usize = 16;
/// Octets of one name, time or token, and of the name of an element.
pub(super) const TEXT_OCTETS_MAX: usize = 8 << 10;
/// Objects of one page: ten times as many as stores give, whatever they were asked for.
pub(super) const OBJECTS_MAX: usize = 10_000;
/// Characters of what the store wrote that an error repeats.
pub(super) const TOLD_CHARS_MAX: usize = 200;

/// One object of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Below the folder that was listed.
    pub name: String,
    /// When it was put, Unix milliseconds by the clock of the store.
    pub changed_ms: i64,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Listed>,
    /// What to ask the next page with; `None`: this is the last.
    pub next: Option<String>,
    /// When it was made, Unix milliseconds by the clock of the store.
    pub now_ms: i64,
}

/// What stands in the elements of one object.
#[derive(Default)]
struct Found {
    name: String,
    changed: String,
}

/// What was read of a list so far.
struct Reading<'p> {
    prefix: &'p str,
    page: Page,
    /// Names of the elements that are open.
    path: Vec<String>,
    /// Of the innermost of them.
    text: String,
    found: Found,
    goes_on: bool,
    is_whole: bool,
}

/// Reads a page; what does not stand below `prefix` is left out.
/// # Errors
/// It is no such list, or goes on without saying where. A list that was cut off is none: half of it would pass for the whole.
pub(super) fn read(octets: &[u8], prefix: &str, now_ms: i64) -> Result<Page, String> {
    let xml = std::str::from_utf8(octets).map_err(|_| "the list is not UTF-8")?;
    let mut reader = Reader::from_str(xml);
    let mut reading = Reading {
        prefix,
        page: Page { objects: Vec::new(), next: None, now_ms },
        path: Vec::new(),
        text: String::new(),
        found: Found::default(),
        goes_on: false,
        is_whole: false,
    };
    loop {
        match reader.read_event().map_err(|why| format!("the list is broken: {}", told(&why.to_string())))? {
            Event::Start(start) => reading.open(start.local_name().as_ref())?,
            Event::End(_) => reading.close()?,
            Event::Text(more) => add(&mut reading.text, &String::from_utf8_lossy(&more))?,
            Event::CData(more) => add(&mut reading.text, &String::from_utf8_lossy(&more))?,
            Event::GeneralRef(entity) => {
                let by_number = entity.resolve_char_ref().ok().flatten().map(String::from);
                add(&mut reading.text, &by_number.unwrap_or_else(|| named(&entity).into()))?;
            }
            Event::Eof => return reading.end(),
            _ => {}
        }
    }
}

impl Reading<'_> {
    fn open(&mut self, name: &[u8]) -> Result<(), String> {
        if self.is_whole {
            return Err("something stands behind the list".into());
        }
        if self.path.len() >= DEPTH_MAX {
            return Err("the list is too deep".into());
        }
        let mut element = String::new();
        add(&mut element, &String::from_utf8_lossy(name))?;
        self.path.push(element);
        self.text.clear();
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.text);
        match self.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["ListBucketResult"] => self.is_whole = true,
            ["ListBucketResult", "IsTruncated"] => self.goes_on = text.trim() == "true",
            ["ListBucketResult", "NextContinuationToken"] => self.page.next = Some(text.trim().to_string()),
            ["ListBucketResult", "Contents", "Key"] => self.found.name = text,
            ["ListBucketResult", "Contents", "LastModified"] => self.found.changed = text,
            ["ListBucketResult", "Contents"] => self.page.objects.extend(listed(std::mem::take(&mut self.found), self.prefix)?),
            _ => {}
        }
        self.path.pop();
        if self.page.objects.len() > OBJECTS_MAX { Err("the list has too many objects".into()) } else { Ok(()) }
    }

    fn end(self) -> Result<Page, String> {
        match (self.is_whole, self.goes_on, self.page.next.as_deref()) {
            (false, _, _) => Err("what came is no list, or half of one".into()),
            (true, true, None | Some("")) => Err("the list goes on and does not say where".into()),
            (true, true, Some(_)) => Ok(self.page),
            (true, false, _) => Ok(Page { next: None, ..self.page }),
        }
    }
}

fn listed(found: Found, prefix: &str) -> Result<Option<Listed>, String> {
    let changed: Timestamp = found.changed.trim().parse().map_err(|_| format!("“{}” is no time", told(&found.changed)))?;
    let name = found.name.strip_prefix(prefix);
    Ok(name.map(|name| Listed { name: name.to_string(), changed_ms: changed.as_millisecond() }))
}

fn add(text: &mut String, more: &str) -> Result<(), String> {
    if text.len() + more.len() > TEXT_OCTETS_MAX {
        return Err("a text of the list is too long".into());
    }
    text.push_str(more);
    Ok(())
}

/// What the store wrote, as a piece of one line.
fn told(text: &str) -> String {
    text.chars().take(TOLD_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn named(entity: &[u8]) -> &'static str {
    match entity {
        b"lt" => "<",
        b"gt" => ">",
        b"amp" => "&",
        b"quot" => "\"",
        b"apos" => "'",
        // No name of ours has another: it only has to be no name of ours.
        _ => "\u{fffd}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>mail</Name>";

    fn object(name: &str, changed: &str) -> String {
        format!(
            "<Contents><Key>{name}</Key><LastModified>{changed}</LastModified><ETag>&quot;x&quot;</ETag><Size>3</Size><Owner><ID>1</ID></Owner></Contents>"
        )
    }

    #[test]
    fn pages_are_read_with_what_comes_next() {
        let (one, other) = (object("f/a/b/c", "2026-11-28T18:47:34.120Z"), object("g&amp;&#x41;", "2026-11-28T18:47:34Z"));
        let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a+b/=&amp;</NextContinuationToken>";
        let xml = format!("{HEAD}{more}{one}{other}</ListBucketResult>");
        let page = read(xml.as_bytes(), "f/", 7).expect("a page");
        let first = Listed { name: "a/b/c".into(), changed_ms: 1_795_891_654_120 };
        assert_eq!(page, Page { objects: vec![first], next: Some("a+b/=&".into()), now_ms: 7 });
        assert_eq!(read(xml.as_bytes(), "", 7).expect("a page").objects[1].name, "g&A");
        let last = format!("{HEAD}<IsTruncated>false</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>");
        assert_eq!(read(last.as_bytes(), "", 7), Ok(Page { objects: vec![], next: None, now_ms: 7 }));
    }

    #[test]
    fn what_is_no_whole_list_is_refused() {
        let whole = format!("{HEAD}{}</ListBucketResult>", object("a/b/c", "2026-11-28T18:47:34Z"));
        for length in 0..whole.len() {
            assert!(read(&whole.as_bytes()[..length], "", 0).is_err(), "{length} of {} octets", whole.len());
        }
        for xml in [
            String::new(),
            "<Error><Code>InternalError</Code></Error>".into(),
            format!("{HEAD}<IsTruncated>true</IsTruncated></ListBucketResult>"),
            format!("{HEAD}{}</ListBucketResult>", object("a", "yesterday")),
            format!("{HEAD}{}</ListBucketResult>", object(&"a".repeat(20_000), "2026-11-28T18:47:34Z")),
            format!("{HEAD}{}", "<a>".repeat(100)),
            format!("{HEAD}<{}>", "a".repeat(20_000)),
            format!("{HEAD}</ListBucketResult><ListBucketResult>"),
            format!("{HEAD}{}</ListBucketResult>", object("a", "2026-11-28T18:47:34Z").repeat(OBJECTS_MAX + 1)),
            format!("{HEAD}</Contents>"),
        ] {
            assert!(read(xml.as_bytes(), "", 0).is_err(), "{xml:.200}");
        }
    }

    #[test]
    fn an_error_is_one_line_and_not_endless() {
        for xml in
            [format!("{HEAD}{}</ListBucketResult>", object("a", &"x\r\n: ".repeat(1_000))), format!("{HEAD}</{}>", "y\n".repeat(10_000))]
        {
            let why = read(xml.as_bytes(), "", 0).expect_err("no list");
            assert!(why.len() < 300 && !why.contains(['\r', '\n']), "{why}");
        }
    }
}
