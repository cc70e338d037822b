//! A zone: read from its file, and kept by name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::base::iana::{Class, Rtype};
use domain::base::name::{FlattenInto, ToName};
use domain::base::{Name as BaseName, Ttl};
use domain::rdata::ZoneRecordData;
use domain::zonefile::inplace::{Entry as Line, Zonefile};

use crate::{Name, Record, show};

/// A zone that has been read.
#[derive(Debug)]
pub struct Zone {
    pub origin: Name,
    pub records: usize,
    /// By name, in lower case and as on the wire. Names above others are
    /// there, too, even if they have no records: they exist (RFC 4592).
    nodes: HashMap<Box<[u8]>, Node>,
}

/// All that has one name.
#[derive(Debug)]
pub struct Node {
    pub owner: Name,
    pub sets: Vec<Set>,
}

/// All records of one name and type.
#[derive(Debug)]
pub struct Set {
    pub kind: Rtype,
    pub ttl: Ttl,
    pub data: Vec<crate::Data>,
}

/// What is wrong with a zone file, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ZoneError {
    pub line: usize,
    pub what: String,
}

impl Node {
    pub fn set(&self, kind: Rtype) -> Option<&Set> {
        self.sets.iter().find(|set| set.kind == kind)
    }
}

impl Zone {
    /// Reads a zone file (RFC 1035 section 5). The zone is called as its SOA
    /// record is.
    ///
    /// # Errors
    /// The first line that cannot be read or cannot be right.
    pub fn read(text: &str) -> Result<Self, ZoneError> {
        let records = scan(text)?;
        let end = text.lines().count();
        let wrong = |line, what: &str| ZoneError {
            line,
            what: what.into(),
        };
        let Some((_, soa)) =
            records.iter().find(|(_, one)| one.rtype() == Rtype::SOA)
        else {
            return Err(wrong(end, "the zone has no SOA record"));
        };
        let mut zone = Self {
            origin: soa.owner().clone(),
            records: records.len(),
            nodes: HashMap::new(),
        };
        for (line, record) in records {
            zone.add(record).map_err(|what| ZoneError { line, what })?;
        }
        match zone.node(&key(&zone.origin)) {
            Some(apex) if apex.set(Rtype::NS).is_some() => Ok(zone),
            _ => Err(wrong(end, "the zone has no NS record for itself")),
        }
    }

    fn add(&mut self, record: Record) -> Result<(), String> {
        let owner = record.owner().clone();
        let kind = record.rtype();
        let shown = show::name(&owner);
        if !owner.ends_with(&self.origin) {
            let zone = show::name(&self.origin);
            return Err(format!("{shown} is outside of the zone {zone}"));
        }
        if record.class() != Class::IN {
            return Err("only the class IN is served".into());
        }
        if kind == Rtype::DNAME {
            return Err("DNAME records are not served here".into());
        }
        // The names above it exist, too.
        for suffix in owner.iter_suffixes() {
            if !suffix.ends_with(&self.origin) {
                break;
            }
            let owner: Name = suffix.to_name();
            let entry = self.nodes.entry(key(&owner).into());
            entry.or_insert_with(|| Node {
                owner,
                sets: Vec::new(),
            });
        }
        let Entry::Occupied(mut node) = self.nodes.entry(key(&owner).into())
        else {
            return Err(format!("{shown} has no place"));
        };
        let sets = &mut node.get_mut().sets;
        let ttl = record.ttl();
        let data = record.into_data();
        let alias = |kind| kind == Rtype::CNAME;
        if sets.iter().any(|set| alias(set.kind) != alias(kind)) {
            return Err(format!(
                "{shown} is an alias (CNAME) and has other records; \
                 it may have only one of both"
            ));
        }
        let Some(set) = sets.iter_mut().find(|set| set.kind == kind) else {
            let data = vec![data];
            sets.push(Set { kind, ttl, data });
            return Ok(());
        };
        // The same record twice is one record (RFC 2181 section 5).
        if set.data.contains(&data) {
            return Ok(());
        }
        if kind == Rtype::CNAME || kind == Rtype::SOA {
            return Err(format!("{shown} has a second {kind} record"));
        }
        set.ttl = set.ttl.min(ttl);
        set.data.push(data);
        Ok(())
    }

    /// The node with that key, if there is one.
    pub fn node(&self, key: &[u8]) -> Option<&Node> {
        self.nodes.get(key)
    }

    /// The SOA record, and for how long a "no" may be kept (RFC 2308
    /// section 3).
    pub fn soa(&self) -> Option<(&Node, &Set, Ttl)> {
        let apex = self.node(&key(&self.origin))?;
        let set = apex.set(Rtype::SOA)?;
        let ZoneRecordData::Soa(soa) = set.data.first()? else {
            return None;
        };
        Some((apex, set, set.ttl.min(soa.minimum())))
    }
}

/// A name in lower case, as on the wire: what nodes are found by.
pub fn key(name: &Name) -> Vec<u8> {
    name.as_slice().to_ascii_lowercase()
}

/// All records of a zone file, each with the line on which it ends.
fn scan(text: &str) -> Result<Vec<(usize, Record)>, ZoneError> {
    // The library takes the end of a file for the end of an entry only
    // behind a line break.
    let text = format!("{}\n", text.trim_end());
    let mut file = Zonefile::from(text.as_str());
    file.set_default_class(Class::IN);
    let mut records = Vec::new();
    // Lines up to there, and where "there" is.
    let (mut line, mut end) = (1, 0);
    loop {
        let entry = file.next_entry().map_err(place)?;
        // A line break behind the entry may have been read, too.
        let read = &text[..file.current_offset().min(text.len())];
        let now = read.trim_end().len().max(end);
        line += text[end..now].matches('\n').count();
        end = now;
        match entry {
            Some(Line::Record(record)) => {
                let record: domain::base::Record<BaseName<_>, crate::Data> =
                    record.flatten_into();
                records.push((line, record));
            }
            Some(Line::Include { .. }) => {
                let what = "$INCLUDE is not known here; copy that file in";
                return Err(ZoneError {
                    line,
                    what: what.into(),
                });
            }
            None => return Ok(records),
        }
    }
}

/// The library says `LINE:COLUMN: WHAT`. What is missing at the end of a line
/// it finds at the first column of the next.
fn place(error: domain::zonefile::inplace::Error) -> ZoneError {
    let text = error.to_string();
    let mut parts = text.splitn(3, ':');
    let mut number = || parts.next()?.trim().parse::<usize>().ok();
    let (line, column) = (number().unwrap_or(1), number().unwrap_or(1));
    let what = parts.next().unwrap_or(&text).trim().to_owned();
    let line = if column <= 1 { line - 1 } else { line };
    ZoneError {
        line: line.max(1),
        what,
    }
}
