//! Whose rows a caller may see. Every function that reads or changes an organisation's rows takes one.

use mail::OrgId;
use store::Value;

/// Nobody's: rows of mail that the gateway sends to itself to see whether mail goes through.
pub const OURS: OrgId = OrgId(-1);

/// One organisation, or all of them (the operator).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrgScope {
    One(OrgId),
    All,
}

impl OrgScope {
    pub fn allows(self, org: OrgId) -> bool {
        match self {
            OrgScope::One(mine) => mine == org,
            OrgScope::All => true,
        }
    }

    /// The condition on `column`, to stand in a WHERE clause after others; binds its argument behind those in `args`.
    pub fn condition(self, column: &str, args: &mut Vec<Value>) -> String {
        match self {
            OrgScope::One(org) => {
                args.push(Value::Int(org.0));
                format!("{column} = ${}", args.len())
            }
            // The sign keeps planners from reading an index by organisation for what is no restriction.
            OrgScope::All => format!("+{column} >= 0"),
        }
    }
}
