//! Where a play takes place: its files, its servers, and what the roles know
//! of them and of each other.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use regex_lite::Regex;

use super::player::Player;
use crate::network::Network;
use crate::played::EntryKind;
use crate::process::Signal;
use crate::script::{Actor, RawPeer};
use crate::server::Kind;
use crate::server::running::Seat;
use crate::workspace::entries;

impl<'a> Player<'a> {
    /// What is there before the first step.
    pub fn set_up(&mut self) -> Result<()> {
        self.copy_files()?;
        if self.script.own_network {
            self.network = Some(Network::new()?);
        }
        for server in &self.script.servers {
            let kind = Kind::find(&server.kind)?;
            let choice = server.only.unwrap_or(self.stage.choice);
            let alone = self.script.handles(server);
            let mut seat = Seat::new(kind, choice, alone)?;
            let (port, space) = (seat.port(), seat.space.clone());
            for host in ["127.0.0.1", "localhost"] {
                let shown = format!("{host}:{}", kind.port);
                let real = format!("{host}:{port}");
                if !space.is_empty() {
                    self.played
                        .shown
                        .push((format!("{real}{space}"), shown.clone()));
                }
                self.played.shown.push((real, shown));
            }
            self.values.insert(
                format!("{}.address", kind.name),
                format!("127.0.0.1:{port}"),
            );
            self.values.insert(format!("{}.space", kind.name), space);
            if !server.absent {
                let folder = self.scratch.path();
                seat.start(self.stage.programs, folder, &server.arguments)?;
            }
            self.seats.push(seat);
        }
        Ok(())
    }

    /// Where the server of a kind is, and its arguments.
    pub fn seat(&self, kind: &str) -> Result<(usize, &'a [String])> {
        let place = self
            .script
            .servers
            .iter()
            .position(|server| server.kind == kind)
            .with_context(|| format!("a demo without a {kind} server"))?;
        Ok((place, &self.script.servers[place].arguments))
    }

    /// Copies what the programs read to where they run.
    pub fn copy_files(&self) -> Result<()> {
        for file in &self.script.files {
            let to = self.scratch.path().join(file);
            copy(&self.stage.section.folder.join(file), &to)
                .with_context(|| format!("copying {file}"))?;
        }
        Ok(())
    }

    pub fn signal_server(
        &mut self,
        name: &str,
        signal: Signal,
        until: Instant,
    ) -> Result<()> {
        let (seat, _) = self.seat(name)?;
        let seat = &mut self.seats[seat];
        if matches!(signal, Signal::Pause | Signal::Resume) {
            seat.signal(signal)?;
        } else {
            seat.stop(signal, until)?;
        }
        let said = match signal {
            Signal::Pause => "paused",
            Signal::Resume => "resumed",
            Signal::Kill => "killed",
            Signal::Interrupt | Signal::Terminate => "stopped",
        };
        self.act(name, EntryKind::Stage, said);
        Ok(())
    }

    /// Replaces `{role.group}` by what that role's ready line had there, for
    /// the arguments of the role `index`.
    pub fn fill_in(&mut self, index: usize, text: &str) -> Result<String> {
        let mut filled = text.to_owned();
        let places: Vec<(String, String)> = self
            .values
            .iter()
            .map(|(name, value)| (format!("{{{name}}}"), value.clone()))
            .filter(|(place, _)| text.contains(place))
            .collect();
        for (place, value) in places {
            let partner = place[1..].split('.').next().unwrap_or_default();
            let value = self.through_tap(index, partner, value)?;
            filled = filled.replace(&place, &value);
        }
        ensure!(
            !Regex::new(r"\{[a-z0-9-]+\.[a-z]+\}")?.is_match(&filled),
            "nothing is known for '{filled}': known are {:?}",
            self.values.keys().collect::<Vec<_>>()
        );
        Ok(filled)
    }

    /// The address at which the role `index` reaches `partner`: that of the
    /// tap between them, if there is one, else as it is.
    pub fn through_tap(
        &mut self,
        index: usize,
        partner: &str,
        value: String,
    ) -> Result<String> {
        let Some(tap) = &mut self.tap else {
            return Ok(value);
        };
        let Ok(address) = value.parse() else {
            return Ok(value);
        };
        let role = self.acting[index].role;
        if let Actor::Raw(RawPeer::Connect { udp, .. }) = &role.actor
            && *udp != tap.datagrams()
        {
            return Ok(value);
        }
        let shown = self
            .played
            .shown
            .iter()
            .find(|(real, _)| *real == value)
            .map(|(_, shown)| shown.clone())
            .with_context(|| {
                format!("with 'wire', {partner} must 'show' its address")
            })?;
        let at = tap.between(&role.name, partner, address)?.to_string();
        if self.played.shown.iter().all(|(real, _)| *real != at) {
            self.played.shown.push((at.clone(), shown));
        }
        Ok(at)
    }

    /// Remembers what a ready line said, for the arguments of others and for
    /// what is shown instead.
    pub fn name_value(&mut self, index: usize, group: &str, value: &str) {
        let role = self.acting[index].role;
        if let Some(show) = role.show.get(group) {
            self.played.shown.push((value.to_owned(), show.clone()));
        }
        self.values
            .insert(format!("{}.{group}", role.name), value.to_owned());
    }
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for path in entries(from)? {
            copy(&path, &to.join(path.file_name().context("no name")?))?;
        }
    } else {
        fs::create_dir_all(to.parent().context("no folder")?)?;
        fs::copy(from, to)?;
    }
    Ok(())
}
