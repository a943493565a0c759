use super::*;
use serde::Deserialize;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Said {
    rate: Option<f64>,
    topic: Option<String>,
    topics: Option<BTreeMap<String, i32>>,
}

fn overlay(layers: &mut Layers<Said>, text: &str, name: &str) -> Result<()> {
    layers.overlay(parse(text, name)?, &|key| format!("{key} in {name}"))
}

#[test]
fn later_layers_win_and_their_origin_is_kept() {
    let mut layers = Layers::<Said>::new();
    overlay(&mut layers, "rate: 1\ntopic: a", "first.yaml").expect("fine");
    overlay(&mut layers, "rate: 2", "second.yaml").expect("fine");
    layers
        .flags(&Said { topic: Some("b".into()), ..Said::default() }, &|key| format!("--{key}"))
        .expect("fine");
    let (said, origins) = layers.said().expect("fine");
    assert_eq!((said.rate, said.topic.as_deref()), (Some(2.0), Some("b")));
    assert_eq!((origins.of("rate"), origins.of("topic")), ("rate in second.yaml", "--topic"));
}

#[test]
fn a_variable_is_taken_as_text_where_text_is_wanted() {
    let value = |key, text: &str| Layers::<Said>::value_of(key, text.to_owned());
    assert_eq!(value("topic", "123"), "123");
    assert_eq!(value("topic", "[a]"), "[a]");
    assert_eq!(value("topic", "null"), Value::Null);
    assert_eq!(value("rate", "123"), 123);
    assert_eq!(value("rate", "fast"), "fast");
}

#[test]
fn a_mapping_is_laid_over_the_one_below_entry_by_entry() {
    let mut layers = Layers::<Said>::new();
    overlay(&mut layers, "topics: {a: 1, b: 2}", "first.yaml").expect("fine");
    overlay(&mut layers, "topics: {b: 3, c: 4}", "second.yaml").expect("fine");
    let topics = layers.said().expect("fine").0.topics.expect("said");
    assert_eq!(topics.into_values().collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn null_in_a_later_file_takes_a_value_back() {
    let mut layers = Layers::<Said>::new();
    overlay(&mut layers, "rate: 1", "first.yaml").expect("fine");
    overlay(&mut layers, "rate: null", "second.yaml").expect("fine");
    assert_eq!(layers.said().expect("fine").0.rate, None);
}

#[test]
fn an_unknown_key_is_answered_with_its_place_and_the_nearest_known_one() {
    let error = overlay(&mut Layers::new(), "rat: 1", "my.yaml").expect_err("refused");
    assert_eq!(error.to_string(), "rat in my.yaml: there is no such key; did you mean `rate`?");
}

#[test]
fn a_value_of_the_wrong_type_is_answered_with_key_and_file() {
    let error = overlay(&mut Layers::new(), "rate: fast", "my.yaml").expect_err("refused");
    assert_eq!(error.to_string(), "rate in my.yaml: invalid type: string \"fast\", expected f64");
}

#[test]
fn a_broken_file_is_answered_with_its_name_and_line() {
    let error = parse("a: [1,\nb: 2", "my.yaml").expect_err("refused").to_string();
    assert!(error.starts_with("my.yaml: ") && error.contains("line"), "{error}");
    assert!(!error.contains('\n'), "{error}");
}
