use super::IsolationForest;

/// Rows that go through a tree before the next tree: they and the tree stay in the nearest cache.
pub(super) const BLOCK: usize = 512;
/// Walks that are under way at once, since each waits for its memory.
const LANES: usize = 8;

/// The usual tree, of 256 rows.
const USUAL: usize = 256;

/// Adds the path lengths of each row over all trees to the end of `lengths`.
pub(super) fn block(forest: &IsolationForest, rows: &[f32], lengths: &mut Vec<f64>) {
    let (width, first) = (forest.width, lengths.len());
    lengths.resize(first + rows.len() / width, 0.0);
    let lengths = &mut lengths[first..];
    for tree in trees(forest) {
        let mut sums = lengths.chunks_exact_mut(LANES);
        let mut parts = rows.chunks_exact(LANES * width);
        for (sum, part) in (&mut sums).zip(&mut parts) {
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &part[lane * width..][..width]);
            let found = tree.walk([&tree; LANES], rows);
            sum.iter_mut().zip(found).for_each(|(sum, length)| *sum += f64::from(length));
        }
        let rest = sums.into_remainder().iter_mut().zip(parts.remainder().chunks_exact(width));
        for (sum, row) in rest {
            let [length] = tree.walk([&tree], [row]);
            *sum += f64::from(length);
        }
    }
}

/// The sum of the path lengths of one row over all trees.
pub(super) fn one(forest: &IsolationForest, row: &[f32]) -> f64 {
    let nodes = forest.size;
    let tree = |index: usize| Tree::at(forest, index * nodes);
    let count = forest.column.len() / nodes;
    let mut sum = 0.0;
    for from in (0..count).step_by(LANES) {
        if from + LANES <= count {
            let trees: [Tree<'_>; LANES] = std::array::from_fn(|lane| tree(from + lane));
            let found = trees[0].walk(std::array::from_fn(|lane| &trees[lane]), [row; LANES]);
            found.into_iter().for_each(|length| sum += f64::from(length));
        } else {
            for tree in (from..count).map(tree) {
                let [length] = tree.walk([&tree], [row]);
                sum += f64::from(length);
            }
        }
    }
    sum
}

/// One tree's part of the arrays.
struct Tree<'a> {
    column: &'a [u32],
    threshold: &'a [f32],
    length: &'a [f32],
}

fn trees(forest: &IsolationForest) -> impl Iterator<Item = Tree<'_>> {
    (0..forest.column.len()).step_by(forest.size).map(|first| Tree::at(forest, first))
}

impl<'a> Tree<'a> {
    fn at(forest: &'a IsolationForest, first: usize) -> Self {
        let part = first..first + forest.size;
        Self {
            column: &forest.column[part.clone()],
            threshold: &forest.threshold[part.clone()],
            length: &forest.length[part],
        }
    }

    /// Path lengths of rows, each in its tree; all trees are of one size.
    #[inline(always)]
    fn walk<const N: usize>(&self, trees: [&Self; N], rows: [&[f32]; N]) -> [f32; N] {
        match self.column.len() {
            USUAL => usual(trees, rows),
            size => any(size, trees, rows),
        }
    }
}

#[inline(always)]
fn usual<const N: usize>(trees: [&Tree<'_>; N], rows: [&[f32]; N]) -> [f32; N] {
    // Arrays of known length and masked indices spare the bounds checks.
    let fixed = trees.map(|tree| (as_usual(tree.column), as_usual(tree.threshold), as_usual(tree.length)));
    let mut node = [1usize; N];
    for _ in 0..USUAL.ilog2() {
        for lane in 0..N {
            let (column, threshold, _) = fixed[lane];
            let at = node[lane] & (USUAL - 1);
            let right = rows[lane][column[at] as usize] >= threshold[at];
            node[lane] = 2 * at + usize::from(right);
        }
    }
    std::array::from_fn(|lane| fixed[lane].2[node[lane] & (USUAL - 1)])
}

fn as_usual<T>(part: &[T]) -> &[T; USUAL] {
    part.try_into().expect("a tree of the usual size")
}

fn any<const N: usize>(size: usize, trees: [&Tree<'_>; N], rows: [&[f32]; N]) -> [f32; N] {
    let mut node = [1usize; N];
    for _ in 0..size.ilog2() {
        for lane in 0..N {
            let (tree, at) = (trees[lane], node[lane]);
            let right = rows[lane][tree.column[at] as usize] >= tree.threshold[at];
            node[lane] = 2 * at + usize::from(right);
        }
    }
    std::array::from_fn(|lane| trees[lane].length[node[lane] - size])
}
