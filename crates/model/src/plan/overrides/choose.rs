//! What was said of types, as the choices that `decide` asks for.
//! Owns which of them are choices at all: a file that was written by us names every type, and only what the rules would
//! not come to by themselves is one.

use super::{Origin, Overrides, Problem, Said};
use crate::finding::Finding;
use crate::mapping::choices::{Choices, ColumnChoice};
use crate::mapping::decide::TableMapping;
use crate::schema::{Schema, TableKind};
use std::collections::BTreeMap;

/// What the rules decide: the mapping of every table, and the findings.
pub type Decided = (BTreeMap<String, TableMapping>, Vec<Finding>);

impl Overrides {
    /// Every choice for a column, by the source's own spelling.
    fn wanted(&self, schema: &Schema) -> BTreeMap<(String, String), ColumnChoice> {
        let mut wanted = BTreeMap::new();
        for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
            for column in &table.columns {
                let Some(said) = self.column(&table.name, &column.name) else { continue };
                let choice = ColumnChoice {
                    ty: said.ty.as_ref().map(|t| t.value),
                    normal: said.values.as_ref().map(|v| v.value),
                    labels: said.labels.as_ref().map(|l| l.value.clone()).unwrap_or_default(),
                    policies: said.policies.clone(),
                };
                if choice != ColumnChoice::default() {
                    wanted.insert((table.name.clone(), column.name.clone()), choice);
                }
            }
        }
        wanted
    }

    /// Adds what was said of columns to the choices for all of them. `decide` is asked again until every column has what
    /// was said: first with no type chosen, then with those that came out otherwise. So a file that nobody edited
    /// chooses nothing, and one type that was changed does not set free what stands beside it in the file.
    ///
    /// Where the file was written under other settings than the present ones, the same is done under those first: what
    /// the rules came to by themselves then is left to them now, too.
    ///
    /// # Errors
    /// Those of `decide`.
    pub fn settle<E>(
        &self,
        schema: &Schema,
        base: &Choices,
        mut decide: impl FnMut(&Choices) -> Result<Decided, E>,
    ) -> Result<(Choices, Decided), E> {
        let mut wanted = self.wanted(schema);
        if let Some(then) = self.settings_of_the_file(base) {
            let (chosen, _) = met(schema, &then, wanted.clone(), &mut decide)?;
            wanted.retain(|place, choice| {
                if !chosen.column(&place.0, &place.1).is_some_and(says_a_type) && !self.by_flag(place) {
                    *choice = ColumnChoice { policies: choice.policies.clone(), ..ColumnChoice::default() };
                }
                *choice != ColumnChoice::default()
            });
        }
        met(schema, base, wanted, &mut decide)
    }

    /// The settings that the file was written with, where they are not the present ones.
    fn settings_of_the_file(&self, base: &Choices) -> Option<Choices> {
        let then = &self.decided_with.as_ref()?.value;
        let (types, zone) = (then.types, then.zone.clone());
        let then = Choices { types, zone, policies: then.policies.clone(), columns: base.columns.clone() };
        (then != *base).then_some(then)
    }

    /// Whether a flag says a column's type: that is a choice under any settings.
    fn by_flag(&self, place: &(String, String)) -> bool {
        fn is_flag<T>(said: Option<&Said<T>>) -> bool {
            said.is_some_and(|s| matches!(s.at, Origin::Flag(_)))
        }
        self.column(&place.0, &place.1)
            .is_some_and(|c| is_flag(c.ty.as_ref()) || is_flag(c.values.as_ref()) || is_flag(c.labels.as_ref()))
    }
}

fn says_a_type(choice: &ColumnChoice) -> bool {
    choice.ty.is_some() || choice.normal.is_some() || !choice.labels.is_empty()
}

/// Decides until every column has what is wanted of it; what the rules come to by themselves is not chosen.
fn met<E>(
    schema: &Schema,
    base: &Choices,
    mut wanted: BTreeMap<(String, String), ColumnChoice>,
    decide: &mut impl FnMut(&Choices) -> Result<Decided, E>,
) -> Result<(Choices, Decided), E> {
    let mut choices = base.clone();
    for (place, choice) in &wanted {
        if choice.policies.chosen().next().is_some() {
            let policies = choice.policies.clone();
            choices.columns.insert(place.clone(), ColumnChoice { policies, ..ColumnChoice::default() });
        }
    }
    loop {
        let decided = decide(&choices)?;
        let missed: Vec<_> = wanted.iter().filter(|(place, c)| !has(schema, &decided.0, place, c)).collect();
        if missed.is_empty() {
            return Ok((choices, decided));
        }
        let places: Vec<_> = missed.into_iter().map(|(place, _)| place.clone()).collect();
        for place in places {
            if let Some(choice) = wanted.remove(&place) {
                choices.columns.insert(place, choice);
            }
        }
    }
}

impl Overrides {
    /// Types that were said of columns which a foreign key links, and which both cannot have.
    pub fn unmet(&self, schema: &Schema, tables: &BTreeMap<String, TableMapping>) -> Vec<Problem> {
        let wanted = self.wanted(schema);
        let met = |place: &(String, String)| wanted.get(place).is_none_or(|said| has(schema, tables, place, said));
        let mut problems = Vec::new();
        for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
            for key in &table.foreign_keys {
                for (child, parent) in key.columns.iter().zip(&key.parent_columns) {
                    let Some(child) = table.columns.get(*child) else { continue };
                    let ends = [(table.name.clone(), child.name.clone()), (key.parent.clone(), parent.clone())];
                    let ty = |end: &(String, String)| self.column(&end.0, &end.1).and_then(|c| c.ty.as_ref());
                    let (Some(here), Some(there)) = (ty(&ends[0]), ty(&ends[1])) else { continue };
                    if here.value == there.value || (met(&ends[0]) && met(&ends[1])) {
                        continue;
                    }
                    let message = format!(
                        "{}.{} cannot be {}: a foreign key links it with {}.{}, which is {} ({})",
                        ends[0].0,
                        ends[0].1,
                        here.value.sql(),
                        ends[1].0,
                        ends[1].1,
                        there.value.sql(),
                        there.at
                    );
                    let hint = "linked columns need one type: write the same for both, or take one of them out";
                    problems.push(Problem::new(&here.at, message, hint));
                }
            }
        }
        problems
    }
}

/// Whether a column came out as was said.
fn has(
    schema: &Schema,
    tables: &BTreeMap<String, TableMapping>,
    place: &(String, String),
    said: &ColumnChoice,
) -> bool {
    let table = schema.tables.iter().find(|t| t.name == place.0);
    let column = table.and_then(|t| t.columns.iter().position(|c| c.name == place.1));
    let mapped = column.and_then(|i| tables.get(&place.0)?.columns.get(i));
    mapped.is_some_and(|m| {
        said.ty.is_none_or(|ty| ty == m.ty)
            && said.normal.is_none_or(|n| n == m.normal)
            && (said.labels.is_empty() || said.labels == m.labels)
    })
}
