//! What a document tells people to do: files to write, lines to type, and what is not to be typed here.

use millrace_tests::{Verdict, passed};

/// One thing that a document asks for, in its order.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// `<!-- file: NAME -->` makes the next block a file.
    File { name: String, text: String },
    /// `<!-- not run: REASON -->` leaves the next block out.
    Left { at: usize, reason: String },
    /// `<!-- answer: COMMAND -->`: the next block is what the program says to it, and it fails.
    Answer { at: usize, command: String, text: String, needs: Option<String> },
    /// A block of lines.
    Block(Block),
}

/// A block without a language, whose lines are typed into a shell, those that end with `\` as one.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Block {
    /// `<!-- beside: COMMAND -->`: what runs meanwhile.
    pub beside: Option<String>,
    /// `<!-- needs: WHAT -->`: what of real Kafka it needs, in words.
    pub needs: Option<String>,
    /// The lines, each with its place in the document.
    pub lines: Vec<(usize, String)>,
}

/// What is said about the next block.
#[derive(Default)]
struct Marks {
    file: Option<String>,
    answer: Option<String>,
    left: Option<String>,
    beside: Option<String>,
    needs: Option<String>,
}

impl Marks {
    fn read(&mut self, at: usize, comment: &str) {
        let (kind, what) = comment.split_once(": ").unwrap_or((comment, ""));
        let mark = match kind {
            "file" => &mut self.file,
            "answer" => &mut self.answer,
            "not run" => &mut self.left,
            "beside" => &mut self.beside,
            "needs" => &mut self.needs,
            _ => panic!("line {at}: no such mark: {comment}"),
        };
        *mark = Some(what.to_owned());
    }

    fn step(self, at: usize, language: &str, lines: &[(usize, &str)]) -> Option<Step> {
        if let Some(reason) = self.left {
            return Some(Step::Left { at, reason });
        }
        let text = || lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        if let Some(name) = self.file {
            return Some(Step::File { name, text: text() });
        }
        if let Some(command) = self.answer {
            return Some(Step::Answer { at, command, text: text(), needs: self.needs });
        }
        language
            .is_empty()
            .then(|| Step::Block(Block { beside: self.beside, needs: self.needs, lines: joined(lines) }))
    }
}

/// Everything that a document asks for.
pub fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut marks) = (Vec::new(), Marks::default());
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((at, line)) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            marks.read(at, comment);
        } else if let Some(language) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|(_, line)| *line != "```").collect();
            steps.extend(std::mem::take(&mut marks).step(at, language, &block));
        }
    }
    steps
}

fn joined(lines: &[(usize, &str)]) -> Vec<(usize, String)> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (at, line) in lines {
        let (text, more) = match line.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (*line, false),
        };
        match whole.last_mut().filter(|_| goes_on) {
            Some((_, last)) => last.push_str(text.trim_start()),
            None => whole.push((*at, text.to_owned())),
        }
        goes_on = more;
    }
    whole
}

pub fn is_understood() -> Verdict {
    let text = "\
text
```
producer --mode console \\
  --rate 2
```
<!-- file: plant.yaml -->
```yaml
streaming:
  rate: 4
```
<!-- answer: producer --rate 0 -->
```text
producer: ... is out of range
```
<!-- not run: a host of others -->
```
producer --bootstrap-server kafka:9092
```
```python
import json
```
<!-- beside: producer --mode kafka -->
<!-- needs: transactions -->

```
producer control stop
```
";
    let expected = [
        Step::Block(Block {
            lines: vec![(3, "producer --mode console --rate 2".into())],
            ..Block::default()
        }),
        Step::File { name: "plant.yaml".into(), text: "streaming:\n  rate: 4\n".into() },
        Step::Answer {
            at: 12,
            command: "producer --rate 0".into(),
            text: "producer: ... is out of range\n".into(),
            needs: None,
        },
        Step::Left { at: 16, reason: "a host of others".into() },
        Step::Block(Block {
            beside: Some("producer --mode kafka".into()),
            needs: Some("transactions".into()),
            lines: vec![(26, "producer control stop".into())],
        }),
    ];
    assert_eq!(steps(text), expected);
    passed()
}
