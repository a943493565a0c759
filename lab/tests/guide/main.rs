//! What the documents tell people to type, typed: every command line and YAML block of the guide of the
//! Python tool, and every command of the README and of the user guide.

mod api;
mod commands;
mod document;
mod follow;
mod shell;
mod workshop;

use millrace_tests::KafkaTest;

fn main() {
    millrace_tests::main(|| {
        // The documents take longest, so they begin.
        vec![
            KafkaTest::own("every_command_of_the_readme_works", || follow::document("README.md")),
            KafkaTest::own("every_command_of_the_user_guide_works", || follow::document("docs/guide.md")),
            KafkaTest::shared("every_command_of_the_python_guide_brings_its_readings", commands::all),
            KafkaTest::shared("the_yaml_block_of_the_python_guide_is_taken_as_it_stands", commands::yaml),
            KafkaTest::own("the_letters_of_the_python_guide_are_answered", commands::letters),
            KafkaTest::own("no_command_of_the_python_guide_is_left_out", commands::complete),
            KafkaTest::own("a_document_is_files_commands_and_what_is_left_out", document::is_understood),
        ]
    })
}
