//! Telephone numbers: read as people print them, kept as E.164, shown as people dial them.

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber, Type, country};
use serde::{Deserialize, Serialize};

/// Characters of a number as it was typed: fifteen digits (ITU-T E.164 §6.2.1) with room for how people group them.
pub const CHARS_MAX: usize = 40;

/// What a call costs, and from where a number can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NumberKind {
    /// Free, and as a rule only within its country.
    TollFree,
    /// An ordinary number; reached from everywhere.
    Local,
    /// Costs more or less than an ordinary call, and as a rule only within its country.
    SharedCost,
}

impl NumberKind {
    pub const ALL: [NumberKind; 3] = [NumberKind::TollFree, NumberKind::Local, NumberKind::SharedCost];

    pub fn name(self) -> &'static str {
        match self {
            NumberKind::TollFree => "toll-free",
            NumberKind::Local => "local",
            NumberKind::SharedCost => "shared-cost",
        }
    }

    /// Whether the number can be expected to ring when somebody calls from another country.
    pub fn is_reached_from_abroad(self) -> bool {
        self == NumberKind::Local
    }
}

/// A number that its country's plan knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    parsed: PhoneNumber,
    pub kind: NumberKind,
}

impl Number {
    /// Reads a number as it is printed in `country` (ISO 3166-1 alpha-2), or in E.164; `None` when no such number is given out there.
    pub fn read(country: &str, typed: &str) -> Option<Number> {
        let typed = typed.trim();
        if typed.is_empty() || typed.chars().count() > CHARS_MAX {
            return None;
        }
        let id: country::Id = country.parse().ok()?;
        let parsed = phonenumber::parse(Some(id), typed).ok().filter(phonenumber::is_valid)?;
        let kind = match parsed.number_type(&DATABASE) {
            Type::TollFree => NumberKind::TollFree,
            Type::SharedCost | Type::PremiumRate | Type::Uan => NumberKind::SharedCost,
            _ => NumberKind::Local,
        };
        Some(Number { parsed, kind })
    }

    /// "+81120628860".
    pub fn e164(&self) -> String {
        self.parsed.format().mode(Mode::E164).to_string()
    }

    /// As it is dialled within its country: "0120-628-860".
    pub fn national(&self) -> String {
        self.parsed.format().mode(Mode::National).to_string()
    }

    /// With the code of its country: "+81 3-4332-6257".
    pub fn international(&self) -> String {
        self.parsed.format().mode(Mode::International).to_string()
    }

    /// For a link (RFC 3966 §5: a global number).
    pub fn tel(&self) -> String {
        format!("tel:{}", self.e164())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_printed() {
        for (country, typed, e164, kind) in [
            ("BR", "08007621146", "+558007621146", NumberKind::TollFree),
            ("BR", "1147001999", "+551147001999", NumberKind::Local),
            ("FR", "0805 540 594", "+33805540594", NumberKind::TollFree),
            ("DE", "069 380 789 508", "+4969380789508", NumberKind::Local),
            ("JP", "0120-628860", "+81120628860", NumberKind::TollFree),
            ("JP", "343326257", "+81343326257", NumberKind::Local),
            ("KR", "080-495-0880", "+82804950880", NumberKind::TollFree),
            ("GB", "0800 032 6417", "+448000326417", NumberKind::TollFree),
            ("US", "1-877-913-2707", "+18779132707", NumberKind::TollFree),
            ("DE", "+33 1 57 32 42 97", "+33157324297", NumberKind::Local),
            // Countries that share a code: Italy and the Vatican, Canada and the United States.
            ("IT", "02 3600 5000", "+390236005000", NumberKind::Local),
            ("CA", "(604) 555-0123", "+16045550123", NumberKind::Local),
        ] {
            let read = Number::read(country, typed).unwrap_or_else(|| panic!("{country} {typed}"));
            assert_eq!((read.e164().as_str(), read.kind), (e164, kind), "{country} {typed}");
            let kept = Number::read(country, e164).expect(e164);
            assert_eq!((kept.e164(), kept.national(), kept.kind), (read.e164(), read.national(), read.kind));
        }
    }

    #[test]
    fn what_no_plan_knows_is_no_number() {
        for (country, typed) in
            [("BR", ""), ("BR", "12"), ("XX", "0800 123"), ("DE", "call us"), ("US", "1-877-913-27070000000"), ("JP", "999")]
        {
            assert_eq!(Number::read(country, typed), None, "{country} {typed}");
        }
    }

    #[test]
    fn it_is_shown_as_it_is_dialled() {
        let number = Number::read("FR", "0157324297").unwrap();
        assert_eq!((number.national().as_str(), number.international().as_str()), ("01 57 32 42 97", "+33 1 57 32 42 97"));
        assert_eq!(number.tel(), "tel:+33157324297");
    }
}
