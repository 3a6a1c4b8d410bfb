//! Reports about mail: delivery status (RFC 3464), what people and programs say about mail (RFC 5965), and what other servers report about
//! mail in a domain's name (RFC 7489, RFC 6591, RFC 8460).

pub mod aggregate;
pub mod arf;
pub mod bounce;
pub mod dsn;
pub mod feedback;
pub mod received;
pub mod tls;
mod xml;
