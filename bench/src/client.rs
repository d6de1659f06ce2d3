//! The program's own HTTP face on a loopback socket, and somebody who asks it over one connection.

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use wharf_domain::access::{Permission, Scope};
use wharf_domain::word::Word;
use wharf_flows::app::App;
use wharf_server::cli::serve::{self, Started};
use wharf_server::config::{Config, File};
use wharf_store::StoreError;
use wharf_store::users::{self, NewUser};

const SECRET: &str = "wharf_t_measuring";

/// The program as it answers.
pub struct Served {
    started: Started,
    address: SocketAddr,
}

impl Served {
    /// Starts it on a free port, with a person who may do everything.
    pub async fn start(app: Arc<App>) -> anyhow::Result<Served> {
        let hash = users::hash_token(SECRET);
        app.store
            .write(move |tx| -> Result<(), StoreError> {
                if users::by_token(tx, &hash)?.is_some() {
                    return Ok(());
                }
                let role_id = users::create_role(tx, "measuring", Permission::ALL)?;
                let new = NewUser {
                    login: "measuring".to_owned(),
                    name: "measuring".to_owned(),
                    password_hash: "none".to_owned(),
                    role_id,
                    scope: Scope::ALL,
                    locale: "en".to_owned(),
                };
                let id = users::create(tx, &new)?;
                users::create_token(tx, id, "measuring", &hash, Permission::ALL)?;
                Ok(())
            })
            .await?;
        let config = Config {
            database: String::new(),
            data: PathBuf::new(),
            zone: wharf_flows::recompute::zone("Asia/Shanghai"),
            file: File::default(),
        };
        let started = serve::start(app, SocketAddr::from(([127, 0, 0, 1], 0)), &config).await?;
        let address = started.url.trim_start_matches("http://").parse().context("an address")?;
        Ok(Served { started, address })
    }

    /// One more connection.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let stream = tokio::net::TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the client.
        tokio::spawn(connection);
        Ok(Client { sender, host: self.address.to_string() })
    }

    /// Stops.
    pub async fn end(self) {
        self.started.end().await;
    }
}

/// One connection that is kept open.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Client {
    /// Asks and reads the whole answer.
    pub async fn ask(&mut self, method: Method, path: &str, body: impl Into<Bytes>) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {SECRET}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// A page that must be there.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Bytes> {
        let (status, body) = self.ask(Method::GET, path, Bytes::new()).await?;
        anyhow::ensure!(status == StatusCode::OK, "{path}: {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}
