use std::io::{Result, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// The SHA-256 of what is written to a file, in step with it, so that no large file is read again.
#[derive(Clone, Default)]
pub struct Digest(Arc<Mutex<Sha256>>);

/// A file whose bytes are hashed on their way.
pub struct Hashing<W> {
    inner: W,
    digest: Digest,
}

impl Digest {
    /// Hashes what is written to `inner` from now on.
    pub fn of<W: Write>(&self, inner: W) -> Hashing<W> {
        Hashing { inner, digest: self.clone() }
    }

    /// The hash of what was written so far, in hexadecimal.
    pub fn hex(&self) -> String {
        let hash = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        crate::hex::hex(&hash)
    }
}

impl<W> Hashing<W> {
    /// The file itself.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.0.lock().unwrap_or_else(PoisonError::into_inner).update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}
