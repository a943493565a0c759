//! Dead letters that go back to where they came from, each at most once.
//!
//! Which letters are back is kept in a compacted topic of its own, `<dlq>.redriven`, with an entry a letter,
//! written in the transaction that sends the record. So a crash neither loses nor repeats, and a letter that was
//! passed over for its cause can be put back later, which one committed offset a partition could not say.

mod causes;
mod ledger;
mod letter;
mod report;
mod sender;
mod work;

use clap::Args;
use millrace_core::kafka::{ClusterFlags, Kafka, Span, legal_topic};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use causes::Causes;
use ledger::Ledger;
use sender::Sender;
use work::Work;

pub use letter::REDRIVEN;
pub use report::Outcome;

/// What `consumer redrive` can be told.
#[derive(Debug, Args)]
#[command(after_help = "\
Each letter goes back with its key, value, time and own headers to the topic and partition that its headers name,
once: the topic DLQ.redriven says which ones are back. A record that still cannot be read becomes a letter again;
its header millrace.redriven counts how often it was put back.

Examples:
  consumer redrive --dry-run                       how many letters there are of each cause
  consumer redrive --cause UnknownSchema           those whose schema the registry knows by now
  consumer redrive --dlq plant.dlq --max-messages 100")]
pub struct RedriveArgs {
    /// Topic whose dead letters they are
    #[arg(long, value_name = "TOPIC", default_value = "sensor-data")]
    topic: String,
    /// Topic of the dead letters [default: TOPIC.dlq]
    #[arg(long, value_name = "TOPIC")]
    dlq: Option<String>,
    /// Only letters of this cause; may be given again [default: all causes]
    #[arg(long = "cause", value_name = "NAME")]
    causes: Vec<String>,
    /// Put back so many at most
    #[arg(long, value_name = "N")]
    max_messages: Option<u64>,
    /// Count, and put nothing back
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterFlags,
}

/// What is put back.
#[derive(Debug, Clone)]
pub struct Redrive {
    letters: String,
    causes: Causes,
    most: u64,
    is_dry: bool,
}

/// Puts letters back, and says on standard error what came of it.
///
/// # Errors
/// When something is said wrongly, there are no letters, or Kafka does not take them.
pub fn run(args: &RedriveArgs) -> Result<()> {
    let redrive = Redrive::new(args)?;
    let outcome = redrive.run(&args.cluster.kafka()?, &Shutdown::on_signals()?)?;
    eprintln!("{}", outcome.tell(&redrive.letters, redrive.is_dry));
    Ok(())
}

impl Redrive {
    /// What these flags ask for.
    ///
    /// # Errors
    /// When a topic or a cause is none.
    pub fn new(args: &RedriveArgs) -> Result<Self> {
        let letters = args.dlq.clone().unwrap_or_else(|| format!("{}.dlq", args.topic));
        legal_topic(&letters).map_err(|why| Error::usage(format!("--dlq: {why}")))?;
        let causes = Causes::new(&args.causes)?;
        Ok(Self { letters, causes, most: args.max_messages.unwrap_or(u64::MAX), is_dry: args.dry_run })
    }

    /// Does it, until the end is asked for: what was taken by then goes back, the rest is left.
    ///
    /// # Errors
    /// When there are no letters, or Kafka does not take them.
    pub fn run(&self, kafka: &Kafka, shutdown: &Shutdown) -> Result<Outcome> {
        kafka.check()?;
        self.look_for_letters(kafka)?;
        let entries = format!("{}.redriven", self.letters);
        let sender = if self.is_dry { None } else { Some(self.sender(kafka, &entries, shutdown)?) };
        // Only now: the sender has ended what another one had left open.
        let ledger = Ledger::read(kafka, &entries)?;
        let mut work = Work::new(kafka, self, ledger, sender, shutdown);
        Span::of(kafka, &self.letters)?.each(kafka, |record| work.take(record))?;
        work.end()
    }

    fn look_for_letters(&self, kafka: &Kafka) -> Result<()> {
        let (letters, servers) = (&self.letters, kafka.bootstrap_servers());
        match kafka.partitions(letters)? {
            Some(_) => Ok(()),
            None => Err(Error::failed(format!(
                "there is no topic {letters} at {servers}: nothing was rejected yet, or check --topic and --dlq"
            ))),
        }
    }

    fn sender(&self, kafka: &Kafka, entries: &str, shutdown: &Shutdown) -> Result<Sender> {
        if kafka.is_demo()? {
            return Err(Error::failed(
                "the demo broker has no transactions, which keep a letter from being put back twice: \
                 use Docker or Java, or count with --dry-run",
            ));
        }
        kafka.ensure_compacted_topic(entries, 1)?;
        Sender::take_over(kafka, &self.letters, entries, shutdown)
    }
}
