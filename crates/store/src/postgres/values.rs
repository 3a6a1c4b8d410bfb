//! Our values on PostgreSQL's wire.

use crate::value::without_nul;
use crate::{Error, Row, Value};
use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// With the type each value has; the server infers the type of NULL.
pub(super) fn params(args: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    args.iter().map(|value| (value as &(dyn ToSql + Sync), kind(value))).collect()
}

fn kind(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Real(_) => Type::FLOAT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql(kind, out),
            Value::Real(number) => number.to_sql(kind, out),
            Value::Text(text) => without_nul(text).to_sql(kind, out),
            Value::Blob(octets) => octets.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // `params` gave the type that fits.
        true
    }

    to_sql_checked!();
}

pub(super) fn row(from: &tokio_postgres::Row) -> Result<Row, Error> {
    let values = (0..from.len()).map(|index| value(from, index)).collect::<Result<_, _>>()?;
    Ok(Row { values })
}

fn value(row: &tokio_postgres::Row, index: usize) -> Result<Value, Error> {
    let kind = row.columns()[index].type_();
    let shape = |why: tokio_postgres::Error| Error::Shape(format!("column {index}: {why}"));
    let read = match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(index).map_err(shape)?.map(Value::from),
        Type::INT4 => row.try_get::<_, Option<i32>>(index).map_err(shape)?.map(Value::from),
        Type::INT2 => row.try_get::<_, Option<i16>>(index).map_err(shape)?.map(Value::from),
        // SQLite has no booleans, a comparison gives 0 or 1.
        Type::BOOL => row.try_get::<_, Option<bool>>(index).map_err(shape)?.map(Value::from),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(index).map_err(shape)?.map(Value::from),
        Type::TEXT | Type::VARCHAR | Type::NAME => row.try_get::<_, Option<&str>>(index).map_err(shape)?.map(Value::from),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(index).map_err(shape)?.map(Value::from),
        _ => return Err(Error::Shape(format!("column {index} is of type {kind}; cast it to BIGINT, TEXT or BYTEA"))),
    };
    Ok(read.unwrap_or(Value::Null))
}
