//! The binary as its users drive it: real ports, real files, real signals.

mod acme;
mod backup;
mod bad_input;
mod beside;
mod bucket;
mod demo;
mod doctor;
mod doctor_page;
mod durable;
mod feedback;
mod fleet;
mod flow;
mod health;
mod health_ways;
mod incident;
mod lab;
mod mailbox;
mod outward;
mod phone;
mod postfix;
mod relay;
mod request;
mod rules;
mod server;
mod sockets;
mod traces;
