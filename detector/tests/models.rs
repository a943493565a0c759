//! What holds for every method, whatever it learns from.

use millrace_detector::maths::covariance::Shrinkage;
use millrace_detector::methods::{Algorithm, Clustering, Clusters, Model, Recipe, Refit, T2Params};
use millrace_detector::{Detector, Params, Rows};
use proptest::prelude::*;

/// Rows of three related columns.
fn related(rows: usize) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(-1.0f64..1.0, rows * 3).prop_map(|mut values| {
        for row in values.chunks_exact_mut(3) {
            row[1] = 2.0 * row[0] + 0.1 * row[1] + 50.0;
        }
        values
    })
}

/// A value as a broken sensor might send it.
fn hostile() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3f64..1e3,
        1 => Just(f64::NAN),
        1 => Just(0.0),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MAX), Just(f64::MIN_POSITIVE)],
    ]
}

fn rows(values: &[f64]) -> Rows<'_> {
    Rows::new(values, 3).expect("three columns")
}

/// All but the one that judges a single variable, and the stages around them.
fn for_three_columns() -> impl Iterator<Item = Recipe> {
    let single = |algorithm: &Algorithm| *algorithm != Algorithm::Profile;
    let clusters = Some(Clusters { count: 2, by: Clustering::KMeans });
    let staged = [
        Recipe { refit: Some(Refit { every: 8, window: 32 }), ..Algorithm::IsolationForest.into() },
        Recipe { clusters, ..Algorithm::T2.into() },
        Recipe { clusters, ..Algorithm::Ewma.into() },
    ];
    Algorithm::ALL.into_iter().filter(single).map(Recipe::from).chain(staged)
}

fn fitted(recipe: Recipe, values: &[f64]) -> Model {
    recipe.fit(rows(values), 7).expect("a model")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_model_written_and_read_again_is_the_same(values in related(80)) {
        for algorithm in for_three_columns() {
            let model = fitted(algorithm, &values);
            let text = serde_json::to_string(&model).expect("written");
            let again: Model = serde_json::from_str(&text).expect("read");
            prop_assert_eq!(serde_json::to_string(&again).expect("written"), text);
            let (mut model, mut again) = (model, again);
            prop_assert_eq!(model.score_all(rows(&values)), again.score_all(rows(&values)), "{}", algorithm.name());
        }
    }

    #[test]
    fn rows_at_once_score_as_one_by_one(values in related(80)) {
        for algorithm in for_three_columns() {
            let mut model = fitted(algorithm, &values);
            let at_once = model.score_all(rows(&values));
            model.restart();
            let singly: Vec<f64> = rows(&values).iter().map(|row| model.score(row)).collect();
            prop_assert_eq!(at_once, singly, "{}", algorithm.name());
        }
    }

    #[test]
    fn the_order_of_rows_changes_no_score_of_a_fixed_model(values in related(60)) {
        let backwards: Vec<f64> = values.chunks_exact(3).rev().flatten().copied().collect();
        for algorithm in for_three_columns().filter(|algorithm| !algorithm.remembers()) {
            let mut model = fitted(algorithm, &values);
            let mut scores = model.score_all(rows(&backwards));
            scores.reverse();
            prop_assert_eq!(scores, model.score_all(rows(&values)), "{}", algorithm.name());
        }
    }

    #[test]
    fn whatever_the_sensors_send_a_score_is_a_number_or_learning_is_refused(
        learnt in proptest::collection::vec(hostile(), 0..120),
        judged in proptest::collection::vec(hostile(), 30),
    ) {
        let learnt = &learnt[..learnt.len() / 3 * 3];
        for algorithm in for_three_columns() {
            let Ok(mut model) = algorithm.fit(rows(learnt), 1) else { continue };
            let mut shares = [0.0; 3];
            for row in rows(&judged).iter() {
                let score = model.score(row);
                prop_assert!(!score.is_nan() && score >= 0.0, "{} scores {score}", algorithm.name());
                model.shares(row, &mut shares);
                prop_assert!(shares.iter().all(|share| *share >= 0.0), "{} {shares:?}", algorithm.name());
            }
        }
    }

    #[test]
    fn t_squared_is_that_of_the_textbook(values in related(30)) {
        let params = T2Params { shrinkage: Shrinkage::Fixed(0.0) };
        let mut model = params.check().expect("valid").fit(rows(&values)).expect("a model");
        for row in rows(&values).iter() {
            let (ours, textbook) = (model.score(row).powi(2), textbook(&values, row));
            prop_assert!((ours - textbook).abs() < 1e-6 * textbook.max(1.0), "{ours} against {textbook}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_profile_of_one_variable_scores_rows_at_once_as_one_by_one_and_as_when_read_again(
        values in proptest::collection::vec(-1.0f64..1.0, 500),
        gaps in proptest::collection::vec(0usize..500, 0..20),
    ) {
        let mut values: Vec<f64> = values.iter().enumerate().map(|(i, v)| (i as f64 / 8.0).sin() + 0.2 * v).collect();
        let learnt = values.clone();
        let one = |values| Rows::new(values, 1).expect("one column");
        gaps.into_iter().for_each(|gap| values[gap] = f64::NAN);
        let mut model = Algorithm::Profile.fit(one(&learnt), 7).expect("a model");
        let text = serde_json::to_string(&model).expect("written");
        let mut again: Model = serde_json::from_str(&text).expect("read");
        let at_once = model.score_all(one(&values));
        model.restart();
        let singly: Vec<f64> = values.iter().map(|value| model.score(&[*value])).collect();
        prop_assert!(singly.iter().all(|score| *score >= 0.0 && !score.is_nan()));
        prop_assert_eq!(&at_once, &singly);
        prop_assert_eq!(&again.score_all(one(&values)), &singly);
    }
}

#[test]
fn a_sliding_forest_follows_its_input_and_repeats_itself_by_its_seed() {
    let recipe =
        Recipe { refit: Some(Refit { every: 64, window: 256 }), ..Algorithm::IsolationForest.into() };
    let place = |i: u32| f64::from(i * 7919 % 101) / 100.0;
    let before: Vec<f64> = (0..768).map(place).collect();
    let after: Vec<f64> = (0..1800).map(|i| place(i) + 5.0).collect();
    let scores = |seed| {
        let mut model = recipe.fit(rows(&before), seed).expect("a model");
        model.score_all(rows(&after))
    };
    let (first, fixed) = (scores(1), Algorithm::IsolationForest.fit(rows(&before), 1).expect("a model"));
    assert_eq!(first, scores(1));
    assert_ne!(first, scores(2));
    assert_eq!(first[..64], { fixed }.score_all(rows(&after))[..64]);
    // What came to stay is usual once it fills the window.
    let at_last = first[400..].iter().sum::<f64>() / 200.0;
    assert!(first[0] > 0.6 && at_last < 0.52, "{} and at last {at_last}", first[0]);
}

/// (x - mean)' S^-1 (x - mean), with S the sample covariance, by Cramer's rule.
fn textbook(values: &[f64], row: &[f64]) -> f64 {
    let count = values.len() as f64 / 3.0;
    let mean: [f64; 3] = std::array::from_fn(|c| values.iter().skip(c).step_by(3).sum::<f64>() / count);
    let covariance: [[f64; 3]; 3] = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let products = values.chunks_exact(3).map(|row| (row[i] - mean[i]) * (row[j] - mean[j]));
            products.sum::<f64>() / (count - 1.0)
        })
    });
    let from_mean: [f64; 3] = std::array::from_fn(|c| row[c] - mean[c]);
    let whole = determinant(&covariance);
    let solved = |column: usize| {
        let mut replaced = covariance;
        (0..3).for_each(|line| replaced[line][column] = from_mean[line]);
        determinant(&replaced) / whole
    };
    (0..3).map(|column| from_mean[column] * solved(column)).sum()
}

fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    let minor = |a: usize, b: usize| m[1][a] * m[2][b] - m[1][b] * m[2][a];
    m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
}
