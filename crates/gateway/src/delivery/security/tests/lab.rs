//! A small DNS of our own with a signed root, and zones below that are signed, signed wrongly, past their end, or not signed.

use crate::connection::resolver::Live;
use crate::connection::settings::{DnsSettings, Servers};
use crate::delivery::security::proven::Validating;
use crate::delivery::security::settings::DaneMode;
use hickory_server::dnssec::NxProofKind;
use hickory_server::net::runtime::{Time, TokioRuntimeProvider};
use hickory_server::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_server::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_server::proto::dnssec::{Algorithm, DigestType, DnssecSigner, SigningKey};
use hickory_server::proto::rr::rdata::{A, CNAME, MX, NS, SOA, TLSA};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo, Server};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

const TTL_S: u32 = 60;
const LONG: Duration = Duration::from_secs(3_600);

/// How a zone is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Well,
    Not,
    /// By another key than its parent knows.
    Wrongly,
    /// The signatures end as soon as they are made.
    Past,
}

/// A zone being written.
pub struct ZoneText {
    origin: Name,
    signed: Signed,
    records: Vec<Record>,
    /// Put in after signing: without a signature.
    late: Vec<Record>,
}

/// A running DNS server; it ends when this is dropped.
pub struct Lab {
    pub address: SocketAddr,
    anchors: tempfile::NamedTempFile,
    _server: Server<ByParent>,
}

pub fn name(text: &str) -> Name {
    Name::from_ascii(format!("{}.", text.trim_end_matches('.'))).expect("a name")
}

impl ZoneText {
    pub fn new(origin: &str, signed: Signed) -> ZoneText {
        ZoneText { origin: name(origin), signed, records: Vec::new(), late: Vec::new() }
    }

    fn add(mut self, owner: &str, data: RData) -> ZoneText {
        self.records.push(Record::from_rdata(name(owner), TTL_S, data));
        self
    }

    pub fn mx(self, owner: &str, exchange: &str) -> ZoneText {
        self.add(owner, RData::MX(MX::new(10, name(exchange))))
    }

    pub fn here(self, owner: &str) -> ZoneText {
        self.add(owner, RData::A(A(Ipv4Addr::LOCALHOST)))
    }

    pub fn alias(self, owner: &str, target: &str) -> ZoneText {
        self.add(owner, RData::CNAME(CNAME(name(target))))
    }

    pub fn tlsa(self, host: &str, (usage, selector, matching): (u8, u8, u8), octets: &[u8]) -> ZoneText {
        self.add(&format!("_25._tcp.{host}"), tlsa((usage, selector, matching), octets))
    }

    /// As [`ZoneText::tlsa`], and not signed although the zone is: as if somebody on the way had put it in.
    pub fn forged_tlsa(mut self, host: &str, fields: (u8, u8, u8), octets: &[u8]) -> ZoneText {
        self.late.push(Record::from_rdata(name(&format!("_25._tcp.{host}")), TTL_S, tlsa(fields, octets)));
        self
    }
}

fn tlsa((usage, selector, matching): (u8, u8, u8), octets: &[u8]) -> RData {
    RData::TLSA(TLSA::new(usage.into(), selector.into(), matching.into(), octets.to_vec()))
}

struct Key(Vec<u8>);

impl Key {
    fn new() -> Key {
        Key(Ed25519SigningKey::generate_pkcs8().expect("a key").secret_pkcs8_der().to_vec())
    }

    fn signing(&self) -> Ed25519SigningKey {
        Ed25519SigningKey::from_pkcs8(&self.0.as_slice().into()).expect("a key")
    }

    fn public(&self) -> DNSKEY {
        DNSKEY::from_key(&self.signing().to_public_key().expect("a public key"))
    }

    fn signer(&self, origin: &Name, lasts: Duration) -> DnssecSigner {
        DnssecSigner::new(self.public(), Box::new(self.signing()), origin.clone(), lasts)
    }

    fn ds(&self, origin: &Name) -> RData {
        let key = self.public();
        let digest = key.to_digest(origin, DigestType::SHA256).expect("a digest");
        let tag = key.calculate_key_tag().expect("a tag");
        RData::DNSSEC(DNSSECRData::DS(DS::new(tag, Algorithm::ED25519, DigestType::SHA256, digest.as_ref().to_vec())))
    }
}

type Handler = InMemoryZoneHandler<TokioRuntimeProvider>;

/// A zone ready to answer; `key` signs it.
fn built(zone: ZoneText, key: Option<(&Key, Duration)>) -> Handler {
    let proof = key.map(|_| NxProofKind::Nsec);
    let mut handler = Handler::empty(zone.origin.clone(), ZoneType::Primary, AxfrPolicy::Deny, proof);
    let soa = SOA::new(name("ns.lab.test"), name("root.lab.test"), 1, 60, 60, 600, TTL_S);
    handler.upsert_mut(Record::from_rdata(zone.origin.clone(), TTL_S, RData::SOA(soa)), 1);
    handler.upsert_mut(Record::from_rdata(zone.origin.clone(), TTL_S, RData::NS(NS(name("ns.lab.test")))), 1);
    for record in zone.records {
        assert!(handler.upsert_mut(record.clone(), 1), "{record} cannot be added");
    }
    if let Some((key, lasts)) = key {
        handler.add_zone_signing_key_mut(key.signer(&zone.origin, lasts)).expect("a signer");
        handler.secure_zone_mut().expect("a signed zone");
    }
    for record in zone.late {
        assert!(handler.upsert_mut(record, 1));
    }
    handler
}

impl Lab {
    pub async fn start(zones: Vec<ZoneText>) -> Lab {
        let (root_key, mut all) = (Key::new(), Catalog::new());
        let mut root = ZoneText::new("", Signed::Well).here("ns.lab.test");
        for zone in zones {
            let (origin, key) = (zone.origin.clone(), Key::new());
            root.records.push(Record::from_rdata(origin.clone(), TTL_S, RData::NS(NS(name("ns.lab.test")))));
            match zone.signed {
                Signed::Not => {}
                Signed::Wrongly => root.records.push(Record::from_rdata(origin.clone(), TTL_S, Key::new().ds(&origin))),
                Signed::Well | Signed::Past => root.records.push(Record::from_rdata(origin.clone(), TTL_S, key.ds(&origin))),
            }
            let lasts = if zone.signed == Signed::Past { Duration::ZERO } else { LONG };
            let is_signed = zone.signed != Signed::Not;
            all.upsert(origin.into(), vec![Arc::new(built(zone, is_signed.then_some((&key, lasts))))]);
        }
        let root = Arc::new(built(root, Some((&root_key, LONG))));
        let mut parents = Catalog::new();
        parents.upsert(Name::root().into(), vec![root.clone()]);
        all.upsert(Name::root().into(), vec![root]);
        let (udp, tcp, address) = sockets().await;
        let mut server = Server::new(ByParent { parents, all });
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 64 << 10);
        let anchors = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(anchors.path(), format!(". 3600 IN DNSKEY {}\n", root_key.public())).expect("written");
        Lab { address, anchors, _server: server }
    }

    fn settings(&self) -> DnsSettings {
        DnsSettings { servers: Servers::These(vec![self.address]), ..DnsSettings::default() }
    }

    pub fn validating(&self) -> Validating {
        Validating::new(&self.settings(), DaneMode::Auto, Some(self.anchors.path())).expect("a resolver")
    }

    pub fn plain(&self) -> Live {
        Live::new(&self.settings()).expect("a resolver")
    }
}

async fn sockets() -> (tokio::net::UdpSocket, tokio::net::TcpListener, SocketAddr) {
    for _ in 0..50 {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = tcp.local_addr().expect("bound");
        if let Ok(udp) = tokio::net::UdpSocket::bind(address).await {
            return (udp, tcp, address);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

/// DS records are the parent's to answer (RFC 4035 §3.1.4.1).
struct ByParent {
    parents: Catalog,
    all: Catalog,
}

impl RequestHandler for ByParent {
    fn handle_request<'life0, 'life1, 'async_trait, R, T>(
        &'life0 self,
        request: &'life1 Request,
        response: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'async_trait>>
    where
        R: 'async_trait + ResponseHandler,
        T: 'async_trait + Time,
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        let is_ds = request.request_info().is_ok_and(|info| info.query.query_type() == RecordType::DS);
        match is_ds {
            true => self.parents.handle_request::<R, T>(request, response),
            false => self.all.handle_request::<R, T>(request, response),
        }
    }
}
