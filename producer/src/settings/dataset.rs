use std::path::{Path, PathBuf};

use millrace_core::Result;

use super::resolve::Check;
use super::{Compression, DatasetFormat, DatasetOutput, Format, Options, Output};

pub(super) const DEFAULT_FILE: &str = "sensor_stream.csv";

impl Check<'_> {
    pub(super) fn file(&self, said: Options, append: bool) -> Result<Output> {
        let whole = matches!(said.data_format, Some(Format::Avro | Format::Parquet));
        let ending = match said.output_path.as_deref() {
            Some(path) => format_of_ending(Path::new(path)),
            // That of the file that is written unless another is named.
            None => Some(Format::Csv).filter(|_| !whole),
        };
        let ending = ending.filter(|_| !self.origins.is_flag("data_format"));
        let format = match ending.or(said.data_format) {
            Some(Format::Avro) => DatasetFormat::Avro,
            Some(Format::Parquet) => DatasetFormat::Parquet,
            _ if self.origins.is_flag("file_compression") => {
                let problem = "goes with Avro and Parquet only; JSON and CSV are written as they are";
                return self.refuse("file_compression", problem.into());
            }
            text => {
                let path = said.output_path.unwrap_or_else(|| DEFAULT_FILE.into()).into();
                return Ok(Output::File { path, format: self.text_format(text)?, append });
            }
        };
        let key = if ending.is_some() { "output_path" } else { "data_format" };
        self.check_whole(&said, format, key, append)?;
        // Nobody looks for Parquet in a file called .csv.
        let default = || Path::new(DEFAULT_FILE).with_extension(format.key());
        let path = said.output_path.map_or_else(default, PathBuf::from);
        let compression = said.file_compression.unwrap_or(Compression::Zstd);
        Ok(Output::Dataset(DatasetOutput { path, format, compression }))
    }

    /// Refuses what a file that is written as a whole cannot do; `key` is what asked for one.
    fn check_whole(&self, said: &Options, format: DatasetFormat, key: &str, append: bool) -> Result<()> {
        let name = match format {
            DatasetFormat::Avro => "an Avro container",
            DatasetFormat::Parquet => "a Parquet file",
        };
        if append {
            let problem = format!("{name} is written as a whole; leave --append out, or take json or csv");
            return self.refuse(key, problem);
        }
        let problem = format!("{name} cannot hold corrupt records; leave corrupt out, or take json or csv");
        self.uncorrupted(said, &problem)
    }
}

pub(super) fn format_of_ending(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "json" | "jsonl" | "ndjson" => Some(Format::Json),
        "avro" => Some(Format::Avro),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}
