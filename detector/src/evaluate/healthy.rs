use crate::detector::Detector;
use crate::maths::tail::Tail;
use crate::methods::{Model, Recipe};
use crate::refusal::Result;
use crate::rows::Rows;

/// How many times the usual the generic detector calls an alarm.
const HONEST: f64 = 1.8;
/// Blocks into which healthy rows are cut.
const BLOCKS: usize = 8;

/// The scores of healthy rows by models that had not seen them: each block is judged by a model of the
/// others. The scores of a model's own rows are too low to set a threshold by. Modes are those of all rows: one
/// that comes only once would be left out as a whole.
pub(super) fn held_out_scores(recipe: Recipe, rows: Rows<'_>, seed: u64) -> Result<Vec<f64>> {
    if recipe.clusters.is_none() {
        return of_blocks(recipe, rows, seed);
    }
    let model = recipe.fit(rows, seed)?;
    let Model::Modes(modes) = &model else { return of_blocks(recipe, rows, seed) };
    of_blocks(Recipe { clusters: None, ..recipe }, Rows::new(&modes.standardised(rows), rows.width())?, seed)
}

fn of_blocks(recipe: Recipe, rows: Rows<'_>, seed: u64) -> Result<Vec<f64>> {
    let (count, width) = (rows.len(), rows.width());
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
/// generic detector, whose score is measured on held-out rows already, it is 1.8 times the usual.
pub(crate) fn threshold(recipe: Recipe, model: &Model, rows: Rows<'_>, seed: u64) -> Result<f64> {
    match model {
        Model::Honest(_) => return Ok(HONEST),
        Model::Modes(modes) => {
            let within = Recipe { clusters: None, ..recipe };
            let z = modes.standardised(rows);
            return threshold(within, modes.model(), Rows::new(&z, rows.width())?, seed);
        }
        _ => {}
    }
    Ok(Tail::of(&held_out_scores(recipe, rows, seed)?).exceeded_by(1e-4))
}
