//! PostgreSQL, or what speaks its protocol: a pool of connections, one ordinary transaction each.
//!
//! Statements go without names (parse, bind and execute in one round trip), so that a connection pooler in between is fine.
//! `BEGIN` travels with the first statement. Invariant: a connection goes back to the pool only outside a transaction.

mod values;

use crate::migrate::{self, Migration, Ran};
use crate::{Error, Row, Tx, Value};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use futures_util::future::{BoxFuture, join_all};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

/// To reach the server and sign in.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// For a free connection of the pool.
const POOL_WAIT: Duration = Duration::from_secs(15);
/// Unacknowledged octets for this long: the server is gone.
const TCP_WAIT: Duration = Duration::from_secs(15);
/// The server ends a statement, a wait for a lock, a transaction that does nothing.
const SERVER_LIMITS: &str = "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000";
/// Key of the advisory lock under which migrations run.
const MIGRATION_LOCK: i64 = 0x6761_7465;

pub(crate) struct Postgres {
    pool: Pool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Version of the server and the steps that ran there; changes nothing.
pub(crate) async fn look(url: &str) -> Result<(String, Vec<Ran>), Error> {
    let pool = Pool::builder(manager(url)?).max_size(1).create_timeout(Some(CONNECT_WAIT)).runtime(Runtime::Tokio1).build();
    let looking = Postgres { pool: pool.map_err(|why| Error::Gone(why.to_string()))? };
    let read = looking.tx(
        |tx| {
            Box::pin(async move {
                let version = tx.row("SELECT current_setting('server_version')", vec![]).await?;
                let engine = format!("PostgreSQL {}", version.as_ref().map(|row| row.text(0)).transpose()?.unwrap_or_default());
                let table = "SELECT 1 FROM information_schema.tables WHERE table_name = 'migration' AND table_schema = current_schema()";
                let is_there = tx.row(table, vec![]).await?.is_some();
                let ran = if is_there { crate::look::read(&tx.rows(migrate::RAN, vec![]).await?)? } else { Vec::new() };
                Ok((engine, ran))
            })
        },
        Access::Read,
    );
    read.await
}

/// A connection on loan, perhaps inside a transaction.
pub(crate) struct Session {
    /// `None` once it went back.
    client: Option<Object>,
    access: Access,
    is_open: bool,
}

impl Postgres {
    pub async fn open(url: &str, connections_max: usize, migrations: &[Migration]) -> Result<Postgres, Error> {
        let pool = Pool::builder(manager(url)?)
            .max_size(connections_max.max(1))
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|why| Error::Gone(why.to_string()))?;
        let opened = Postgres { pool };
        opened.migrate(migrations).await?;
        Ok(opened)
    }

    pub async fn tx<T, E, F>(&self, work: F, access: Access) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
    {
        let client = self.pool.get().await.map_err(|why| from_pool(&why))?;
        let mut tx = Tx::from_postgres(Session { client: Some(client), access, is_open: false });
        let result = work(&mut tx).await;
        let whole = tx.whole();
        let Some(session) = tx.postgres() else { return result };
        match result {
            Ok(value) => {
                if let Err(why) = whole {
                    session.end("ROLLBACK").await?;
                    return Err(why.into());
                }
                session.end("COMMIT").await?;
                Ok(value)
            }
            Err(why) => {
                if let Err(rollback) = session.end("ROLLBACK").await {
                    tracing::debug!(%rollback, "the connection is dropped, which rolls back too");
                }
                Err(why)
            }
        }
    }

    pub fn close(&self) {
        self.pool.close();
    }

    async fn migrate(&self, all: &[Migration]) -> Result<(), Error> {
        let all = all.to_vec();
        self.tx(
            move |tx| {
                Box::pin(async move {
                    tx.rows("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked", crate::args![MIGRATION_LOCK]).await?;
                    tx.run(migrate::TABLE, vec![]).await?;
                    let ran = tx.rows(migrate::RAN, vec![]).await?.iter().map(Ran::read).collect::<Result<Vec<_>, _>>()?;
                    for step in migrate::missing(&all, &ran)? {
                        let Some(session) = tx.postgres() else { continue };
                        session.batch(&migrate::for_postgres(step.sql)).await.map_err(|why| step.failed(&why))?;
                        tx.run(migrate::NOTE, step.note()).await?;
                    }
                    Ok(())
                })
            },
            Access::Write,
        )
        .await
    }
}

impl Session {
    pub async fn run(&mut self, sql: &str, args: &[Value]) -> Result<u64, Error> {
        let params = values::params(args);
        let (begin, client) = self.begin()?;
        let (begun, done) = tokio::join!(opening(client, begin), client.execute_typed(sql, &params));
        begun?;
        self.is_open = true;
        done.map_err(|why| in_statement(&why, sql))
    }

    pub async fn run_all(&mut self, statements: &[(&'static str, Vec<Value>)]) -> Result<(), Error> {
        let params: Vec<_> = statements.iter().map(|(_, args)| values::params(args)).collect();
        let (begin, client) = self.begin()?;
        let all = join_all(statements.iter().zip(&params).map(|((sql, _), params)| client.execute_typed(sql, params)));
        let (begun, done) = tokio::join!(opening(client, begin), all);
        begun?;
        self.is_open = true;
        for (result, (sql, _)) in done.into_iter().zip(statements) {
            result.map_err(|why| in_statement(&why, sql))?;
        }
        Ok(())
    }

    pub async fn rows(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>, Error> {
        let params = values::params(args);
        let (begin, client) = self.begin()?;
        let (begun, found) = tokio::join!(opening(client, begin), client.query_typed(sql, &params));
        begun?;
        self.is_open = true;
        found.map_err(|why| in_statement(&why, sql))?.iter().map(values::row).collect()
    }

    async fn batch(&mut self, sql: &str) -> Result<(), Error> {
        let (begin, client) = self.begin()?;
        opening(client, begin).await?;
        client.batch_execute(sql).await.map_err(|why| error(&why))?;
        self.is_open = true;
        Ok(())
    }

    /// What opens the transaction, if it is not open yet, to be sent right before the first statement.
    fn begin(&mut self) -> Result<(Option<&'static str>, &Object), Error> {
        let begin = match (self.is_open, self.access) {
            (true, _) => None,
            (false, Access::Write) => Some("BEGIN"),
            (false, Access::Read) => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        };
        // From here until `end` the state of the connection is not known: dropped, it must not go back to the pool.
        self.is_open = true;
        let client = self.client.as_ref().ok_or_else(|| Error::Gone("the transaction has ended".into()))?;
        Ok((begin, client))
    }

    async fn end(&mut self, how: &str) -> Result<(), Error> {
        if !self.is_open {
            return Ok(());
        }
        let client = self.client.as_ref().ok_or_else(|| Error::Gone("the transaction has ended".into()))?;
        client.batch_execute(how).await.map_err(|why| error(&why))?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_open
            && let Some(client) = self.client.take()
        {
            // Cancelled or failed halfway: closing the connection rolls back, the pool makes a new one.
            drop(Object::take(client));
        }
    }
}

async fn opening(client: &Object, begin: Option<&'static str>) -> Result<(), Error> {
    match begin {
        Some(begin) => client.batch_execute(begin).await.map_err(|why| error(&why)),
        None => Ok(()),
    }
}

fn manager(url: &str) -> Result<Manager, Error> {
    let (url, roots) = without_roots(url);
    let mut config: Config =
        url.parse().map_err(|why: tokio_postgres::Error| Error::Gone(format!("the address is not understood: {why}")))?;
    config.connect_timeout(CONNECT_WAIT).tcp_user_timeout(TCP_WAIT).application_name("gatepost");
    if config.get_options().is_none() {
        config.options(SERVER_LIMITS);
    }
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    if config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
        return Ok(Manager::from_config(config, NoTls, recycling));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::Gone(why.to_string()))?
        .with_root_certificates(trusted(roots.as_deref())?)
        .with_no_client_auth();
    Ok(Manager::from_config(config, tokio_postgres_rustls::MakeRustlsConnect::new(tls), recycling))
}

/// `sslrootcert` is libpq's, not tokio-postgres's: taken out of the address.
fn without_roots(url: &str) -> (String, Option<String>) {
    let Some((before, query)) = url.split_once('?') else { return (url.to_string(), None) };
    let mut roots = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("sslrootcert=") {
            Some(path) => {
                roots = Some(path.to_string());
                false
            }
            None => true,
        })
        .collect();
    (format!("{before}?{}", kept.join("&")), roots)
}

fn trusted(file: Option<&str>) -> Result<rustls::RootCertStore, Error> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    let Some(file) = file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let unreadable = |why: &dyn std::fmt::Display| Error::Gone(format!("sslrootcert {file}: {why}"));
    for certificate in CertificateDer::pem_file_iter(Path::new(file)).map_err(|why| unreadable(&why))? {
        roots.add(certificate.map_err(|why| unreadable(&why))?).map_err(|why| unreadable(&why))?;
    }
    Ok(roots)
}

fn from_pool(why: &PoolError) -> Error {
    match why {
        PoolError::Backend(why) => error(why),
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Error::Busy("all connections are in use".into()),
        PoolError::Timeout(_) => Error::Gone(format!("no answer within {} s", CONNECT_WAIT.as_secs())),
        other => Error::Gone(other.to_string()),
    }
}

/// As [`error`]; a statement that is wrong is named, so that the log says which.
fn in_statement(why: &tokio_postgres::Error, sql: &str) -> Error {
    match error(why) {
        Error::Statement(text) => Error::Statement(format!("{text}, in: {sql}")),
        other => other,
    }
}

fn error(why: &tokio_postgres::Error) -> Error {
    let Some(answer) = why.as_db_error() else {
        // Without an answer of the server it is the connection, or a value of ours that does not fit.
        let text = std::error::Error::source(why).map_or_else(|| why.to_string(), |source| format!("{why}: {source}"));
        let is_cut = why.is_closed() || std::error::Error::source(why).is_some_and(|source| source.is::<std::io::Error>());
        let is_away = text.starts_with("error connecting") || text.starts_with("error performing TLS") || text.contains("timeout");
        return if is_cut || is_away { Error::Gone(text) } else { Error::Statement(text) };
    };
    let text = answer.message().to_string();
    let code = answer.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        return Error::Exists(format!("{}.{}", answer.table().unwrap_or("row"), answer.constraint().unwrap_or("key")));
    }
    if *code == SqlState::DISK_FULL {
        return Error::Full(text);
    }
    let busy =
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED];
    // Classes: 53 no resources, 08 connection, 57 the operator intervened, 28 and 3D sign-in and database name.
    match &code.code()[..2] {
        "53" => Error::Busy(text),
        _ if busy.contains(code) => Error::Busy(text),
        "08" | "57" | "28" | "3D" => Error::Gone(text),
        _ => Error::Statement(text),
    }
}
