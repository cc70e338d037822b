//! Channels: many conversations on one connection. A mistake closes the
//! channel on which it was made; the others go on.

use std::collections::BTreeMap;

use amq_protocol::protocol::{
    AMQPClass, basic, channel, confirm, exchange, queue,
};
use amq_protocol::types::{FieldTable, ShortString};
use basic::AMQPMethod as Basic;
use confirm::AMQPMethod as Confirm;
use exchange::AMQPMethod as Exchange;
use queue::AMQPMethod as Queue;

use super::frames::{self, Failure, Frame, read_header, refuse};
use super::unacked::{Consuming, Unacked};
use super::{At, Body, Broker, ConnectionId, Name, Share, check_limit};

#[derive(Default)]
pub struct Channel {
    /// It made a mistake, and does not know it yet: nothing that it says
    /// counts.
    pub closing: bool,
    /// A message of which not all frames have come.
    content: Option<Content>,
    /// How many messages were confirmed, if that was asked for.
    pub confirms: Option<u64>,
    /// How many messages the next consumers may hold unacknowledged.
    pub prefetch: u16,
    /// What a queue without a name means.
    pub last_queue: Name,
    pub last_tag: u64,
    /// What it was given and did not acknowledge, by delivery tag.
    pub unacked: BTreeMap<u64, Unacked>,
    /// By consumer tag.
    pub consumers: BTreeMap<Name, Consuming>,
}

pub struct Content {
    pub publish: basic::Publish,
    pub header: Vec<u8>,
    /// Bytes of the body; `None` before the header has come.
    size: Option<u64>,
    pub body: Body,
}

impl Broker {
    /// Takes a frame. An error that is returned ends the connection.
    pub fn take(
        &mut self,
        connection: ConnectionId,
        channel: u16,
        frame: Frame,
    ) -> Result<(), Failure> {
        let at = At {
            connection,
            channel,
        };
        let cause = match &frame {
            Frame::Method(method) => {
                (method.get_amqp_class_id(), method.get_amqp_method_id())
            }
            // Of basic.publish.
            _ => (60, 40),
        };
        let Err(failure) = self.obey(at, frame) else {
            return Ok(());
        };
        let failure = Failure { cause, ..failure };
        if failure.closes_channel_only() {
            self.close_channel(at, &failure);
            return Ok(());
        }
        Err(failure)
    }

    fn obey(&mut self, at: At, frame: Frame) -> Result<(), Failure> {
        if at.channel == 0 {
            return refuse(504, "channel 0 is the connection's own");
        }
        if let Frame::Method(AMQPClass::Channel(method)) = frame {
            return self.open_or_close(at, method);
        }
        let channel = self.channel(at)?;
        if channel.closing {
            return Ok(());
        }
        match (channel.content.take(), frame) {
            (
                None,
                Frame::Method(AMQPClass::Basic(Basic::Publish(publish))),
            ) => {
                if publish.immediate {
                    return refuse(540, "immediate=true");
                }
                let share = Share::new(&self.used, 0);
                let bytes = Vec::new();
                self.channel(at)?.content = Some(Content {
                    publish,
                    header: Vec::new(),
                    size: None,
                    body: Body { bytes, share },
                });
                Ok(())
            }
            (None, Frame::Method(method)) => self.obey_method(at, method),
            (Some(content), frame) => self.collect(at, content, frame),
            (None, _) => {
                refuse(505, "a message begins with basic.publish, not here")
            }
        }
    }

    // ANCHOR: collect
    /// The frames of a message follow each other: the method, the header, and
    /// as many pieces of the body as it takes.
    fn collect(
        &mut self,
        at: At,
        mut content: Content,
        frame: Frame,
    ) -> Result<(), Failure> {
        match (frame, content.size) {
            (Frame::Header(header), None) => {
                let (size, properties) = read_header(&header)?;
                let most = self.limits.message;
                if size > most as u64 {
                    let text = format!(
                        "message size {size} is larger than configured max \
                         size {most}"
                    );
                    return refuse(406, text);
                }
                understood(&properties)?;
                content.size = Some(size);
                content.body.share.grow(header.len());
                content.header = header;
            }
            (Frame::Body(piece), Some(_)) => {
                content.body.share.grow(piece.len());
                content.body.bytes.extend(piece);
            }
            _ => return refuse(505, "the rest of a message was expected"),
        }
        self.check_memory()?;
        let came = content.body.bytes.len() as u64;
        match content.size {
            Some(size) if came > size => {
                refuse(505, "a body is longer than its header said")
            }
            Some(size) if came == size => self.publish(at, content),
            _ => {
                self.channel(at)?.content = Some(content);
                Ok(())
            }
        }
    }
    // ANCHOR_END: collect

    pub fn channel(&mut self, at: At) -> Result<&mut Channel, Failure> {
        let connection = self.connections.get_mut(&at.connection);
        let channels = connection.map(|connection| &mut connection.channels);
        match channels.and_then(|channels| channels.get_mut(&at.channel)) {
            Some(channel) => Ok(channel),
            None => refuse(504, "expected 'channel.open'"),
        }
    }

    fn open_or_close(
        &mut self,
        at: At,
        method: channel::AMQPMethod,
    ) -> Result<(), Failure> {
        use channel::AMQPMethod as Method;
        match method {
            Method::Open(_) => {
                let connections = self.connections.values();
                let open = connections.map(|one| one.channels.len()).sum();
                check_limit(open, self.limits.channels, "channels")?;
                if self.channel(at).is_ok() {
                    return refuse(504, "second 'channel.open' seen");
                }
                if let Some(one) = self.connections.get_mut(&at.connection) {
                    one.channels.insert(at.channel, Channel::default());
                }
                self.send(at, 20, 11, &[0; 4]);
            }
            Method::Close(_) => {
                self.channel(at)?;
                self.leave_channel(at);
                self.send(at, 20, 41, &[]);
            }
            Method::CloseOk(_) => {
                if self.channel(at)?.closing {
                    self.leave_channel(at);
                }
            }
            _ => return refuse(540, "channel.flow"),
        }
        Ok(())
    }

    fn close_channel(&mut self, at: At, failure: &Failure) {
        tracing::warn!("client {}: {}", at.connection, failure.text);
        self.leave_channel(at);
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            let closing = Channel {
                closing: true,
                ..Channel::default()
            };
            connection.channels.insert(at.channel, closing);
        }
        self.send(at, 20, 40, &failure.to_bytes());
    }

    /// What AMQP calls methods: each is carried out and answered, unless the
    /// client said that it does not wait.
    fn obey_method(
        &mut self,
        at: At,
        method: AMQPClass,
    ) -> Result<(), Failure> {
        let class = method.get_amqp_class_id();
        let number = method.get_amqp_method_id();
        let (nowait, told) = match method {
            AMQPClass::Exchange(Exchange::Declare(it)) => {
                self.declare_exchange(&it)?;
                (it.nowait, Vec::new())
            }
            AMQPClass::Exchange(Exchange::Delete(it)) => {
                self.delete_exchange(&it)?;
                (it.nowait, Vec::new())
            }
            AMQPClass::Queue(Queue::Declare(it)) => {
                (it.nowait, self.declare_queue(at, &it)?)
            }
            AMQPClass::Queue(Queue::Bind(it)) => {
                self.bind(at, &it)?;
                (it.nowait, Vec::new())
            }
            AMQPClass::Queue(Queue::Unbind(it)) => {
                self.unbind(at, &it)?;
                (false, Vec::new())
            }
            AMQPClass::Queue(Queue::Purge(it)) => {
                let messages = self.purge(at, &it.queue)?;
                (it.nowait, messages.to_be_bytes().to_vec())
            }
            AMQPClass::Queue(Queue::Delete(it)) => {
                let messages = self.delete_queue(at, &it)?;
                (it.nowait, messages.to_be_bytes().to_vec())
            }
            AMQPClass::Confirm(Confirm::Select(it)) => {
                self.channel(at)?.confirms.get_or_insert(0);
                (it.nowait, Vec::new())
            }
            AMQPClass::Basic(Basic::Qos(it)) => {
                if it.global {
                    return refuse(540, "a prefetch for the whole channel");
                }
                self.channel(at)?.prefetch = it.prefetch_count;
                (false, Vec::new())
            }
            AMQPClass::Basic(Basic::Cancel(it)) => {
                self.cancel(at, &it.consumer_tag)?;
                (it.nowait, frames::text(it.consumer_tag.as_str()))
            }
            // These say more than a reply, or nothing.
            AMQPClass::Basic(Basic::Consume(it)) => {
                return self.consume(at, &it);
            }
            AMQPClass::Basic(Basic::Get(it)) => return self.get(at, &it),
            AMQPClass::Basic(Basic::Ack(it)) => {
                return self.ack(at, it.delivery_tag, it.multiple);
            }
            AMQPClass::Basic(Basic::Nack(it)) => {
                let tag = it.delivery_tag;
                return self.reject(at, tag, it.multiple, it.requeue);
            }
            AMQPClass::Basic(Basic::Reject(it)) => {
                return self.reject(at, it.delivery_tag, false, it.requeue);
            }
            _ => {
                let text = format!("class {class}, method {number}");
                return refuse(540, text);
            }
        };
        if !nowait {
            // A method's reply has the next number.
            self.send(at, class, number + 1, &told);
        }
        Ok(())
    }

    /// A queue's name; none means the last one that was declared here.
    pub fn queue_name(
        &mut self,
        at: At,
        name: &ShortString,
    ) -> Result<Name, Failure> {
        if !name.as_str().is_empty() {
            return Ok(name.as_str().into());
        }
        let last = self.channel(at)?.last_queue.clone();
        if last.is_empty() {
            return refuse(404, "no previously declared queue");
        }
        Ok(last)
    }
}

/// The stand-in has no times to live and no copies, and does not pretend.
fn understood(properties: &basic::AMQPProperties) -> Result<(), Failure> {
    if properties.expiration().is_some() {
        return refuse(540, "a message with an expiration");
    }
    let headers = properties.headers().as_ref();
    let has = |name| headers.is_some_and(|table| table.contains_key(name));
    if has("CC") || has("BCC") {
        return refuse(540, "a message with copies, CC or BCC");
    }
    match properties.user_id() {
        Some(user) if user.as_str() != "guest" => {
            let text = format!(
                "user_id property set to '{user}' but authenticated user was \
                 'guest'"
            );
            refuse(406, text)
        }
        _ => Ok(()),
    }
}

/// Arguments that the stand-in does not know would have an effect in RabbitMQ.
pub fn known(arguments: &FieldTable, names: &[&str]) -> Result<(), Failure> {
    for name in arguments.inner().keys() {
        if !names.contains(&name.as_str()) {
            return refuse(540, format_args!("the argument '{name}'"));
        }
    }
    Ok(())
}
