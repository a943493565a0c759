use crate::detector::Detector;
use crate::maths::tail::Tail;
use crate::methods::{Algorithm, Model};
use crate::refusal::Result;
use crate::rows::Rows;

/// How many times the usual the generic detector calls an alarm.
const HONEST: f64 = 1.8;
/// Blocks into which healthy rows are cut.
const BLOCKS: usize = 8;

/// The scores of healthy rows by models that had not seen them: each block is judged by a model of the
/// others. The scores of a model's own rows are too low to set a threshold by.
pub(super) fn held_out_scores(algorithm: Algorithm, rows: Rows<'_>, seed: u64) -> Result<Vec<f64>> {
    let (count, width) = (rows.len(), rows.width());
    let mut scores = Vec::with_capacity(count);
    for block in 0..BLOCKS {
        let (from, to) = (block * count / BLOCKS, (block + 1) * count / BLOCKS);
        let others = [rows.slice(0, from).values(), rows.slice(to, count).values()].concat();
        let mut model = algorithm.fit(Rows::new(&others, width)?, seed)?;
        scores.extend(model.score_all(rows.slice(from, to)));
    }
    Ok(scores)
}

/// A threshold without labels, from healthy rows alone: about one row in ten thousand lies beyond. For the
/// generic detector, whose score is measured on held-out rows already, it is 1.8 times the usual.
pub(crate) fn threshold(algorithm: Algorithm, model: &Model, rows: Rows<'_>, seed: u64) -> Result<f64> {
    if let Model::Honest(_) = model {
        return Ok(HONEST);
    }
    Ok(Tail::of(&held_out_scores(algorithm, rows, seed)?).exceeded_by(1e-4))
}
