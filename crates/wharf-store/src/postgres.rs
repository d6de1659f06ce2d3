//! PostgreSQL: a pool of threads with a connection each, serving one queue. A lost connection fails the unit of work it
//! carried and is opened again for the next one. One NOTIFY a transaction wakes the other processes.

use crate::dialect::{SESSION, Texts};
use crate::error::StoreError;
use crate::row::{Row, Shape, table_of};
use crate::tx::Line;
use crate::unit::{Queue, Ran, Unit, Waiting};
use crate::value::Value;
use crate::{House, StoreOptions};
use ::postgres::error::SqlState;
use ::postgres::fallible_iterator::FallibleIterator;
use ::postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use ::postgres::{Client, Config, NoTls, Statement};
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Prepared statements kept per connection.
const STATEMENTS: usize = 512;
/// The channel of LISTEN and NOTIFY.
const CHANNEL: &str = "wharf";
/// How often the listener looks whether anybody still wants it.
const LISTEN_BREATH: Duration = Duration::from_millis(500);

/// One connection and the statements prepared on it.
pub(crate) struct Session {
    client: Client,
    prepared: HashMap<String, (Statement, Arc<Shape>)>,
    pub(crate) texts: Texts,
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut ::postgres::types::private::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null | Value::Absent(_) => Ok(IsNull::Yes),
            Value::Int(number) => match *ty {
                Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
                Type::INT2 => i16::try_from(*number)?.to_sql(ty, out),
                Type::INT8 => number.to_sql(ty, out),
                _ => Err(format!("an integer was given for a parameter of type {ty}").into()),
            },
            Value::Text(text) if <&str as ToSql>::accepts(ty) => text.as_str().to_sql(ty, out),
            Value::Blob(bytes) if *ty == Type::BYTEA => bytes.as_slice().to_sql(ty, out),
            Value::Text(_) | Value::Blob(_) => Err(format!("a text or bytes were given for a parameter of type {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Session {
    fn open(config: &Config) -> Result<Self, StoreError> {
        let mut client = config.connect(NoTls).map_err(|error| translate(&error))?;
        client.batch_execute(SESSION).map_err(|error| translate(&error))?;
        Ok(Session { client, prepared: HashMap::new(), texts: Texts::default() })
    }

    /// Opens a connection by URL.
    pub(crate) fn connect(url: &str) -> Result<Self, StoreError> {
        Session::open(&url.parse().map_err(|error| StoreError::Database(format!("the database URL: {error}")))?)
    }

    /// Statements without parameters or answer.
    pub(crate) fn plain(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|error| translate(&error))
    }

    pub(crate) fn run<V: Borrow<Value>>(&mut self, sql: &str, params: &[V], want_rows: bool) -> Result<(u64, Vec<Row>), StoreError> {
        self.try_run(sql, params, want_rows).map_err(|error| match error {
            Trouble::Engine(error) => translate(&error),
            Trouble::Shape(what) => StoreError::Database(what),
        })
    }

    fn try_run<V: Borrow<Value>>(&mut self, sql: &str, params: &[V], want_rows: bool) -> Result<(u64, Vec<Row>), Trouble> {
        let (statement, shape) = self.prepared(sql)?;
        if statement.params().len() != params.len() {
            return Err(Trouble::Shape(format!("{} parameters for a statement with {}", params.len(), statement.params().len())));
        }
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value.borrow() as &(dyn ToSql + Sync)).collect();
        if !want_rows {
            return Ok((self.client.execute(&statement, &params)?, Vec::new()));
        }
        let mut answer = Vec::new();
        let mut rows = self.client.query_raw(&statement, params)?;
        while let Some(row) = rows.next()? {
            let values = (0..row.len()).map(|column| field(&row, column)).collect::<Result<_, Trouble>>()?;
            answer.push(Row { shape: Arc::clone(&shape), values });
        }
        let verb = sql.trim_start().get(..6).unwrap_or("");
        let changed = if verb.eq_ignore_ascii_case("select") { 0 } else { answer.len() as u64 };
        Ok((changed, answer))
    }

    fn prepared(&mut self, sql: &str) -> Result<(Statement, Arc<Shape>), Trouble> {
        if let Some((statement, shape)) = self.prepared.get(sql) {
            return Ok((statement.clone(), Arc::clone(shape)));
        }
        if self.prepared.len() >= STATEMENTS {
            // Rare: few texts exist. Starting over is simpler than keeping an order of use.
            self.prepared.clear();
        }
        let statement = self.client.prepare(sql)?;
        let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        let shape = Arc::new(Shape { table: table_of(sql), columns });
        self.prepared.insert(sql.to_owned(), (statement.clone(), Arc::clone(&shape)));
        Ok((statement, shape))
    }
}

enum Trouble {
    Engine(::postgres::Error),
    Shape(String),
}

impl From<::postgres::Error> for Trouble {
    fn from(error: ::postgres::Error) -> Self {
        Trouble::Engine(error)
    }
}

fn field(row: &::postgres::Row, column: usize) -> Result<Value, Trouble> {
    let ty = row.columns()[column].type_();
    let value = match *ty {
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(Value::Int),
        Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(|number| Value::Int(number.into())),
        Type::INT2 => row.try_get::<_, Option<i16>>(column)?.map(|number| Value::Int(number.into())),
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(|truth| Value::Int(truth.into())),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Blob),
        Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN | Type::BPCHAR => {
            row.try_get::<_, Option<String>>(column)?.map(Value::Text)
        }
        _ => return Err(Trouble::Shape(format!("the column {} has the type {ty}; cast it", row.columns()[column].name()))),
    };
    Ok(value.unwrap_or(Value::Null))
}

/// What an error of PostgreSQL means to a caller. The detail line is left out: it holds values.
fn translate(error: &::postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        if error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()) {
            tracing::warn!(%error, "PostgreSQL is unavailable");
            return StoreError::Unavailable;
        }
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return StoreError::Database(format!("{error}{cause}"));
    };
    let code = db.code();
    if *code == SqlState::NOT_NULL_VIOLATION {
        return StoreError::Conflict { constraint: format!("{}.{}", db.table().unwrap_or("?"), db.column().unwrap_or("?")) };
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return StoreError::Conflict { constraint: crate::dialect::foreign_key(db.table().unwrap_or("?")) };
    }
    match &code.code()[..2] {
        "23" => return StoreError::Conflict { constraint: db.constraint().unwrap_or("?").to_owned() },
        "08" | "57" if *code != SqlState::QUERY_CANCELED => {
            tracing::warn!(code = code.code(), message = db.message(), "PostgreSQL is unavailable");
            return StoreError::Unavailable;
        }
        _ => {}
    }
    match *code {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED | SqlState::LOCK_NOT_AVAILABLE => StoreError::Busy,
        SqlState::DISK_FULL => StoreError::Full,
        SqlState::TOO_MANY_CONNECTIONS => StoreError::Unavailable,
        _ => StoreError::Database(format!("{} ({})", db.message(), code.code())),
    }
}

/// Opens the database, brings its tables up to date, and starts the pool. The threads end with the queues.
pub(crate) fn start(url: &str, options: &StoreOptions, house: &Arc<House>) -> Result<(Queue, Queue), StoreError> {
    let mut config: Config = url.parse().map_err(|error| StoreError::Database(format!("the database URL: {error}")))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_application_name().is_none() {
        config.application_name("wharf");
    }
    // The client runs a loop of its own, which may not sit inside another: it lives on threads of its own, always.
    let (first, now) = (config.clone(), options.clock.now());
    std::thread::spawn(move || crate::migrate::run(&mut crate::migrate::Target::Postgres(&mut Session::open(&first)?), now))
        .join()
        .map_err(|_| StoreError::Database("the migrations panicked".to_owned()))??;
    let (writes, queued_writes) = Queue::new(options.queue);
    let (reads, queued_reads) = Queue::new(options.queue);
    for (name, count, queued) in [("wharf-write", options.connections, queued_writes), ("wharf-read", options.readers, queued_reads)] {
        for _ in 0..count.max(1) {
            let (config, house, queued) = (config.clone(), Arc::clone(house), queued.clone());
            spawn(name, move || serve(&config, &house, &queued))?;
        }
    }
    Ok((writes, reads))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(|_| ()).map_err(|error| StoreError::Database(format!("cannot start a thread: {error}")))
}

fn serve(config: &Config, house: &House, queued: &Waiting) {
    let mut held: Option<Session> = None;
    while let Some(unit) = queued.next() {
        let mut session = match held.take().filter(|session| !session.client.is_closed()).map_or_else(|| Session::open(config), Ok) {
            Ok(session) => session,
            Err(error) => {
                unit.refuse(error);
                continue;
            }
        };
        if transact(config, house, &mut session, unit) {
            held = Some(session);
        }
    }
}

/// Runs one unit of work in one transaction. False when the connection should be thrown away.
fn transact(config: &Config, house: &House, session: &mut Session, unit: Unit) -> bool {
    let begin = if unit.read { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" };
    let ids = if unit.read { Ok(house.spare_ids()) } else { house.ids(|work| lease(config, session, work)) };
    let ids = match ids.and_then(|ids| begin_on_live(config, session, begin).map(|()| ids)) {
        Ok(ids) => ids,
        Err(error) => {
            unit.refuse(error);
            return false;
        }
    };
    let read = unit.read;
    let Ran { keep, finish, notices, .. } = unit.run(Line::Postgres(session), house, &ids);
    if !keep {
        let ended = session.plain("ROLLBACK");
        // A read has its answer whatever becomes of the connection.
        finish(if read { Ok(()) } else { ended.clone() });
        return ended.is_ok();
    }
    let committed = notify(session, &notices).and_then(|()| session.plain("COMMIT"));
    house.counters.commit();
    if committed.is_ok() {
        house.notify(notices);
    }
    let healthy = committed.is_ok() || session.plain("ROLLBACK").is_ok();
    finish(committed);
    healthy
}

/// Begins a transaction. A connection that was lost while it idled is replaced: nothing has run on it yet.
fn begin_on_live(config: &Config, session: &mut Session, begin: &str) -> Result<(), StoreError> {
    if session.plain(begin).is_ok() {
        return Ok(());
    }
    *session = Session::open(config)?;
    session.plain(begin)
}

/// Leases the node number in a transaction of its own, so that the lease does not depend on a unit of work.
fn lease(
    config: &Config,
    session: &mut Session,
    work: &mut dyn FnMut(&mut Line<'_>) -> Result<i64, StoreError>,
) -> Result<i64, StoreError> {
    begin_on_live(config, session, "BEGIN")?;
    let node = work(&mut Line::Postgres(session));
    session.plain(if node.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    node
}

/// One NOTIFY for everything this transaction announces.
fn notify(session: &mut Session, notices: &BTreeSet<String>) -> Result<(), StoreError> {
    if notices.is_empty() {
        return Ok(());
    }
    let topics: Vec<Value> = vec![CHANNEL.into(), notices.iter().cloned().collect::<Vec<_>>().join("\n").into()];
    session.run("SELECT CAST(pg_notify($1, $2) AS TEXT)", &topics, true).map(|_| ())
}

/// Hears what other processes announce, until the store is gone.
pub(crate) fn listen(url: &str, house: &Arc<House>) -> Result<(), StoreError> {
    let config: Config = url.parse().map_err(|error| StoreError::Database(format!("the database URL: {error}")))?;
    let house = Arc::downgrade(house);
    spawn("wharf-listen", move || {
        while house.strong_count() > 0 {
            if let Ok(mut session) = Session::open(&config)
                && session.plain(&format!("LISTEN {CHANNEL}")).is_ok()
            {
                hear(&mut session, &house);
            }
            std::thread::sleep(LISTEN_BREATH);
        }
    })
}

fn hear(session: &mut Session, house: &Weak<House>) {
    while house.strong_count() > 0 && !session.client.is_closed() {
        let mut heard = session.client.notifications();
        let mut waiting = heard.timeout_iter(LISTEN_BREATH);
        loop {
            match (waiting.next(), house.upgrade()) {
                (Ok(Some(notification)), Some(house)) => house.hear(notification.payload().split('\n').map(str::to_owned)),
                (Ok(None), Some(_)) => break,
                (Ok(Some(_) | None), None) | (Err(_), _) => return,
            }
        }
    }
}
