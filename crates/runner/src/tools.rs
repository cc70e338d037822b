//! Where programs of this machine are.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The Python interpreter: what PYTHON says, or the usual name.
pub fn python() -> OsString {
    let usual = if cfg!(windows) { "python" } else { "python3" };
    env::var_os("PYTHON").unwrap_or_else(|| usual.into())
}

/// Whether Python is here at all.
pub fn has_python() -> bool {
    static HERE: OnceLock<bool> = OnceLock::new();
    *HERE.get_or_init(|| python_has("sys"))
}

/// Whether Python is here and has a module.
pub fn python_has(module: &str) -> bool {
    Command::new(python())
        .args(["-c", &format!("import {module}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where a program is: in PATH, or in a folder for servers, which not every
/// user has there.
pub fn find(program: &str) -> Option<PathBuf> {
    let servers = ["/usr/local/sbin", "/usr/sbin", "/opt/homebrew/sbin"];
    env::split_paths(&env::var_os("PATH")?)
        .chain(servers.map(PathBuf::from))
        .map(|folder| {
            folder
                .join(program)
                .with_extension(env::consts::EXE_EXTENSION)
        })
        .find(|path| path.is_file())
}
