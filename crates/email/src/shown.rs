//! A letter as lines for a person.

use crate::{Letter, printable};

impl Letter<'_> {
    /// Who wrote it to whom, when, about what, and the tree of its parts.
    pub fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for field in ["From", "To", "Cc"] {
            let people = self.addresses(field).into_iter();
            let people = people.map(|(name, address)| match name.is_empty() {
                true => address,
                false => format!("{name} <{address}>"),
            });
            let people = people.collect::<Vec<_>>().join(", ");
            if !people.is_empty() {
                lines.push(format!("{field}: {}", printable(people)));
            }
        }
        let subject = printable(self.subject().unwrap_or_default());
        lines.push(format!("Subject: {subject}"));
        match self.date() {
            Some(Some(date)) => {
                lines.push(format!("Date: {}", date.to_rfc3339()));
            }
            Some(None) => {
                lines.push("Date: there is no such day or time".into())
            }
            None => {}
        }
        if let Some(from) = self.texts("Return-Path").first() {
            let to = printable(self.texts("Delivered-To").join(", "));
            let from = printable(from);
            lines.push(format!("Envelope: from <{from}> to {to}"));
        }
        for part in &self.parts {
            let indent = "  ".repeat(part.depth + 1);
            let name = part.name.as_deref().map(printable);
            let name = name.map(|name| format!(" \"{name}\""));
            let name = name.unwrap_or_default();
            lines.push(format!("{indent}{}{name}", printable(&part.kind)));
        }
        lines
    }
}
