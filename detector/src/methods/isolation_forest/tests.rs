use proptest::prelude::*;

use super::*;

fn grown(params: IsolationForestParams, rows: Rows<'_>) -> IsolationForest {
    params.check().expect("valid").fit(rows).expect("a forest")
}

fn cloud(rows: usize, width: usize, seed: u64) -> Vec<f64> {
    let mut random = crate::random::Random::new(seed, 0);
    (0..rows * width).map(|_| random.unit() + random.unit() + random.unit()).collect()
}

/// A tree as one would draw it, read from the flat arrays' cuts.
enum Branch {
    Leaf { depth: f64, count: usize },
    Cut { column: usize, threshold: f64, below: Box<Branch>, above: Box<Branch> },
}

/// Draws the same tree slowly and obviously: rows as vectors, the random numbers in the order of the paper.
fn obvious(rows: &[Vec<f32>], depth: u32, most: u32, random: &mut crate::random::Random) -> Branch {
    let mut columns: Vec<usize> = (0..rows[0].len()).collect();
    let leaf = Branch::Leaf { depth: f64::from(depth), count: rows.len() };
    if depth == most || rows.len() < 2 {
        return leaf;
    }
    while !columns.is_empty() {
        let column = columns.remove(random.below(columns.len()));
        let low = rows.iter().map(|row| row[column]).fold(f32::INFINITY, f32::min);
        let high = rows.iter().map(|row| row[column]).fold(f32::NEG_INFINITY, f32::max);
        if low == high {
            continue;
        }
        let drawn = (f64::from(low) + random.unit() * (f64::from(high) - f64::from(low))) as f32;
        let threshold = if drawn > low { drawn.min(high) } else { high };
        let (below, above): (Vec<_>, Vec<_>) = rows.iter().cloned().partition(|row| row[column] < threshold);
        return Branch::Cut {
            column,
            threshold: f64::from(threshold),
            below: Box::new(obvious(&below, depth + 1, most, random)),
            above: Box::new(obvious(&above, depth + 1, most, random)),
        };
    }
    leaf
}

fn obvious_length(branch: &Branch, row: &[f64]) -> f64 {
    match branch {
        Branch::Leaf { depth, count } => depth + f64::from(average_length(*count)),
        Branch::Cut { column, threshold, below, above } => {
            obvious_length(if row[*column] < *threshold { below } else { above }, row)
        }
    }
}

fn obvious_scores(params: IsolationForestParams, rows: Rows<'_>) -> Vec<f64> {
    let sample = params.sample.min(rows.len());
    let most = (sample as f64).log2().ceil().max(1.0) as u32;
    let mut draw: Vec<usize> = (0..rows.len()).collect();
    let trees: Vec<Branch> = (0..params.trees)
        .map(|tree| {
            let mut random = crate::random::Random::new(params.seed, tree as u64);
            for place in 0..sample {
                draw.swap(place, place + random.below(rows.len() - place));
            }
            let single = |row: &[f64]| row.iter().map(|value| *value as f32).collect();
            let seen: Vec<Vec<f32>> = draw[..sample].iter().map(|row| single(rows.row(*row))).collect();
            obvious(&seen, 0, most, &mut random)
        })
        .collect();
    let length = |row: &[f64]| trees.iter().map(|tree| obvious_length(tree, row)).sum::<f64>();
    let average = f64::from(average_length(sample)) * params.trees as f64;
    rows.iter().map(|row| (-length(row) / average).exp2()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_flat_forest_is_the_slow_and_obvious_one(
        seed: u64, rows in 2usize..400, width in prop_oneof![1usize..6, 14usize..80], trees in 1usize..12, sample in 2usize..300,
    ) {
        // Steps of a sixteenth are the same in single precision, and repeat often.
        let values: Vec<f64> = cloud(rows, width, seed).iter().map(|v| (v * 16.0).round() / 16.0).collect();
        let rows = Rows::new(&values, width).expect("rows");
        prop_assume!(rows.worth_learning(2).is_ok());
        let params = IsolationForestParams { trees, sample, seed };
        let (flat, slow) = (grown(params, rows).score_rows(rows), obvious_scores(params, rows));
        for (flat, slow) in flat.iter().zip(&slow) {
            prop_assert!((flat - slow).abs() < 1e-6, "{flat} against {slow}");
        }
    }

    #[test]
    fn a_score_does_not_depend_on_the_rows_beside_it(seed: u64, from in 0usize..500, count in 1usize..30,
        width in prop_oneof![Just(3usize), Just(16), Just(17), Just(70)], sample in prop_oneof![Just(64usize), Just(256)],
    ) {
        let values = cloud(600, width, seed);
        let rows = Rows::new(&values, width).expect("rows");
        let mut forest = grown(IsolationForestParams { trees: 21, sample, seed }, rows);
        let all = forest.score_rows(rows);
        let part = forest.score_rows(rows.slice(from, from + count));
        prop_assert_eq!(&all[from..from + count], &part[..]);
        let singly: Vec<f64> = rows.slice(from, from + count).iter().map(|row| forest.score(row)).collect();
        prop_assert_eq!(&singly, &part);
    }
}

#[test]
fn what_lies_far_off_is_strange_and_its_column_is_named() {
    let values = cloud(500, 3, 1);
    let rows = Rows::new(&values, 3).expect("rows");
    let mut forest = grown(IsolationForestParams::default(), rows);
    let usual = forest.score(&[1.5, 1.5, 1.5]);
    let strange = [1.5, 9.0, 1.5];
    assert!(forest.score(&strange) > usual + 0.15);
    let mut shares = [0.0; 3];
    forest.shares(&strange, &mut shares);
    assert!(shares[1] > shares[0] && shares[1] > shares[2], "{shares:?}");
}

#[test]
fn a_missing_value_counts_as_usual() {
    let values = cloud(500, 2, 2);
    let mut forest = grown(IsolationForestParams::default(), Rows::new(&values, 2).expect("rows"));
    let usual = f64::from(forest.usual[1]);
    assert_eq!(forest.score(&[1.0, f64::NAN]), forest.score(&[1.0, usual]));
    assert_eq!(forest.score(&[1.0, f64::INFINITY]), forest.score(&[1.0, usual]));
}

#[test]
fn a_seed_means_the_same_forest_and_another_seed_another() {
    let values = cloud(500, 2, 3);
    let rows = Rows::new(&values, 2).expect("rows");
    let of = |seed| grown(IsolationForestParams { seed, ..Default::default() }, rows);
    assert_eq!(of(5), of(5));
    assert_ne!(of(5).score_rows(rows), of(6).score_rows(rows));
}

#[test]
fn a_sliding_forest_gets_used_to_what_lasts() {
    let values = cloud(600, 2, 4);
    let params = SlidingForestParams { window: 512, every: 256, ..Default::default() };
    let mut sliding =
        params.check().expect("valid").fit(Rows::new(&values, 2).expect("rows")).expect("a forest");
    let shifted: Vec<f64> = cloud(1200, 2, 5).iter().map(|value| value + 4.0).collect();
    let scores = sliding.score_all(Rows::new(&shifted, 2).expect("rows"));
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    assert!(mean(&scores[..200]) > mean(&scores[1000..]) + 0.1);
}
