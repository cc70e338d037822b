//! What hostile bytes cost: memory, counted by an allocator of its own, and
//! stack, measured by where the variables of each level stand.
//!
//! cargo test --test limits -- --nocapture

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use msgpack::explain::explain;
use msgpack::{Cat, LONGEST, MAX_DEPTH, Reply, Request, decode};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(now, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static LOWEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// An array of such, and so on; it notes how deep the stack is.
#[derive(Debug)]
struct Nest;

impl<'de> Deserialize<'de> for Nest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Inner;
        impl<'de> Visitor<'de> for Inner {
            type Value = Nest;

            fn expecting(
                &self,
                out: &mut std::fmt::Formatter<'_>,
            ) -> std::fmt::Result {
                out.write_str("arrays")
            }

            fn visit_unit<E>(self) -> Result<Nest, E> {
                let here = 0_u8;
                let place = std::hint::black_box(&raw const here) as usize;
                LOWEST.set(LOWEST.get().min(place));
                Ok(Nest)
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut inner: A,
            ) -> Result<Nest, A::Error> {
                while inner.next_element::<Nest>()?.is_some() {}
                Ok(Nest)
            }
        }
        from.deserialize_any(Inner)
    }
}

// One test: what others do at the same time would be counted, too.
#[test]
fn what_hostile_bytes_cost() {
    let mut hostile: Vec<Vec<u8>> = [0xdd, 0xdf, 0xdb, 0xc6]
        .iter()
        .map(|head| vec![*head, 0xff, 0xff, 0xff, 0xff])
        .collect();
    hostile.push(vec![0xc9, 0xff, 0xff, 0xff, 0xff, 0x01]);
    // The same where a request, a reply or a cat has a list, text, bytes.
    for before in [
        &b"\x81\xa5Wears"[..],
        b"\x81\xa5Wears\x82\xa3cat",
        b"\x81\xa4Hats\x82\xa3cat",
        b"\x86\xa4toys",
        b"\x81\xa7picture",
    ] {
        for claim in 0..5 {
            hostile.push([before, &hostile[claim]].concat());
        }
    }
    // As long as may be: many values, and arrays in arrays that claim more.
    hostile.push([&b"\xdc\xff\xff"[..], &vec![0xc0; LONGEST - 3]].concat());
    hostile.push(b"\xdd\xff\xff\xff\xff".repeat(LONGEST / 5));
    hostile.push(vec![0x91; LONGEST]);
    hostile.push(vec![0x81; LONGEST]);
    let most = hostile
        .iter()
        .map(|bytes| {
            cost::<Request>(bytes)
                .max(cost::<Reply>(bytes))
                .max(cost::<Cat>(bytes))
                .max(cost::<Vec<String>>(bytes))
                .max(cost::<IgnoredAny>(bytes))
        })
        .max();
    println!("{} inputs, {most:?} bytes of memory at most", hostile.len());
    assert!(
        most.is_some_and(|most| most > 0 && most < 16 << 20),
        "{most:?}"
    );

    let top = 0_u8;
    let top = std::hint::black_box(&raw const top) as usize;
    let mut deep = vec![0x91; MAX_DEPTH - 1];
    deep.push(0xc0);
    decode::<Nest>(&deep).unwrap();
    let used = top - LOWEST.get();
    println!("{} levels, {used} bytes of stack", MAX_DEPTH - 1);
    // A quarter of what a thread has.
    assert!(used > 0 && used < 512 << 10, "{used}");
    deep.insert(0, 0x91);
    assert_eq!(
        decode::<Nest>(&deep).unwrap_err().to_string(),
        "arrays and maps 64 levels deep, or deeper"
    );
}

/// How much memory there was at most, above what there was before.
fn cost<T: Debug + for<'de> Deserialize<'de>>(bytes: &[u8]) -> usize {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    let _ = decode::<T>(bytes);
    let _ = explain(bytes);
    MOST.load(Relaxed) - before
}
