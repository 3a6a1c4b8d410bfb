//! Steps of the schema that were handed out once: databases remember them and refuse a program that has others.

const LANDED: &str = include_str!("migrations.tsv");

/// An edited step keeps every existing database from starting. What is to change takes a step of its own, and a line in the table.
#[test]
fn a_step_is_never_edited_and_never_lost() {
    let steps: Vec<String> = web::migrations().iter().map(|step| format!("{}\t{}\t{}", step.number, step.name, step.checksum())).collect();
    let landed: Vec<&str> = LANDED.lines().filter(|line| !line.starts_with('#')).collect();
    for line in &landed {
        assert!(steps.iter().any(|step| step == line), "{line} was edited or taken out; add a new step instead");
    }
    for step in &steps {
        assert!(landed.contains(&step.as_str()), "a new step: add this line to tests/it/migrations.tsv once its text is final: {step}");
    }
}
