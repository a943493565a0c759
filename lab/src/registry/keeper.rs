//! The store as all requests share it, and the order in which it is written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millrace_core::Result as Done;

use super::change::Change;
use super::log::Log;
use super::problem::Problem;
use super::store::{Planned, Store};

/// A store and, where it is kept, its log. Writes are carried out one after the other; reads never wait for
/// the log.
pub struct Keeper {
    store: Mutex<Store>,
    log: tokio::sync::Mutex<Option<Log>>,
}

impl Keeper {
    /// An empty store in memory, or what the log holds.
    ///
    /// # Errors
    /// When the log cannot be read to its end.
    pub fn open(log: Option<Log>) -> Done<Self> {
        let store = log.as_ref().map(Log::read).transpose()?.unwrap_or_default();
        Ok(Self { store: Mutex::new(store), log: tokio::sync::Mutex::new(log) })
    }

    /// The store, for reading; nobody waits while holding it.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a change on the newest store, writes it to the log, makes it, and answers.
    ///
    /// # Errors
    /// When the plan refuses, or the log does not take it.
    pub async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        plan: impl FnOnce(&Store) -> Result<Planned<T>, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let keeper = Arc::clone(self);
        // On a task of its own: a client that goes away must not part the log from the store.
        let written = tokio::spawn(async move { keeper.carry_out(plan).await }).await;
        written.unwrap_or_else(|_| Err(Problem::Store("the registry is stopping; try again".to_owned())))
    }

    async fn carry_out<T>(
        &self,
        plan: impl FnOnce(&Store) -> Result<Planned<T>, Problem>,
    ) -> Result<T, Problem> {
        let mut log = self.log.lock().await;
        if let Some(log) = log.as_mut()
            && let Some(store) = log.recovered().await?
        {
            *self.store() = store;
        }
        let planned = plan(&self.store())?;
        for change in planned.changes {
            self.make(log.as_mut(), change).await?;
        }
        Ok(planned.answer)
    }

    async fn make(&self, log: Option<&mut Log>, change: Change) -> Result<(), Problem> {
        if let Some(log) = log {
            log.append(&change).await?;
        }
        self.store().apply(change)
    }
}
