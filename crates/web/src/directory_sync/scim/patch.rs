//! Changes to a resource in parts (RFC 7644 §3.5.2), as Entra ID, Okta and others write them. Pure.

use super::error::ScimError;
use super::{field, filter};
use serde_json::{Map, Value};

/// Operations of one request.
const OPERATIONS_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub op: Op,
    /// "" is the resource itself.
    pub path: String,
    pub value: Value,
}

/// The operations of a request; names in any case, as Entra ID writes "Add".
pub fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>, ScimError> {
    let all =
        field(body, "Operations").and_then(Value::as_array).ok_or_else(|| ScimError::bad("invalidSyntax", "there are no Operations"))?;
    if all.is_empty() || all.len() > OPERATIONS_MAX {
        return Err(ScimError::bad("tooMany", &format!("a request has 1 to {OPERATIONS_MAX} operations")));
    }
    let one = |one: &Value| {
        let one = one.as_object().ok_or_else(|| ScimError::bad("invalidSyntax", "an operation is an object"))?;
        let op = match super::text(one, "op").to_lowercase().as_str() {
            "add" => Op::Add,
            "replace" => Op::Replace,
            "remove" => Op::Remove,
            _ => return Err(ScimError::bad("invalidSyntax", "op is add, replace or remove")),
        };
        let path = filter::strip_schema(&super::text(one, "path")).to_string();
        if op == Op::Remove && path.is_empty() {
            return Err(ScimError::bad("noTarget", "what is removed has a path"));
        }
        Ok(Operation { op, path, value: field(one, "value").cloned().unwrap_or(Value::Null) })
    };
    all.iter().map(one).collect()
}

/// `emails[type eq "work"].value`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    /// Attribute in lower case and value that a member of the list must have.
    pub of: Option<(String, String)>,
    pub sub: String,
}

pub fn target(path: &str) -> Result<Target, ScimError> {
    let wrong = || ScimError::bad("invalidPath", &format!("“{path}” is not a path"));
    let (name, of, rest) = match path.split_once('[') {
        Some((name, rest)) => {
            let (inner, rest) = rest.split_once(']').ok_or_else(wrong)?;
            let clauses = filter::clauses(inner).map_err(|_| wrong())?;
            let [clause] = clauses.as_slice() else { return Err(wrong()) };
            (name, Some((clause.path.clone(), clause.value.clone())), rest)
        }
        None => match path.split_once('.') {
            Some((name, _)) => (name, None, &path[name.len()..]),
            None => (path, None, ""),
        },
    };
    let sub = rest.strip_prefix('.').unwrap_or(rest).to_string();
    let is_name = |text: &str| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'$'));
    if name.is_empty() || !is_name(name) || !is_name(&sub) || (rest.is_empty() != sub.is_empty()) {
        return Err(wrong());
    }
    Ok(Target { name: name.to_string(), of, sub })
}

/// Does the operations to a resource.
pub fn apply(resource: &mut Map<String, Value>, operations: &[Operation]) -> Result<(), ScimError> {
    for one in operations {
        if one.path.is_empty() {
            let Value::Object(values) = &one.value else {
                return Err(ScimError::bad("invalidValue", "without a path the value is an object"));
            };
            for (path, value) in values {
                // Some write paths as names: {"emails[type eq \"work\"].value": "x"}.
                apply_one(resource, one.op, filter::strip_schema(path), value)?;
            }
        } else {
            apply_one(resource, one.op, &one.path, &one.value)?;
        }
    }
    Ok(())
}

fn apply_one(resource: &mut Map<String, Value>, op: Op, path: &str, value: &Value) -> Result<(), ScimError> {
    let target = target(path)?;
    let key = key_of(resource, &target.name);
    match (&target.of, target.sub.is_empty()) {
        (Some(of), _) => {
            let list = resource.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
            in_list(list, op, (of, &target.sub), value)?;
            if list.as_array().is_some_and(Vec::is_empty) {
                resource.remove(&key);
            }
        }
        (None, true) => whole(resource, key, op, value),
        (None, false) => match resource.entry(key).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inner) => {
                let key = key_of(inner, &target.sub);
                whole(inner, key, op, value);
            }
            // `emails.value` without a filter means each of the list.
            Value::Array(list) => {
                for inner in list.iter_mut().filter_map(Value::as_object_mut) {
                    let key = key_of(inner, &target.sub);
                    whole(inner, key, op, value);
                }
            }
            _ => return Err(ScimError::bad("invalidPath", &format!("“{path}” has no parts"))),
        },
    }
    Ok(())
}

/// The name as the resource has it already.
fn key_of(object: &Map<String, Value>, name: &str) -> String {
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_string())
}

fn whole(object: &mut Map<String, Value>, key: String, op: Op, value: &Value) {
    match (op, object.get_mut(&key), value) {
        (Op::Remove, _, _) => drop(object.remove(&key)),
        (Op::Add, Some(Value::Array(there)), Value::Array(more)) => {
            let fresh: Vec<Value> = more.iter().filter(|one| !there.contains(one)).cloned().collect();
            there.extend(fresh);
        }
        (Op::Add, Some(Value::Object(there)), Value::Object(more)) => there.extend(more.clone()),
        _ => drop(object.insert(key, value.clone())),
    }
}

/// Members of a list that a filter finds. One that is not there is made, as Entra ID expects of `emails[type eq "work"].value`.
fn in_list(list: &mut Value, op: Op, (of, sub): (&(String, String), &str), value: &Value) -> Result<(), ScimError> {
    let Value::Array(list) = list else { return Err(ScimError::bad("invalidPath", "it is not a list")) };
    let (attribute, wanted) = of;
    let is_meant = |one: &Value| {
        let found = one.as_object().and_then(|object| field(object, attribute));
        match found {
            Some(Value::String(text)) => text.eq_ignore_ascii_case(wanted),
            Some(other) => &other.to_string() == wanted,
            None => false,
        }
    };
    if op == Op::Remove && sub.is_empty() {
        list.retain(|one| !is_meant(one));
        return Ok(());
    }
    let mut is_there = false;
    for one in list.iter_mut().filter(|one| is_meant(one)) {
        is_there = true;
        match (one.as_object_mut(), value) {
            (Some(object), _) if !sub.is_empty() => {
                let key = key_of(object, sub);
                whole(object, key, op, value);
            }
            (Some(object), Value::Object(more)) => object.extend(more.clone()),
            _ => return Err(ScimError::bad("invalidValue", "a member of a list is an object")),
        }
    }
    if !is_there && op != Op::Remove {
        let mut made = match value {
            Value::Object(object) if sub.is_empty() => object.clone(),
            _ if !sub.is_empty() => Map::from_iter([(sub.to_string(), value.clone())]),
            _ => return Err(ScimError::bad("invalidValue", "a member of a list is an object")),
        };
        made.insert(attribute.clone(), wanted.clone().into());
        list.push(Value::Object(made));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(resource: Value, operations: Value) -> Result<Value, &'static str> {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        let mut resource = resource.as_object().expect("an object").clone();
        let kind = |why: ScimError| match why {
            ScimError::Said { kind, .. } => kind,
            ScimError::Fault(_) => "fault",
        };
        let all = super::operations(body.as_object().expect("an object")).map_err(kind)?;
        apply(&mut resource, &all).map_err(kind)?;
        Ok(Value::Object(resource))
    }

    #[test]
    fn changes_as_entra_id_and_okta_send_them() {
        let bo = || json!({ "userName": "bo", "active": true, "name": { "givenName": "Bo" }, "emails": [{ "type": "work", "value": "bo@a.example" }] });
        for (operations, pointer, want, why) in [
            (json!([{ "op": "Replace", "path": "active", "value": "False" }]), "/active", json!("False"), "Entra ID, letters and text"),
            (json!([{ "op": "replace", "value": { "active": false } }]), "/active", json!(false), "Okta, without a path"),
            (
                json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@a.example" }]),
                "/emails/0/value",
                json!("b@a.example"),
                "one of a list",
            ),
            (
                json!([{ "op": "Add", "path": "emails[type eq \"other\"].value", "value": "x@a.example" }]),
                "/emails/1",
                json!({ "type": "other", "value": "x@a.example" }),
                "made when it is not there",
            ),
            (json!([{ "op": "Add", "path": "name.familyName", "value": "Lind" }]), "/name/familyName", json!("Lind"), "a part"),
            (
                json!([{ "op": "replace", "value": { "name.givenName": "B", "displayName": "Bo L" } }]),
                "/name/givenName",
                json!("B"),
                "paths as names",
            ),
            (json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }]), "/emails", Value::Null, "the last of a list"),
            (json!([{ "op": "Remove", "path": "name" }]), "/name", Value::Null, "a whole attribute"),
            (
                json!([{ "op": "add", "path": "emails", "value": [{ "value": "c@a.example" }] }]),
                "/emails/1/value",
                json!("c@a.example"),
                "more of a list",
            ),
            (
                json!([{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:displayName", "value": "B" }]),
                "/displayName",
                json!("B"),
                "with its schema",
            ),
            (json!([{ "op": "replace", "path": "USERNAME", "value": "c" }]), "/userName", json!("c"), "in any case"),
        ] {
            let done = patched(bo(), operations).expect(why);
            assert_eq!(done.pointer(pointer).cloned().unwrap_or(Value::Null), want, "{why}");
        }
    }

    #[test]
    fn what_is_wrong_has_the_word_of_the_standard() {
        for (operations, want) in [
            (json!([]), "tooMany"),
            (json!([{ "op": "destroy", "path": "active" }]), "invalidSyntax"),
            (json!([{ "op": "remove" }]), "noTarget"),
            (json!([{ "op": "replace", "path": "emails[type eq \"work\"", "value": "x" }]), "invalidPath"),
            (json!([{ "op": "replace", "path": "a b", "value": "x" }]), "invalidPath"),
            (json!([{ "op": "replace", "path": "userName.part", "value": "x" }]), "invalidPath"),
            (json!([{ "op": "add", "value": "x" }]), "invalidValue"),
        ] {
            assert_eq!(patched(json!({ "userName": "bo" }), operations.clone()), Err(want), "{operations}");
        }
    }
}
