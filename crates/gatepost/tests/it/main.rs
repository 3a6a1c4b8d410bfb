//! The binary as its users drive it: real ports, real files, real signals.

mod acme;
mod backup;
mod bad_input;
mod beside;
mod demo;
mod doctor;
mod durable;
mod feedback;
mod flow;
mod health;
mod health_ways;
mod lab;
mod mailbox;
mod outward;
mod phone;
mod postfix;
mod relay;
mod rules;
mod server;
mod sockets;
mod traces;
