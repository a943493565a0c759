use crate::outbox::Letter;

/// What a transaction holds in memory at most, roughly.
const MOST_BYTES: usize = 32 << 20;

/// What follows from the records since the last transaction, with the partition that it follows from.
#[derive(Debug, Default)]
pub(super) struct Batch {
    letters: Vec<(i32, Letter)>,
    texts: Vec<(i32, Vec<u8>)>,
    bytes: usize,
}

impl Batch {
    pub fn letter(&mut self, partition: i32, letter: Letter) {
        self.bytes += letter.size();
        self.letters.push((partition, letter));
    }

    pub fn text(&mut self, partition: i32, text: Vec<u8>) {
        self.bytes += text.len();
        self.texts.push((partition, text));
    }

    pub fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    /// What these partitions gave is their next owner's to give.
    pub fn drop_partitions(&mut self, partitions: &[i32]) {
        self.letters.retain(|(partition, _)| !partitions.contains(partition));
        self.texts.retain(|(partition, _)| !partitions.contains(partition));
        let letters = self.letters.iter().map(|(_, letter)| letter.size());
        self.bytes = letters.chain(self.texts.iter().map(|(_, text)| text.len())).sum();
    }

    /// Records for topics, and texts for the screen once they are there.
    pub fn into_parts(self) -> (Vec<Letter>, Vec<Vec<u8>>) {
        let letters = self.letters.into_iter().map(|(_, letter)| letter).collect();
        (letters, self.texts.into_iter().map(|(_, text)| text).collect())
    }
}
