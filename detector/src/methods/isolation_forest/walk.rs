//! Rows through trees, the hot path: several walks are under way at once, since each waits for its memory, and
//! the usual sizes are known to the compiler, which spares the checks of indices.

use super::IsolationForest;

/// Rows that go through a tree before the next tree: they and the tree stay in the nearest cache.
pub(super) const BLOCK: usize = 20 * LANES;
/// Walks that are under way at once.
const LANES: usize = 12;

/// The usual tree, of 256 rows.
const USUAL: usize = 256;

/// A row's numbers.
pub(super) trait Row {
    /// The number in a column.
    fn at(&self, column: u32) -> f32;
}

/// A row of fewer columns than N, a power of two.
impl<const N: usize> Row for [f32; N] {
    #[inline(always)]
    fn at(&self, column: u32) -> f32 {
        // The mask changes nothing but tells the compiler that the index is inside.
        self[column as usize & (N - 1)]
    }
}

impl Row for Vec<f32> {
    #[inline(always)]
    fn at(&self, column: u32) -> f32 {
        self[column as usize]
    }
}

/// One tree's part of the arrays.
trait Tree {
    /// The child to go to from a node.
    fn next(&self, node: usize, row: &impl Row) -> usize;
    /// The path length in a leaf, numbered from 0.
    fn length(&self, leaf: usize) -> f32;
}

#[derive(Clone, Copy)]
struct UsualTree<'a>(&'a [u32; USUAL], &'a [f32; USUAL], &'a [f32; USUAL]);

impl Tree for UsualTree<'_> {
    #[inline(always)]
    fn next(&self, node: usize, row: &impl Row) -> usize {
        let at = node & (USUAL - 1);
        2 * at + usize::from(row.at(self.0[at]) >= self.1[at])
    }

    #[inline(always)]
    fn length(&self, leaf: usize) -> f32 {
        self.2[leaf & (USUAL - 1)]
    }
}

#[derive(Clone, Copy)]
struct AnyTree<'a>(&'a [u32], &'a [f32], &'a [f32]);

impl Tree for AnyTree<'_> {
    #[inline(always)]
    fn next(&self, node: usize, row: &impl Row) -> usize {
        2 * node + usize::from(row.at(self.0[node]) >= self.1[node])
    }

    #[inline(always)]
    fn length(&self, leaf: usize) -> f32 {
        self.2[leaf]
    }
}

/// Adds to each row's length its path lengths over all trees.
pub(super) fn block(forest: &IsolationForest, rows: &[impl Row], lengths: &mut [f64]) {
    let depth = forest.size.ilog2();
    if forest.size == USUAL {
        usual(forest).for_each(|tree| through(tree, depth, rows, lengths));
    } else {
        any(forest).for_each(|tree| through(tree, depth, rows, lengths));
    }
}

/// The sum of the path lengths of one row over all trees.
pub(super) fn one(forest: &IsolationForest, row: &impl Row) -> f64 {
    let depth = forest.size.ilog2();
    if forest.size == USUAL { over(usual(forest), depth, row) } else { over(any(forest), depth, row) }
}

fn usual(forest: &IsolationForest) -> impl Iterator<Item = UsualTree<'_>> {
    let (columns, thresholds) = (forest.column.as_chunks().0, forest.threshold.as_chunks().0);
    let parts = columns.iter().zip(thresholds).zip(forest.length.as_chunks().0);
    parts.map(|((column, threshold), length)| UsualTree(column, threshold, length))
}

fn any(forest: &IsolationForest) -> impl Iterator<Item = AnyTree<'_>> {
    let size = forest.size;
    let parts = forest.column.chunks_exact(size).zip(forest.threshold.chunks_exact(size));
    let parts = parts.zip(forest.length.chunks_exact(size));
    parts.map(|((column, threshold), length)| AnyTree(column, threshold, length))
}

#[inline(always)]
fn through(tree: impl Tree, depth: u32, rows: &[impl Row], lengths: &mut [f64]) {
    let (parts, rest) = rows.as_chunks::<LANES>();
    let (sums, rest_of_sums) = lengths.as_chunks_mut::<LANES>();
    for (part, sums) in parts.iter().zip(sums) {
        let found = walk([&tree; LANES], part.each_ref(), depth);
        sums.iter_mut().zip(found).for_each(|(sum, length)| *sum += f64::from(length));
    }
    for (row, sum) in rest.iter().zip(rest_of_sums) {
        let [length] = walk([&tree], [row], depth);
        *sum += f64::from(length);
    }
}

#[inline(always)]
fn over<T: Tree + Copy>(mut trees: impl Iterator<Item = T>, depth: u32, row: &impl Row) -> f64 {
    let mut sum = 0.0;
    while let Some(first) = trees.next() {
        let mut some = [first; LANES];
        let mut count = 1;
        for (place, tree) in some[1..].iter_mut().zip(trees.by_ref().take(LANES - 1)) {
            *place = tree;
            count += 1;
        }
        // Where fewer are left, the first goes along in their place, and does not count.
        let found = walk(some.each_ref(), [row; LANES], depth);
        found[..count].iter().for_each(|length| sum += f64::from(*length));
    }
    sum
}

/// Path lengths of rows, each in its tree.
#[inline(always)]
fn walk<const N: usize, T: Tree, R: Row>(trees: [&T; N], rows: [&R; N], depth: u32) -> [f32; N] {
    let mut node = [1usize; N];
    for _ in 0..depth {
        for lane in 0..N {
            node[lane] = trees[lane].next(node[lane], rows[lane]);
        }
    }
    // The last child is the leaf's number beyond those of all nodes.
    std::array::from_fn(|lane| trees[lane].length(node[lane] - (1 << depth)))
}
