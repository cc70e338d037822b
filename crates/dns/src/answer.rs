// ANCHOR: all
//! The lookup of RFC 1034 section 4.3.2: what a name server answers from its
//! zones, and as which bytes.

use bytes::Bytes;
use domain::base::iana::{Class, Opcode, OptRcode, Rcode, Rtype};
use domain::base::message_builder::{HashCompressor, MessageBuilder};
use domain::base::name::ToName;
use domain::base::opt::Opt;
use domain::base::{Message, Question, Ttl};
use domain::rdata::ZoneRecordData;

use crate::zone::{Node, Set, Zone, key};
use crate::{LARGEST_UDP, Name, PLAIN_UDP};

/// How many aliases are followed for one question.
const LONGEST_CHAIN: usize = 16;

/// Records of one name and type, as one part of an answer.
struct Part<'z> {
    /// The name that was asked for, where a wildcard stands for it.
    owner: Name,
    ttl: Ttl,
    set: &'z Set,
}

/// An answer before it is bytes.
struct Answer<'z> {
    rcode: Rcode,
    authoritative: bool,
    answer: Vec<Part<'z>>,
    authority: Vec<Part<'z>>,
    additional: Vec<Part<'z>>,
    /// Whether the additional records are needed, and no mere help: the
    /// addresses of servers inside the zone they are named for (RFC 9471).
    glue: bool,
}

/// What a zone has for a name.
enum Found<'z> {
    /// This very name, perhaps without records.
    Here(&'z Node),
    /// A wildcard stands for it.
    Wildcard(&'z Node),
    /// From this name on down it is somebody else's.
    Cut(&'z Node),
    Nothing,
}

// ANCHOR: find
impl Zone {
    /// Goes down from the zone's own name, label by label (step 3).
    fn find(&self, name: &Name, kind: Rtype) -> Found<'_> {
        let key = key(name);
        // Where each label begins, the first one first.
        let mut starts: Vec<usize> = Vec::new();
        let mut at = 0;
        while key.len() - at > self.origin.len() {
            starts.push(at);
            at += usize::from(key[at]) + 1;
        }
        let mut above = at;
        for &start in starts.iter().rev() {
            let Some(node) = self.node(&key[start..]) else {
                // c. The label is not there. Is there a "*" in its place?
                let star = [b"\x01*", &key[above..]].concat();
                return match self.node(&star) {
                    Some(node) => Found::Wildcard(node),
                    None => Found::Nothing,
                };
            };
            // b. A delegation: all below is kept by others. (Of the records
            // at the cut only DS is ours, RFC 4035 section 3.1.4.1.)
            let ours = start == 0 && kind == Rtype::DS;
            if node.set(Rtype::NS).is_some() && !ours {
                return Found::Cut(node);
            }
            above = start;
        }
        // a. The whole name matches.
        match self.node(&key) {
            Some(node) => Found::Here(node),
            None => Found::Nothing,
        }
    }
}
// ANCHOR_END: find

// ANCHOR: lookup
/// Steps 2 to 6 of the algorithm. Step 1 and step 5 are about recursion, which
/// is not on offer here.
fn look_up<'z>(zones: &'z [Zone], name: Name, kind: Rtype) -> Answer<'z> {
    let mut answer = Answer::new(Rcode::NOERROR);
    let mut name = name;
    loop {
        // 2. The zone that is the nearest ancestor of the name.
        let Some(zone) = nearest(zones, &name) else {
            if answer.answer.is_empty() {
                answer.rcode = Rcode::REFUSED;
            }
            break;
        };
        let node = match zone.find(&name, kind) {
            Found::Here(node) | Found::Wildcard(node) => node,
            Found::Cut(node) => {
                answer.refer(zone, node);
                return answer;
            }
            Found::Nothing => {
                answer.authoritative = true;
                answer.rcode = Rcode::NXDOMAIN;
                answer.deny(zone);
                break;
            }
        };
        answer.authoritative = true;
        // 3a. An alias, unless it is the alias itself that was asked for.
        let alias = node.set(Rtype::CNAME);
        if let (Some(set), false) = (alias, wants(kind, Rtype::CNAME)) {
            // In a ring, each alias once.
            if answer.has(&name, Rtype::CNAME) {
                break;
            }
            answer.answer.push(Part::new(&name, set));
            let target = set.data.first().and_then(target);
            if let Some(target) = target
                && answer.answer.len() < LONGEST_CHAIN
            {
                name = target;
                continue;
            }
            break;
        }
        let before = answer.answer.len();
        let sets = node.sets.iter().filter(|set| wants(kind, set.kind));
        answer.answer.extend(sets.map(|set| Part::new(&name, set)));
        // The name exists, but has no such record (RFC 2308 section 2.2).
        if answer.answer.len() == before {
            answer.deny(zone);
        }
        break;
    }
    // 6. What the client will want to know next.
    if kind != Rtype::ANY {
        answer.help(zones);
    }
    answer
}
// ANCHOR_END: lookup

fn nearest<'z>(zones: &'z [Zone], name: &Name) -> Option<&'z Zone> {
    let above = zones.iter().filter(|zone| name.ends_with(&zone.origin));
    above.max_by_key(|zone| zone.origin.len())
}

fn wants(asked: Rtype, kind: Rtype) -> bool {
    asked == kind || asked == Rtype::ANY
}

/// The name that a record leads to, and whose addresses are of use.
fn target(data: &crate::Data) -> Option<Name> {
    match data {
        ZoneRecordData::Cname(cname) => Some(cname.cname().clone()),
        ZoneRecordData::Ns(ns) => Some(ns.nsdname().clone()),
        ZoneRecordData::Mx(mx) => Some(mx.exchange().clone()),
        ZoneRecordData::Srv(srv) => Some(srv.target().clone()),
        _ => None,
    }
}

impl<'z> Part<'z> {
    fn new(owner: &Name, set: &'z Set) -> Self {
        let owner = owner.clone();
        let ttl = set.ttl;
        Self { owner, ttl, set }
    }
}

impl<'z> Answer<'z> {
    fn new(rcode: Rcode) -> Self {
        Self {
            rcode,
            authoritative: false,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            glue: false,
        }
    }

    fn has(&self, name: &Name, kind: Rtype) -> bool {
        let parts = self.answer.iter().chain(&self.additional);
        parts
            .into_iter()
            .any(|part| part.set.kind == kind && part.owner.name_eq(name))
    }

    /// Names those who keep what is below the cut, and where they are.
    fn refer(&mut self, zone: &'z Zone, cut: &'z Node) {
        let Some(servers) = cut.set(Rtype::NS) else {
            return;
        };
        self.authority.push(Part::new(&cut.owner, servers));
        for target in servers.data.iter().filter_map(target) {
            // Below the cut, where else nothing is looked up.
            let node = zone.node(&key(&target));
            self.addresses(&target, node);
            self.glue |= target.ends_with(&cut.owner);
        }
    }

    /// A "no" carries the SOA record: it says for how long it holds.
    fn deny(&mut self, zone: &'z Zone) {
        if let Some((apex, set, ttl)) = zone.soa() {
            let mut part = Part::new(&apex.owner, set);
            part.ttl = ttl;
            self.authority.push(part);
        }
    }

    fn help(&mut self, zones: &'z [Zone]) {
        let parts = self.answer.iter();
        let data = parts
            .filter(|part| part.set.kind != Rtype::CNAME)
            .flat_map(|part| &part.set.data);
        let targets: Vec<Name> = data.filter_map(target).collect();
        for target in targets {
            let Some(zone) = nearest(zones, &target) else {
                continue;
            };
            if let Found::Here(node) = zone.find(&target, Rtype::A) {
                self.addresses(&target, Some(node));
            }
        }
    }

    fn addresses(&mut self, name: &Name, node: Option<&'z Node>) {
        for kind in [Rtype::A, Rtype::AAAA] {
            if let Some(set) = node.and_then(|node| node.set(kind))
                && !self.has(name, kind)
            {
                self.additional.push(Part::new(name, set));
            }
        }
    }
}

/// By what the question came: UDP limits the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// The answer to a message, as bytes; `None` where the only right answer is
/// silence: to what is no message, and to answers, which would come back.
pub fn reply(
    zones: &[Zone],
    query: &[u8],
    transport: Transport,
) -> Option<Vec<u8>> {
    let query = Message::from_octets(Bytes::copy_from_slice(query)).ok()?;
    if query.header().qr() {
        return None;
    }
    let options = options(&query);
    let mut answer = Answer::new(Rcode::NOERROR);
    let mut question = None;
    let mut version = false;
    match (&options, query.header().opcode()) {
        (_, opcode) if opcode != Opcode::QUERY => answer.rcode = Rcode::NOTIMP,
        (Err(()), _) => answer.rcode = Rcode::FORMERR,
        (Ok(Some(options)), _) if options.version() > 0 => version = true,
        _ => match query.sole_question() {
            Err(_) => answer.rcode = Rcode::FORMERR,
            Ok(asked) => {
                let name: Name = asked.qname().to_name();
                let (kind, class) = (asked.qtype(), asked.qclass());
                question = Some(Question::new(name.clone(), kind, class));
                // Zone transfers are for those who are known.
                let transfer = [Rtype::AXFR, Rtype::IXFR].contains(&kind);
                if class != Class::IN || transfer {
                    answer.rcode = Rcode::REFUSED;
                } else {
                    answer = look_up(zones, name, kind);
                }
            }
        },
    }
    let options = options.ok().flatten();
    let limit = match (transport, &options) {
        (Transport::Tcp, _) => u16::MAX,
        (Transport::Udp, None) => PLAIN_UDP,
        (Transport::Udp, Some(options)) => {
            options.udp_payload_size().clamp(PLAIN_UDP, LARGEST_UDP)
        }
    };
    let header = Header {
        query: &query,
        question,
        edns: options.is_some(),
        version,
    };
    header.compose(&answer, limit.into())
}

/// The parameters of EDNS; an error if they are there twice, or unreadable.
fn options(query: &Message<Bytes>) -> Result<Option<OptRecord>, ()> {
    let mut found = None;
    for record in query.additional().map_err(drop)? {
        let record = record.map_err(drop)?;
        if record.rtype() == Rtype::OPT {
            let options = record.to_record::<Opt<_>>().map_err(drop)?;
            if found.is_some() {
                return Err(());
            }
            found = options.map(OptRecord::from);
        }
    }
    Ok(found)
}

type OptRecord = domain::base::opt::OptRecord<Bytes>;

/// What of the question goes into every answer.
struct Header<'q> {
    query: &'q Message<Bytes>,
    question: Option<Question<Name>>,
    edns: bool,
    /// It asked for a version of EDNS that nobody has yet.
    version: bool,
}

/// Bytes of the OPT record, which must always fit.
const OPTIONS: usize = 11;

/// What did not fit: a set of the additional section, by its place there, or
/// something before it.
type Full = Option<usize>;

impl Header<'_> {
    /// Whole records only. If not all fit, TC says so, and the client asks
    /// again by TCP; what it gets until then is the first part of the answer.
    /// Only the additional records may be missing without a word, if they are
    /// mere help (RFC 2181 section 9).
    fn compose(&self, answer: &Answer, limit: usize) -> Option<Vec<u8>> {
        let mut additional = &answer.additional[..];
        loop {
            match self.sections(answer, additional, limit, false) {
                Ok(bytes) => return Some(bytes),
                Err(Some(place)) if !answer.glue => {
                    additional = &additional[..place];
                }
                Err(_) => break,
            }
        }
        self.sections(answer, &[], limit, true).ok()
    }

    fn sections(
        &self,
        answer: &Answer,
        additional: &[Part],
        limit: usize,
        cut: bool,
    ) -> Result<Vec<u8>, Full> {
        let target = HashCompressor::new(Vec::with_capacity(512));
        let full = |_| None;
        let mut builder =
            MessageBuilder::from_target(target).map_err(|_| None)?;
        builder.set_push_limit(limit - if self.edns { OPTIONS } else { 0 });
        let asked = self.query.header();
        let header = builder.header_mut();
        header.set_id(asked.id());
        header.set_qr(true);
        header.set_opcode(asked.opcode());
        header.set_aa(answer.authoritative);
        header.set_tc(cut);
        header.set_rd(asked.rd());
        header.set_rcode(answer.rcode);
        let mut builder = builder.question();
        if let Some(question) = &self.question {
            builder.push(question).map_err(full)?;
        }
        let mut builder = builder.answer();
        for record in records(&answer.answer) {
            match builder.push(record) {
                Err(_) if cut => break,
                pushed => pushed.map_err(full)?,
            }
        }
        let mut builder = builder.authority();
        for record in records(&answer.authority).filter(|_| !cut) {
            builder.push(record).map_err(full)?;
        }
        let mut builder = builder.additional();
        for (place, part) in additional.iter().enumerate() {
            for record in records(std::slice::from_ref(part)) {
                builder.push(record).map_err(|_| Some(place))?;
            }
        }
        builder.clear_push_limit();
        if self.edns {
            let options = builder.opt(|opt| {
                opt.set_udp_payload_size(LARGEST_UDP);
                if self.version {
                    opt.set_rcode(OptRcode::BADVERS);
                }
                Ok(())
            });
            options.map_err(full)?;
        }
        Ok(builder.finish().into_target())
    }
}

fn records<'a>(
    parts: &'a [Part],
) -> impl Iterator<Item = (&'a Name, Class, Ttl, &'a crate::Data)> {
    parts.iter().flat_map(|part| {
        let data = part.set.data.iter();
        data.map(|data| (&part.owner, Class::IN, part.ttl, data))
    })
}
// ANCHOR_END: all
