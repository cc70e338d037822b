//! Packets with known right values. Each was compared with what tshark says.

use std::fs;
use std::path::PathBuf;

use packets::{Dissected, FileError, Packet, dissect, read_packets};

fn capture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures");
    fs::read(folder.join(name)).unwrap()
}

/// Each packet's line and what it was made of, and how the file ended.
fn read(bytes: &[u8]) -> (Vec<(String, Dissected)>, Result<u64, FileError>) {
    let mut all = Vec::new();
    let read = read_packets(bytes, |packet: &Packet<'_>| {
        let dissected = dissect(packet);
        let line = dissected.line(packet);
        let fields = dissected.lines(packet).join("\n");
        assert!(!line.contains('\n') && !fields.is_empty());
        all.push((line, dissected));
        Ok::<_, ()>(())
    });
    (all, read.unwrap())
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let (all, end) = read(bytes);
    assert_eq!(end.unwrap(), all.len() as u64);
    all.into_iter().map(|(line, _)| line).collect()
}

/// A packet as it would be captured whole, by the link type.
fn one(link: u32, bytes: &[u8]) -> (String, Dissected, Vec<String>) {
    let packet = Packet {
        number: 1,
        time: std::time::Duration::ZERO,
        link,
        bytes,
        length: bytes.len(),
    };
    let dissected = dissect(&packet);
    let (line, fields) = (dissected.line(&packet), dissected.lines(&packet));
    (line, dissected, fields)
}

#[test]
fn every_kind_of_packet_is_known() {
    let right = [
        "IPv4 192.0.2.1 > 192.0.2.2 / TCP 40000 > 80 SYN",
        "IPv4 192.0.2.1 > 192.0.2.2 / UDP 1 > 2, 3 bytes",
        // Longer than the file says that packets are.
        "IPv4 192.0.2.1 > 192.0.2.2 / TCP 40000 > 80 PSH, ACK, 1460 bytes",
        "IPv4 192.0.2.1 > 192.0.2.2 / UDP 1 > 2, 5 bytes",
        "VLAN 100, priority 5 / VLAN 200, priority 0 / \
         IPv4 192.0.2.1 > 192.0.2.2 / UDP 5000 > 6789, 1 byte",
        "VLAN 0, priority 7 / IPv4 192.0.2.1 > 192.0.2.2 / \
         UDP 5000 > 6789, 8 bytes",
        "IPv4 192.0.2.1 > 192.0.2.2 / UDP 5000 > 6789, 6 bytes",
        "IPv6 2001:db8::1 > 2001:db8::2 / UDP 5000 > 6789, 6 bytes \
         [checksum zero]",
        "IPv6 2001:db8::1 > 2001:db8::2 / Hop-by-hop options / \
         Destination options / UDP 5000 > 6789, 4 bytes",
        "IPv6 2001:db8::1 > 2001:db8::2 / Fragment id 9, fragment at byte 0, \
         more follow / UDP 5000 > 6789, 1600 bytes",
        "IPv6 2001:db8::1 > 2001:db8::2 / Fragment id 9, last fragment, at \
         byte 1448",
        "IPv6 2001:db8::1 > 2001:db8::2, no next header",
        "IPv6 2001:db8::1 > 2001:db8::2 / Hop-by-hop options / \
         ICMPv6 echo request, id 7, seq 1",
        "IPv4 192.0.2.2 > 192.0.2.1 / ICMP port unreachable, about / \
         IPv4 192.0.2.1 > 192.0.2.2 / UDP 5000 > 6789, 5 bytes",
        "IPv4 192.0.2.1 > 224.0.0.22 / IGMP report, 1 record, 224.0.0.251",
        "Ethernet 02:00:00:00:00:01 > 01:80:c2:00:00:00 / \
         LLC 38 bytes for service 0x42",
    ];
    assert_eq!(lines(&capture("odd.pcap")), right);
}

#[test]
fn fields_of_a_syn_are_beside_their_bytes() {
    let (all, _) = read(&capture("odd.pcap"));
    let tcp = all[0].1.layers.iter().find(|layer| layer.name == "TCP");
    let texts: Vec<&str> = tcp
        .unwrap()
        .fields
        .iter()
        .map(|field| &*field.text)
        .collect();
    for text in [
        "sequence number 1000",
        "window 64240",
        "checksum right",
        "option: segments up to 1460 bytes",
        "option: gaps may be told (SACK)",
        "  my clock 100",
        "  your clock 0",
        "option: windows count 128 times",
    ] {
        assert!(texts.contains(&text), "{texts:?}");
    }
    // No byte is shown twice, none is left out.
    let mut at = 0;
    for layer in &all[0].1.layers {
        for field in &layer.fields {
            assert_eq!(field.at.start, at);
            at = field.at.end;
        }
    }
    assert_eq!(at, 74);
}

#[test]
fn what_is_not_the_packet_is_padding() {
    let (all, _) = read(&capture("odd.pcap"));
    let last = all[15].1.layers.last().unwrap();
    assert_eq!((last.name, last.fields[0].at.len()), ("Padding", 8));
}

#[test]
fn other_link_types_than_ethernet() {
    assert_eq!(
        lines(&capture("cooked.pcap")),
        [
            "Linux cooked v2 interface 1, to this machine / \
             IPv4 192.0.2.1 > 192.0.2.2 / UDP 5000 > 6789, 4 bytes",
            "Linux cooked v2 interface 2, sent by this machine / \
             IPv6 2001:db8::1 > 2001:db8::2 / UDP 1 > 2, 2 bytes",
        ]
    );
    // RAW has no header of its own; LOOP has the family of addresses.
    let packet = packets::udp_datagram(b"four").unwrap();
    let ip = &packet[14..];
    let right = "IPv4 192.0.2.1 > 192.0.2.2 / UDP 50001 > 6789, 4 bytes";
    assert_eq!(one(101, ip).0, right);
    assert_eq!(one(108, &[&[0, 0, 0, 2], ip].concat()).0, right);
    let mut six = None;
    let _ = read_packets(&*capture("odd.pcap"), |packet| {
        six = (packet.number == 8)
            .then(|| packet.bytes.to_vec())
            .or(six.take());
        Ok::<_, ()>(())
    });
    let six = [&[0, 0, 0, 24], &six.unwrap()[14..]].concat();
    assert!(
        one(108, &six)
            .0
            .starts_with("IPv6 2001:db8::1 > 2001:db8::2")
    );
    // NULL: the family in the order of either machine.
    for family in [[0, 0, 0, 2], [2, 0, 0, 0]] {
        assert_eq!(one(0, &[&family, ip].concat()).0, right);
    }
    // The older cooked header: direction, kind, address, what it holds.
    let cooked = [0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
    let (line, dissected, _) = one(113, &[&cooked[..], ip].concat());
    assert_eq!(line, right);
    let fields = &dissected.layers[0].fields;
    assert_eq!(fields[0].text, "sent by this machine");
    assert_eq!(fields[3].text, "from 02:00:00:00:00:01");
    // Bluetooth.
    let (line, dissected, _) = one(201, ip);
    assert_eq!(line, "32 bytes");
    assert_eq!(dissected.troubles, ["link type 201 is not known here"]);
}

#[test]
fn fragments_of_ipv4() {
    let mut packet = packets::udp_datagram(&[b'x'; 24]).unwrap();
    // More follow, at byte 0; then the last one, at byte 8.
    for (flags, line) in [
        (0x2000_u16, "id 0, fragment at byte 0, more follow / UDP"),
        (0x0001, "id 0, last fragment, at byte 8"),
    ] {
        packet[20..22].copy_from_slice(&flags.to_be_bytes());
        packet[24..26].fill(0);
        let sum = packets::checksum(&packet[14..34]);
        packet[24..26].copy_from_slice(&sum.to_be_bytes());
        let (whole, dissected, fields) = one(1, &packet);
        assert!(whole.contains(line), "{whole}");
        assert!(dissected.troubles.is_empty(), "{fields:?}");
        assert_eq!(dissected.ports.is_some(), flags == 0x2000);
    }
}

#[test]
fn times_have_nanoseconds_also_of_a_big_endian_machine() {
    let mut times = Vec::new();
    let bytes = capture("nano.pcap");
    let read = read_packets(&*bytes, |packet| {
        times.push(packet.time.as_nanos());
        Ok::<_, ()>(())
    });
    assert_eq!(read.unwrap().unwrap(), 2);
    let second = 1_700_000_000_000_000_000_u128;
    assert_eq!(times, [second + 1, second + 999_999_999]);
}

#[test]
fn files_that_are_cut_damaged_or_none() {
    let (all, end) = read(&capture("cut-file.pcap"));
    assert_eq!(all.len(), 1);
    assert!(matches!(end, Err(FileError::Cut(1))), "{end:?}");
    let (all, end) = read(&capture("no-interface.pcapng"));
    assert_eq!(all.len(), 0);
    assert!(matches!(end, Err(FileError::Damaged(0, _))), "{end:?}");
    for text in [
        "",
        "\n",
        "Hello!\n",
        "Hello! This is a text, and no capture.",
    ] {
        let (_, end) = read(text.as_bytes());
        assert!(
            matches!(end, Err(FileError::NotACapture)),
            "{text}: {end:?}"
        );
    }
    // A capture of nothing is whole.
    assert!(lines(&capture("cut-file.pcap")[..24]).is_empty());
    // A length that no packet has.
    let mut long = capture("cut-file.pcap");
    long[24 + 8..24 + 12].fill(0x7f);
    let (_, end) = read(&long);
    assert!(matches!(end, Err(FileError::Damaged(0, _))), "{end:?}");
}

#[test]
fn blocks_of_a_file_have_a_limit() {
    for (more, well) in [(0, true), (4, false)] {
        let longest = u32::try_from(packets::LONGEST_BLOCK).unwrap();
        let length = (longest + more).to_le_bytes();
        // A section, and a block of a kind that nobody knows.
        let mut file = capture("no-interface.pcapng")[..28].to_vec();
        file.extend([[0x99, 0, 0, 0], length].concat());
        file.resize(28 + (longest + more) as usize - 4, 0);
        file.extend(length);
        assert_eq!(read(&file).1.is_ok(), well, "{more}");
    }
}

#[test]
fn what_the_capture_cut_is_no_damage() {
    let (all, end) = read(&capture("snapped.pcap"));
    assert_eq!(end.unwrap(), 1);
    let (line, dissected) = &all[0];
    assert_eq!(line, "IPv4 192.0.2.1 > 192.0.2.2 [cut]");
    let why = "the capture kept 40 of 74 bytes: nothing is wrong with the \
               packet";
    assert_eq!(dissected.troubles, [why]);
    // The same bytes as a whole packet are damaged: IP says that more came.
    let whole = packets::tcp_syn().unwrap();
    let (line, dissected, _) = one(1, &whole[..50]);
    assert!(line.ends_with("[damaged]"), "{line}");
    assert!(
        dissected
            .troubles
            .iter()
            .any(|trouble| { trouble == "damaged: IP says 52 bytes, 36 came" }),
        "{:?}",
        dissected.troubles
    );
}

#[test]
fn loopback_leaves_checksums_to_a_card_that_it_has_not() {
    let (all, end) = read(&capture("lo.pcap"));
    assert_eq!(end.unwrap(), 14);
    for (line, dissected) in &all {
        let icmp = line.contains("ICMP");
        assert_eq!(line.ends_with("[checksum partial]"), !icmp, "{line}");
        assert!(dissected.troubles.is_empty(), "{:?}", dissected.troubles);
    }
    assert!(
        all[13]
            .0
            .contains("ICMPv6 port unreachable, about / IPv6 ::1")
    );
}

#[test]
fn a_packet_longer_than_64_kib_is_read() {
    let mut file = Vec::new();
    packets::write_header(&mut file).unwrap();
    let packet = packets::udp_datagram(&vec![0; 65_507]).unwrap();
    assert_eq!(packet.len(), 65_549);
    for _ in 0..40 {
        let time = std::time::Duration::from_millis(1);
        packets::write_packet(&mut file, time, &packet).unwrap();
    }
    let right = "IPv4 192.0.2.1 > 192.0.2.2 / UDP 50001 > 6789, 65507 bytes";
    assert_eq!(lines(&file), vec![right; 40]);
}

#[test]
fn what_is_built_is_right_unless_on_purpose() {
    let built = [
        packets::tcp_syn().unwrap(),
        packets::udp_datagram(b"Hello!").unwrap(),
        packets::icmp_echo(b"Hello!").unwrap(),
    ];
    for packet in built {
        let (_, dissected, fields) = one(1, &packet);
        assert!(dissected.marks.is_empty(), "{fields:?}");
        let right = |text: &&String| text.ends_with("checksum right");
        assert_eq!(fields.iter().filter(right).count(), 2, "{fields:?}");
        let mut wrong = packet.clone();
        assert!(packets::set_checksum(&mut wrong, 0xbeef));
        assert_eq!(one(1, &wrong).1.marks, ["checksum wrong"]);
        // What the dissector says would be right, is.
        let fields = one(1, &wrong).2;
        let said = fields
            .iter()
            .find_map(|line| line.split("wrong: ").nth(1)?.split(' ').next());
        let said = u16::from_str_radix(said.unwrap(), 16).unwrap();
        assert!(packets::set_checksum(&mut wrong, said));
        assert_eq!(wrong, packet);
        // The IPv4 checksum is right again, and the packet is not.
        assert!(packets::set_length(&mut wrong, 1000));
        let (line, _, fields) = one(1, &wrong);
        assert!(line.ends_with("[damaged]"), "{line}");
        assert!(fields.iter().any(|line| right_line(line)), "{fields:?}");
    }
    fn right_line(line: &str) -> bool {
        line.ends_with("checksum right")
    }
    let mut arp = packets::arp_request().unwrap();
    assert_eq!(one(1, &arp).0, "ARP 192.0.2.1 asks who has 192.0.2.2");
    assert!(!packets::set_checksum(&mut arp, 1));
    assert!(!packets::set_length(&mut arp, 1));
}

#[test]
fn the_example_of_rfc_1071() {
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(packets::sum(&bytes), 0xddf2);
    assert_eq!(packets::checksum(&bytes), 0x220d);
    // An odd byte at the end stands in the upper half.
    assert_eq!(packets::sum(&[0x12]), 0x1200);
    assert_eq!(packets::sum(&vec![0xff; 200_000]), 0xffff);
}
