use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{FEATURES, Features, ResidualModel, TIME, WEIGHT};
use crate::refusal::Result;

/// Sums and products of features: all that is kept of many minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    count: f64,
    sums: Features,
    /// Lower triangle, row by row.
    #[serde(with = "many")]
    products: [f64; FEATURES * (FEATURES + 1) / 2],
}

/// An array as a list, since serde knows arrays of a few lengths only.
mod many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub fn serialize<S: Serializer, const N: usize>(values: &[f64; N], to: S) -> Result<S::Ok, S::Error> {
        values.as_slice().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[f64; N], D::Error> {
        let values = Vec::deserialize(from)?;
        let count = values.len();
        values.try_into().map_err(|_| de::Error::custom(format!("{count} numbers where {N} are expected")))
    }
}

impl Moments {
    pub const NONE: Self =
        Self { count: 0.0, sums: [0.0; FEATURES], products: [0.0; FEATURES * (FEATURES + 1) / 2] };

    fn add(&mut self, features: &Features) {
        self.count += 1.0;
        self.sums.iter_mut().zip(features).for_each(|(sum, value)| *sum += value);
        let mut products = self.products.iter_mut();
        for (line, value) in features.iter().enumerate() {
            for (product, other) in products.by_ref().take(line + 1).zip(features) {
                *product += value * other;
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, value)| *sum += value);
        self.products.iter_mut().zip(&other.products).for_each(|(product, value)| *product += value);
    }

    /// Sum of products about the mean.
    pub fn centred(&self) -> Array2<f64> {
        let count = self.count.max(1.0);
        Array2::from_shape_fn((FEATURES, FEATURES), |(i, j)| {
            let (line, column) = (i.max(j), i.min(j));
            self.products[line * (line + 1) / 2 + column] - self.sums[i] * self.sums[j] / count
        })
    }

    pub fn mean(&self) -> Features {
        self.sums.map(|sum| sum / self.count.max(1.0))
    }

    pub fn count(&self) -> f64 {
        self.count
    }
}

/// At most six hours of learning, without a restart in them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Block {
    /// Blocks of the same stretch have the same level: they are of one day and of one run.
    stretch: u32,
    pub now: Moments,
    /// The same of the averaged features, since an average of residuals is the residual of averages.
    pub averaged: Moments,
}

/// Minutes in a block and a day, and most blocks: those of a week, and some that restarts cut short.
pub(super) const BLOCK: i64 = 360;
pub(super) const DAY: i64 = 4 * BLOCK;
const MOST: usize = 40;

/// Learns what is normal from the minutes of up to a week, in constant memory: sums and products in blocks of
/// six hours, which can be left out one by one where a fault was in them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learner {
    /// Features are kept as differences from these, so that products stay exact.
    origin: Option<Features>,
    average: Option<Features>,
    blocks: Vec<Block>,
    minutes: i64,
    /// The minutes of these since the restart.
    running: i64,
    stretch: u32,
}

impl Default for Learner {
    fn default() -> Self {
        Self::new()
    }
}

impl Learner {
    /// Nothing learnt yet.
    pub fn new() -> Self {
        let (blocks, minutes, running, stretch) = (Vec::new(), 0, 0, 0);
        Self { origin: None, average: None, blocks, minutes, running, stretch }
    }

    /// How many healthy minutes were learnt.
    pub(super) fn minutes(&self) -> i64 {
        self.minutes
    }

    /// Takes in a healthy minute.
    pub(super) fn learn(&mut self, features: &Features) {
        let origin = *self.origin.get_or_insert(*features);
        let mut features: Features = std::array::from_fn(|i| features[i] - origin[i]);
        features[TIME] = self.running as f64 / DAY as f64;
        let average = self.average.get_or_insert(features);
        average
            .iter_mut()
            .zip(&features)
            .for_each(|(average, value)| *average += WEIGHT * (value - *average));
        let average = *average;
        self.begin_block();
        self.minutes += 1;
        self.running += 1;
        let Some(block) = self.blocks.last_mut() else { return };
        block.now.add(&features);
        block.averaged.add(&average);
    }

    /// Begins a block where the last is full or was cut short by a restart. Those of a machine that was restarted
    /// too often for that go into the last.
    fn begin_block(&mut self) {
        if self.running % BLOCK != 0 {
            return;
        }
        self.stretch += u32::from(self.running % DAY == 0);
        if self.blocks.len() < MOST {
            self.blocks.reserve_exact(MOST - self.blocks.len());
            self.blocks.push(Block { stretch: self.stretch, now: Moments::NONE, averaged: Moments::NONE });
        }
    }

    /// The machine stood still: the averages begin anew, and what wears is as new.
    pub(super) fn restart(&mut self) {
        self.average = None;
        self.running = 0;
    }

    /// Bytes of memory in use.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.blocks.capacity() * size_of::<Block>()
    }

    /// The model of what was learnt, without the blocks that do not fit the others.
    ///
    /// # Errors
    /// If too little was learnt.
    pub fn model(&self) -> Result<ResidualModel> {
        let origin = self.origin.ok_or_else(|| crate::Refusal::new("no healthy minute was seen yet"))?;
        ResidualModel::trimmed(&origin, &self.blocks)
    }
}

/// Products about the mean of each stretch, so that what changes from day to day explains nothing; and the means.
pub(super) fn pooled(blocks: &[Block], kept: &[bool], of: fn(&Block) -> &Moments) -> (Array2<f64>, Moments) {
    let mut products = Array2::zeros((FEATURES, FEATURES));
    let mut all = Moments::NONE;
    let pairs: Vec<(&Block, bool)> = blocks.iter().zip(kept.iter().copied()).collect();
    for stretch in pairs.chunk_by(|one, other| one.0.stretch == other.0.stretch) {
        let mut moments = Moments::NONE;
        stretch.iter().filter(|(_, kept)| *kept).for_each(|(block, _)| moments.merge(of(block)));
        products += &moments.centred();
        all.merge(&moments);
    }
    (products, all)
}
