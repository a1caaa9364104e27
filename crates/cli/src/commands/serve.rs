//! `lite2pg serve`, and the hidden command that holds a managed PostgreSQL.
//! Owns what is printed; the engine serves.

use super::must_exist;
use crate::args::Serve;
use crate::settings::{World, managed_dir_of};
use crate::show::connect::Address;
use crate::show::text::{clean, shell};
use crate::show::{Show, human};
use crate::signals;
use lite2pg_engine::Result;
use lite2pg_engine::local::{self, Connect};
use lite2pg_engine::run::TargetSpec;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub fn run(args: &Serve, show: &Show) -> Result<u8> {
    let world = World::read(args.place.work_dir.as_deref());
    let mut options = world.managed(&managed_dir_of(&args.dir)?, &args.place);
    options.tcp = args.port;
    must_exist(&TargetSpec::Managed(options.clone()))?;
    let stop = signals::flag();
    local::serve(&options, &stop, |connect| if show.json { document(connect, show) } else { people(connect, show) })?;
    show.aside("stopped");
    Ok(0)
}

fn addresses(connect: &Connect) -> (Address, Address) {
    let of = |host: &str| Address {
        host: host.to_owned(),
        port: connect.port,
        user: connect.user.clone(),
        dbname: connect.dbname.clone(),
        schema: None,
        more: Vec::new(),
    };
    (of("127.0.0.1"), of(&connect.socket_dir.display().to_string()))
}

fn people(connect: &Connect, show: &Show) {
    let (tcp, socket) = addresses(connect);
    connect.notes.iter().for_each(|n| show.aside(&format!("note: {}", clean(n))));
    let dir = connect.dir.display().to_string();
    show.must_line(&format!("PostgreSQL {} ({}) serves {} until Ctrl-C", connect.version, connect.engine, clean(&dir)));
    if connect.max_connections == 1 {
        show.must_line("one connection at a time");
    }
    show.must_line("");
    if let Some(file) = &connect.password_file {
        let set = format!("export PGPASSFILE={}", shell(&file.display().to_string()));
        show.must_line(&human::head(show, "password", &set));
    }
    for (i, (name, form)) in tcp.forms().into_iter().enumerate() {
        let word = if i == 0 { "connect" } else { "" };
        show.must_line(&human::head(show, word, &format!("{name:<11} {}", clean(&form))));
    }
    let psql = format!("psql {}", shell(&socket.uri("postgresql")));
    show.must_line(&human::head(show, "or", &format!("{:<11} {}   (no password)", "the socket", clean(&psql))));
}

fn document(connect: &Connect, show: &Show) {
    let (tcp, socket) = addresses(connect);
    show.document(&serde_json::json!({
        "status": "serving", "exit": 0, "engine": connect.engine, "version": connect.version,
        "dir": connect.dir.display().to_string(), "host": "127.0.0.1", "port": connect.port,
        "socket_dir": connect.socket_dir.display().to_string(), "user": connect.user, "database": connect.dbname,
        "password_file": connect.password_file.as_ref().map(|p| p.display().to_string()),
        "max_connections": connect.max_connections, "pid": connect.pid, "notes": connect.notes,
        "uri": tcp.uri("postgresql"), "socket_uri": socket.uri("postgresql"),
    }));
}

/// Holds a managed PostgreSQL as its parent says on standard input.
pub fn keeper() -> ExitCode {
    // Lives as long as the process; the engine wants a flag that does.
    let stop: &'static Arc<AtomicBool> = Box::leak(Box::new(signals::flag()));
    match local::run_child(std::io::stdin(), std::io::stdout(), stop) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.kind.exit()),
    }
}
