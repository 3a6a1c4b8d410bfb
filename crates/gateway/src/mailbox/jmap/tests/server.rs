//! A small JMAP server: accounts with folders and messages, and of the methods those that we call, with their arguments checked.

use mail::MailId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub const PASSWORD: &str = "open-sesame";
/// When every message here was received.
pub const RECEIVED_MS: i64 = 1_795_521_600_000;
/// Identifier, name, role.
const FOLDERS: [(&str, &str, &str); 5] = [
    ("inbox", "Inbox", "inbox"),
    ("spam", "Spam", "junk"),
    ("trash", "Bin", "trash"),
    ("drafts", "Drafts", "drafts"),
    ("work", "Work", ""),
];

#[derive(Clone)]
struct Message {
    mail: MailId,
    message_id: String,
    is_junk: bool,
    folders: Vec<String>,
    keywords: Vec<String>,
}

impl Message {
    fn text(&self) -> String {
        let id = self.mail;
        let field = if self.message_id.is_empty() { String::new() } else { format!("Message-ID: {}\r\n", self.message_id) };
        format!(
            "Return-Path: <a@sender.example>\r\nX-Gatepost-Report: id={id}; verdict=clean\r\nReceived: from a by gate.test (Gatepost) with ESMTP id {id};\r\n\t\
             Sat, 28 Nov 2026 09:00:00 +0000\r\nFrom: a@sender.example\r\n{field}\r\nhello\r\n"
        )
    }
}

#[derive(Default)]
struct Account {
    folders: Vec<(String, String, String)>,
    messages: BTreeMap<String, Message>,
}

type Accounts = Arc<Mutex<BTreeMap<String, Account>>>;

pub struct Server {
    pub address: SocketAddr,
    accounts: Accounts,
}

impl Server {
    pub async fn start(mailboxes: &[&str]) -> Server {
        let folders = || FOLDERS.iter().map(|(id, name, role)| (id.to_string(), name.to_string(), role.to_string())).collect();
        let account = |name: &&str| (name.to_string(), Account { folders: folders(), messages: BTreeMap::new() });
        let accounts: Accounts = Arc::new(Mutex::new(mailboxes.iter().map(account).collect()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = accounts.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Server { address, accounts }
    }

    /// A message in these folders; the number of its mail.
    pub fn put(&self, mailbox: &str, folders: &[&str], message_id: &str) -> MailId {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.get_mut(mailbox).expect("an account");
        let mail = MailId(i64::try_from(account.messages.len()).expect("few") + 1_000);
        let folders = folders.iter().map(ToString::to_string).collect();
        account
            .messages
            .insert(format!("M{}", mail.0), Message { mail, message_id: message_id.into(), is_junk: false, folders, keywords: Vec::new() });
        mail
    }

    /// In which folders a mail lies, in their order, and whether it has our keyword.
    pub fn lies_in(&self, mailbox: &str, mail: MailId) -> (Vec<String>, bool) {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let message = &accounts[mailbox].messages[&format!("M{}", mail.0)];
        let mut folders = message.folders.clone();
        folders.sort();
        (folders, message.keywords.iter().any(|one| one == "$gatepostremoved"))
    }

    /// Its owner moves a mail there.
    pub fn shift(&self, mailbox: &str, mail: MailId, folder: &str) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let message = accounts.get_mut(mailbox).and_then(|account| account.messages.get_mut(&format!("M{}", mail.0)));
        message.expect("a message").folders = vec![folder.into()];
    }

    /// The mark that has it filed as junk.
    pub fn mark(&self, mailbox: &str, mail: MailId) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let message = accounts.get_mut(mailbox).and_then(|account| account.messages.get_mut(&format!("M{}", mail.0)));
        message.expect("a message").is_junk = true;
    }

    pub fn remove(&self, mailbox: &str, mail: MailId) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get_mut(mailbox).expect("an account").messages.remove(&format!("M{}", mail.0));
    }
}

async fn serve(stream: TcpStream, accounts: Accounts) {
    let mut stream = BufReader::new(stream);
    let (mut lines, mut line) = (Vec::new(), String::new());
    while stream.read_line(&mut line).await.is_ok_and(|octets| octets > 2) {
        lines.push(line.trim_end().to_string());
        line.clear();
    }
    let field = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default().to_string();
    let mut body = vec![0; field("Content-Length:").parse().unwrap_or(0)];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let target = lines.first().cloned().unwrap_or_default();
    let (status, more, body) = answer(&target, &field("Authorization:"), &body, &accounts);
    // Half of them in chunks, as servers do.
    let head = format!("HTTP/1.1 {status}\r\n{more}Connection: close\r\n");
    let whole = match target.starts_with("POST") {
        true => [format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat(),
        false => [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat(),
    };
    let _ = stream.get_mut().write_all(&whole).await;
}

fn answer(target: &str, authorization: &str, body: &[u8], accounts: &Accounts) -> (&'static str, String, Vec<u8>) {
    use base64::Engine;
    let plain = |status, body: &str| (status, String::new(), body.as_bytes().to_vec());
    let path = target.split(' ').nth(1).unwrap_or_default();
    match path {
        "/away" => return ("307 Elsewhere", "Location: https://evil.example/jmap\r\n".into(), Vec::new()),
        "/busy" => return plain("503 Busy", ""),
        "/page" => return plain("200 OK", "<html>"),
        "/.well-known/jmap" => return ("301 There", "Location: /jmap/session\r\n".into(), Vec::new()),
        _ => {}
    }
    let basic = |user: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{PASSWORD}")));
    let mut accounts = accounts.lock().unwrap_or_else(PoisonError::into_inner);
    let own = accounts.keys().find(|name| authorization == basic(&format!("{name}%gatepost"))).cloned();
    if own.is_none() && authorization != basic("gatepost") && authorization != format!("Bearer {PASSWORD}") {
        return plain("401 Unauthorized", r#"{"type":"about:blank","title":"Unauthorized","detail":"Bad credentials."}"#);
    }
    // An identifier is no address.
    let id_of = |name: &str| format!("A-{}", name.replace(['@', '.'], "_"));
    match path {
        "/jmap/session" => {
            let account = |name: &String| json!({ "name": name, "isPersonal": own.as_ref() == Some(name), "isReadOnly": false, "accountCapabilities": { (mail::jmap::MAIL): {} } });
            let all: Map<String, Value> = accounts
                .keys()
                .filter(|name| own.as_ref().is_none_or(|own| own == *name))
                .map(|name| (id_of(name), account(name)))
                .collect();
            let session = json!({
                "capabilities": { (mail::jmap::CORE): {}, (mail::jmap::MAIL): {} }, "accounts": all, "username": own.clone().unwrap_or_else(|| "gatepost".into()),
                "primaryAccounts": { (mail::jmap::MAIL): own.as_deref().map_or_else(|| "A-none".into(), id_of) }, "apiUrl": "/jmap/api/",
                "downloadUrl": "/jmap/download/{accountId}/{blobId}/{name}?accept={type}", "uploadUrl": "/", "eventSourceUrl": "/", "state": "1",
            });
            plain("200 OK", &session.to_string())
        }
        "/jmap/api/" => {
            let request: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(request["using"], json!([mail::jmap::CORE, mail::jmap::MAIL]));
            let mut responses: Vec<Value> = Vec::new();
            for call in request["methodCalls"].as_array().expect("calls") {
                let (method, arguments) = (call[0].as_str().expect("a method"), &call[1]);
                let found = accounts.iter_mut().find(|(name, _)| arguments["accountId"] == id_of(name));
                let answer = match found {
                    Some((_, account)) => account.method(method, arguments, &responses),
                    None => Err("accountNotFound"),
                };
                responses.push(match answer {
                    Ok(answer) => json!([method, answer, call[2]]),
                    Err(kind) => json!(["error", { "type": kind }, call[2]]),
                });
            }
            plain("200 OK", &json!({ "methodResponses": responses, "sessionState": "1" }).to_string())
        }
        path => {
            let blob = path.strip_prefix("/jmap/download/").and_then(|rest| rest.split('/').nth(1));
            let text = blob
                .and_then(|blob| accounts.values().find_map(|account| account.messages.get(&blob.replacen('B', "M", 1))))
                .map(Message::text);
            text.map_or_else(|| plain("404 Not Found", ""), |text| plain("200 OK", &text))
        }
    }
}

impl Account {
    fn method(&mut self, method: &str, arguments: &Value, earlier: &[Value]) -> Result<Value, &'static str> {
        match method {
            "Mailbox/get" => {
                let folder = |(id, name, role): &(String, String, String)| json!({ "id": id, "name": name, "parentId": null, "role": if role.is_empty() { Value::Null } else { json!(role) } });
                Ok(json!({ "state": "1", "list": self.folders.iter().map(folder).collect::<Vec<_>>(), "notFound": [] }))
            }
            "Mailbox/set" => {
                let name = arguments["create"]["new"]["name"].as_str().ok_or("invalidArguments")?;
                let id = format!("made{}", self.folders.len());
                self.folders.push((id.clone(), name.into(), String::new()));
                Ok(json!({ "created": { "new": { "id": id } } }))
            }
            "Email/query" => {
                let fits = |message: &Message| fits(&arguments["filter"], message);
                let ids: Vec<&String> = self.messages.iter().filter(|(_, message)| fits(message)).map(|(id, _)| id).collect();
                Ok(json!({ "ids": ids, "queryState": "1", "canCalculateChanges": false, "position": 0 }))
            }
            "Email/get" => {
                let referred = earlier.iter().find(|one| one[2] == arguments["#ids"]["resultOf"]).map(|one| one[1]["ids"].clone());
                let ids = arguments.get("ids").cloned().or(referred).ok_or("invalidResultReference")?;
                let known = |id: &Value| Some(self.email(id.as_str()?, self.messages.get(id.as_str()?)?));
                Ok(
                    json!({ "state": "1", "list": ids.as_array().ok_or("invalidArguments")?.iter().filter_map(known).collect::<Vec<_>>(), "notFound": [] }),
                )
            }
            "Email/set" => {
                let (id, patch) = arguments["update"].as_object().and_then(|all| all.iter().next()).ok_or("invalidArguments")?;
                let Some(message) = self.messages.get_mut(id) else { return Ok(json!({ "notUpdated": { id: { "type": "notFound" } } })) };
                for (path, value) in patch.as_object().ok_or("invalidPatch")? {
                    let (list, name) = match path.split_once('/') {
                        Some(("mailboxIds", name)) => (&mut message.folders, name),
                        Some(("keywords", name)) => (&mut message.keywords, name),
                        _ => return Err("invalidPatch"),
                    };
                    list.retain(|one| one != name);
                    if *value == json!(true) {
                        list.push(name.into());
                    }
                }
                assert!(!message.folders.is_empty(), "a message lies somewhere (RFC 8621 §4.1.1)");
                Ok(json!({ "updated": { id: null }, "notUpdated": null }))
            }
            _ => Err("unknownMethod"),
        }
    }

    fn email(&self, id: &str, message: &Message) -> Value {
        let inside: Map<String, Value> = message.folders.iter().map(|folder| (folder.clone(), json!(true))).collect();
        json!({
            "id": id, "blobId": id.replacen('M', "B", 1), "size": message.text().len(), "mailboxIds": inside,
            "header:X-Gatepost-Report:asRaw:all": [format!(" id={}; verdict=clean", message.mail)],
            "header:X-Gatepost-Junk:asRaw:all": if message.is_junk { vec![" yes"] } else { Vec::new() },
            "header:Received:asRaw:all": [format!(" from a by gate.test (Gatepost) with ESMTP id {};\r\n\tSat, 28 Nov 2026", message.mail)],
        })
    }
}

/// RFC 8621 §4.4.1, of it what we ask.
fn fits(filter: &Value, message: &Message) -> bool {
    if let Some(conditions) = filter["conditions"].as_array() {
        assert_eq!(filter["operator"], "AND");
        return conditions.iter().all(|one| fits(one, message));
    }
    filter.as_object().expect("a condition").iter().all(|(name, value)| {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            // Everything here was received in time.
            "after" => text.len() == 20 && text.ends_with('Z'),
            "inMailbox" => message.folders.iter().any(|folder| folder == text),
            "hasKeyword" => message.keywords.iter().any(|one| one == text),
            "notKeyword" => message.keywords.iter().all(|one| one != text),
            "header" => {
                let (name, text) = (value[0].as_str().expect("a name"), value[1].as_str().unwrap_or_default());
                message.text().lines().any(|line| line.starts_with(&format!("{name}:")) && line.contains(text))
            }
            other => panic!("no such condition: {other}"),
        }
    })
}
