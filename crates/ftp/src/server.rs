// ANCHOR: all
//! A folder by FTP, for many clients at once. The crate libunftp talks to
//! them; this file says who may come, and where the second connections are.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use async_trait::async_trait;
use libunftp::ServerBuilder;
use libunftp::options::{Binder, FtpsRequired, PassiveHost};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use unftp_core::auth::{
    AuthenticationError, Authenticator, Credentials, Principal,
};
use unftp_sbe_fs::Filesystem;

use crate::tls::Identity;
use crate::words::warn;

/// Clients at a time; others wait until one has gone.
const CLIENTS: usize = 100;
/// Seconds that a client may say nothing.
const PATIENCE: u64 = 300;
/// Between two attempts to accept when the system has nothing left for us.
const PAUSE: Duration = Duration::from_millis(100);

/// Whom the server lets in, and to what.
#[derive(Clone)]
pub struct Rules {
    /// Nobody gets out of this folder.
    pub root: PathBuf,
    /// The name and the password of the one who may come in; without it,
    /// anybody who says `anonymous`.
    pub user: Option<(String, String)>,
    /// What PASV tells; without it, the address that the client has reached.
    pub announce: Option<Ipv4Addr>,
    /// With it, nobody logs in or moves a file without TLS.
    pub identity: Option<Identity>,
}

/// Serves until `stop` completes.
pub async fn serve(
    rules: Rules,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(CLIENTS));
    let accept = async {
        loop {
            let Ok(seat) = room.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((client, _)) => {
                    let rules = rules.clone();
                    tokio::spawn(async move {
                        if let Err(error) = talk(rules, client).await {
                            warn(format_args!("ftp-server: {error:#}"));
                        }
                        drop(seat);
                    });
                }
                Err(error) => {
                    warn(format_args!("ftp-server: cannot accept: {error}"));
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
}

// ANCHOR: talk
/// One client, to the end.
async fn talk(rules: Rules, client: TcpStream) -> anyhow::Result<()> {
    // Opened now, and every file is reached from here: no link and no `..`
    // leads out of it.
    let root = Mutex::new(Some(Filesystem::new(&rules.root)?));
    let root = move || taken(&root).expect("libunftp asks once a client");
    let host = match rules.announce {
        Some(address) => PassiveHost::Ip(address),
        None => PassiveHost::FromConnection,
    };
    let door = Arc::new(Door(rules.user));
    let mut server = ServerBuilder::with_authenticator(Box::new(root), door)
        .greeting("ftp-server")
        .idle_session_timeout(PATIENCE)
        .passive_host(host)
        .binder(AnyPort);
    if let Some(identity) = rules.identity {
        let (talk, files) = (FtpsRequired::All, FtpsRequired::All);
        server = server.ftps_manual::<PathBuf>(identity);
        server = server.ftps_required(talk, files);
    }
    Ok(server.build()?.service(client).await?)
}
// ANCHOR_END: talk

fn taken<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Second connections come to any port that is free.
#[derive(Debug)]
struct AnyPort;

#[async_trait]
impl Binder for AnyPort {
    async fn bind(
        &mut self,
        address: IpAddr,
        _ports: RangeInclusive<u16>,
    ) -> io::Result<TcpSocket> {
        let socket = match address {
            IpAddr::V4(_) => TcpSocket::new_v4()?,
            IpAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.bind((address, 0).into())?;
        Ok(socket)
    }
}

/// Lets in whom the rules name.
struct Door(Option<(String, String)>);

impl fmt::Debug for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Door")
    }
}

#[async_trait]
impl Authenticator for Door {
    async fn authenticate(
        &self,
        name: &str,
        given: &Credentials,
    ) -> Result<Principal, AuthenticationError> {
        let fits = match &self.0 {
            Some((user, password)) => {
                name == user && given.password.as_ref() == Some(password)
            }
            None => matches!(name, "anonymous" | "ftp"),
        };
        let username = name.to_owned();
        let principal = Principal { username };
        fits.then_some(principal)
            .ok_or(AuthenticationError::BadPassword)
    }
}
// ANCHOR_END: all
