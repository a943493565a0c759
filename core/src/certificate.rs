//! What is wrong with the certificate of a server, in words that say what to do.

use std::error::Error;

/// Why a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// Its signer is not trusted.
    Foreign,
    /// It is for another host.
    OtherHost,
    /// Something else.
    Unsound,
}

impl Fault {
    /// The fault of the certificate that broke a request, if that is what broke it.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut link = Some(error);
        while let Some(error) = link {
            if let Some(fault) = Self::in_words(&error.to_string()) {
                return Some(fault);
            }
            link = error.source();
        }
        None
    }

    /// As rustls says it.
    fn in_words(sentence: &str) -> Option<Self> {
        let (_, why) = sentence.split_once("invalid peer certificate: ")?;
        let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
        Some(match () {
            () if says(&["certificate expired", "Expired"]) => Self::Expired,
            () if says(&["not valid yet", "NotValidYet"]) => Self::Early,
            () if says(&["not valid for name", "NotValidForName"]) => Self::OtherHost,
            () if says(&["UnknownIssuer"]) => Self::Foreign,
            () => Self::Unsound,
        })
    }

    /// What is wrong and the remedy; `authority` names the option for a trusted certificate.
    pub fn sentence(self, authority: &str) -> String {
        match self {
            Self::Expired => "has expired; have it renewed".into(),
            Self::Early => "is not valid yet; check the clocks of both machines".into(),
            Self::OtherHost => "is for another host name; use the name it was made for".into(),
            Self::Foreign => {
                format!(
                    "is signed by an authority that is not trusted here; give its certificate as {authority}"
                )
            }
            Self::Unsound => format!("is not accepted; check it and {authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_told_apart() {
        let fault = |why: &str| Fault::in_words(&format!("invalid peer certificate: {why}"));
        assert_eq!(fault("certificate expired: verification time 5 (UNIX)"), Some(Fault::Expired));
        assert_eq!(fault("UnknownIssuer"), Some(Fault::Foreign));
        assert_eq!(fault("certificate not valid for name \"a\""), Some(Fault::OtherHost));
        assert_eq!(fault("BadEncoding"), Some(Fault::Unsound));
        assert_eq!(Fault::in_words("connection refused"), None);
    }
}
