//! Delivery status notifications (RFC 3461, 3462, 3464) in English and 简体中文.
