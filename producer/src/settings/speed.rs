const SPEEDS: std::ops::RangeInclusive<f64> = 1e-6..=1e9;

/// How stream time follows wall time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many stream seconds a wall second.
    Factor(f64),
    /// As fast as it goes.
    Max,
}

impl Speed {
    /// The speed that a flag, a key or a command gives.
    ///
    /// # Errors
    /// Why the text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "max" => Ok(Self::Max),
            Ok(factor) if SPEEDS.contains(&factor) => Ok(Self::Factor(factor)),
            _ => Err(format!("`{text}` is neither a number from 0.000001 to 1000000000 nor max")),
        }
    }
}
