//! The program and what it is tried on, shared by the tests.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program to its end.
pub fn detector(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_detector")).args(args).output().expect("the program starts")
}

/// A run of one machine for nine days, which overheats over twelve hours from the eighth day on.
pub fn write_plant(folder: &Path) {
    let mut state = 1u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let header = "timestamp,machine_id,maintenance_status,temperature,vibration,pressure,flow_rate,\
                  power_consumption,oil_level,bearing_temperature";
    let (mut readings, mut truth) =
        (vec![header.to_owned()], vec!["machine_id,timestamp,severity".to_owned()]);
    for minute in 0..9 * 1440 {
        let time = format!("2026-01-{:02}T{:02}:{:02}:00", 1 + minute / 1440, minute / 60 % 24, minute % 60);
        let severity = ((f64::from(minute) - 11_520.0) / 720.0).clamp(0.0, 1.0);
        let usual =
            [72.0 + 25.0 * severity, 4.5, 5.8, 200.0, 50.0 + 9.0 * severity, 88.0, 80.0 + 15.0 * severity];
        let spread = [1.2, 0.7, 0.2, 3.0, 0.8, 0.8, 1.2];
        let seen: Vec<String> =
            usual.iter().zip(spread).map(|(u, s)| format!("{:.2}", u + s * noise())).collect();
        readings.push(format!("{time},M1,operational,{}", seen.join(",")));
        truth.push(format!("M1,{time},{severity:.4}"));
    }
    let episodes = "machine_id,kind,type,start,end,cause\n\
                    M1,maintenance,,2025-12-30T00:00:00,2025-12-30T01:00:00,automatic\n\
                    M1,failure,overheating,2026-01-09T00:00:00,,automatic\n";
    std::fs::write(folder.join("readings.csv"), readings.join("\n")).expect("written");
    std::fs::write(folder.join("truth.csv"), truth.join("\n")).expect("written");
    std::fs::write(folder.join("episodes.csv"), episodes).expect("written");
}
