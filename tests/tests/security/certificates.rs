//! An authority of our own, and certificates as they should be and as they should not.

use libtest_mimic::Failed;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use time::{Duration, OffsetDateTime};

/// Who signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, in PEM.
    pub pem: String,
}

/// A certificate with its key, both in PEM.
pub struct Signed {
    pub certificate: String,
    pub key: String,
}

impl Signed {
    /// Both in one text, as Kafka takes them.
    pub fn together(&self) -> String {
        format!("{}{}", self.key, self.certificate)
    }
}

impl Authority {
    pub fn new(name: &str) -> Result<Self, Failed> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// A certificate for a host that is good for a day from now on.
    pub fn sign(&self, host: &str) -> Result<Signed, Failed> {
        self.sign_until(host, OffsetDateTime::now_utc() + Duration::days(1))
    }

    /// One whose time was over yesterday.
    pub fn sign_expired(&self, host: &str) -> Result<Signed, Failed> {
        self.sign_until(host, OffsetDateTime::now_utc() - Duration::days(1))
    }

    fn sign_until(&self, host: &str, end: OffsetDateTime) -> Result<Signed, Failed> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, host);
        params.not_before = end - Duration::days(30);
        params.not_after = end;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Signed { certificate, key: key.serialize_pem() })
    }
}
