//! Reports about mail: delivery status (RFC 3464), and what people and programs say about mail (RFC 5965).

pub mod bounce;
pub mod dsn;
pub mod feedback;
