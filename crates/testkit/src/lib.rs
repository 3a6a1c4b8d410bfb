//! What tests share: dialogue runner, fixed DNS server, sinks with faults, throw-away databases.
