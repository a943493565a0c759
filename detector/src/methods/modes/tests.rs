use super::*;
use crate::methods::Algorithm;

/// Two sensors of a machine that idles near (0, 0) and works near (10, 40), for 50 rows each in turn.
fn machine(rows: usize, seed: u64) -> Vec<f64> {
    let mut random = crate::random::Random::new(seed, 0);
    let mut noise = move || random.unit() + random.unit() + random.unit() - 1.5;
    (0..rows)
        .flat_map(|row| {
            let load = f64::from(u8::from(row / 50 % 2 == 1));
            [10.0 * load + 0.3 * noise(), 40.0 * load + noise()]
        })
        .collect()
}

fn asked(algorithm: Algorithm, count: usize, by: Clustering) -> Recipe {
    Recipe { clusters: Some(Clusters { count, by }), ..Recipe::from(algorithm) }
}

fn learnt(recipe: Recipe, values: &[f64]) -> Result<Model> {
    recipe.fit(Rows::new(values, 2).expect("rows"), 0)
}

/// How strange a row is in the strangest healthy row's scores.
fn against_health(recipe: Recipe, row: &[f64]) -> f64 {
    let mut model = learnt(recipe, &machine(800, 1)).expect("a model");
    let healthy = machine(800, 2);
    let scores = model.score_all(Rows::new(&healthy, 2).expect("rows"));
    model.restart();
    model.score(row) / scores.into_iter().fold(0.0, f64::max)
}

#[test]
fn a_fault_between_two_modes_is_seen_only_where_modes_are_known() {
    let between = [5.0, 20.0];
    for algorithm in [Algorithm::T2, Algorithm::RobustZ, Algorithm::PcaQ] {
        let single = against_health(algorithm.into(), &between);
        assert!(single < 1.0, "{}: {single} without modes", algorithm.name());
    }
    for by in [Clustering::KMeans, Clustering::Gmm] {
        for algorithm in [Algorithm::T2, Algorithm::RobustZ, Algorithm::IsolationForest, Algorithm::Honest] {
            let seen = against_health(asked(algorithm, 2, by), &between);
            assert!(seen > 1.0, "{} by {by:?}: {seen} with modes", algorithm.name());
        }
    }
}

#[test]
fn modes_are_found_as_they_are_and_a_change_of_mode_is_no_fault() {
    for by in [Clustering::KMeans, Clustering::Gmm] {
        let Model::Modes(modes) = learnt(asked(Algorithm::T2, 2, by), &machine(800, 3)).expect("a model")
        else {
            panic!("no modes");
        };
        assert_eq!(modes.rows, [400, 400]);
        let mut middles: Vec<f64> = modes.scales.iter().map(|scale| scale.middle[1]).collect();
        middles.sort_by(f64::total_cmp);
        assert!(middles[0].abs() < 0.3 && (middles[1] - 40.0).abs() < 0.3, "{middles:?}");
    }
}

#[test]
fn a_mixture_tells_a_tight_mode_from_the_wide_one_that_it_lies_in() {
    let mut random = crate::random::Random::new(4, 0);
    let values: Vec<f64> = (0..1200)
        .flat_map(|row| {
            let (middle, width) = if row / 100 % 3 == 0 { (3.0, 0.1) } else { (0.0, 5.0) };
            let mut value = || middle + width * (random.unit() + random.unit() - 1.0);
            [value(), value()]
        })
        .collect();
    let fewest = |by| {
        let model = learnt(asked(Algorithm::RobustZ, 2, by), &values).expect("a model");
        let Model::Modes(modes) = model else { panic!("no modes") };
        modes.rows[0].min(modes.rows[1])
    };
    let (mixture, nearest) = (fewest(Clustering::Gmm), fewest(Clustering::KMeans));
    assert!((400..=420).contains(&mixture) && nearest > 440, "{mixture}, {nearest}");
}

#[test]
fn what_is_missing_leaves_the_mode_to_the_other_sensors() {
    let mut values = machine(800, 5);
    values.iter_mut().step_by(34).for_each(|value| *value = f64::NAN);
    for by in [Clustering::KMeans, Clustering::Gmm] {
        let mut model = learnt(asked(Algorithm::RobustZ, 2, by), &values).expect("a model");
        assert!(model.score(&[f64::NAN, 40.0]) < 2.0 && model.score(&[0.0, f64::NAN]) < 2.0);
        assert!(model.score(&[f64::NAN, 20.0]) > 10.0 && model.score(&[f64::NAN, f64::INFINITY]) == 0.0);
    }
}

#[test]
fn modes_that_cannot_be_learnt_are_refused_with_the_reason() {
    let refusal = |recipe, values: &[f64]| learnt(recipe, values).expect_err("refused").to_string();
    let by = Clustering::KMeans;
    let t2 = |count| asked(Algorithm::T2, count, by);
    assert_eq!(
        refusal(t2(4), &machine(50, 6)),
        "there are too few rows to learn from: 50, where this method needs at least 64"
    );
    assert!(refusal(t2(65), &machine(50, 6)).starts_with("the number of modes is 65"));
    let mut gone = machine(200, 6);
    gone.iter_mut().step_by(2).skip(20).for_each(|value| *value = f64::NAN);
    assert!(refusal(t2(2), &gone).starts_with("20 rows without a missing value are too few"));
    let mut outlying = machine(200, 6);
    outlying.splice(0..2, [5000.0, 5000.0]);
    assert!(refusal(t2(3), &outlying).starts_with("of 3 modes the smallest has 1 rows"));
}

#[test]
fn columns_that_rest_and_rows_that_repeat_do_not_break_the_mixture() {
    let still: Vec<f64> = (0..200).flat_map(|row| [f64::from(row / 50 % 2), 7.0]).collect();
    let values: Vec<f64> =
        (0..200).flat_map(|row| [f64::from(row / 50 % 2) + f64::from(row % 5) / 500.0, 7.0]).collect();
    let refused = learnt(asked(Algorithm::RobustZ, 2, Clustering::Gmm), &still).expect_err("still");
    assert!(refused.to_string().starts_with("nothing can be learnt"), "{refused}");
    let mut model = learnt(asked(Algorithm::RobustZ, 2, Clustering::Gmm), &values).expect("a model");
    assert!(model.score(&[0.5, 7.0]) > 10.0 * model.score(&[1.0, 7.0]).max(0.1));
}
