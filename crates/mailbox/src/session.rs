// ANCHOR: all
//! The server's side of POP3 (RFC 1939, 2449) without a socket: bytes go in,
//! events come out. Whoever drives it looks after the letters.

use crate::maildrop::Letter;

/// The longest command, its end counted (RFC 2449, 4).
const MAX_COMMAND: usize = 255;
/// Refused commands until the server hangs up.
const MAX_REFUSED: usize = 20;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write this line (or lines).
    Say(String),
    /// Somebody wants to come in: call [`Session::open`], or
    /// [`Session::refuse`].
    Login { user: String, password: String },
    /// Send the letter with this index, from 0: `+OK`, as many lines of its
    /// text as are wanted (`None`: all of it), and a lone dot.
    Send(usize, Option<u64>),
    /// Delete these, say how it went, and hang up.
    Quit(Vec<usize>),
    /// Write this and hang up.
    Close(String),
}

#[derive(Debug)]
enum State {
    /// Nobody is in yet; who was named.
    Stranger(Option<String>),
    /// The letters, and which of them are to be deleted.
    In(Vec<(Letter, bool)>),
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    input: Vec<u8>,
    /// In a line that is too long.
    skips: bool,
    state: State,
    refused: usize,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            input: Vec::new(),
            skips: false,
            state: State::Stranger(None),
            refused: 0,
        }
    }
}

impl Session {
    /// Takes bytes from the client. Ask for events until there are none before
    /// the next ones.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The password was right, and these are the letters.
    pub fn open(&mut self, letters: &[Letter]) -> String {
        let (count, size) = total(letters.iter());
        let fresh = letters.iter().map(|letter| (letter.clone(), false));
        self.state = State::In(fresh.collect());
        format!("+OK {count} letters, {size} bytes")
    }

    /// Nobody comes in; why not, behind `-ERR`.
    pub fn refuse(&mut self, why: &str) -> Event {
        self.refused += 1;
        match self.refused < MAX_REFUSED {
            true => Event::Say(format!("-ERR {why}")),
            false => Event::Close("-ERR too many errors".into()),
        }
    }

    /// What to do next; `None` if that takes more bytes.
    pub fn event(&mut self) -> Option<Event> {
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            if self.input.len() >= MAX_COMMAND {
                self.skips = true;
                self.input.clear();
            }
            return None;
        };
        let line: Vec<u8> = self.input.drain(..=end).collect();
        if std::mem::take(&mut self.skips) || line.len() > MAX_COMMAND {
            return Some(self.refuse("the line is too long"));
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(match str::from_utf8(line) {
            Ok(line) => self.command(line),
            Err(_) => self.refuse("this is no UTF-8"),
        })
    }

    fn command(&mut self, line: &str) -> Event {
        let (word, argument) = line.split_once(' ').unwrap_or((line, ""));
        let word = word.to_ascii_uppercase();
        match (&mut self.state, &word[..]) {
            (_, "CAPA") => reply(
                "+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\n\
                 AUTH-RESP-CODE\r\n.",
            ),
            (State::Stranger(_), "QUIT") => Event::Close("+OK bye".into()),
            (State::Stranger(user), "USER") if !argument.is_empty() => {
                *user = Some(argument.to_owned());
                reply("+OK and the password?")
            }
            (State::Stranger(user), "PASS") => match user.take() {
                // A password is all that stands behind the first blank.
                Some(user) => Event::Login {
                    user,
                    password: argument.to_owned(),
                },
                None => self.refuse("USER first"),
            },
            (State::Stranger(_), _) => self.refuse("USER and PASS first"),
            (State::In(letters), word) => {
                match inside(letters, word, argument) {
                    Ok(event) => event,
                    Err(why) => self.refuse(why),
                }
            }
        }
    }
}

/// Commands of somebody who is in.
fn inside(
    letters: &mut [(Letter, bool)],
    word: &str,
    argument: &str,
) -> Result<Event, &'static str> {
    let there = |letters: &[(Letter, bool)]| {
        let there = letters.iter().filter(|(_, deleted)| !deleted);
        total(there.map(|(letter, _)| letter))
    };
    let describe = |index: usize, letter: &Letter| match word {
        "LIST" => format!("{} {}", index + 1, letter.size),
        _ => format!("{} {}", index + 1, letter.id),
    };
    Ok(match (word, argument) {
        ("NOOP", "") => reply("+OK"),
        ("STAT", "") => {
            let (count, size) = there(letters);
            reply(&format!("+OK {count} {size}"))
        }
        ("LIST" | "UIDL", "") => {
            let mut lines = format!("+OK {} letters", there(letters).0);
            for (index, (letter, deleted)) in letters.iter().enumerate() {
                if !deleted {
                    lines += "\r\n";
                    lines += &describe(index, letter);
                }
            }
            reply(&(lines + "\r\n."))
        }
        ("LIST" | "UIDL", number) => {
            let index = find(letters, number)?;
            reply(&format!("+OK {}", describe(index, &letters[index].0)))
        }
        ("RETR", number) => Event::Send(find(letters, number)?, None),
        ("TOP", arguments) => {
            let why = "TOP takes a letter's number and a number of lines";
            let (number, lines) = arguments.split_once(' ').ok_or(why)?;
            let lines = digits(lines).ok_or(why)?;
            Event::Send(find(letters, number)?, Some(lines))
        }
        // ANCHOR: dele
        ("DELE", number) => {
            letters[find(letters, number)?].1 = true;
            reply("+OK deleted when you QUIT")
        }
        ("RSET", "") => {
            letters.iter_mut().for_each(|(_, deleted)| *deleted = false);
            reply("+OK nothing is deleted")
        }
        ("QUIT", "") => {
            let all = 0..letters.len();
            Event::Quit(all.filter(|index| letters[*index].1).collect())
        }
        // ANCHOR_END: dele
        ("USER" | "PASS", _) => return Err("you are in already"),
        ("NOOP" | "STAT" | "RSET" | "QUIT", _) => {
            return Err("this command takes no argument");
        }
        _ => return Err("no such command here"),
    })
}

/// The index of a letter that is not deleted, by its number, from 1.
fn find(
    letters: &[(Letter, bool)],
    number: &str,
) -> Result<usize, &'static str> {
    let number = digits(number).ok_or("a letter has a number, from 1")?;
    let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    match index.and_then(|index| letters.get(index)) {
        Some((_, false)) => Ok(index.unwrap_or_default()),
        Some((_, true)) => Err("that letter is deleted"),
        None => Err("there is no letter with that number"),
    }
}

/// A number that consists of digits; one that is too large for us is the
/// largest there is.
fn digits(text: &str) -> Option<u64> {
    let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().unwrap_or(u64::MAX))
}

fn total<'a>(letters: impl Iterator<Item = &'a Letter>) -> (usize, u64) {
    letters.fold((0, 0), |(count, size), letter| {
        (count + 1, size + letter.size)
    })
}

fn reply(line: &str) -> Event {
    Event::Say(line.to_owned())
}
// ANCHOR_END: all
