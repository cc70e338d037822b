//! What the tests share: folders, and programs that are running.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own, removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ftp-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(folder.join("root")).expect("a folder");
        Self(folder)
    }

    /// What the server gives away.
    pub fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server that is ready; it ends with the test.
pub struct Running {
    pub child: Child,
    pub address: String,
}

impl Running {
    pub fn server(root: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ftp-server"))
            .arg("127.0.0.1:0")
            .arg("--root")
            .arg(root)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let out = child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address");
        let address = address.to_owned();
        Self { child, address }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs ftp-client in a folder.
pub fn client(folder: &Path, url: &str, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ftp-client"))
        .arg(url)
        .args(options)
        .current_dir(folder)
        .output()
        .expect("a client")
}

/// What it said, and its exit code.
pub fn told(output: &Output) -> (String, i32) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let code = output.status.code().expect("no signal ended it");
    (String::from_utf8(text).unwrap(), code)
}

/// A vsftpd of our own. It serves the folder `root`.
pub struct Vsftpd {
    child: std::process::Child,
    pub port: u16,
}

impl Vsftpd {
    pub fn start(folder: &Folder) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let script =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/vsftpd.sh");
        let child = Command::new("sh")
            .arg(script)
            .arg(&folder.0)
            .arg(port.to_string())
            .spawn()
            .unwrap();
        let running = Self { child, port };
        let until =
            std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let stream = std::net::TcpStream::connect(("127.0.0.1", port));
            let mut code = [0; 3];
            if stream.is_ok_and(|mut one| {
                std::io::Read::read_exact(&mut one, &mut code).is_ok()
            }) {
                assert_eq!(&code, b"220");
                return running;
            }
            assert!(
                std::time::Instant::now() < until,
                "vsftpd does not get ready"
            );
            std::thread::yield_now();
        }
    }
}

impl Drop for Vsftpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
