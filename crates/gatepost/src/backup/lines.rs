//! Rows as lines of JSON, exact in both directions: integers as numbers, text as text, octets as `{"b":"base64"}`, real numbers as
//! `{"r":"bits in hex"}`, so that none loses a digit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use store::{Row, Value};

/// One row, without the end of the line.
pub fn written(row: &Row) -> String {
    Json::Array(row.values.iter().map(value).collect()).to_string()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => json!(number),
        Value::Real(number) => json!({ "r": format!("{:016x}", number.to_bits()) }),
        Value::Text(text) => json!(text.as_ref()),
        Value::Blob(octets) => json!({ "b": STANDARD.encode(octets) }),
    }
}

/// The row of one line; `None` when it is none.
pub fn read(line: &str) -> Option<Row> {
    let Json::Array(values) = serde_json::from_str(line).ok()? else { return None };
    Some(Row { values: values.into_iter().map(unvalue).collect::<Option<_>>()? })
}

fn unvalue(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Number(number) => Value::Int(number.as_i64()?),
        Json::String(text) => Value::from(text),
        Json::Object(of) => match (of.get("r"), of.get("b")) {
            (Some(Json::String(bits)), None) => Value::Real(f64::from_bits(u64::from_str_radix(bits, 16).ok()?)),
            (None, Some(Json::String(text))) => Value::from(STANDARD.decode(text).ok()?),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Real),
            ".{0,40}".prop_map(Value::from),
            proptest::collection::vec(any::<u8>(), 0..60).prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn every_row_comes_back(values in proptest::collection::vec(any_value(), 0..12)) {
            let row = Row { values };
            let line = written(&row);
            prop_assert!(!line.contains('\n'));
            let back = read(&line).expect("it reads");
            // By its text: a number that is none is not equal to itself.
            prop_assert_eq!(written(&back), line);
            prop_assert_eq!(back.values.len(), row.values.len());
        }

        #[test]
        fn no_line_makes_it_panic(line in ".{0,80}") {
            let _ = read(&line);
        }
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for line in [
            "",
            "{}",
            "[true]",
            "[1.5]",
            "[{}]",
            "[{\"b\":\"*\"}]",
            "[{\"r\":\"x\"}]",
            "[{\"r\":\"0\",\"b\":\"\"}]",
            "[1",
            "[[1]]",
            "[18446744073709551615]",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }
}
