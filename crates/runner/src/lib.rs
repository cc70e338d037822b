//! Runs, checks, records and measures the sections of this workspace.
//!
//! The runner knows a section only through its folder: its manifest, its
//! programs, its demos. What it has to know of the world outside (how to
//! start each kind of server, how to read each protocol) is in [`server`] and
//! [`wire`].

pub mod across;
pub mod bench;
pub mod bless;
pub mod book;
pub mod build;
pub mod check;
pub mod demo;
pub mod doctor;
pub mod form;
pub mod html;
pub mod network;
pub mod order;
pub mod play;
pub mod played;
pub mod ports;
pub mod process;
pub mod raw;
pub mod recording;
pub mod run;
pub mod script;
pub mod server;
pub mod tools;
pub mod wire;
pub mod workspace;
