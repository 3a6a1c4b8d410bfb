//! What neighbours read of a judgement.

mod points;
