// ANCHOR: all
//! Follows aliases from name to name.

use std::io;

use domain::base::iana::{Rcode, Rtype};
use domain::base::name::ToName;
use domain::rdata::ZoneRecordData;

use crate::client::{Ask, AskError, Reply};
use crate::{Name, show};

/// How many aliases are followed one after the other.
pub const LONGEST_CHAIN: usize = 16;

/// What the answers amount to.
#[derive(Debug)]
pub enum Verdict {
    Found,
    /// The server names others who should know.
    Referred {
        zone: Name,
    },
    NoSuchName {
        name: Name,
        keep: Option<u32>,
    },
    NoSuchRecord {
        name: Name,
        keep: Option<u32>,
    },
    Ring {
        names: Vec<Name>,
    },
    TooLong,
    /// It refused, or failed: its own word for it.
    Failed(Rcode),
}

/// Asks for a name, and for what it is an alias of, until there is something
/// to say. `seen` gets each reply as it comes.
///
/// # Errors
/// As [`Ask::ask`].
pub async fn chase(
    ask: &Ask,
    name: &Name,
    kind: Rtype,
    mut note: impl FnMut(&str) -> io::Result<()>,
    mut seen: impl FnMut(&Reply) -> io::Result<()>,
) -> Result<Verdict, AskError> {
    let mut names = vec![name.clone()];
    loop {
        let from = names.len();
        let asked = names[from - 1].clone();
        let reply = ask.ask(&asked, kind, &mut note).await?;
        seen(&reply)?;
        // ANCHOR: ring
        // The aliases in this answer, as far as they lead.
        while let Some(target) = alias(&reply, &names[names.len() - 1], kind) {
            let ring = names.iter().any(|name| name.name_eq(&target));
            names.push(target);
            if ring {
                return Ok(Verdict::Ring { names });
            }
            if names.len() > LONGEST_CHAIN {
                return Ok(Verdict::TooLong);
            }
        }
        // ANCHOR_END: ring
        let name = names[names.len() - 1].clone();
        let keep = reply.keep_no();
        let found = reply.answer.iter().any(|record| {
            (record.rtype() == kind || kind == Rtype::ANY)
                && record.owner().name_eq(&name)
        });
        return Ok(match reply.rcode {
            Rcode::NXDOMAIN => Verdict::NoSuchName { name, keep },
            Rcode::NOERROR if found => Verdict::Found,
            Rcode::NOERROR if keep.is_some() => {
                Verdict::NoSuchRecord { name, keep }
            }
            // The alias leads out of what this answer covers.
            Rcode::NOERROR if names.len() > from => continue,
            Rcode::NOERROR => match cut(&reply) {
                Some(zone) => Verdict::Referred { zone },
                None => Verdict::NoSuchRecord { name, keep },
            },
            other => Verdict::Failed(other),
        });
    }
}

fn alias(reply: &Reply, name: &Name, kind: Rtype) -> Option<Name> {
    if kind == Rtype::CNAME || kind == Rtype::ANY {
        return None;
    }
    reply.answer.iter().find_map(|record| match record.data() {
        ZoneRecordData::Cname(cname) if record.owner().name_eq(name) => {
            Some(cname.cname().clone())
        }
        _ => None,
    })
}

/// The zone that others are named for.
fn cut(reply: &Reply) -> Option<Name> {
    let mut servers = reply.authority.iter();
    let first = servers.find(|record| record.rtype() == Rtype::NS)?;
    (!reply.authoritative).then(|| first.owner().clone())
}

/// The verdict in words; `None` if there is nothing to add.
pub fn explain(verdict: &Verdict, kind: Rtype) -> Option<String> {
    let kept = |keep: &Option<u32>| match keep {
        Some(seconds) => format!("this may be kept for {seconds} s"),
        None => "for how long this holds is not said".into(),
    };
    Some(match verdict {
        Verdict::Found | Verdict::Referred { .. } => return None,
        Verdict::NoSuchName { name, keep } => format!(
            "there is no name {} (NXDOMAIN; {}); check its spelling",
            show::name(name),
            kept(keep)
        ),
        Verdict::NoSuchRecord { name, keep } => format!(
            "{} exists, but has no {kind} record ({}); ask for another type",
            show::name(name),
            kept(keep)
        ),
        Verdict::Ring { names } => {
            let names: Vec<String> = names.iter().map(show::name).collect();
            format!(
                "its aliases go in a ring: {}; tell who keeps that zone",
                names.join(" -> ")
            )
        }
        Verdict::TooLong => format!(
            "it is an alias of an alias, more than {LONGEST_CHAIN} times over; \
             ask for the last of them"
        ),
        Verdict::Failed(Rcode::REFUSED) => {
            "the server refuses (REFUSED): it has no such zone; \
             ask another server"
                .into()
        }
        Verdict::Failed(Rcode::SERVFAIL) => {
            "the server failed (SERVFAIL); try later, or ask another server"
                .into()
        }
        Verdict::Failed(rcode) => {
            format!("the server says {rcode}; ask another server")
        }
    })
}
// ANCHOR_END: all
