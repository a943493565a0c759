/// The body of a request while it is gathered and sent.
pub(super) struct Request {
    /// One object, or an array of them.
    pub body: Vec<u8>,
    /// Readings in it.
    pub readings: usize,
    most: Option<usize>,
}

impl Request {
    /// An empty one: for one reading as it is, or for an array of at most so many.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self { body: Vec::new(), readings: 0, most }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readings == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.readings >= self.most.unwrap_or(1)
    }

    pub(super) fn push(&mut self, reading: &[u8]) {
        if self.most.is_some() {
            self.body.push(if self.readings == 0 { b'[' } else { b',' });
        }
        self.body.extend_from_slice(reading);
        self.readings += 1;
    }

    /// What was gathered, complete; another begins.
    pub(super) fn take(&mut self) -> Self {
        let room = self.body.len();
        let mut full = std::mem::replace(self, Self::new(self.most));
        self.body.reserve(room);
        if full.most.is_some() {
            full.body.push(b']');
        }
        full
    }

    /// Its readings as a JSON array.
    pub(super) fn array(&self) -> Vec<u8> {
        match self.most {
            Some(_) => self.body.clone(),
            None => [b"[", self.body.as_slice(), b"]"].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_is_an_object_and_several_are_an_array() {
        let mut one = Request::new(None);
        one.push(b"{}");
        assert!(one.is_full());
        assert_eq!(one.take().body, b"{}");
        let mut several = Request::new(Some(3));
        several.push(b"{}");
        several.push(b"{}");
        assert!(!several.is_full());
        assert_eq!(several.take().body, b"[{},{}]");
        assert!(several.is_empty());
    }
}
