//! At-least-once: workers are killed again and again, and Redis with them. Not
//! one task is missing in the end.
//!
//! `LOSS=100000 cargo test --test loss -- --nocapture` adds so many tasks,
//! kills a worker fifty times and a real redis-server five times. Without LOSS
//! it is less, and the stand-in, which keeps nothing when it is killed.
//!
//! With `FSYNC=everysec`, Redis's usual setting, some may be missing: while the
//! system is busy with the disk, Redis answers before it has written.
#![cfg(unix)]

mod common;

use std::collections::HashMap;
use std::env;
use std::sync::mpsc::{Sender, channel};
use std::thread::spawn;
use std::time::Instant;

use common::{LIMIT, Limits, Program, Real, StandIn, WORKER};
use redis::AsyncTypedCommands;
use redis_streams::{REPLY, Server, TASKS, is_refusal};

const WORKERS_AT_ONCE: usize = 4;

#[test]
fn no_task_is_missing() {
    let wanted = env::var("LOSS").ok();
    let wanted = wanted.map(|text| text.parse::<usize>().unwrap());
    let (mut real, stand_in);
    let (url, tasks, kills, restarts) = match wanted {
        Some(tasks) => {
            real = Some(Real::start("redis-server", "loss"));
            (real.as_ref().unwrap().url(), tasks, 50, 5)
        }
        None => {
            (real, stand_in) = (None, StandIn::start(Limits::default()));
            (stand_in.url(), 1000, 5, 0)
        }
    };
    let begin = Instant::now();
    let adding = {
        let url = url.clone();
        spawn(move || add(&url, tasks))
    };
    let (done, lines) = channel();
    let mut workers: Vec<Worker> = (0..WORKERS_AT_ONCE)
        .map(|number| Worker::start(&url, number, &done))
        .collect();
    let mut times: HashMap<String, usize> = HashMap::new();
    let (mut killed, mut restarted) = (0, 0);
    while times.len() < tasks {
        let task = lines.recv_timeout(LIMIT).unwrap_or_else(|_| {
            panic!("{} tasks are missing", tasks - times.len())
        });
        *times.entry(task).or_default() += 1;
        // Spread evenly over the run.
        if killed < kills && times.len() * (kills + 1) > tasks * (killed + 1) {
            let number = killed % WORKERS_AT_ONCE;
            // Its name is free again only then.
            workers[number].kill();
            workers[number] = Worker::start(&url, number, &done);
            killed += 1;
        }
        if restarted < restarts
            && times.len() * (restarts + 1) > tasks * (restarted + 1)
        {
            real.as_mut().unwrap().restart();
            restarted += 1;
        }
    }
    let added_twice = adding.join().unwrap();
    drop(workers);
    let all: usize = times.values().sum();
    println!(
        "{tasks} tasks, {killed} workers killed, {restarted} servers killed: \
         0 missing, {} done more than once ({all} done in all), {added_twice} \
         added a second time, in {:.0} s",
        times.values().filter(|times| **times > 1).count(),
        begin.elapsed().as_secs_f64()
    );
    assert_eq!((killed, restarted), (kills, restarts));
}

/// Adds tasks as stream-add does, each with a name of its own. Returns how
/// many it added again, because no answer had come.
fn add(url: &str, tasks: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = Server::from_url(url).unwrap();
        let mut connection = server.connect(REPLY).await.unwrap();
        let mut again = 0;
        for number in 1..=tasks {
            let entry = [("task", format!("knit a hatA for cat {number}"))];
            while let Err(error) = connection.xadd(TASKS, "*", &entry).await {
                assert!(!is_refusal(&error), "{error}");
                again += 1;
                let open = async || server.connect(REPLY).await;
                connection = server.again("the test", open).await;
            }
        }
        again
    })
}

/// A worker whose finished tasks are told.
struct Worker(Program);

impl Worker {
    fn start(url: &str, number: usize, done: &Sender<String>) -> Self {
        let name = format!("worker-{number}");
        let arguments = [url, "--name", &name, "--idle", "1"];
        let mut program = Program::start(WORKER, &arguments);
        let (lines, done) = (program.take_lines(), done.clone());
        spawn(move || {
            for line in lines {
                if let Some(task) = line.strip_prefix("Done: ")
                    && done.send(task.to_owned()).is_err()
                {
                    break;
                }
            }
        });
        Self(program)
    }

    fn kill(&mut self) {
        self.0.child.kill().unwrap();
        self.0.child.wait().unwrap();
    }
}
