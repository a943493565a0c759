use std::fmt;
use std::str::FromStr;

use millrace_core::cli::suggestion;

use super::Kind;
use crate::duration;

/// What goes wrong, and how often: `--disorder` as it was said. Probabilities are per record, times are
/// milliseconds of stream time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Disorder {
    /// How often a record is late, and by how much at least and at most.
    pub late: Option<(f64, i64, i64)>,
    /// How often a record is written twice.
    pub duplicate: Option<f64>,
    /// How often a record is not written.
    pub drop: Option<f64>,
    /// How often sensors get stuck, and for how long.
    pub stuck: Option<(f64, i64)>,
    /// How often a sensor shows a value far outside its range.
    pub spike: Option<f64>,
    /// How often a value's bytes are broken.
    pub corrupt: Option<f64>,
    /// How wrong the clocks of these machines are.
    pub skew: Vec<(String, i64)>,
    /// How often a sensor is missing.
    pub null: Option<f64>,
}

impl Disorder {
    /// How wrong a machine's clock is.
    pub fn skew_of(&self, machine_id: &str) -> Option<i64> {
        self.skew.iter().find(|(id, _)| id == machine_id).map(|(_, offset)| *offset)
    }

    fn add(&mut self, kind: Kind, text: &str) -> Result<(), String> {
        match kind {
            Kind::Late => once(&mut self.late, late(text)?),
            Kind::Duplicate => once(&mut self.duplicate, probability(text)?),
            Kind::Drop => once(&mut self.drop, probability(text)?),
            Kind::Stuck => once(&mut self.stuck, stuck(text)?),
            Kind::Spike => once(&mut self.spike, probability(text)?),
            Kind::Corrupt => once(&mut self.corrupt, probability(text)?),
            Kind::Null => once(&mut self.null, probability(text)?),
            Kind::Skew => {
                let (machine, offset) = skew(text)?;
                if self.skew_of(&machine).is_some() {
                    return Err(format!("machine {machine} is given twice"));
                }
                self.skew.push((machine, offset));
                Ok(())
            }
        }
    }
}

impl FromStr for Disorder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut disorder = Self::default();
        for item in text.split(',').map(str::trim) {
            let Some((name, value)) = item.split_once('=') else {
                return Err(format!("`{item}` is not of the form kind=value, such as drop=0.01"));
            };
            let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name.trim()) else {
                let known = Kind::ALL.map(Kind::name);
                return Err(format!("there is no kind `{name}`; {}", suggestion(name, known)));
            };
            disorder.add(kind, value.trim()).map_err(|problem| format!("{name}: {problem}"))?;
        }
        Ok(disorder)
    }
}

impl fmt::Display for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |kind: Kind, p: Option<f64>| p.map(|p| format!("{}={p}", kind.name()));
        let late = self.late.map(|(p, least, most)| {
            format!("late={p}:{}..{}", duration::print(least), duration::print(most))
        });
        let stuck = self.stuck.map(|(p, time)| format!("stuck={p}:{}", duration::print(time)));
        let skew = self.skew.iter().map(|(id, offset)| format!("skew={id}:{}", duration::print(*offset)));
        let items: Vec<String> = [
            late,
            plain(Kind::Duplicate, self.duplicate),
            plain(Kind::Drop, self.drop),
            stuck,
            plain(Kind::Spike, self.spike),
            plain(Kind::Corrupt, self.corrupt),
        ]
        .into_iter()
        .flatten()
        .chain(skew)
        .chain(plain(Kind::Null, self.null))
        .collect();
        f.write_str(&items.join(","))
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err("it is given twice".into()),
    }
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err(format!("`{text}` is no probability from 0 to 1")),
    }
}

/// `PROBABILITY:TIME` or `PROBABILITY:TIME..TIME`.
fn late(text: &str) -> Result<(f64, i64, i64), String> {
    let (p, times) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` does not say how late; write such as 0.01:5s..60s"))?;
    let (least, most) = times.split_once("..").unwrap_or((times, times));
    let (p, least, most) = (probability(p)?, lasting(least)?, lasting(most)?);
    if least > most {
        return Err(format!("`{times}` ends before it begins; write the shorter time first"));
    }
    Ok((p, least, most))
}

fn stuck(text: &str) -> Result<(f64, i64), String> {
    let (p, time) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` does not say for how long; write such as 0.0005:10m"))?;
    Ok((probability(p)?, lasting(time)?))
}

fn skew(text: &str) -> Result<(String, i64), String> {
    let (machine, offset) = text
        .rsplit_once(':')
        .ok_or_else(|| format!("`{text}` does not say by how much; write such as MACHINE_003:-2h"))?;
    let (sign, span) = offset.strip_prefix('-').map_or((1, offset), |span| (-1, span));
    let offset = sign * duration::parse(span)?;
    // Rows have milliseconds all or none, and the rows of other machines must stay as they are.
    if offset == 0 || offset % 1000 != 0 {
        return Err(format!("`{text}` must be wrong by whole seconds, and by one at least"));
    }
    Ok((machine.to_owned(), offset))
}

fn lasting(text: &str) -> Result<i64, String> {
    match duration::parse(text)? {
        time if time > 0 => Ok(time),
        _ => Err(format!("`{text}` must be above 0")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: &str = "late=0.01:5s..1m,duplicate=0.005,drop=0.002,stuck=0.0005:10m,spike=0.001,\
                       corrupt=0.0005,skew=MACHINE_003:-2h,skew=A:5s,null=0.001";

    #[test]
    fn every_kind_is_read_and_printed() {
        let disorder: Disorder = ALL.parse().expect("right");
        assert_eq!(disorder.late, Some((0.01, 5000, 60_000)));
        assert_eq!(disorder.stuck, Some((0.0005, 600_000)));
        assert_eq!(disorder.skew_of("MACHINE_003"), Some(-7_200_000));
        assert_eq!(disorder.skew_of("MACHINE_004"), None);
        assert_eq!(disorder.to_string(), ALL);
        let spaced = "drop = 0.5 , late=1:30s".parse::<Disorder>().expect("right");
        assert_eq!((spaced.drop, spaced.late), (Some(0.5), Some((1.0, 30_000, 30_000))));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let wrong = [
            "",
            "drop",
            "dorp=0.1",
            "drop=often",
            "drop=1.5",
            "drop=nan",
            "drop=0.1,drop=0.2",
            "drop=0.1,",
            "late=0.1",
            "late=0.1:5",
            "late=0.1:0s",
            "late=0.1:9s..5s",
            "late=0.1:9000d",
            "stuck=0.1",
            "stuck=0.1:-5m",
            "skew=-2h",
            "skew=A:0s",
            "skew=A:500ms",
            "skew=A:1h,skew=A:2h",
        ];
        let said: Vec<String> = wrong
            .iter()
            .map(|text| format!("{text}\n  {}", text.parse::<Disorder>().expect_err("it is wrong")))
            .collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    fn any_disorder() -> impl Strategy<Value = Disorder> {
        let p = || proptest::option::of(0.0..=1.0_f64);
        let late = proptest::option::of((0.0..=1.0_f64, 1..100_000_i64, 0..100_000_i64));
        let stuck = proptest::option::of((0.0..=1.0_f64, 1..i64::from(i32::MAX)));
        let offset = (-100_000..100_000_i64).prop_filter("not 0", |s| *s != 0).prop_map(|s| s * 1000);
        let skew = proptest::collection::btree_map("[A-Za-z0-9_.-]{1,8}", offset, 0..3);
        (late, p(), p(), stuck, p(), p(), skew, p()).prop_map(
            |(late, duplicate, drop, stuck, spike, corrupt, skew, null)| {
                let late = late.map(|(p, least, more)| (p, least, least + more));
                Disorder {
                    late,
                    duplicate,
                    drop,
                    stuck,
                    spike,
                    corrupt,
                    skew: skew.into_iter().collect(),
                    null,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(disorder in any_disorder()) {
            prop_assume!(disorder != Disorder::default());
            prop_assert_eq!(disorder.to_string().parse::<Disorder>(), Ok(disorder));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _ = text.parse::<Disorder>();
        }
    }
}
