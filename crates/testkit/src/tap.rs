//! A wire between two programs that writes down what both say, line by line.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

const OCTETS: usize = 16 << 10;

/// Listens on a port of its own and connects on to another.
pub struct Tap {
    pub address: SocketAddr,
    /// Of each connection, in the order in which they came: what is said on two at once is not told apart otherwise.
    said: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Tap {
    /// Serves until the process ends.
    pub fn to(target: SocketAddr) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its port");
        let said: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let log = said.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(target) else { continue };
                let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { continue };
                let (of_client, of_server) = (log.clone(), log.clone());
                let mut all = log.lock().unwrap_or_else(PoisonError::into_inner);
                let at = all.len();
                all.push(Vec::new());
                drop(all);
                std::thread::spawn(move || carry(from_client, server, ("C: ", at), &of_client));
                std::thread::spawn(move || carry(from_server, client, ("S: ", at), &of_server));
            }
        });
        Tap { address, said }
    }

    /// Everything so far, each line behind who said it.
    pub fn said(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().flatten().map(|line| format!("{line}\n")).collect()
    }
}

/// What came in one piece is written down before it goes on, so that an answer never stands before its question.
fn carry(mut from: TcpStream, mut to: TcpStream, (who, connection): (&str, usize), log: &Mutex<Vec<Vec<String>>>) {
    let (mut piece, mut rest) = ([0; OCTETS], Vec::new());
    while let Ok(octets) = from.read(&mut piece) {
        if octets == 0 {
            break;
        }
        rest.extend_from_slice(&piece[..octets]);
        let mut said = log.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(at) = rest.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = rest.drain(..=at).collect();
            said[connection].push(format!("{who}{}", String::from_utf8_lossy(&line).trim_end()));
        }
        drop(said);
        if to.write_all(&piece[..octets]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write); // the other end may be gone
}
