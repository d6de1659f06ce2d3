//! Hosts the simulated market over loopback HTTP: every vendor's sandbox at `/<vendor>`, the market's truth at `/_world`.
//! A lost answer is a dropped connection, as in the world; therefore hyper itself and not a router that always answers.

use crate::clock::SystemClock;
use anyhow::Context;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use wharf_connect::Vendor;
use wharf_connect::sandbox::{self, WireRequest};
use wharf_connect::world::{Command, MarketPlan, World};
use wharf_store::Clock;

/// Largest request the market reads.
const LARGEST_REQUEST: usize = 32 << 20;

/// The answer is lost on purpose; hyper then drops the connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

/// A market that answers on an address of this machine.
pub struct Market {
    /// `http://127.0.0.1:PORT`
    pub origin: String,
    /// The market itself.
    pub world: Arc<World>,
}

/// Opens the market of `folder` (made by `seed` when it is new) and serves it on `listen`.
pub async fn open(folder: &Path, seed: u64, rate: Option<f64>, listen: SocketAddr) -> anyhow::Result<Market> {
    let vendors = wharf_vendors::all();
    let now = SystemClock.now();
    let plan = MarketPlan::demo(&vendors, seed, now);
    let world = Arc::new(World::open(folder, plan, now).with_context(|| format!("cannot open the market in {}", folder.display()))?);
    if let Some(rate) = rate {
        // A market that is continued keeps its own rate unless this start names one.
        world.apply(Command::Rate { at: now, per_minute_milli: (rate * 1000.0) as i64 })?;
    }
    serve(world, vendors, Arc::new(SystemClock), listen).await
}

/// Serves a market on `listen`, at the time of `clock`.
pub async fn serve(
    world: Arc<World>,
    vendors: Vec<&'static dyn Vendor>,
    clock: Arc<dyn Clock>,
    listen: SocketAddr,
) -> anyhow::Result<Market> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}: choose another address"))?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(accept(listener, world.clone(), vendors, clock));
    Ok(Market { origin, world })
}

async fn accept(listener: TcpListener, world: Arc<World>, vendors: Vec<&'static dyn Vendor>, clock: Arc<dyn Clock>) {
    let (ticking, time) = (world.clone(), clock.clone());
    let ticker = tokio::spawn(async move {
        let mut every = tokio::time::interval(std::time::Duration::from_millis(500));
        loop {
            every.tick().await;
            if let Err(error) = ticking.tick(time.now()) {
                tracing::error!(%error, "the market cannot write its journal");
            }
        }
    });
    loop {
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let (world, vendors, clock) = (world.clone(), vendors.clone(), clock.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(world.clone(), vendors.clone(), clock.clone(), request));
            let served =
                hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
            if let Err(error) = served {
                tracing::debug!(%error, "market connection ended");
            }
        });
        if ticker.is_finished() {
            return;
        }
    }
}

async fn answer(
    world: Arc<World>,
    vendors: Vec<&'static dyn Vendor>,
    clock: Arc<dyn Clock>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_REQUEST).collect().await else {
        let mut refused = Response::new(Full::new(Bytes::from_static(b"request too large")));
        *refused.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(refused);
    };
    let wire = WireRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|(k, v)| (k.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect(),
        body: body.to_bytes().to_vec(),
    };
    // The journal is written with fsync before an effect is answered: not on the runtime's threads.
    let reply = tokio::task::spawn_blocking(move || sandbox::serve(&world, &vendors, clock.now(), wire)).await.map_err(|_| Cut)?;
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if reply.cut {
        return Err(Cut);
    }
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (hyper::header::HeaderName::try_from(name), hyper::header::HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}
