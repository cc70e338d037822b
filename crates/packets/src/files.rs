//! Capture files: pcap and pcapng are read, pcap is written.
//!
//! pcap: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-06.html>,
//! pcapng: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-05.html>

use std::io::{self, Read, Write};
use std::time::Duration;

use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use thiserror::Error;

/// The longest packet that tcpdump, Wireshark or this program keeps, in bytes.
pub const LONGEST_PACKET: usize = 262_144;
/// The longest block of a file that is read, in bytes. A file with a longer
/// one is taken for damaged.
pub const LONGEST_BLOCK: usize = 16 * 1024 * 1024;
/// Bytes that are read at a time.
const BUFFER: usize = 128 * 1024;
/// The link type of Ethernet in a capture file.
pub const ETHERNET: u32 = 1;

/// A packet as it stands in a capture file.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Counted from 1.
    pub number: u64,
    /// Since 1970.
    pub time: Duration,
    /// Which header comes first: 1 is Ethernet, see
    /// <https://www.tcpdump.org/linktypes.html>.
    pub link: u32,
    /// What was kept of it.
    pub bytes: &'a [u8],
    /// How long it was on the wire, in bytes. It was cut if that is more.
    pub length: usize,
}

/// Why a file cannot be read, or not to its end.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("is not a capture file: neither pcap nor pcapng")]
    NotACapture,
    #[error(
        "is cut short in the middle of a packet, behind packet {0}: what \
         wrote it was stopped, or the copy is not whole"
    )]
    Cut(u64),
    #[error("is damaged behind packet {0}: {1}")]
    Damaged(u64, String),
    #[error("cannot be read")]
    Unreadable,
}

/// What a pcapng file says of an interface.
struct Interface {
    link: u32,
    longest: u32,
    /// Units of its clock in a second.
    resolution: u64,
    /// Seconds to be added to its times.
    offset: i64,
}

/// Reads a capture to its end, shows each packet to `visit`, and returns how
/// many there were.
///
/// # Errors
/// The inner result is about the file, and comes after the packets before the
/// fault. The outer error is that of `visit`, which ends the reading.
pub fn read_packets<E>(
    file: impl Read + Send,
    mut visit: impl FnMut(&Packet<'_>) -> Result<(), E>,
) -> Result<Result<u64, FileError>, E> {
    let mut count = 0;
    let mut reader = match create_reader(BUFFER, file) {
        Ok(reader) => reader,
        Err(PcapError::ReadError) => return Ok(Err(FileError::Unreadable)),
        // An empty file, a shorter one than a header, or another kind.
        Err(_) => return Ok(Err(FileError::NotACapture)),
    };
    let mut size = BUFFER;
    let mut nanoseconds = false;
    let mut shape = Shape::default();
    let mut interfaces: Vec<Interface> = Vec::new();
    loop {
        let before = reader.data().len();
        let (used, block) = match reader.next() {
            Ok(next) => next,
            // ANCHOR: ends
            Err(PcapError::Eof) => return Ok(Ok(count)),
            Err(PcapError::UnexpectedEof) => {
                return Ok(Err(match shape.too_long(reader.data()) {
                    true => too_long(count),
                    false => FileError::Cut(count),
                }));
            }
            // ANCHOR_END: ends
            Err(PcapError::ReadError) => {
                return Ok(Err(FileError::Unreadable));
            }
            Err(PcapError::Incomplete(_) | PcapError::BufferTooSmall) => {
                // The next block is not here yet, or has no room.
                if reader.refill().is_err() {
                    return Ok(Err(FileError::Unreadable));
                }
                let stands = reader.data().len() == before;
                if stands && !reader.reader_exhausted() {
                    size *= 2;
                    if size > LONGEST_BLOCK || !reader.grow(size) {
                        return Ok(Err(too_long(count)));
                    }
                }
                continue;
            }
            Err(_) => return Ok(Err(nonsense(count))),
        };
        let packet = match &block {
            PcapBlockOwned::LegacyHeader(header) => {
                nanoseconds = header.is_nanosecond_precision();
                shape.big_endian = header.is_bigendian();
                interfaces = vec![Interface {
                    // The upper bits say whether frames end in a checksum.
                    link: u32::from(header.network.0 as u16),
                    longest: header.snaplen,
                    resolution: 0,
                    offset: 0,
                }];
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let unit = if nanoseconds { 1 } else { 1000 };
                let parts = u64::from(packet.ts_usec) * unit;
                let whole = Duration::from_secs(packet.ts_sec.into());
                let time = whole + Duration::from_nanos(parts);
                Some((0, time, packet.data, packet.origlen))
            }
            PcapBlockOwned::NG(Block::SectionHeader(section)) => {
                shape.big_endian = section.big_endian();
                shape.blocks = true;
                interfaces.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                interfaces.push(Interface {
                    link: u32::from(interface.linktype.0 as u16),
                    longest: interface.snaplen,
                    resolution: interface.ts_resolution().unwrap_or(0),
                    offset: interface.ts_offset(),
                });
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let high = u64::from(packet.ts_high) << 32;
                let ticks = high | u64::from(packet.ts_low);
                let time = interfaces
                    .get(packet.if_id as usize)
                    .map_or(Duration::ZERO, |interface| interface.time(ticks));
                // The crate returns the bytes that fill up the block, too.
                let kept = packet.data.len().min(packet.caplen as usize);
                Some((packet.if_id, time, &packet.data[..kept], packet.origlen))
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                // It has neither a time nor an interface, and is cut where
                // the first interface says.
                let longest = match interfaces.first() {
                    Some(interface) if interface.longest > 0 => {
                        interface.longest.min(packet.origlen)
                    }
                    _ => packet.origlen,
                };
                let kept = packet.data.len().min(longest as usize);
                let bytes = &packet.data[..kept];
                Some((0, Duration::ZERO, bytes, packet.origlen))
            }
            PcapBlockOwned::NG(_) => None,
        };
        if let Some((interface, time, bytes, length)) = packet {
            let Some(of) = interfaces.get(interface as usize) else {
                return Ok(Err(FileError::Damaged(
                    count,
                    format!(
                        "the next one is of interface {interface}, which the \
                         file does not describe"
                    ),
                )));
            };
            if bytes.len() > LONGEST_PACKET {
                return Ok(Err(too_long(count)));
            }
            count += 1;
            visit(&Packet {
                number: count,
                time,
                link: of.link,
                bytes,
                length: (length as usize).max(bytes.len()),
            })?;
        }
        reader.consume(used);
    }
}

/// Where a file says how long its next packet or block is.
#[derive(Default)]
struct Shape {
    big_endian: bool,
    /// It is pcapng.
    blocks: bool,
}

impl Shape {
    /// Whether what is left begins with a length that nothing has. So it is
    /// damaged, not cut.
    fn too_long(&self, left: &[u8]) -> bool {
        let (at, most) = match self.blocks {
            true => (4, LONGEST_BLOCK),
            false => (8, LONGEST_PACKET),
        };
        let Some(length) = left.get(at..).and_then(|rest| rest.first_chunk())
        else {
            return false;
        };
        let length = match self.big_endian {
            true => u32::from_be_bytes(*length),
            false => u32::from_le_bytes(*length),
        };
        length as usize > most
    }
}

fn too_long(count: u64) -> FileError {
    let why = "the next one would be longer than any packet";
    FileError::Damaged(count, why.into())
}

fn nonsense(count: u64) -> FileError {
    FileError::Damaged(count, "what follows is no packet".into())
}

impl Interface {
    fn time(&self, ticks: u64) -> Duration {
        let unit = u128::from(self.resolution.max(1));
        let nanoseconds = u128::from(ticks) % unit * 1_000_000_000 / unit;
        // Less than a second of them, so both fit.
        let seconds = u64::try_from(u128::from(ticks) / unit);
        let seconds = seconds.unwrap_or(0).saturating_add_signed(self.offset);
        let nanoseconds = u32::try_from(nanoseconds).unwrap_or(0);
        Duration::new(seconds, nanoseconds)
    }
}

/// Writes the header of a pcap file for packets that begin with Ethernet.
///
/// # Errors
/// Those of the writer.
pub fn write_header(mut file: impl Write) -> io::Result<()> {
    let version = 2 | 4 << 16;
    let longest = u32::try_from(LONGEST_PACKET).unwrap_or(u32::MAX);
    let fields = [0xa1b2_c3d4, version, 0, 0, longest, ETHERNET];
    file.write_all(&fields.map(u32::to_le_bytes).concat())
}

/// Writes one packet that is here as a whole, by one call: a program that is
/// stopped leaves no half of it.
///
/// # Errors
/// Those of the writer, and `InvalidInput` for a packet that is too long.
pub fn write_packet(
    mut file: impl Write,
    time: Duration,
    bytes: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= LONGEST_PACKET)
        .ok_or(io::ErrorKind::InvalidInput)?;
    // The format ends in 2106.
    let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let fields = [seconds, time.subsec_micros(), length, length];
    let mut whole = fields.map(u32::to_le_bytes).concat();
    whole.extend(bytes);
    file.write_all(&whole)
}
