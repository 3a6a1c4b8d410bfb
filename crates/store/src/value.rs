//! What is bound and what is read: the five kinds of value both engines have.

use crate::Error;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// A value to bind or read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(Arc<str>),
    Blob(Bytes),
}

/// One row of a result.
#[derive(Debug, Clone)]
pub struct Row {
    pub values: Vec<Value>,
}

impl Row {
    /// Column `index`; panics never: a wrong type or index is `Error::Shape`.
    pub fn int(&self, index: usize) -> Result<i64, Error> {
        match self.value(index)? {
            Value::Int(number) => Ok(*number),
            other => Err(shape(index, "an integer", other)),
        }
    }

    pub fn real(&self, index: usize) -> Result<f64, Error> {
        match self.value(index)? {
            Value::Real(number) => Ok(*number),
            other => Err(shape(index, "a real number", other)),
        }
    }

    pub fn text(&self, index: usize) -> Result<&str, Error> {
        match self.value(index)? {
            Value::Text(text) => Ok(text),
            other => Err(shape(index, "text", other)),
        }
    }

    pub fn blob(&self, index: usize) -> Result<Bytes, Error> {
        match self.value(index)? {
            Value::Blob(octets) => Ok(octets.clone()),
            other => Err(shape(index, "octets", other)),
        }
    }

    pub fn int_opt(&self, index: usize) -> Result<Option<i64>, Error> {
        match self.value(index)? {
            Value::Null => Ok(None),
            _ => self.int(index).map(Some),
        }
    }

    pub fn text_opt(&self, index: usize) -> Result<Option<&str>, Error> {
        match self.value(index)? {
            Value::Null => Ok(None),
            _ => self.text(index).map(Some),
        }
    }

    pub fn blob_opt(&self, index: usize) -> Result<Option<Bytes>, Error> {
        match self.value(index)? {
            Value::Null => Ok(None),
            _ => self.blob(index).map(Some),
        }
    }

    fn value(&self, index: usize) -> Result<&Value, Error> {
        self.values.get(index).ok_or_else(|| Error::Shape(format!("there is no column {index}, only {}", self.values.len())))
    }
}

fn shape(index: usize, wanted: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "NULL",
        Value::Int(_) => "an integer",
        Value::Real(_) => "a real number",
        Value::Text(_) => "text",
        Value::Blob(_) => "octets",
    };
    Error::Shape(format!("column {index} should be {wanted} and is {found}"))
}

/// Text as both engines can keep it: PostgreSQL has no NUL in TEXT, so neither engine gets one.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

macro_rules! into_int {
    ($($kind:ty),*) => { $(
        impl From<$kind> for Value {
            fn from(number: $kind) -> Value {
                Value::Int(i64::from(number))
            }
        }
    )* };
}
into_int!(i64, i32, i16, u32, u16, u8, bool);

/// Counts past `i64::MAX` do not occur; one would be stored as `i64::MAX`.
impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Value {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text.into())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.as_str().into())
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Value {
        Value::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Value {
        Value::Text(text)
    }
}

impl From<&Arc<str>> for Value {
    fn from(text: &Arc<str>) -> Value {
        Value::Text(text.clone())
    }
}

impl From<Bytes> for Value {
    fn from(octets: Bytes) -> Value {
        Value::Blob(octets)
    }
}

impl From<&Bytes> for Value {
    fn from(octets: &Bytes) -> Value {
        Value::Blob(octets.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(octets: Vec<u8>) -> Value {
        Value::Blob(octets.into())
    }
}

impl From<&[u8]> for Value {
    fn from(octets: &[u8]) -> Value {
        Value::Blob(Bytes::copy_from_slice(octets))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
