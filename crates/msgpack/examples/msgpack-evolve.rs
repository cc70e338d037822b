// ANCHOR: all
//! What becomes of a message when its type changes: programs with the old
//! type and programs with the new one read each other's bytes.
//!
//! cargo run --example msgpack-evolve

use std::fmt::Debug;
use std::process::ExitCode;

use msgpack::decode;
use msgpack::words::{finish, say};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

// ANCHOR: types
/// `default`: what is missing becomes "", as a patient reader wants it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Old {
    name: String,
    hat: String,
    owner: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct More {
    name: String,
    hat: String,
    owner: String,
    toy: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Fewer {
    name: String,
    hat: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Renamed {
    name: String,
    hat: String,
    human: String,
}

/// Only the program sees the new name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct RenamedInside {
    name: String,
    hat: String,
    #[serde(rename = "owner")]
    human: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Moved {
    name: String,
    owner: String,
    hat: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Skipped {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hat: String,
    owner: String,
}
// ANCHOR_END: types

fn main() -> ExitCode {
    finish("msgpack-evolve", run())
}

fn run() -> anyhow::Result<()> {
    say(row(
        "the new type",
        "sent as",
        "old reads new",
        "new reads old",
    ))?;
    let owner = json!({"name": "catA", "owner": "Tom"});
    let human = json!({"name": "catA", "human": "Tom"});
    let toy = json!({"name": "catA", "owner": "Tom", "toy": "ball"});
    change::<More>("has a field more", toy)?;
    change::<Fewer>("has a field less", owner.clone())?;
    change::<Renamed>("calls owner human", human)?;
    change::<RenamedInside>("does so inside only", owner.clone())?;
    change::<Moved>("has owner before hat", owner.clone())?;
    change::<Skipped>("skips an empty hat", owner)
}

fn row(a: &str, b: &str, c: &str, d: &str) -> String {
    format!("{a:22} {b:7} {c:25} {d}").trim_end().to_owned()
}

/// Both directions, as an array and as a map. `cat` is what the new type
/// holds: a cat without a hat.
fn change<New>(what: &str, cat: Value) -> anyhow::Result<()>
where
    New: Debug + DeserializeOwned + Serialize,
{
    let old = Old {
        name: "catA".into(),
        hat: String::new(),
        owner: "Tom".into(),
    };
    let new: New = serde_json::from_value(cat)?;
    let (to, from) = (rmp_serde::to_vec(&new)?, rmp_serde::to_vec(&old)?);
    let reads = (read::<Old>(&to), read::<New>(&from));
    say(row(what, "array", &reads.0, &reads.1))?;
    let to = rmp_serde::to_vec_named(&new)?;
    let from = rmp_serde::to_vec_named(&old)?;
    let reads = (read::<Old>(&to), read::<New>(&from));
    say(row("", "map", &reads.0, &reads.1))?;
    Ok(())
}

/// What a reader with this type makes of the bytes.
fn read<T: Debug + DeserializeOwned + Serialize>(bytes: &[u8]) -> String {
    let Ok(cat) = decode::<T>(bytes) else {
        return "refused".into();
    };
    let Ok(fields) = serde_json::to_value(&cat) else {
        return "refused".into();
    };
    let mut wrong = Vec::new();
    for (name, sent) in [("hat", ""), ("owner", "Tom"), ("human", "Tom")] {
        match fields.get(name).and_then(|field| field.as_str()) {
            Some("") if !sent.is_empty() => wrong.push(format!("no {name}")),
            Some(read) if read != sent => wrong.push(format!("{name} {read}")),
            _ => {}
        }
    }
    match wrong.is_empty() {
        true => "all right".into(),
        false => format!("WRONG: {}", wrong.join(", ")),
    }
}
// ANCHOR_END: all
