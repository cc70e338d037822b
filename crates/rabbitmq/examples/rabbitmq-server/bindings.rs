//! Exchanges and bindings: who publishes names an exchange and a routing key,
//! never a queue. The exchange's bindings say which queues get the message. If
//! none does, it is gone, and nobody is told who did not ask.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use amq_protocol::protocol::{exchange, queue};
use amq_protocol::types::ShortString;

use super::channels::{Content, known};
use super::frames::{self, Failure, refuse, text};
use super::queues::{check_equal, inequivalent};
use super::{At, Broker, Message, Name, Share, check_limit};

/// What a message takes beside its header and its body.
const MESSAGE: usize = 256;

pub struct Exchange {
    kind: Kind,
    durable: bool,
    pub bindings: BTreeSet<Binding>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Every queue that is bound gets every message.
    Fanout,
    /// A queue gets the messages whose routing key is its binding's.
    Direct,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    pub queue: Name,
    key: Name,
}

impl Exchange {
    /// What is there in the beginning.
    pub fn predeclared() -> BTreeMap<Name, Self> {
        let kinds = [("direct", Kind::Direct), ("fanout", Kind::Fanout)];
        let named = kinds.map(|(name, kind)| {
            let exchange = Self {
                kind,
                durable: true,
                bindings: BTreeSet::new(),
            };
            (format!("amq.{name}").into(), exchange)
        });
        named.into()
    }
}

impl Kind {
    fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "fanout" => Ok(Self::Fanout),
            "direct" => Ok(Self::Direct),
            "topic" | "headers" => {
                refuse(540, format_args!("an exchange of type '{name}'"))
            }
            _ => refuse(503, format_args!("invalid exchange type '{name}'")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::Direct => "direct",
        }
    }
}

impl Broker {
    pub fn declare_exchange(
        &mut self,
        it: &exchange::Declare,
    ) -> Result<(), Failure> {
        let name = it.exchange.as_str();
        if it.passive {
            return self.exchange(name).map(|_| ());
        }
        not_the_default(name)?;
        let kind = Kind::named(it.kind.as_str())?;
        known(&it.arguments, &[])?;
        if it.internal {
            return refuse(540, "an internal exchange");
        }
        if let Some(exchange) = self.exchanges.get(name) {
            let old = exchange.kind;
            if kind != old {
                let [new, old] =
                    [kind, old].map(|kind| format!("'{}'", kind.name()));
                return inequivalent("exchange", name, "type", new, old);
            }
            let durable = exchange.durable;
            check_equal("exchange", name, "durable", it.durable, durable)?;
            let what = "auto_delete";
            return check_equal("exchange", name, what, it.auto_delete, false);
        }
        if it.auto_delete {
            return refuse(540, "an exchange that deletes itself");
        }
        if name.starts_with("amq.") {
            let text = format!(
                "exchange name '{name}' contains reserved prefix 'amq.*'"
            );
            return refuse(403, text);
        }
        let most = self.limits.exchanges;
        check_limit(self.exchanges.len(), most, "exchanges")?;
        let exchange = Exchange {
            kind,
            durable: it.durable,
            bindings: BTreeSet::new(),
        };
        self.exchanges.insert(name.into(), exchange);
        Ok(())
    }

    pub fn delete_exchange(
        &mut self,
        it: &exchange::Delete,
    ) -> Result<(), Failure> {
        let name = it.exchange.as_str();
        not_the_default(name)?;
        if name.starts_with("amq.") {
            let text = format!(
                "deletion of system exchange '{name}' in vhost '/' not allowed"
            );
            return refuse(403, text);
        }
        let exchange = self.exchanges.get(name);
        let used = exchange.is_some_and(|one| !one.bindings.is_empty());
        if it.if_unused && used {
            let text = format!("exchange '{name}' in vhost '/' in use");
            return refuse(406, text);
        }
        self.exchanges.remove(name);
        Ok(())
    }

    fn exchange(&mut self, name: &str) -> Result<&mut Exchange, Failure> {
        match self.exchanges.get_mut(name) {
            Some(exchange) => Ok(exchange),
            None => refuse(404, format!("no exchange '{name}' in vhost '/'")),
        }
    }

    pub fn bind(&mut self, at: At, it: &queue::Bind) -> Result<(), Failure> {
        known(&it.arguments, &[])?;
        let binding = self.binding(at, &it.queue, &it.routing_key)?;
        let name = it.exchange.as_str();
        not_the_default(name)?;
        self.exchange(name)?;
        self.queue(at, &binding.queue)?;
        let now = self.exchanges.values().map(|one| one.bindings.len()).sum();
        check_limit(now, self.limits.bindings, "bindings")?;
        self.exchange(name)?.bindings.insert(binding);
        Ok(())
    }

    pub fn unbind(
        &mut self,
        at: At,
        it: &queue::Unbind,
    ) -> Result<(), Failure> {
        let binding = self.binding(at, &it.queue, &it.routing_key)?;
        not_the_default(it.exchange.as_str())?;
        if let Some(exchange) = self.exchanges.get_mut(it.exchange.as_str()) {
            exchange.bindings.remove(&binding);
        }
        Ok(())
    }

    fn binding(
        &mut self,
        at: At,
        queue: &ShortString,
        key: &ShortString,
    ) -> Result<Binding, Failure> {
        let name = self.queue_name(at, queue)?;
        // Without any name, the queue is the last one, and so is the key.
        let nameless = queue.as_str().is_empty() && key.as_str().is_empty();
        let key = if nameless {
            name.clone()
        } else {
            key.as_str().into()
        };
        Ok(Binding { queue: name, key })
    }

    // ANCHOR: route
    /// The queues that get a message. To the default exchange, which has no
    /// name, the routing key is a queue's name.
    pub fn route(
        &mut self,
        exchange: &str,
        key: &str,
    ) -> Result<Vec<Name>, Failure> {
        if exchange.is_empty() {
            let queue = self.queues.get_key_value(key);
            return Ok(queue
                .map(|(name, _)| name.clone())
                .into_iter()
                .collect());
        }
        let Exchange { kind, bindings, .. } = self.exchange(exchange)?;
        let mut names: Vec<Name> = bindings
            .iter()
            .filter(|one| *kind == Kind::Fanout || &*one.key == key)
            .map(|one| one.queue.clone())
            .collect();
        // A queue that is bound twice gets it once. They are in order.
        names.dedup();
        Ok(names)
    }

    /// Lays a message into the queues that get it. It is confirmed all the
    /// same if there is none: the broker has done all there was to do.
    pub fn publish(&mut self, at: At, content: Content) -> Result<(), Failure> {
        let it = content.publish;
        let (exchange, key) = (it.exchange.as_str(), it.routing_key.as_str());
        let names = self.route(exchange, key)?;
        for name in &names {
            let length = self.queues.get(name).map_or(0, |one| one.ready.len());
            let what = format!("messages in queue '{name}'");
            check_limit(length, self.limits.length, &what)?;
        }
        let mut body = content.body;
        body.bytes.shrink_to_fit();
        let bytes = MESSAGE + content.header.len();
        let message = Arc::new(Message {
            exchange: exchange.into(),
            key: key.into(),
            header: content.header,
            body: Arc::new(body),
            _share: Share::new(&self.used, bytes),
        });
        if names.is_empty() && it.mandatory {
            self.give_back(at, &message);
        }
        for name in &names {
            self.enqueue(name, message.clone());
        }
        if let Some(confirms) = &mut self.channel(at)?.confirms {
            *confirms += 1;
            // basic.ack, of this one alone.
            let told = [&confirms.to_be_bytes()[..], &[0]].concat();
            self.send(at, 60, 80, &told);
        }
        Ok(())
    }
    // ANCHOR_END: route

    /// Says with basic.return which message no queue got.
    fn give_back(&self, at: At, message: &Message) {
        let why = [&312_u16.to_be_bytes()[..], &text("NO_ROUTE")].concat();
        let told = [why, message.came_by()].concat();
        self.send_message(at, 50, &told, message);
    }

    /// Sends a method and the message that it brings.
    pub fn send_message(
        &self,
        at: At,
        number: u16,
        rest: &[u8],
        message: &Message,
    ) {
        if let Some(connection) = self.connections.get(&at.connection) {
            let mut out = frames::method(at.channel, 60, number, rest);
            let (header, body) = (&message.header, &message.body.bytes);
            let most = connection.frame_max;
            frames::content(&mut out, at.channel, header, body, most);
            connection.outbox.push(&out);
        }
    }
}

impl Message {
    pub fn came_by(&self) -> Vec<u8> {
        [text(&self.exchange), text(&self.key)].concat()
    }
}

fn not_the_default(exchange: &str) -> Result<(), Failure> {
    if exchange.is_empty() {
        return refuse(403, "operation not permitted on the default exchange");
    }
    Ok(())
}
