//! AUTH PLAIN and AUTH LOGIN (RFC 4954, RFC 4616), under TLS and for submission only.

use super::Stage;
use super::state::{Flow, Session};
use super::wire::Gone;
use mail::smtp::Reply;
use mail::smtp::sasl::{Credentials, decode_login, decode_plain};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};

/// Doublings of the wait after a failed sign-in.
const DELAY_DOUBLINGS_MAX: u32 = 5;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    pub async fn authenticate(&mut self, mechanism: &str, initial: Option<String>) -> Result<Flow, Gone> {
        if let Some(reply) = self.objection_to_sign_in() {
            return Ok(self.refuse(Stage::Auth, reply));
        }
        let told = match mechanism {
            "PLAIN" => self.ask_plain(initial).await?,
            "LOGIN" => self.ask_login(initial).await?,
            _ => return Ok(self.refuse(Stage::Auth, Reply::new(504, (5, 5, 4), "AUTH is PLAIN or LOGIN here"))),
        };
        let Credentials { acts_as, login, password } = match told {
            Ok(Some(credentials)) => credentials,
            Ok(None) => return Ok(self.refuse(Stage::Auth, Reply::new(501, (5, 5, 2), "These are no credentials in base64"))),
            Err(flow) => return Ok(flow),
        };
        if !acts_as.is_empty() && acts_as != login {
            return Ok(self.refuse(Stage::Auth, Reply::new(535, (5, 7, 8), "Nobody may sign in for another")));
        }
        match self.port.host.sign_in(&self.peer, &login, &password).await {
            Ok(true) => {
                self.peer.authenticated = Some(login);
                self.wire.put(b"235 2.7.0 Signed in\r\n");
                Ok(Flow::Next)
            }
            Ok(false) => self.fail_sign_in().await,
            Err(reply) => Ok(self.pass_on(&reply)),
        }
    }

    fn objection_to_sign_in(&self) -> Option<Reply> {
        if !self.is_submission() {
            return Some(Reply::new(502, (5, 5, 1), "AUTH is not offered here"));
        }
        if self.peer.tls.is_none() {
            return Some(Reply::new(538, (5, 7, 11), "Say STARTTLS first")); // RFC 4954 §4
        }
        if self.peer.authenticated.is_some() || self.mail.is_some() || !self.peer.esmtp {
            return Some(Reply::new(503, (5, 5, 1), "AUTH comes once, after EHLO and outside a mail"));
        }
        if self.port.guesses.is_exhausted(self.peer.ip, Instant::now()) {
            return Some(Reply::new(454, (4, 7, 0), "Too many failed sign-ins from your address, try again later"));
        }
        None
    }

    /// Guessing is slow and ends soon.
    async fn fail_sign_in(&mut self) -> Result<Flow, Gone> {
        let doublings = self.tally.sign_in_failures.min(DELAY_DOUBLINGS_MAX);
        self.tally.sign_in_failures += 1;
        self.port.guesses.failed(self.peer.ip, Instant::now());
        tokio::time::sleep(self.port.limits.sign_in_delay.duration() * (1 << doublings)).await;
        if self.wire.is_talking() {
            return Ok(self.refuse_pipelining());
        }
        let flow = self.refuse(Stage::Auth, Reply::new(535, (5, 7, 8), "Login or password is wrong"));
        if flow == Flow::Next && self.tally.sign_in_failures >= self.port.limits.sign_in_failures_max {
            self.farewell(Reply::new(421, (4, 7, 0), "Too many failed sign-ins, closing the connection"));
            return Ok(Flow::Close);
        }
        Ok(flow)
    }

    async fn ask_plain(&mut self, initial: Option<String>) -> Result<Result<Option<Credentials>, Flow>, Gone> {
        let response = match initial {
            Some(initial) => Ok(initial),
            None => self.ask(b"334 \r\n").await?,
        };
        Ok(response.map(|response| decode_plain(&response)))
    }

    async fn ask_login(&mut self, initial: Option<String>) -> Result<Result<Option<Credentials>, Flow>, Gone> {
        let login = match initial {
            Some(initial) => Ok(initial),
            None => self.ask(b"334 VXNlcm5hbWU6\r\n").await?, // "Username:"
        };
        let login = match login {
            Ok(login) => login,
            Err(flow) => return Ok(Err(flow)),
        };
        let password = self.ask(b"334 UGFzc3dvcmQ6\r\n").await?; // "Password:"
        Ok(password.map(|password| decode_login(&login, &password)))
    }

    /// Asks one question of the exchange. `Err` inside: no answer, and that is said already (RFC 4954 §4: "*" gives up).
    async fn ask(&mut self, question: &[u8]) -> Result<Result<String, Flow>, Gone> {
        if self.wire.is_talking() {
            return Ok(Err(self.refuse_pipelining()));
        }
        self.wire.put(question);
        let line = match self.next_line().await? {
            Ok(line) => line,
            Err(flow) => return Ok(Err(flow)),
        };
        Ok(match std::str::from_utf8(&line) {
            Ok("*") => Err(self.refuse(Stage::Auth, Reply::new(501, (5, 7, 0), "Sign-in given up"))),
            Ok(text) => Ok(text.to_string()),
            Err(_) => Err(self.refuse(Stage::Auth, Reply::new(501, (5, 5, 2), "This is not base64"))),
        })
    }
}
