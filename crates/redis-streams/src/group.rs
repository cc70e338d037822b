// ANCHOR: all
//! A worker's place in a consumer group: how it gets tasks, and how it says
//! that they are done.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimOptions, StreamId, StreamReadOptions};
use redis::{AsyncTypedCommands, RedisError, RedisResult};
use tokio::time::{Instant, sleep};

use crate::{FIRST_PAUSE, GIVEN_UP, LONGEST_PAUSE, REPLY, TASKS, WORKERS};
use crate::{Server, is_refusal, trim_done, warn};

/// How long a read waits at the server for a new task, at most.
const BLOCK: Duration = Duration::from_secs(2);

/// One of the workers of a group, with a connection of its own: a read that
/// waits holds up whatever is sent behind it.
pub struct Membership<'a> {
    server: &'a Server,
    name: &'a str,
    /// After so long without an acknowledgement its worker counts as dead.
    idle: Duration,
    connection: MultiplexedConnection,
    /// How far we have looked through our own pending tasks; `None`: all.
    history: Option<String>,
    /// How far we have looked through everybody's, and when we look again.
    looked_at: String,
    look_at: Instant,
    /// Done, and maybe not acknowledged: the connection was lost meanwhile.
    owed: Option<String>,
    /// How long to wait after a refusal, until a task is done again.
    pause: Duration,
}

/// An entry that is this worker's until it acknowledges it.
pub struct Task {
    id: String,
    entry: StreamId,
    /// How often Redis has handed it out, this time included.
    pub deliveries: usize,
}

impl Task {
    /// What is to be done; nothing if the entry does not say it in UTF-8.
    pub fn text(&self) -> String {
        self.entry.get("task").unwrap_or_default()
    }
}

impl<'a> Membership<'a> {
    /// Connects, and makes the group if there is none. A new group begins
    /// with the first entry that the stream still has.
    pub async fn join(
        server: &'a Server,
        name: &'a str,
        idle: Duration,
    ) -> RedisResult<Self> {
        Ok(Self {
            server,
            name,
            idle,
            connection: connect(server).await?,
            history: Some("0".into()),
            looked_at: "0-0".into(),
            look_at: Instant::now(),
            owed: None,
            pause: FIRST_PAUSE,
        })
    }

    /// The same after an error: says why, and tries until it works. What
    /// Redis has refused it may refuse again, so then the pauses grow.
    pub async fn join_again(&mut self, program: &str, error: &RedisError) {
        let why = self.server.explain(error);
        warn(format_args!(
            "{program}: {}: {why}; trying again",
            self.server
        ));
        if is_refusal(error) {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        let (server, owed) = (self.server, self.owed.clone());
        let open = async || {
            let mut connection = connect(server).await?;
            if let Some(id) = &owed {
                connection.xack(TASKS, WORKERS, &[id]).await?;
            }
            Ok(connection)
        };
        self.connection = server.again(program, open).await;
        self.owed = None;
        self.history = Some("0".into());
    }

    // ANCHOR: next
    /// The next task, or `None` if none came for a while.
    pub async fn next(&mut self) -> RedisResult<Option<Task>> {
        // What we were given before, and never acknowledged: by an earlier
        // run of ours, or in a reply that got lost.
        if let Some(place) = self.history.take()
            && let Some(entry) = self.read(&place, None).await?
        {
            self.history = Some(entry.id.clone());
            return self.handed_out(entry).await;
        }
        // What others were given, and have left.
        if Instant::now() >= self.look_at {
            if let Some(entry) = self.take_over().await? {
                return self.handed_out(entry).await;
            }
            self.look_at = Instant::now() + self.idle / 2;
            trim_done(&mut self.connection, TASKS).await?;
        }
        let wait = BLOCK.min(self.idle / 2);
        let new = self.read(">", Some(wait)).await?;
        Ok(new.map(|entry| Task::new(entry, 1)))
    }
    // ANCHOR_END: next

    /// Reads one entry: of our own pending ones behind `place`, or with `>` one
    /// that nobody has had.
    async fn read(
        &mut self,
        place: &str,
        wait: Option<Duration>,
    ) -> RedisResult<Option<StreamId>> {
        let mut how = StreamReadOptions::default()
            .group(WORKERS, self.name)
            .count(1);
        if let Some(wait) = wait {
            // 0 would mean for ever.
            how = how.block(milliseconds(wait).max(1));
        }
        let reply = self
            .connection
            .xread_options(&[TASKS], &[place], &how)
            .await?;
        let streams = reply.map_or(Vec::new(), |reply| reply.keys);
        Ok(streams.into_iter().flat_map(|stream| stream.ids).next())
    }

    // ANCHOR: take_over
    /// One entry that has been pending too long, of any worker of the group.
    async fn take_over(&mut self) -> RedisResult<Option<StreamId>> {
        loop {
            let one = StreamAutoClaimOptions::default().count(1);
            let reply = self.connection.xautoclaim_options(
                TASKS,
                WORKERS,
                self.name,
                milliseconds(self.idle),
                &self.looked_at,
                one,
            );
            let mut reply = reply.await?;
            reply.deleted_ids.iter().for_each(|id| trimmed(id));
            // Redis looks at a few of them at a time.
            self.looked_at = reply.next_stream_id;
            let claimed = reply.claimed.pop();
            if claimed.is_some() || self.looked_at == "0-0" {
                return Ok(claimed);
            }
        }
    }
    // ANCHOR_END: take_over

    /// Asks how often it was handed out: a claim does not say it.
    async fn handed_out(
        &mut self,
        entry: StreamId,
    ) -> RedisResult<Option<Task>> {
        let (id, one) = (&entry.id, 1);
        // Each entry has a field. Only its id is left, and still pending.
        if entry.map.is_empty() {
            self.connection.xack(TASKS, WORKERS, &[id]).await?;
            trimmed(id);
            return Ok(None);
        }
        let pending = self
            .connection
            .xpending_consumer_count(TASKS, WORKERS, id, id, one, self.name)
            .await?;
        // It is gone if somebody has been quicker.
        let found = pending.ids.first();
        Ok(found.map(|found| Task::new(entry, found.times_delivered)))
    }

    /// Says that a task is done. Returns whether it was still pending: if not,
    /// another worker has taken it over, and done it, too.
    pub async fn acknowledge(&mut self, task: &Task) -> RedisResult<bool> {
        self.owed = Some(task.id.clone());
        let done = self.connection.xack(TASKS, WORKERS, &[&task.id]).await?;
        self.owed = None;
        self.pause = FIRST_PAUSE;
        Ok(done > 0)
    }

    // ANCHOR: give_up
    /// Puts a task where a person can look at it, and acknowledges it. In this
    /// order: in between it is in two places rather than in none.
    pub async fn give_up(&mut self, task: &Task) -> RedisResult<()> {
        let mut fields: Vec<_> = task.entry.map.iter().collect();
        fields.sort_by_key(|(name, _)| *name);
        let mut copy = redis::cmd("XADD");
        copy.arg(GIVEN_UP).arg("*").arg("entry").arg(&task.id);
        for (name, value) in fields {
            if let redis::Value::BulkString(value) = value {
                copy.arg(name).arg(value);
            }
        }
        copy.exec_async(&mut self.connection).await?;
        self.acknowledge(task).await?;
        Ok(())
    }
    // ANCHOR_END: give_up
}

impl Task {
    fn new(entry: StreamId, deliveries: usize) -> Self {
        Self {
            id: entry.id.clone(),
            entry,
            deliveries,
        }
    }
}

// ANCHOR: limit
/// A connection for reads that wait: the limit for replies is above BLOCK.
async fn connect(server: &Server) -> RedisResult<MultiplexedConnection> {
    let mut connection = server.connect(BLOCK + REPLY).await?;
    let made = connection.xgroup_create_mkstream(TASKS, WORKERS, "0").await;
    match made {
        Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
        // BUSYGROUP: it is there already.
        _ => Ok(connection),
    }
}
// ANCHOR_END: limit

/// Nobody can do that task any more.
fn trimmed(id: &str) {
    warn(format_args!("entry {id} was trimmed before it was done"));
}

fn milliseconds(time: Duration) -> usize {
    usize::try_from(time.as_millis()).unwrap_or(usize::MAX)
}
// ANCHOR_END: all
