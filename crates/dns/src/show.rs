//! Records as lines of text.

use domain::base::name::ToName;
use domain::base::{Name as BaseName, Ttl};
use domain::rdata::ZoneRecordData;

use crate::{Data, Name, Record};

/// A name with its dot at the end.
pub fn name(name: &Name) -> String {
    name.fmt_with_dot().to_string()
}

/// A record as a zone file has it, and what its data means where that is not
/// plain.
pub fn record(record: &Record) -> String {
    let owner = name(record.owner());
    let seconds = time_to_live(record.ttl());
    let (kind, data) = (record.rtype(), data(record.data()));
    let meaning = meaning(record.data());
    format!("{owner} {seconds} {kind} {data}{meaning}")
}

/// Seconds. One whose highest bit is set counts as 0 (RFC 2181 section 8).
pub fn time_to_live(ttl: Ttl) -> u32 {
    let seconds = ttl.as_secs();
    if seconds > i32::MAX as u32 {
        0
    } else {
        seconds
    }
}

/// Records in the order in which one uses them: servers by their priority, and
/// the likelier of equals first (RFC 2782). All others as they came.
pub fn in_order(records: &[Record]) -> Vec<&Record> {
    let mut records: Vec<&Record> = records.iter().collect();
    records.sort_by_key(|record| match record.data() {
        ZoneRecordData::Srv(srv) => (srv.priority(), u16::MAX - srv.weight()),
        ZoneRecordData::Mx(mx) => (mx.preference(), 0),
        _ => (0, 0),
    });
    records
}

fn data(data: &Data) -> String {
    match data {
        // The library writes two dots for the root here, none for others
        // below.
        ZoneRecordData::Mx(mx) => {
            format!("{} {}", mx.preference(), name(mx.exchange()))
        }
        ZoneRecordData::Srv(srv) => format!(
            "{} {} {} {}",
            srv.priority(),
            srv.weight(),
            srv.port(),
            name(srv.target())
        ),
        other => other.to_string(),
    }
}

fn meaning(data: &Data) -> String {
    let root = BaseName::root_slice();
    match data {
        // RFC 7505
        ZoneRecordData::Mx(mx) if mx.exchange().name_eq(root) => {
            " (takes no mail)".into()
        }
        // RFC 2782
        ZoneRecordData::Srv(srv) if srv.target().name_eq(root) => {
            " (not offered)".into()
        }
        // Whoever uses it joins the strings, with nothing between (RFC 7208
        // section 3.3).
        ZoneRecordData::Txt(txt) if txt.iter().nth(1).is_some() => {
            let joined: Vec<u8> = txt.iter().flatten().copied().collect();
            format!(" (joined: {})", crate::printable(joined))
        }
        _ => String::new(),
    }
}
