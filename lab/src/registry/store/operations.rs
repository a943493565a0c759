use millrace_schemas::compatibility::{Compatibility, Conflict};

use super::{Held, Problem, Scope, Store, VersionAsked};
use crate::registry::change::{Change, Mode, Version};
use crate::registry::schema::AvroSchema;

/// What an operation answers, and the changes to be made for it, in order.
#[derive(Debug, PartialEq)]
pub struct Planned<T> {
    /// The answer, once the changes are made.
    pub answer: T,
    /// The changes; none where everything is so already.
    pub changes: Vec<Change>,
}

type Plan<T> = Result<Planned<T>, Problem>;

impl Store {
    /// Registers a schema under a subject; the answer is its id. One that is there already stays as it is.
    ///
    /// # Errors
    /// When the subject is read-only, or the schema does not go with the earlier ones.
    pub fn register(&self, subject: &str, schema: &AvroSchema) -> Plan<u32> {
        if let Ok(found) = self.look_up(subject, schema.canonical(), Scope::Live) {
            return Ok(Planned { answer: found.id, changes: Vec::new() });
        }
        self.writable(Some(subject))?;
        self.judge(subject, schema)?;
        let known = self.ids.get(schema.canonical()).copied();
        let id = known.unwrap_or_else(|| self.last_id.saturating_add(1));
        let text = self.schema(id).unwrap_or(schema.text()).to_owned();
        let last = self.subjects.get(subject).and_then(|versions| versions.keys().next_back());
        let version = last.map_or(1, |last| last.saturating_add(1));
        let put = Version { subject: subject.to_owned(), version, id, schema: text, deleted: false };
        Ok(Planned { answer: id, changes: vec![Change::Put(put)] })
    }

    /// Deletes a subject's versions; those that are deleted already are deleted `for_good`. The answer is
    /// their numbers.
    ///
    /// # Errors
    /// When the subject is not there, is read-only, or must first be deleted in the other way.
    pub fn delete_subject(&self, subject: &str, for_good: bool) -> Plan<Vec<u32>> {
        let versions = self.of_subject(subject, Scope::All)?;
        self.writable(Some(subject))?;
        let is_live = versions.values().any(|held| !held.deleted);
        match (for_good, is_live) {
            (true, true) => return Err(Problem::SubjectNotDeleted(subject.to_owned())),
            (false, false) => return Err(Problem::SubjectDeleted(subject.to_owned())),
            _ => {}
        }
        let scope = if for_good { Scope::All } else { Scope::Live };
        let numbers = self.versions(subject, scope)?;
        let mut changes = Vec::new();
        for number in &numbers {
            changes.extend(self.deletion(subject, *number, versions.get(number), for_good));
        }
        changes.extend(self.forgotten_settings(subject));
        Ok(Planned { answer: numbers, changes })
    }

    /// Deletes one version of a subject, or one that is deleted already `for_good`. The answer is its number.
    ///
    /// # Errors
    /// When the version is not there, its subject is read-only, or it must first be deleted in the other way.
    pub fn delete_version(&self, subject: &str, asked: VersionAsked, for_good: bool) -> Plan<u32> {
        let number = self.version(subject, asked, Scope::All)?.place.version;
        self.writable(Some(subject))?;
        let versions = self.of_subject(subject, Scope::All)?;
        let held = versions.get(&number);
        match (for_good, held.is_some_and(|held| held.deleted)) {
            (true, false) => return Err(Problem::VersionNotDeleted(subject.to_owned(), number)),
            (false, true) => return Err(Problem::VersionDeleted(subject.to_owned(), number)),
            _ => {}
        }
        let mut changes = self.deletion(subject, number, held, for_good);
        if !versions.iter().any(|(other, held)| *other != number && !held.deleted) {
            changes.extend(self.forgotten_settings(subject));
        }
        Ok(Planned { answer: number, changes })
    }

    fn deletion(&self, subject: &str, version: u32, held: Option<&Held>, for_good: bool) -> Vec<Change> {
        let subject = subject.to_owned();
        if for_good {
            return vec![Change::LastId(self.last_id), Change::Forget(subject, version)];
        }
        let Some(&Held { id, .. }) = held else { return Vec::new() };
        let schema = self.schema(id).unwrap_or_default().to_owned();
        vec![Change::Put(Version { subject, version, id, schema, deleted: true })]
    }

    /// A subject without versions keeps no settings.
    fn forgotten_settings(&self, subject: &str) -> Vec<Change> {
        let name = Some(subject.to_owned());
        let level = self.own_level(Some(subject)).map(|_| Change::Level(name.clone(), None));
        let mode = self.own_mode(Some(subject)).map(|_| Change::Mode(name.clone(), None));
        level.into_iter().chain(mode).collect()
    }

    /// Sets the level of a subject, or the global one.
    ///
    /// # Errors
    /// When it is read-only.
    pub fn set_level(&self, subject: Option<&str>, level: Compatibility) -> Plan<Compatibility> {
        self.writable(subject)?;
        Ok(Planned { answer: level, changes: vec![Change::Level(subject.map(str::to_owned), Some(level))] })
    }

    /// Lets the global level hold for a subject again, or the default one globally. The answer is the level
    /// that was set.
    ///
    /// # Errors
    /// When the subject has none of its own, or is read-only.
    pub fn unset_level(&self, subject: Option<&str>) -> Plan<Compatibility> {
        self.writable(subject)?;
        let answer = match subject {
            None => self.level(None),
            Some(name) => self.own_level(subject).ok_or_else(|| Problem::Subject(name.to_owned()))?,
        };
        Ok(Planned { answer, changes: vec![Change::Level(subject.map(str::to_owned), None)] })
    }

    /// Sets the mode of a subject, or the global one, whatever it is now.
    pub fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Planned<Mode> {
        Planned { answer: mode, changes: vec![Change::Mode(subject.map(str::to_owned), Some(mode))] }
    }

    /// Lets the global mode hold for a subject again, or the default one globally. The answer is the mode
    /// that was set.
    ///
    /// # Errors
    /// When the subject has none of its own.
    pub fn unset_mode(&self, subject: Option<&str>) -> Plan<Mode> {
        let answer = match subject {
            None => self.mode(None),
            Some(name) => self.own_mode(subject).ok_or_else(|| Problem::Subject(name.to_owned()))?,
        };
        Ok(Planned { answer, changes: vec![Change::Mode(subject.map(str::to_owned), None)] })
    }

    fn writable(&self, subject: Option<&str>) -> Result<(), Problem> {
        if self.mode(subject) == Mode::Readwrite {
            return Ok(());
        }
        let what = subject.map_or_else(|| "The registry".to_owned(), |subject| format!("Subject {subject}"));
        Err(Problem::NotPermitted(format!("{what} is in read-only mode")))
    }

    fn judge(&self, subject: &str, schema: &AvroSchema) -> Result<(), Problem> {
        match self.conflict(subject, schema, None) {
            None => Ok(()),
            Some(messages) => Err(Problem::Incompatible(format!(
                "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", \
                 details: [{}]",
                messages.join(", ")
            ))),
        }
    }

    /// What speaks against a schema at the level of a subject, judged against all its versions or one
    /// `against`; none if nothing does.
    pub fn conflict(&self, subject: &str, schema: &AvroSchema, against: Option<u32>) -> Option<Vec<String>> {
        let versions = self.subjects.get(subject)?;
        let counted = versions.iter().filter(|(number, held)| match against {
            None => !held.deleted,
            Some(against) => **number == against,
        });
        let (numbers, earlier): (Vec<u32>, Vec<_>) = counted
            .filter_map(|(number, held)| Some((*number, self.schemas.get(&held.id)?.parsed().clone())))
            .unzip();
        let level = self.level(Some(subject));
        let conflict = level.check(schema.parsed(), &earlier).err()?;
        let version = numbers.get(conflict.earlier).copied().unwrap_or_default();
        let old = versions.get(&version).and_then(|held| self.schema(held.id).ok()).unwrap_or_default();
        Some(messages(&conflict, version, old, level))
    }
}

/// The form of Confluent's messages.
fn messages(conflict: &Conflict, version: u32, old: &str, level: Compatibility) -> Vec<String> {
    let reasons = conflict.reasons.iter().map(|reason| {
        let (kind, path, said) = (reason.kind, &reason.path, &reason.message);
        format!("{{errorType:'{kind}', description:'{said} (at path {path})', additionalInfo:'{path}'}}")
    });
    let end = [
        format!("{{oldSchemaVersion: {version}}}"),
        format!("{{oldSchema: '{old}'}}"),
        format!("{{compatibility: '{level}'}}"),
    ];
    reasons.chain(end).collect()
}
