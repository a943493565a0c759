use super::{IsolationForest, IsolationForestParams, average_length, usual_values};
use crate::random::Random;
use crate::rows::Rows;

pub(super) fn forest(params: &IsolationForestParams, rows: Rows<'_>) -> IsolationForest {
    let sample = params.sample.min(rows.len());
    let depth = (usize::BITS - (sample - 1).leading_zeros()).max(1);
    let size = 1usize << depth;
    let nodes = params.trees * size;
    let mut forest = IsolationForest {
        width: rows.width(),
        size,
        column: vec![0; nodes],
        threshold: vec![f32::INFINITY; nodes],
        length: vec![0.0; nodes],
        usual: usual_values(rows),
        average: average_length(sample),
    };
    let mut draw: Vec<u32> = (0..rows.len() as u32).collect();
    let mut values = Vec::with_capacity(sample * rows.width());
    for tree in 0..params.trees {
        let mut random = Random::new(params.seed, tree as u64);
        values.clear();
        for place in 0..sample {
            draw.swap(place, place + random.below(rows.len() - place));
            values.extend(forest.known(rows.row(draw[place] as usize)));
        }
        let mut members: Vec<u32> = (0..sample as u32).collect();
        let mut tree = Tree { forest: &mut forest, first: tree * size, depth, values: &values, random };
        tree.grow(1, 0, &mut members);
    }
    forest
}

struct Tree<'a> {
    forest: &'a mut IsolationForest,
    /// Index of the tree's node 0 in the arrays.
    first: usize,
    depth: u32,
    values: &'a [f32],
    random: Random,
}

impl Tree<'_> {
    fn value(&self, member: u32, column: usize) -> f32 {
        self.values[member as usize * self.forest.width + column]
    }

    fn grow(&mut self, node: usize, depth: u32, members: &mut [u32]) {
        let cut = if depth < self.depth && members.len() > 1 { self.draw_cut(members) } else { None };
        let Some((column, threshold)) = cut else {
            return self.end(node, depth, members.len());
        };
        self.forest.column[self.first + node] = column as u32;
        self.forest.threshold[self.first + node] = threshold;
        let left = self.partition(members, column, threshold);
        let (below, above) = members.split_at_mut(left);
        self.grow(2 * node, depth + 1, below);
        self.grow(2 * node + 1, depth + 1, above);
    }

    /// A column among those that differ, each as likely, and a threshold that leaves rows on both sides.
    fn draw_cut(&mut self, members: &[u32]) -> Option<(usize, f32)> {
        let width = self.forest.width;
        let mut constant = Vec::new();
        while constant.len() < width {
            let mut column = self.random.below(width - constant.len());
            // The chosen one among those not yet found constant, in their order.
            constant.iter().for_each(|known| column += usize::from(column >= *known));
            let (low, high) = self.range(members, column);
            if low < high {
                return Some((column, self.between(low, high)));
            }
            let place = constant.partition_point(|known| *known < column);
            constant.insert(place, column);
        }
        None
    }

    fn range(&self, members: &[u32], column: usize) -> (f32, f32) {
        members.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), member| {
            let value = self.value(*member, column);
            (low.min(value), high.max(value))
        })
    }

    /// Above `low` and at most `high`, so that neither side is empty.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        let share = self.random.unit();
        let threshold = (f64::from(low) + share * (f64::from(high) - f64::from(low))) as f32;
        if threshold > low { threshold.min(high) } else { high }
    }

    fn partition(&self, members: &mut [u32], column: usize, threshold: f32) -> usize {
        let mut left = 0;
        for place in 0..members.len() {
            // Swapped whatever comes out, so that there is no branch to mispredict.
            let below = self.value(members[place], column) < threshold;
            members.swap(left, place);
            left += usize::from(below);
        }
        left
    }

    fn end(&mut self, node: usize, depth: u32, count: usize) {
        let length = depth as f32 + average_length(count);
        let below = self.depth - depth;
        let leaf = (node << below) - self.forest.size;
        self.forest.length[self.first + leaf..][..1 << below].fill(length);
    }
}
