//! A wire between two programs that writes down what both say.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

const OCTETS: usize = 16 << 10;

/// Listens on a port of its own and connects on to another.
pub struct Tap {
    pub address: SocketAddr,
    /// In the order in which they came: what is said on two at once is not told apart otherwise.
    said: Arc<Mutex<Vec<Connection>>>,
}

/// What was said on one connection, in the pieces in which it came.
#[derive(Debug, Clone, Default)]
pub struct Connection(Vec<(Side, Vec<u8>)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

impl Tap {
    /// Serves until the process ends.
    pub fn to(target: SocketAddr) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its port");
        let said: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let log = said.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(target) else { continue };
                let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { continue };
                let (of_client, of_server) = (log.clone(), log.clone());
                let mut all = log.lock().unwrap_or_else(PoisonError::into_inner);
                let at = all.len();
                all.push(Connection::default());
                drop(all);
                std::thread::spawn(move || carry(from_client, server, (Side::Client, at), &of_client));
                std::thread::spawn(move || carry(from_server, client, (Side::Server, at), &of_server));
            }
        });
        Tap { address, said }
    }

    /// Every connection so far.
    pub fn connections(&self) -> Vec<Connection> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every whole line so far, each behind who said it.
    pub fn said(&self) -> String {
        self.connections().iter().map(Connection::lines).collect()
    }
}

impl Connection {
    /// All that the client said.
    pub fn of_client(&self) -> Vec<u8> {
        self.of(Side::Client)
    }

    /// All that the server said.
    pub fn of_server(&self) -> Vec<u8> {
        self.of(Side::Server)
    }

    fn of(&self, side: Side) -> Vec<u8> {
        self.0.iter().filter(|piece| piece.0 == side).flat_map(|piece| &piece.1).copied().collect()
    }

    fn lines(&self) -> String {
        let (mut shown, mut of_client, mut of_server) = (String::new(), Vec::new(), Vec::new());
        for (side, octets) in &self.0 {
            let (who, rest): (&str, &mut Vec<u8>) = match side {
                Side::Client => ("C: ", &mut of_client),
                Side::Server => ("S: ", &mut of_server),
            };
            rest.extend_from_slice(octets);
            while let Some(at) = rest.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = rest.drain(..=at).collect();
                shown += &format!("{who}{}\n", String::from_utf8_lossy(&line).trim_end());
            }
        }
        shown
    }
}

/// What came in one piece is written down before it goes on, so that an answer never stands before its question.
fn carry(mut from: TcpStream, mut to: TcpStream, (side, connection): (Side, usize), log: &Mutex<Vec<Connection>>) {
    let mut piece = [0; OCTETS];
    while let Ok(octets) = from.read(&mut piece) {
        if octets == 0 {
            break;
        }
        let mut said = log.lock().unwrap_or_else(PoisonError::into_inner);
        said[connection].0.push((side, piece[..octets].to_vec()));
        drop(said);
        if to.write_all(&piece[..octets]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write); // the other end may be gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_kept_whole_and_lines_stand_in_the_order_of_the_talk() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let tap = Tap::to(server.local_addr().expect("its port"));
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("a client");
            let mut asked = [0; b"how\nare you".len()];
            stream.read_exact(&mut asked).expect("a question");
            stream.write_all(b"fine\r\nand you?").expect("sent");
        });
        let mut client = TcpStream::connect(tap.address).expect("it listens");
        client.write_all(b"how\nare you").expect("sent");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an answer");
        answering.join().expect("it ends");
        let connections = tap.connections();
        let [one] = connections.as_slice() else { panic!("one connection: {connections:?}") };
        assert_eq!((one.of_client(), one.of_server()), (b"how\nare you".to_vec(), answer.into_bytes()));
        assert_eq!(tap.said(), "C: how\nS: fine\n", "a line that has not ended is not said yet");
    }
}
