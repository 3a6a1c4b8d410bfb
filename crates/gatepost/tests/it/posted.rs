//! A program beside Gatepost that takes what is posted to it: webhooks, spans.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// Listens until the process ends; its port, and each body it was sent.
pub fn takes() -> (u16, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (port, kept) = (listener.local_addr().expect("an address").port(), Arc::new(Mutex::new(Vec::new())));
    let heard = kept.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut octets) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let header = line.to_ascii_lowercase();
                octets = header.strip_prefix("content-length:").and_then(|value| value.trim().parse().ok()).unwrap_or(octets);
                line.clear();
            }
            let mut body = vec![0; octets];
            if reader.read_exact(&mut body).is_ok() {
                heard.lock().expect("nobody panicked").push(serde_json::from_slice(&body).expect("JSON"));
                let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
            }
        }
    });
    (port, kept)
}
