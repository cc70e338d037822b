//! The workspace in tests/fixture, copied to where it can be built and changed.

use std::fs;
use std::path::{Path, PathBuf};

/// Copies the fixture to a folder of its own and returns that folder. What was
/// built there stays from one run to the next.
pub fn copy_fixture(name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Files that are gone from the fixture must be gone here.
    let _ = fs::remove_dir_all(to.join("crates"));
    copy(&from, &to);
    to
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::write(&to, fs::read(&from).unwrap()).unwrap();
            // Else cargo would build everything again.
            let time = entry.metadata().unwrap().modified().unwrap();
            let file = fs::File::options().append(true).open(&to).unwrap();
            file.set_modified(time).unwrap();
        }
    }
}

/// Whether a process is there and has not ended.
#[cfg(unix)]
pub fn is_alive(id: i32) -> bool {
    // One that has ended but that nobody has waited for is a zombie.
    let ended = fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| stat.contains(") Z") || stat.contains(") X"));
    let id = nix::unistd::Pid::from_raw(id);
    nix::sys::signal::kill(id, None).is_ok() && !ended
}

/// Waits until something is so; says whether it came to be within 20 s.
#[cfg(unix)]
pub fn becomes(mut so: impl FnMut() -> bool) -> bool {
    let begin = std::time::Instant::now();
    while !so() {
        if begin.elapsed().as_secs() >= 20 {
            return false;
        }
        std::thread::yield_now();
    }
    true
}
