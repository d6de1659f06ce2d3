//! `wharf serve`: the application, and jobs unless `--no-worker`.

use crate::config::{Config, StoreArgs};
use crate::http::{self, people::People, state::AppState};
use crate::setup;
use anyhow::Context;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wharf_flows::app::App;
use wharf_flows::{jobs, scheduler, worker};

/// Arguments of `wharf serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to answer on
    #[arg(long, env = "WHARF_LISTEN")]
    listen: Option<SocketAddr>,
    /// Leave jobs to `wharf worker` processes
    #[arg(long)]
    no_worker: bool,
    /// One line of JSON when ready
    #[arg(long)]
    json: bool,
}

/// Serves until told to stop, then lets what is under way end.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(store)?;
    let sole = setup::serve_alone(&config)?;
    let app = Arc::new(setup::open_app(setup::open_store(&config)?)?);
    setup::forget_the_dead(&app, &sole).await?;
    let listen = match (args.listen, &config.file.listen) {
        (Some(address), _) => address,
        (None, Some(text)) => text.parse().with_context(|| format!("listen = {text:?} in the settings file is no address"))?,
        (None, None) => SocketAddr::from(([127, 0, 0, 1], 8080)),
    };
    let started = start(app.clone(), listen, &config).await?;
    let created = setup::first_owner(&started.state).await?;
    if let Some(password) = &created {
        eprintln!("wharf: first start: sign in as `owner` with the password {password} and change it");
    }
    if args.json {
        println!("{}", serde_json::json!({ "url": started.url }));
    } else {
        println!("Wharf answers on {}", started.url);
    }
    let jobs = (!args.no_worker).then(|| start_jobs(app));
    until_told_to_stop().await;
    if let Some(jobs) = jobs {
        jobs.end().await;
    }
    started.end().await;
    drop(sole);
    Ok(ExitCode::SUCCESS)
}

/// A running HTTP face.
pub struct Started {
    /// Where it answers.
    pub url: String,
    /// Its state.
    pub state: AppState,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Started {
    /// Lets requests under way end, for a few seconds at most: live event streams never end by themselves.
    pub async fn end(self) {
        if self.stop.send(true).is_err() {
            tracing::debug!("the server had stopped");
        }
        match tokio::time::timeout(std::time::Duration::from_secs(3), self.serving).await {
            Ok(Ok(Err(error))) => tracing::error!(%error, "the server failed"),
            Ok(Err(error)) => tracing::error!(%error, "the server failed"),
            Ok(Ok(Ok(()))) | Err(_) => {}
        }
    }
}

/// Starts the HTTP face.
pub async fn start(app: Arc<App>, listen: SocketAddr, config: &Config) -> anyhow::Result<Started> {
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().ok();
    let state = AppState {
        app,
        events: Arc::default(),
        people: Arc::new(People::new()?),
        metrics,
        secure_cookie: config.file.secure_cookie,
        zone: config.zone.clone(),
    };
    http::events::forward(&state);
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}: choose another with --listen"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = http::router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let (stop, mut stopped) = watch::channel(false);
    let serving = tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(async move {
                // A sender that is gone means the same.
                let _ = stopped.wait_for(|s| *s).await;
            })
            .await
    });
    Ok(Started { url, state, stop, serving })
}

/// Running jobs.
pub struct Jobs {
    stop: watch::Sender<bool>,
    working: Vec<tokio::task::JoinHandle<()>>,
}

impl Jobs {
    /// No new job is claimed; those under way end or give their lease back.
    pub async fn end(self) {
        if self.stop.send(true).is_err() {
            tracing::debug!("jobs had stopped");
        }
        for task in self.working {
            if let Ok(Err(error)) = tokio::time::timeout(std::time::Duration::from_secs(20), task).await {
                tracing::error!(%error, "a worker failed");
            }
        }
    }
}

/// Starts worker and scheduler in this process.
pub fn start_jobs(app: Arc<App>) -> Jobs {
    let (stop, stopped) = watch::channel(false);
    let schedules: &'static [jobs::Schedule] = Vec::leak(jobs::schedules());
    let (for_worker, for_scheduler, clock_stop) = (app.clone(), app, stopped.clone());
    let worker = tokio::spawn(async move { worker::run(for_worker, Arc::new(jobs::all()), stopped).await });
    let scheduler = tokio::spawn(async move { scheduler::run(&for_scheduler, schedules, clock_stop).await });
    Jobs { stop, working: vec![worker, scheduler] }
}

/// Until SIGINT or SIGTERM.
pub async fn until_told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
        }
        Err(_) => {
            // Without a SIGTERM handler the interrupt alone stops us.
            let _ = interrupt.await;
        }
    }
}
