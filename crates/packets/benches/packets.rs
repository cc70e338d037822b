//! How many packets a second are told in a line each, from a file of a million
//! of them: by the program, as a person runs it, and by the library alone.
//! The peers read the same file. Prints `job value unit`.
//!
//! cargo bench --bench packets

use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use packets::{dissect, read_packets};

/// How often the 14 packets of captures/lo.pcap are repeated.
const TIMES: usize = 71_429;
const UNIT: &str = "packets/s";

fn main() -> Result<(), Box<dyn Error>> {
    // `BENCH_TIMES=100` tries whether it works.
    let times = std::env::var("BENCH_TIMES").ok();
    let times = times.map_or(Ok(TIMES), |times| times.parse())?;
    let name = format!("packets-bench-{}.pcap", std::process::id());
    let file = std::env::temp_dir().join(name);
    let result = million(&file, times).and_then(|()| measure(&file));
    fs::remove_file(&file)?;
    result
}

fn million(file: &Path, times: usize) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bytes = fs::read(folder.join("captures/lo.pcap"))?;
    let mut file = BufWriter::new(File::create(file)?);
    file.write_all(&bytes[..24])?;
    for _ in 0..times {
        file.write_all(&bytes[24..])?;
    }
    Ok(file.flush()?)
}

fn measure(file: &Path) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let count = read_packets(File::open(file)?, |packet| {
        black_box(dissect(packet).line(packet));
        Ok::<_, Box<dyn Error>>(())
    })??;
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    println!("dissect_without_printing {rate:.0} {UNIT}");

    let begin = Instant::now();
    let ended = Command::new(env!("CARGO_BIN_EXE_packet-dissect"))
        .arg(file)
        .stdout(Stdio::null())
        .status()?;
    assert!(ended.success());
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    println!("dissect {rate:.0} {UNIT}");
    Ok(())
}
