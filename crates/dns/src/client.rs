// ANCHOR: all
//! One question to one name server: by UDP, and by TCP where the answer says
//! that it is cut short.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::name::{FlattenInto, ToName};
use domain::base::{Header, Message, MessageBuilder, ParsedName, Record};
use domain::rdata::ZoneRecordData;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use crate::{LARGEST_UDP, Name, PLAIN_UDP, show};

/// How often a question is sent by UDP before its server counts as silent.
const TRIES: u32 = 2;

/// How to ask.
#[derive(Clone, Debug)]
pub struct Ask {
    pub server: SocketAddr,
    /// For all of it: each try by UDP, and TCP.
    pub timeout: Duration,
    /// Bytes of an answer that may come by UDP; 512 asks without EDNS.
    pub largest: u16,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub rcode: Rcode,
    pub authoritative: bool,
    pub answer: Vec<crate::Record>,
    pub authority: Vec<crate::Record>,
    pub additional: Vec<crate::Record>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("timed out; is a name server running there?")]
    Silent,
    #[error(
        "nobody has that port; start a server there, or give another address"
    )]
    Gone,
    #[error("its answer is malformed: {0}; ask another server")]
    Malformed(String),
    #[error("it closed the connection before its answer was whole")]
    Closed,
    #[error("{0}")]
    Other(io::Error),
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        use ErrorKind::*;
        match error.kind() {
            TimedOut => Self::Silent,
            ConnectionRefused => Self::Gone,
            ConnectionReset | UnexpectedEof | BrokenPipe => Self::Closed,
            _ => Self::Other(error),
        }
    }
}

/// What a datagram may turn out to be.
pub enum Checked {
    /// Not for this question: whoever sent it, it must not count.
    Stray(&'static str),
    Reply(Reply, bool),
}

/// Looks at a datagram that came from the server's address: is it the answer
/// to this question (RFC 5452 section 9.1), and is it whole?
///
/// # Errors
/// It bears the right id, but cannot be read.
pub fn check(
    datagram: &[u8],
    id: u16,
    (name, kind): (&Name, Rtype),
) -> Result<Checked, AskError> {
    // ANCHOR: check
    if datagram.get(..2) != Some(&id.to_be_bytes()) {
        return Ok(Checked::Stray("an answer with another id"));
    }
    let message = Message::from_octets(Bytes::copy_from_slice(datagram))
        .map_err(malformed)?;
    let header = message.header();
    if !header.qr() {
        return Ok(Checked::Stray("a question"));
    }
    // Whoever cannot read a question need not send it back.
    if header.rcode() != Rcode::FORMERR || message.header_counts().qdcount() > 0
    {
        let question = message.sole_question().map_err(malformed)?;
        let same = question.qname().name_eq(name)
            && question.qtype() == kind
            && question.qclass() == Class::IN;
        if !same {
            return Ok(Checked::Stray("an answer to another question"));
        }
    }
    // ANCHOR_END: check
    let (_, answer, authority, additional) =
        message.sections().map_err(malformed)?;
    let reply = Reply {
        rcode: header.rcode(),
        authoritative: header.aa(),
        answer: records(answer)?,
        authority: records(authority)?,
        additional: records(additional)?,
    };
    Ok(Checked::Reply(reply, header.tc()))
}

fn malformed(error: impl std::fmt::Display) -> AskError {
    AskError::Malformed(error.to_string())
}

type Section<'a> = domain::base::message::RecordSection<'a, Bytes>;

fn records(section: Section) -> Result<Vec<crate::Record>, AskError> {
    let mut records = Vec::new();
    for record in section {
        let record = record.map_err(malformed)?;
        // No record, but the parameters of EDNS.
        if record.rtype() == Rtype::OPT {
            continue;
        }
        if record.rtype() == Rtype::TXT && record.rdlen() == 0 {
            return Err(malformed("a text without a string"));
        }
        type Parsed = ZoneRecordData<Bytes, ParsedName<Bytes>>;
        // It takes every type; one it does not know is kept as bytes.
        let record: Option<Record<_, Parsed>> =
            record.to_record().map_err(malformed)?;
        records.extend(record.map(FlattenInto::flatten_into));
    }
    Ok(records)
}

impl Ask {
    /// Asks, and tells `note` in words what a person should know.
    ///
    /// # Errors
    /// Those of [`AskError`]. That there is no such name is none.
    pub async fn ask(
        &self,
        name: &Name,
        kind: Rtype,
        mut note: impl FnMut(&str) -> io::Result<()>,
    ) -> Result<Reply, AskError> {
        let until = Instant::now() + self.timeout;
        let mut largest = self.largest;
        loop {
            let (query, id) = question(name, kind, largest);
            let (reply, cut) =
                self.by_udp(&query, id, (name, kind), &mut note).await?;
            // ANCHOR: cut
            // TC: there is more than fits into a datagram.
            if cut {
                note("The answer is cut short: asking again by TCP")?;
                return self.by_tcp(&query, id, (name, kind), until).await;
            }
            // ANCHOR_END: cut
            // An old server, which knows nothing of EDNS (RFC 6891 section 7).
            if reply.rcode == Rcode::FORMERR && largest > PLAIN_UDP {
                note("It does not know EDNS: asking again without")?;
                largest = PLAIN_UDP;
                continue;
            }
            return Ok(reply);
        }
    }

    async fn by_udp(
        &self,
        query: &[u8],
        id: u16,
        question: (&Name, Rtype),
        note: &mut impl FnMut(&str) -> io::Result<()>,
    ) -> Result<(Reply, bool), AskError> {
        // ANCHOR: udp
        // Connected, the socket takes datagrams from this server only.
        let socket = UdpSocket::bind(any(self.server)).await?;
        socket.connect(self.server).await?;
        let mut buffer = vec![0; usize::from(u16::MAX)];
        for _ in 0..TRIES {
            let until = Instant::now() + self.timeout / TRIES;
            socket.send(query).await?;
            // What is a stray does not make us wait any longer.
            while let Ok(came) =
                timeout_at(until, socket.recv(&mut buffer)).await
            {
                match check(&buffer[..came?], id, question)? {
                    Checked::Reply(reply, cut) => return Ok((reply, cut)),
                    Checked::Stray(what) => note(&format!("Ignored: {what}"))?,
                }
            }
        }
        Err(AskError::Silent)
        // ANCHOR_END: udp
    }

    /// Each message stands behind its length (RFC 1035 section 4.2.2).
    async fn by_tcp(
        &self,
        query: &[u8],
        id: u16,
        question: (&Name, Rtype),
        until: Instant,
    ) -> Result<Reply, AskError> {
        let talk = async {
            let mut stream = TcpStream::connect(self.server).await?;
            let length = query.len() as u16;
            let framed = [&length.to_be_bytes(), query].concat();
            stream.write_all(&framed).await?;
            let length = stream.read_u16().await?;
            let mut answer = vec![0; length.into()];
            stream.read_exact(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let answer = timeout_at(until, talk)
            .await
            .map_err(|_| AskError::Silent)??;
        match check(&answer, id, question)? {
            Checked::Reply(reply, _) => Ok(reply),
            Checked::Stray(what) => Err(malformed(what)),
        }
    }
}

/// The bytes of a question, and its id. It does not ask for recursion: what a
/// server knows by itself is what is asked for here.
fn question(name: &Name, kind: Rtype, largest: u16) -> (Vec<u8>, u16) {
    let mut header = Header::new();
    header.set_random_id();
    let mut builder = MessageBuilder::new_vec();
    *builder.header_mut() = header;
    let mut builder = builder.question();
    // A vector takes all that is pushed.
    let _ = builder.push((name, kind, Class::IN));
    let mut builder = builder.additional();
    if largest > PLAIN_UDP {
        let _ = builder.opt(|opt| {
            opt.set_udp_payload_size(largest);
            Ok(())
        });
    }
    (builder.finish(), header.id())
}

fn any(server: SocketAddr) -> SocketAddr {
    match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

impl Reply {
    /// For how many seconds a "no" may be kept: the smaller one of the time to
    /// live of the SOA record and of its last number (RFC 2308 section 5).
    pub fn keep_no(&self) -> Option<u32> {
        self.authority
            .iter()
            .find_map(|record| match record.data() {
                ZoneRecordData::Soa(soa) => {
                    let ttl = show::time_to_live(record.ttl());
                    Some(ttl.min(soa.minimum().as_secs()))
                }
                _ => None,
            })
    }
}

const _: () = assert!(LARGEST_UDP > PLAIN_UDP);
// ANCHOR_END: all
