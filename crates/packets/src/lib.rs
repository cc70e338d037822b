//! Packets: read from capture files, taken apart, built, and captured.

#[cfg(target_os = "linux")]
mod capture;
mod checksum;
mod craft;
mod dissect;
mod files;
mod net;
mod view;
pub mod words;

#[cfg(target_os = "linux")]
pub use capture::{Capture, refused};
pub use checksum::{Verdict, checksum, judge, pseudo_header, sum};
pub use craft::{
    arp_request, as_captured, icmp_echo, set_checksum, set_length,
};
pub use craft::{tcp_syn, udp_datagram};
pub use dissect::{Dissected, Field, Layer, Segment, count, dissect};
pub use files::{ETHERNET, FileError, LONGEST_BLOCK, LONGEST_PACKET, Packet};
pub use files::{read_packets, write_header, write_packet};
pub use view::{Ladder, View};
pub use words::{beginning, finish, printable, say, seconds, warn};
