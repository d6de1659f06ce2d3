//! `wharf user …`: people from the command line, for the first start and a lost password.

use crate::config::{Config, StoreArgs};
use crate::http::people::{People, SHORTEST_PASSWORD};
use crate::setup;
use anyhow::{Context, bail};
use clap::Subcommand;
use std::io::Read;
use std::process::ExitCode;
use wharf_domain::access::Scope;
use wharf_domain::id::UserId;
use wharf_store::users::{self, NewUser};

/// Arguments of `wharf user`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a person; the password is read from standard input
    Add {
        /// Sign-in name
        login: String,
        /// Display name
        #[arg(long)]
        name: Option<String>,
        /// owner · auditor · service · warehouse · finance, or a role of your own
        #[arg(long, default_value = "owner")]
        role: String,
    },
    /// Set a new password, read from standard input; signs the person out everywhere
    Password {
        /// Sign-in name
        login: String,
    },
    /// List people
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let store = setup::open_store(&Config::load(store)?)?;
    match &args.command {
        Command::Add { login, name, role } => {
            let password_hash = People::new()?.hash(&password()?)?;
            let (login, name, role) = (login.clone(), name.clone().unwrap_or_else(|| login.clone()), role.clone());
            let shown = login.clone();
            store
                .write(move |tx| -> Result<UserId, setup::SetupError> {
                    users::ensure_built_in_roles(tx)?;
                    let role =
                        users::role_by_name(tx, &role)?.ok_or_else(|| setup::SetupError::new(format!("there is no role {role:?}")))?;
                    if users::by_login(tx, &login)?.is_some() {
                        return Err(setup::SetupError::new(format!("{login:?} is taken: choose another login")));
                    }
                    Ok(users::create(
                        tx,
                        &NewUser { login, name, password_hash, role_id: role.id, scope: Scope::ALL, locale: "zh-CN".into() },
                    )?)
                })
                .await?;
            println!("{shown} may sign in");
        }
        Command::Password { login } => {
            let hash = People::new()?.hash(&password()?)?;
            let wanted = login.clone();
            store
                .write(move |tx| -> Result<(), setup::SetupError> {
                    let (user, _) = users::by_login(tx, &wanted)?
                        .ok_or_else(|| setup::SetupError::new(format!("there is nobody called {wanted:?}")))?;
                    users::set_password(tx, user.id, &hash)?;
                    Ok(())
                })
                .await?;
            println!("{login} has a new password");
        }
        Command::List { json } => {
            let people = store.read(users::list).await?;
            if *json {
                let rows: Vec<_> = people
                    .iter()
                    .map(|u| serde_json::json!({ "id": u.id, "login": u.login, "name": u.name, "role": u.role.name, "disabled": u.disabled_at.is_some() }))
                    .collect();
                println!("{}", serde_json::to_string(&rows)?);
            } else {
                for user in people {
                    println!("{}\t{}\t{}", user.login, user.role.name, user.name);
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("cannot read the password from standard input")?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.chars().count() < SHORTEST_PASSWORD {
        bail!("the password needs {SHORTEST_PASSWORD} characters or more; it is read from standard input");
    }
    Ok(password)
}
