// ANCHOR: all
//! The work of a worker: it knits a hat. With a shelf for the hats the work is
//! idempotent: the same hat, knitted twice, is one hat on the shelf.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use lapin::message::Delivery;

use crate::HATS;
use crate::words::printable;

/// Characters of a message's id.
const MAX_ID: usize = 64;

/// Does a task, and returns what to say of it.
///
/// # Errors
/// Says why nobody can do this task, or why it cannot be done now.
pub fn knit(task: &Delivery, shelf: Option<&Shelf>) -> Result<String, String> {
    let text = str::from_utf8(&task.data).map_err(|_| "it is no text")?;
    let hat = HATS.into_iter().find(|hat| text.contains(hat));
    let hat = hat.ok_or("nobody here knows such a hat")?;
    let is_new = match shelf {
        Some(shelf) => shelf
            .put(message_id(task)?, hat)
            .map_err(|error| format!("the shelf: {}", error.kind()))?,
        None => true,
    };
    Ok(match is_new {
        true => format!("Done: {}", printable(text)),
        false => "It was done before".into(),
    })
}

/// The id that the sender gave a message: letters, digits and `-`, so that it
/// can be a file's name.
///
/// # Errors
/// Says what is wrong with it.
fn message_id(delivery: &Delivery) -> Result<&str, &'static str> {
    let id = delivery.properties.message_id().as_ref();
    let id = id.map(|id| id.as_str()).ok_or("it has no id")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match id.len() <= MAX_ID && !id.is_empty() && id.bytes().all(plain) {
        true => Ok(id),
        false => Err("its id has other characters than letters and digits"),
    }
}

/// A folder with one file for each hat, called like the task's id.
#[derive(Clone)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// # Errors
    /// When it is no folder.
    pub fn from_path(path: &str) -> Result<Self, &'static str> {
        let path = PathBuf::from(path);
        match path.is_dir() {
            true => Ok(Self(path)),
            false => Err("no such folder; make it first"),
        }
    }

    // ANCHOR: put
    /// Puts a hat there, unless it is there already; says whether it was new.
    /// Asking and putting are one step for the system, so of two workers with
    /// the same task only one puts the hat there.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn put(&self, id: &str, hat: &str) -> io::Result<bool> {
        match File::create_new(self.0.join(id)) {
            Ok(mut file) => {
                file.write_all(hat.as_bytes())?;
                file.sync_all()?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
    // ANCHOR_END: put
}
// ANCHOR_END: all
