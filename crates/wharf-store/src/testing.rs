//! Test beds: one test body, run on SQLite in memory, on SQLite in a file, and on PostgreSQL.
//!
//! PostgreSQL is `WHARF_TEST_POSTGRES` (a URL whose user may create databases), or a throwaway cluster that is started
//! once per test process and goes with it, however it ends. A missing server fails the test; nothing is skipped.

use crate::postgres::Session;
use crate::{Clock, Keys, Store, StoreOptions, migrate};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use wharf_domain::time::Timestamp;

/// 2026-11-21T00:00:00Z: where a test's clock stands at first.
pub const START: Timestamp = Timestamp(1_795_219_200_000_000);

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at [`START`].
    pub fn new() -> Arc<Self> {
        Arc::new(ManualClock(AtomicI64::new(START.micros())))
    }

    /// Moves it.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// What a test gets: a fresh, migrated database, its clock, and what a second process needs to open it too.
#[derive(Clone)]
pub struct Bed {
    /// The database.
    pub store: Store,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// How it was opened.
    pub url: String,
    /// Its keys.
    pub keys: Keys,
}

/// The key text of every bed.
pub const KEY: &str = "4242424242424242424242424242424242424242424242424242424242424242";

impl Bed {
    /// Opens a database URL with a clock at [`START`].
    pub fn open(url: &str) -> Bed {
        let (clock, keys) = (ManualClock::new(), Keys::parse(KEY).expect("the test key"));
        let mut bed = Bed { store: open(url, &clock, &keys), clock, url: url.to_owned(), keys };
        if url == "sqlite::memory:" {
            // A memory has no second door.
            bed.url.clear();
        }
        bed
    }

    /// The same database again, as another process would have it; in memory the same store.
    pub fn another(&self) -> Store {
        if self.url.is_empty() { self.store.clone() } else { open(&self.url, &self.clock, &self.keys) }
    }
}

fn open(url: &str, clock: &Arc<ManualClock>, keys: &Keys) -> Store {
    let mut options = StoreOptions::new(clock.clone(), keys.clone());
    (options.readers, options.connections) = (2, 4);
    Store::open(url, options).expect("the store opens")
}

/// A fresh bed on SQLite in memory, for tests that have no word to say about engines.
pub fn memory() -> Bed {
    Bed::open("sqlite::memory:")
}

/// Runs a test on every engine.
pub fn both_engines<F: Future<Output = ()>>(test: impl Fn(Store) -> F) {
    both_engines_with(|bed| test(bed.store));
}

/// As [`both_engines`], with clock and URL.
pub fn both_engines_with<F: Future<Output = ()>>(test: impl Fn(Bed) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let on = |name: &'static str, url: &str| {
        let _told = Told(name);
        runtime.block_on(test(Bed::open(url)));
    };
    on("SQLite in memory", "sqlite::memory:");
    let folder = std::env::temp_dir().join(format!("wharf-test-sqlite-{}", unique()));
    std::fs::create_dir(&folder).expect("a folder for the test database");
    let cleared = Cleared(folder.clone());
    on("SQLite in a file", &format!("sqlite:{}", folder.join("wharf.db").display()));
    drop(cleared);
    let database = fresh_postgres();
    on("PostgreSQL", &database.url);
}

/// Names the engine when a test fails on it.
struct Told(&'static str);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("… on {}", self.0);
        }
    }
}

struct Cleared(PathBuf);

impl Drop for Cleared {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A fresh, migrated PostgreSQL database. It is dropped with this value.
pub struct PostgresDatabase {
    /// How to open it.
    pub url: String,
    name: String,
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        if let Err(error) = administer(&drop) {
            eprintln!("a test database stays behind: {error}");
        }
    }
}

/// Makes a fresh database on the test server.
pub fn fresh_postgres() -> PostgresDatabase {
    template();
    let name = format!("wharf_test_{}", unique().replace('-', "_"));
    administer(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{}\"", template())).expect("a fresh PostgreSQL database");
    PostgresDatabase { url: with_database(&server().url, &name), name }
}

/// The name of a database that is migrated once and copied for each test.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("wharf_template_{}", std::process::id());
        administer(&format!("DROP DATABASE IF EXISTS \"{name}\"")).expect("the test server answers");
        administer(&format!("CREATE DATABASE \"{name}\"")).expect("the test server lets databases be created");
        on_thread(&with_database(&server().url, &name), |session| migrate::run(&mut migrate::Target::Postgres(session), START))
            .expect("the migrations run on PostgreSQL");
        name
    })
}

/// Runs one statement on the server itself. A template that is still being left is waited for.
fn administer(sql: &str) -> Result<(), crate::StoreError> {
    let mut tries = 0;
    loop {
        let answer = on_thread(&server().url, |session| session.plain(sql));
        match answer {
            Err(crate::StoreError::Database(message)) if message.contains("55006") && tries < 50 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// The client runs a loop of its own, which may not sit inside that of a test.
fn on_thread<T: Send>(url: &str, work: impl FnOnce(&mut Session) -> Result<T, crate::StoreError> + Send) -> Result<T, crate::StoreError> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| Session::connect(url).and_then(|mut session| work(&mut session)));
        thread.join().expect("the thread of a connection")
    })
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let authority = address.split('/').next().unwrap_or("");
    format!("{scheme}://{authority}/{name}{}", query.map(|query| format!("?{query}")).unwrap_or_default())
}

struct Server {
    url: String,
    /// Its standard input is the thread of life: when this process ends, however it ends, the keeper reads its end, stops
    /// the cluster and removes it.
    _keeper: Option<Child>,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("WHARF_TEST_POSTGRES") {
        Ok(url) => Server { url, _keeper: None },
        Err(_) => throwaway_cluster(),
    })
}

const KEEPER: &str = r#"
trap '' INT TERM HUP
dir=$1; bin=$2; user=$3
as() { if [ -n "$user" ]; then setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"; else "$@"; fi; }
[ -z "$user" ] || chown "$user" "$dir"
cd "$dir"
export LC_ALL=C HOME="$dir"
unset PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS
if as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$dir/initdb.log" 2>&1 </dev/null &&
   as "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/server.log" start \
     -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB -c autovacuum=off" >"$dir/start.log" 2>&1 </dev/null
then echo ready
else cat "$dir"/*.log; echo failed
fi
read -r _
as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 </dev/null
rm -rf "$dir"
"#;

fn throwaway_cluster() -> Server {
    let bin = binaries().expect(
        "PostgreSQL is missing: install it (Debian: apt-get install postgresql), or set WHARF_TEST_POSTGRES to the URL of a server whose user may create databases",
    );
    let dir = std::env::temp_dir().join(format!("wharf-test-postgres-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).expect("a folder for the test cluster");
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "keeper"]).arg(&dir).arg(&bin).arg(other_user()).stdin(Stdio::piped()).stdout(Stdio::piped());
    // A group of its own: an interrupt at the terminal ends the tests, and the keeper then ends the cluster.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut keeper = command.spawn().expect("a shell");
    let mut said = String::new();
    for line in BufReader::new(keeper.stdout.take().expect("its output")).lines() {
        match line.expect("its words").as_str() {
            "ready" => {
                let url = format!("postgresql:///postgres?host={}&user=postgres", dir.display());
                return Server { url, _keeper: Some(keeper) };
            }
            "failed" => break,
            line => said.extend([line, "\n"]),
        }
    }
    panic!("the throwaway PostgreSQL cluster in {} did not start:\n{said}", dir.display());
}

/// Whom the server runs as: it refuses to be root.
fn other_user() -> &'static str {
    let said =
        |args: &[&str]| Command::new("id").args(args).output().ok().filter(|output| output.status.success()).map(|output| output.stdout);
    if said(&["-u"]).is_none_or(|id| id.trim_ascii() != b"0") {
        return "";
    }
    if said(&["-u", "postgres"]).is_some() { "postgres" } else { "nobody" }
}

/// The folder of `initdb`: the newest Debian package, or wherever the path leads.
fn binaries() -> Option<PathBuf> {
    let mut packaged: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    packaged.sort();
    let on_path =
        || std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).find(|folder: &PathBuf| folder.join("initdb").exists()));
    packaged.pop().map(|(_, bin)| bin).or_else(on_path).map(|bin| bin.canonicalize().unwrap_or(bin)).filter(|bin| Path::new(bin).is_dir())
}
