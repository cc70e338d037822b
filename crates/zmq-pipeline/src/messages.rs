//! What the programs say to each other: messages of a few parts, each of
//! them text. A peer may send anything, so reading one can fail.

use bytes::Bytes;
use thiserror::Error;
use zeromq::ZmqMessage;

use crate::printable;

/// More tasks are not counted: who sends their numbers means no good.
pub const MOST_TASKS: u32 = 1_000_000;
/// The longest task, in milliseconds: an hour.
pub const LONGEST_TASK: u32 = 3_600_000;
/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 64;

// ANCHOR: messages
/// From the ventilator to a worker: two parts, number and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// From 1 to [`MOST_TASKS`].
    pub number: u32,
    /// The work in it, in milliseconds.
    pub size: u32,
}

/// To the sink: how many tasks there are, from the ventilator, or that one
/// of them is done, from a worker. The first part says which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// `tasks`, and how many.
    Tasks(u32),
    /// `done`, the number of the task, and the worker's name.
    Done { number: u32, worker: String },
}

/// To the collector: two parts, who says it, and a line, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The name of the program that says it.
    pub name: String,
    /// What it says, without the end of the line.
    pub text: String,
}
// ANCHOR_END: messages

/// Why a message was not understood.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unreadable {
    /// It has too few parts, or too many.
    #[error("parts: {found}, should be {wanted}")]
    Parts { found: usize, wanted: usize },
    /// A part has nothing in it.
    #[error("part {0} is empty")]
    Empty(usize),
    /// A part is too long.
    #[error("part {0} is longer than {1} bytes")]
    TooLong(usize, usize),
    /// A part is no text.
    #[error("part {0} is not UTF-8")]
    NotText(usize),
    /// A part is no number, or too large a one.
    #[error("part {0} is no number from 1 to {1}")]
    NotANumber(usize, u32),
    /// The first part is neither of those that say what it is.
    #[error("it begins with neither 'tasks' nor 'done' but '{0}'")]
    Unknown(String),
}

impl Task {
    /// Reads it from a message.
    pub fn read(message: &ZmqMessage) -> Result<Self, Unreadable> {
        expect_parts(message, 2)?;
        Ok(Self {
            number: number(message, 1, MOST_TASKS)?,
            size: number(message, 2, LONGEST_TASK)?,
        })
    }
}

impl Note {
    /// Reads it from a message.
    pub fn read(message: &ZmqMessage) -> Result<Self, Unreadable> {
        match text(message, 1)? {
            "tasks" => {
                expect_parts(message, 2)?;
                Ok(Self::Tasks(number(message, 2, MOST_TASKS)?))
            }
            "done" => {
                expect_parts(message, 3)?;
                let number = number(message, 2, MOST_TASKS)?;
                let worker = name(message, 3)?;
                Ok(Self::Done { number, worker })
            }
            other => {
                let start: String = other.chars().take(20).collect();
                Err(Unreadable::Unknown(printable(start)))
            }
        }
    }
}

impl LogLine {
    /// Reads it from a message, if the line has no more than `longest` bytes.
    pub fn read(
        message: &ZmqMessage,
        longest: usize,
    ) -> Result<Self, Unreadable> {
        expect_parts(message, 2)?;
        let name = name(message, 1)?;
        let text = match text(message, 2) {
            Err(Unreadable::Empty(_)) => "",
            text => text?,
        };
        if text.len() > longest {
            return Err(Unreadable::TooLong(2, longest));
        }
        let text = text.to_owned();
        Ok(Self { name, text })
    }
}

impl From<Task> for ZmqMessage {
    fn from(task: Task) -> Self {
        let mut message = Self::from(task.number.to_string());
        message.push_back(Bytes::from(task.size.to_string()));
        message
    }
}

impl From<Note> for ZmqMessage {
    fn from(note: Note) -> Self {
        match note {
            Note::Tasks(count) => {
                let mut message = Self::from("tasks");
                message.push_back(Bytes::from(count.to_string()));
                message
            }
            Note::Done { number, worker } => {
                let mut message = Self::from("done");
                message.push_back(Bytes::from(number.to_string()));
                message.push_back(Bytes::from(worker));
                message
            }
        }
    }
}

impl From<LogLine> for ZmqMessage {
    fn from(line: LogLine) -> Self {
        let mut message = Self::from(line.name);
        message.push_back(Bytes::from(line.text));
        message
    }
}

fn expect_parts(message: &ZmqMessage, wanted: usize) -> Result<(), Unreadable> {
    let found = message.len();
    let wrong = Unreadable::Parts { found, wanted };
    (found == wanted).then_some(()).ok_or(wrong)
}

/// A part as text. Parts are counted from 1, as a person does.
fn text(message: &ZmqMessage, part: usize) -> Result<&str, Unreadable> {
    let bytes = message.get(part - 1).ok_or(Unreadable::Empty(part))?;
    if bytes.is_empty() {
        return Err(Unreadable::Empty(part));
    }
    std::str::from_utf8(bytes).map_err(|_| Unreadable::NotText(part))
}

fn name(message: &ZmqMessage, part: usize) -> Result<String, Unreadable> {
    let name = text(message, part)?;
    if name.len() > LONGEST_NAME {
        return Err(Unreadable::TooLong(part, LONGEST_NAME));
    }
    Ok(name.to_owned())
}

fn number(
    message: &ZmqMessage,
    part: usize,
    most: u32,
) -> Result<u32, Unreadable> {
    match text(message, part)?.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(Unreadable::NotANumber(part, most)),
    }
}

/// Reads an option that is the name of a program.
pub fn a_name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("must not be empty".into());
    }
    if text.len() > LONGEST_NAME {
        return Err(format!("must not be longer than {LONGEST_NAME} bytes"));
    }
    Ok(text.into())
}

/// Reads an option that is how many times slower, or faster, a worker is.
pub fn times(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(times) if (0.001..=1000.0).contains(&times) => Ok(times),
        _ => Err("must be a number from 0.001 to 1000".into()),
    }
}
