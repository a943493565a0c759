//! A run of our plant with its truth: a folder with readings, truth and episodes,
//! as `producer --output readings.csv --truth truth.csv` writes them (or `.jsonl`; readings also `.parquet`).
//!
//! A failure is found if an alert opens, or stands open, between its start and its end, and before a sensor
//! first goes beyond its critical limit. An alert that opens at another time is false, and counts after the
//! first week. Readings are averaged to minutes, as the methods for this plant want them.

mod columns;
mod course;
mod read;
mod summary;

use millrace_core::Result;

use super::baseline::Baseline;
use super::{Evaluation, Figures, Method, Request, refused};

pub(super) fn run(request: &Request) -> Result<Evaluation> {
    let fleet = read::fleet(&request.path)?;
    let mut found = Evaluation::default();
    for method in &request.methods {
        let of = Figures { dataset: "plant", file: "all", algorithm: method.name(), seeds: 1 };
        if *method == Method::Residual && request.recipes().iter().any(|recipe| recipe.clusters.is_some()) {
            found.figures.push(of.not_applicable("it knows how our plant works, and takes no modes"));
            continue;
        }
        let courses = fleet.iter().map(|machine| match method {
            Method::Residual => course::watched(machine),
            Method::Rows(recipe) if recipe.sees_residuals() => course::by_residuals(machine, *recipe),
            Method::Rows(recipe) => course::judged(machine, *recipe),
        });
        match courses.collect::<crate::refusal::Result<Vec<_>>>() {
            Ok(courses) => found.add(summary::of(&of, &fleet, &courses)),
            Err(refusal) => found.figures.push(of.not_applicable(refusal.to_string())),
        }
    }
    for baseline in Baseline::ALL {
        let of = Figures { dataset: "plant", file: "all", algorithm: baseline.name(), seeds: 1 };
        let courses = fleet.iter().zip(0..).map(|(machine, part)| course::by_chance(machine, baseline, part));
        let courses = courses.collect::<crate::refusal::Result<Vec<_>>>().map_err(refused)?;
        found.add(summary::of(&of, &fleet, &courses));
    }
    Ok(found)
}
