use crate::detector::Detector;
use crate::maths::quantile::quantile;
use crate::maths::tail::Tail;
use crate::methods::{Model, Recipe};
use crate::refusal::Result;
use crate::rows::Rows;

/// How many times the usual the generic detector calls an alarm.
const HONEST: f64 = 1.8;
/// The quantile of healthy rows that a forest calls an alarm.
const FOREST: f64 = 0.99;
/// The same of residuals.
const FOREST_OF_RESIDUALS: f64 = 0.998;
/// Blocks into which healthy rows are cut.
const BLOCKS: usize = 8;

/// The scores of the rows that `model` learnt from, by models that had not seen them: each block is judged by
/// one of the others. The scores of a model's own rows are too low to set a threshold by. Modes are those of
/// all rows: one that comes only once would be left out as a whole.
pub(super) fn held_out_scores(recipe: Recipe, model: &Model, rows: Rows<'_>, seed: u64) -> Result<Vec<f64>> {
    let (count, width) = (rows.len(), rows.width());
    if let Model::Modes(modes) = model {
        let z = modes.standardised(rows);
        return held_out_scores(recipe.within(), modes.model(), Rows::new(&z, width)?, seed);
    }
    let mut scores = Vec::with_capacity(count);
    for block in 0..BLOCKS {
        let (from, to) = (block * count / BLOCKS, (block + 1) * count / BLOCKS);
        let others = [rows.slice(0, from).values(), rows.slice(to, count).values()].concat();
        let mut model = recipe.fit(Rows::new(&others, width)?, seed)?;
        scores.extend(model.score_all(rows.slice(from, to)));
    }
    Ok(scores)
}

/// A threshold without labels, from healthy rows alone: about one row in ten thousand lies beyond. For the
/// generic detector, whose score is measured on held-out rows already, it is 1.8 times the usual. A forest's score
/// cannot grow beyond what a row outside of all its cuts gets, so no tail leads on from the healthy ones: there one
/// healthy row in a hundred lies beyond, as is usual for forests.
pub(crate) fn threshold(recipe: Recipe, model: &Model, rows: Rows<'_>, seed: u64) -> Result<f64> {
    threshold_with(recipe, model, (rows, seed), FOREST)
}

/// The same for rows of residuals, in which a healthy minute is like those before it: the next is as strange, and
/// many in a row make an alert. So fewer may lie beyond.
pub(crate) fn threshold_of_residuals(recipe: Recipe, model: &Model, rows: Rows<'_>) -> Result<f64> {
    threshold_with(recipe, model, (rows, 0), FOREST_OF_RESIDUALS)
}

fn threshold_with(recipe: Recipe, model: &Model, (rows, seed): (Rows<'_>, u64), forest: f64) -> Result<f64> {
    let within = if let Model::Modes(modes) = model { modes.model() } else { model };
    if let Model::Honest(_) = within {
        return Ok(HONEST);
    }
    let mut scores = held_out_scores(recipe, model, rows, seed)?;
    if let Model::IsolationForest(_) | Model::SlidingForest(_) = within {
        return Ok(quantile(&mut scores, forest));
    }
    Ok(Tail::of(&scores).exceeded_by(1e-4))
}
