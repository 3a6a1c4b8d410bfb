//! Reports about mail: delivery status (RFC 3464).

pub mod dsn;
