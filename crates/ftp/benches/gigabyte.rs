//! How fast one client puts a file of 1 GiB, and gets it back: from disk to
//! disk, with the starter's own client. Prints `job value unit`; more is
//! better.
//!
//! cargo bench --bench gigabyte
//!
//! It starts ftp-server, and vsftpd if it is here.

#[path = "../tests/common/mod.rs"]
mod common;

use std::env;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use common::{Folder, Running, Vsftpd};
use ftp::{Client, finish, say};

/// Bytes of the file; BENCH_BYTES says how many in a trial.
const BYTES: u64 = 1 << 30;
const VSFTPD: &str = "/usr/sbin/vsftpd";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("gigabyte", run().await)
}

async fn run() -> Result<()> {
    let bytes = match env::var("BENCH_BYTES") {
        Ok(text) => text.parse()?,
        Err(_) => BYTES,
    };
    let folder = Folder::new();
    let ours = Running::server(&folder.root(), &[]);
    let url = format!("ftp://{}", ours.address);
    measure(&folder.0, &url, "", bytes).await?;
    if Path::new(VSFTPD).exists() {
        let folder = Folder::new();
        let vsftpd = Vsftpd::start(&folder);
        let url = format!("ftp://127.0.0.1:{}", vsftpd.port);
        measure(&folder.0, &url, "-vsftpd", bytes).await?;
    }
    Ok(())
}

/// The jobs on one server are called by its name.
async fn measure(folder: &Path, url: &str, of: &str, bytes: u64) -> Result<()> {
    let mut client = Client::connect(&url.parse()?, PATIENCE, None).await?;
    let (there, back) = (folder.join("there"), folder.join("back"));
    File::create(&there)?.set_len(bytes)?;
    let name = "gigabyte";
    // Both ways belong to each other, so BENCH_ONLY chooses what is told.
    let begin = Instant::now();
    let put = client.put(&there, name, false, &mut |_, _| {}).await?;
    tell(&format!("put{of}"), put, begin)?;
    let begin = Instant::now();
    let got = client.get(name, &back, false, &mut |_, _| {}).await?;
    tell(&format!("get{of}"), got, begin)?;
    ensure!(put == bytes && got == bytes, "{put} there, {got} back");
    client.quit().await;
    Ok(())
}

fn tell(job: &str, bytes: u64, begin: Instant) -> Result<()> {
    let speed = bytes as f64 / 1e6 / begin.elapsed().as_secs_f64();
    if env::var("BENCH_ONLY").map_or(true, |only| job.contains(&only)) {
        say(format_args!("{job} {speed:.0} MB/s"))?;
    }
    Ok(())
}
