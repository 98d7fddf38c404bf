use hooks::{ports::PortError, task::Queue};
use tempfile::TempDir;

use super::*;

const TERMS: Terms = Terms::asked("the test", Survives::Process, 0);

type Deed = dyn FnOnce(&Connection) -> Result<(), Fault> + Send;

/// A writer of a table of numbers.
struct World {
    writer: Writer,
    backlog: Arc<Backlog>,
    folder: TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let [connection, copying] = connections(&folder);
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE number (it INTEGER PRIMARY KEY, filler TEXT);
             CREATE TABLE friend (of INTEGER REFERENCES number DEFERRABLE INITIALLY DEFERRED);",
        )
        .unwrap();
    let lock = File::create(folder.path().join("lock")).unwrap();
    let backlog = Arc::default();
    let writer = Writer::start([connection, copying], lock, Arc::clone(&backlog));
    World { writer, backlog, folder }
}

fn connections(folder: &TempDir) -> [Connection; 2] {
    [(); 2].map(|()| Connection::open(path(folder)).unwrap())
}

fn path(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("database")
}

fn add(connection: &Connection, number: i64) -> Result<(), Fault> {
    connection.execute("INSERT INTO number (it) VALUES (?1)", [number])?;
    Ok(())
}

/// A job that runs until it is dropped here, so that others pile up behind it.
struct Held {
    reached: mpsc::Receiver<()>,
    _let_go: mpsc::Sender<()>,
}

impl Held {
    /// Waits until it runs: everything that was handed in before it has run.
    fn reached(self) -> Self {
        self.reached.recv().unwrap();
        self
    }
}

fn hold(inbox: &Inbox) -> Held {
    let (reaching, reached) = mpsc::channel();
    let (let_go, held) = mpsc::channel::<()>();
    inbox.write_unattended(TERMS, move |_| {
        reaching.send(()).unwrap();
        // An error is what is waited for: the other end is gone.
        let _ = held.recv();
        Ok(())
    });
    Held { reached, _let_go: let_go }
}

/// Hands a job in, and answers where its answer comes.
fn hand_in<T: Send + 'static>(
    inbox: &Inbox,
    terms: Terms,
    deed: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
) -> oneshot::Receiver<PortResult<T>> {
    let (answer, answered) = oneshot::channel();
    inbox.hand_in(terms, None, answer, deed);
    answered
}

impl World {
    fn inbox(&self) -> &Inbox {
        self.writer.inbox()
    }

    /// What everybody else sees.
    fn numbers(&self) -> Vec<i64> {
        let connection = Connection::open(path(&self.folder)).unwrap();
        all(connection.prepare("SELECT it FROM number ORDER BY it").unwrap())
    }
}

fn all(mut numbers: rusqlite::Statement<'_>) -> Vec<i64> {
    numbers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn jobs_that_wait_share_a_commit() {
    let world = world();
    let first = hold(world.inbox()).reached();
    let answers: Vec<_> =
        (0..100).map(|it| hand_in(world.inbox(), TERMS, move |to| add(to, it))).collect();
    let last = hold(world.inbox());
    drop(first);

    let last = last.reached();
    assert_eq!(world.numbers(), [0; 0], "all have run, none is committed");
    drop(last);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(world.numbers().len(), 100);
}

#[tokio::test]
async fn what_must_survive_a_power_cut_goes_first_and_stops_nobody() {
    const URGENT: Terms = Terms { survives: Survives::PowerCut, ..TERMS };

    let world = world();
    let ran = Arc::new(std::sync::Mutex::new(String::new()));
    let note = |name: char| {
        let ran = Arc::clone(&ran);
        move |_: &Connection| {
            ran.lock().unwrap().push(name);
            Ok(())
        }
    };
    let held = hold(world.inbox()).reached();
    let mut answers = Vec::new();
    for (name, terms) in [('r', TERMS), ('s', URGENT)] {
        answers.extend((0..2 * MOST_JOBS).map(|_| hand_in(world.inbox(), terms, note(name))));
    }
    drop(held);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let half = MOST_JOBS / 2;
    let group = "s".repeat(half) + &"r".repeat(half);
    assert_eq!(*ran.lock().unwrap(), group.repeat(4), "sends first, half of each group");
}

/// Writes so much, and answers how large the log is then, both in MiB.
async fn write(world: &World, mebibytes: u32) -> u64 {
    for _ in 0..mebibytes {
        let fill = |to: &Connection| {
            to.execute("INSERT INTO number (filler) VALUES (zeroblob(1048576))", [])?;
            Ok(())
        };
        world.inbox().write(TERMS, fill).await.unwrap();
    }
    std::fs::metadata(world.folder.path().join("database-wal")).unwrap().len() >> 20
}

/// Writes until the log has begun anew, so that its file does not grow.
async fn begins_anew(world: &World) {
    for _ in 0..50 {
        let before = write(world, 0).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if write(world, 16).await == before {
            return;
        }
    }
    panic!("the log has {} MiB, and grows with all that is written", write(world, 0).await);
}

#[tokio::test]
async fn however_much_is_written_the_log_begins_anew() {
    let world = world();
    begins_anew(&world).await;

    let reading = Connection::open(path(&world.folder)).unwrap();
    reading.execute_batch("BEGIN; SELECT count(*) FROM number").unwrap();
    let while_read = write(&world, 80).await;
    assert!(while_read > 80, "somebody needs it: {while_read}");
    reading.execute_batch("COMMIT").unwrap();
    begins_anew(&world).await;
}

#[tokio::test]
async fn a_job_that_fails_harms_no_other_and_leaves_nothing_behind() {
    let world = world();
    let held = hold(world.inbox()).reached();
    let before = hand_in(world.inbox(), TERMS, |to| add(to, 1));
    let conflict = hand_in(world.inbox(), TERMS, |to| {
        add(to, 2)?;
        Err::<(), _>(Fault::Conflict)
    });
    let taken = hand_in(world.inbox(), TERMS, |to| {
        add(to, 3)?;
        add(to, 1)
    });
    let after = hand_in(world.inbox(), TERMS, |to| add(to, 4));
    drop(held);

    before.await.unwrap().unwrap();
    assert!(matches!(conflict.await.unwrap(), Err(PortError::Conflict)));
    let taken = taken.await.unwrap().unwrap_err().to_string();
    assert!(taken.starts_with("the test is unavailable: UNIQUE"), "{taken}");
    after.await.unwrap().unwrap();
    assert_eq!(world.numbers(), [1, 4]);
}

#[tokio::test]
async fn a_job_that_was_certain_and_fails_takes_its_group_along_once() {
    let world = world();
    for (expected, group) in [("undone with the other", false), ("written", true)] {
        let held = hold(world.inbox()).reached();
        let other = hand_in(world.inbox(), TERMS.certain(), |to| add(to, 1));
        let failing = hand_in(world.inbox(), TERMS.noted(), |to| {
            add(to, 2)?;
            add(to, 2)
        });
        // Of the group that is undone the holder is one, and has its answer all the same.
        drop(held);
        let failing = failing.await.unwrap().unwrap_err().to_string();
        assert!(failing.contains("UNIQUE"), "{failing}");
        assert_eq!(other.await.unwrap().is_ok(), group, "{expected}");
    }
    assert_eq!(world.numbers(), [1]);
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_is_written_without_company_too() {
    let world = world();
    hand_in(world.inbox(), TERMS.noted(), |to| add(to, 1)).await.unwrap().unwrap();
    assert_eq!(world.numbers(), [1]);
}

#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let world = world();
    let limit = |pages: u32| {
        world.inbox().write(TERMS, move |connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            Ok(())
        })
    };
    let fill = |number: i64| {
        world.inbox().write(TERMS, move |connection| {
            let filler = "x".repeat(100_000);
            let sql = "INSERT INTO number (it, filler) VALUES (?1, ?2)";
            connection.execute(sql, (number, filler))?;
            Ok(())
        })
    };
    limit(10).await.unwrap();
    for number in 0..3 {
        let error = fill(number).await.unwrap_err();
        assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("full"), "{error}");
    }
    world.inbox().write(TERMS, |to| add(to, 7)).await.expect("what fits is written");

    limit(1_000_000).await.unwrap();
    fill(8).await.expect("there is room again");
    assert_eq!(world.numbers(), [7, 8]);
}

#[tokio::test]
async fn a_disk_that_is_read_only_for_a_while_fails_each_group_until_it_is_not() {
    let World { writer, folder, .. } = world();
    drop(writer);
    let (jobs, waiting) = mpsc::channel();
    let inbox = Inbox { jobs, room: Arc::new(Semaphore::new(1)) };
    let [mut connection, copying] = connections(&folder);
    let checkpoints = Checkpoints::start(&mut connection, copying);
    let backlog = Arc::default();
    let mut pen = Pen { connection, checkpoints, survives: None, backlog, careful: 0 };
    for (number, is_read_only) in [(0, false), (1, true), (2, true), (3, false)] {
        pen.connection.pragma_update(None, "query_only", is_read_only).unwrap();
        let answer = hand_in(&inbox, TERMS, move |to| add(to, number));
        let job = waiting.recv().unwrap();
        let mut group = [job];
        let written = pen.write(&mut group);
        let [job] = group;
        job.answer(written.as_ref().copied());

        let answer = answer.await.unwrap();
        assert_eq!(answer.is_err(), is_read_only, "{number}: {answer:?}");
        if let Err(error) = answer {
            assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
            assert!(error.to_string().contains("readonly"), "{error}");
        }
    }
    let numbers = pen.connection.prepare("SELECT it FROM number ORDER BY it").unwrap();
    assert_eq!(all(numbers), [0, 3]);
}

#[tokio::test]
async fn a_commit_that_fails_undoes_the_group_and_not_the_next() {
    let world = world();
    let held = hold(world.inbox()).reached();
    let innocent = hand_in(world.inbox(), TERMS, |to| add(to, 1));
    let guilty = hand_in(world.inbox(), TERMS, |to| {
        // Found out by the commit only.
        to.execute("INSERT INTO friend (of) VALUES (99)", [])?;
        Ok(())
    });
    drop(held);
    for answer in [innocent, guilty] {
        let error = answer.await.unwrap().unwrap_err();
        assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    }
    assert_eq!(world.numbers(), [0; 0]);
    world.inbox().write(TERMS, |to| add(to, 2)).await.unwrap();
    assert_eq!(world.numbers(), [2]);
}

#[tokio::test]
async fn a_failure_that_ends_the_transaction_is_told_to_the_whole_group() {
    let world = world();
    let held = hold(world.inbox()).reached();
    let before = hand_in(world.inbox(), TERMS, |to| add(to, 1));
    let guilty = hand_in(world.inbox(), TERMS, |to| {
        // As SQLite does by itself on some failures of the disk.
        to.execute_batch("ROLLBACK")?;
        Err::<(), _>(Fault::Unreadable("a broken disk".into()))
    });
    let after = hand_in(world.inbox(), TERMS, |to| add(to, 2));
    drop(held);
    for answer in [before, guilty, after] {
        let error = answer.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("a broken disk"), "{error}");
    }
    assert_eq!(world.numbers(), [0; 0]);
    world.inbox().write(TERMS, |to| add(to, 3)).await.unwrap();
    assert_eq!(world.numbers(), [3]);
}

#[tokio::test]
async fn what_a_job_counts_stands_or_falls_with_it() {
    let world = world();
    let count = |number: i64| {
        let backlog = Arc::clone(&world.backlog);
        move |to: &Connection| {
            backlog.came(Queue::Events, 0);
            add(to, number)
        }
    };
    let fail_commit = |to: &Connection| {
        to.execute("INSERT INTO friend (of) VALUES (99)", [])?;
        Ok(())
    };
    let end_transaction = |to: &Connection| {
        to.execute_batch("ROLLBACK")?;
        Err::<(), _>(Fault::Conflict)
    };
    let counted = || world.backlog.waiting(Queue::Events).tasks;

    let held = hold(world.inbox()).reached();
    let stands = hand_in(world.inbox(), TERMS, count(1));
    let is_taken = hand_in(world.inbox(), TERMS, count(1));
    drop(hand_in(world.inbox(), TERMS, count(2)));
    assert_eq!(counted(), 0, "what is not written does not count");
    drop(held);
    stands.await.unwrap().unwrap();
    is_taken.await.unwrap().unwrap_err();
    assert_eq!(counted(), 2, "not the one that failed, but the one that nobody waits for");

    for (name, fails) in
        [("commit", Box::new(fail_commit) as Box<Deed>), ("disk", Box::new(end_transaction))]
    {
        let held = hold(world.inbox()).reached();
        let undone = hand_in(world.inbox(), TERMS, count(3));
        let guilty = hand_in(world.inbox(), TERMS, fails);
        drop(held);
        undone.await.unwrap().unwrap_err();
        guilty.await.unwrap().unwrap_err();
        assert_eq!(counted(), 2, "undone with its group: {name}");
    }
    world.inbox().write(TERMS, count(4)).await.unwrap();
    assert_eq!(counted(), 3, "and the next group counts for itself");
}

#[tokio::test]
async fn a_group_that_must_survive_a_power_cut_is_on_disk_before_it_is_answered() {
    const POWER_CUT: Terms = Terms { survives: Survives::PowerCut, ..TERMS };
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;
    let level = |connection: &Connection| {
        Ok(connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?)
    };
    let world = world();
    for (name, terms, expected) in [
        ("a record", TERMS, NORMAL),
        ("a task", POWER_CUT, FULL),
        ("another task", POWER_CUT, FULL),
        ("a record again", TERMS, NORMAL),
    ] {
        assert_eq!(world.inbox().write(terms, level).await.unwrap(), expected, "{name}");
    }

    let held = hold(world.inbox()).reached();
    let together = [TERMS, POWER_CUT, TERMS].map(|terms| hand_in(world.inbox(), terms, level));
    drop(held);
    let mut levels = Vec::new();
    for answer in together {
        levels.push(answer.await.unwrap().unwrap());
    }
    assert_eq!(levels, [FULL; 3], "a record beside a task");
}

#[tokio::test]
async fn who_comes_with_more_than_there_is_room_for_waits() {
    let world = world();
    let held = hold(world.inbox()).reached();
    let large = Terms { bytes: ROOM_KIB as usize * 1024, ..TERMS };
    let mut first = Box::pin(world.inbox().write(large, |to| add(to, 1)));
    let mut second = Box::pin(world.inbox().write(large, |to| add(to, 2)));
    tokio::select! {
        biased;
        _ = &mut first => panic!("the writer is held"),
        _ = &mut second => panic!("the writer is held"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(world.inbox().room.available_permits(), 0);
    drop(second);
    drop(held);
    first.await.unwrap();
    assert_eq!(world.numbers(), [1], "the second was never handed in");
    assert_eq!(world.inbox().room.available_permits(), ROOM_KIB as usize, "room is given back");
}

#[tokio::test]
async fn who_asks_a_writer_that_has_stopped_is_told() {
    let world = world();
    let panicking = hand_in(world.inbox(), TERMS, |_| -> Result<(), Fault> {
        panic!("a test wants the thread dead")
    });
    assert!(panicking.await.is_err(), "no answer");
    let error = world.inbox().write(TERMS, |to| add(to, 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "the test is unavailable: its writer has stopped");
}
