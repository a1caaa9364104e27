//! One type for all columns that foreign keys link, directly or through others.
//! Owns that choice; never makes a column narrower than its values.

use super::PgType;
use super::choices::Choices;
use super::decide::{ForeignKeyFate, TableMapping};
use super::forms::Form;
use super::policy::{Kind, Policies};
use super::profile::{ColumnProfile, TableProfile};
use super::shape::normal_for;
use crate::finding::{Finding, codes};
use crate::schema::{ForeignKey, Schema, Table, TableKind};
use std::collections::BTreeMap;

/// A column: indexes of its table and of itself.
type Place = (usize, usize);

/// Gives every group of linked columns one type. Where none exists that leaves the rowid an integer, the columns keep
/// their own types and the foreign keys between different types get [`ForeignKeyFate::Drop`] and a finding.
pub fn unify(
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    choices: &Choices,
    tables: &mut BTreeMap<String, TableMapping>,
    findings: &mut Vec<Finding>,
) {
    let links = links(schema);
    for group in groups(&links) {
        let members: Vec<Member> =
            group.iter().filter_map(|place| Member::of(schema, profiles, tables, *place, &links)).collect();
        if members.len() < 2 {
            continue;
        }
        if let Some(ty) = common(&members, &choices.policies) {
            for member in &members {
                give(tables, member, ty, &members, findings);
            }
        }
    }
    drop_the_impossible(schema, tables, findings);
}

/// A column of a group.
struct Member<'a> {
    table: &'a Table,
    column: usize,
    ty: PgType,
    profile: Option<&'a ColumnProfile>,
    rowid: bool,
    /// Another column of the group refers to it.
    parent: bool,
    /// It refers to another column.
    child: bool,
}

impl<'a> Member<'a> {
    fn of(
        schema: &'a Schema,
        profiles: &'a BTreeMap<String, TableProfile>,
        tables: &BTreeMap<String, TableMapping>,
        place: Place,
        links: &[(Place, Place)],
    ) -> Option<Self> {
        let table = schema.tables.get(place.0)?;
        Some(Member {
            table,
            column: place.1,
            ty: tables.get(&table.name)?.columns.get(place.1)?.ty,
            profile: profiles.get(&table.name).and_then(|p| p.columns.get(place.1)),
            rowid: table.rowid_alias == Some(place.1),
            parent: links.iter().any(|l| l.1 == place && l.0 != place),
            child: links.iter().any(|l| l.0 == place && l.1 != place),
        })
    }

    fn name(&self) -> String {
        let column = self.table.columns.get(self.column).map_or("?", |c| c.name.as_str());
        format!("{}.{column}", self.table.name)
    }

    /// Whether it has values of its own to be judged by (the rowid always is an integer).
    fn speaks(&self) -> bool {
        self.rowid || self.profile.is_some_and(|p| p.values() > 0)
    }

    fn is_integer(&self) -> bool {
        matches!(self.ty, PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Boolean)
    }

    fn is_number(&self) -> bool {
        self.is_integer() || matches!(self.ty, PgType::Numeric(_) | PgType::Double)
    }

    fn odd_reals(&self) -> bool {
        self.profile.is_some_and(|p| p.non_finite + p.negative_zeros > 0)
    }

    fn exact_in_double(&self) -> bool {
        self.profile.is_none_or(ColumnProfile::integers_exact_in_double)
    }

    /// Whether every value is a whole number of 64 bits, if only written as real or canonical text.
    fn whole_numbers(&self) -> bool {
        const LIMIT: f64 = 9_007_199_254_740_992.0;
        self.profile.is_none_or(|p| {
            let reals = p.reals == 0
                || (p.integral_reals == p.reals && !self.odd_reals() && p.real_min >= -LIMIT && p.real_max <= LIMIT);
            reals && p.blobs == 0 && (p.texts == 0 || p.all_texts_are(Form::Integer))
        })
    }

    fn only_blobs(&self) -> bool {
        self.profile.is_some_and(|p| p.blobs > 0 && p.blobs == p.values())
    }

    fn unfit_for_text(&self) -> bool {
        self.profile.is_some_and(|p| p.nul_texts + p.invalid_texts > 0)
    }
}

/// The common type of a group; `None` if there is none that its rowid can have.
fn common(members: &[Member<'_>], policies: &Policies) -> Option<PgType> {
    let speakers: Vec<&Member<'_>> = members.iter().filter(|m| m.speaks()).collect();
    if speakers.is_empty() {
        // Nothing but declarations: those who refer follow the one they refer to.
        let leader = members.iter().find(|m| m.parent && !m.child).or(members.first())?;
        return Some(if leader.is_integer() && leader.ty != PgType::Boolean { PgType::BigInt } else { leader.ty });
    }
    let ty = of_speakers(&speakers, policies);
    let rowid = members.iter().any(|m| m.rowid);
    (!rowid || ty == PgType::BigInt).then_some(ty)
}

fn of_speakers(speakers: &[&Member<'_>], policies: &Policies) -> PgType {
    let first = speakers[0].ty;
    let all = |test: &dyn Fn(&Member<'_>) -> bool| speakers.iter().all(|m| test(m));
    if all(&|m| m.ty == first) && !matches!(first, PgType::SmallInt | PgType::Integer) {
        return first;
    }
    if all(&|m| m.is_integer()) {
        return PgType::BigInt;
    }
    // SQLite compares with the parent's affinity: a child's '12' or 12.0 is an integer to an integer parent.
    let some_integers = speakers.iter().any(|m| m.is_integer());
    if some_integers && all(&|m| m.is_integer() || (!m.parent && m.whole_numbers())) {
        return PgType::BigInt;
    }
    if all(&|m| m.is_number()) {
        if all(&|m| !m.odd_reals()) {
            return PgType::Numeric(None);
        }
        if all(&|m| m.exact_in_double()) {
            return PgType::Double;
        }
    }
    // Whole dates and their midnights meet as date-times.
    if all(&|m| matches!(m.ty, PgType::Date | PgType::Timestamp)) {
        return PgType::Timestamp;
    }
    if all(&|m| m.only_blobs()) {
        return PgType::Bytea;
    }
    let kept = policies.keeps(Kind::Nul) || policies.keeps(Kind::InvalidUtf8);
    if speakers.iter().any(|m| m.ty == PgType::Bytea && kept && m.unfit_for_text()) {
        return PgType::Bytea;
    }
    PgType::Text
}

fn give(
    tables: &mut BTreeMap<String, TableMapping>,
    member: &Member<'_>,
    ty: PgType,
    members: &[Member<'_>],
    findings: &mut Vec<Finding>,
) {
    let Some(mapping) = tables.get_mut(&member.table.name).and_then(|t| t.columns.get_mut(member.column)) else {
        return;
    };
    if mapping.ty == ty {
        return;
    }
    let others: Vec<String> = members.iter().map(Member::name).filter(|name| *name != member.name()).take(3).collect();
    mapping.reason = format!(
        "{}; {} by itself, {} because foreign keys link it with {}",
        mapping.reason,
        mapping.ty.sql(),
        ty.sql(),
        others.join(", ")
    );
    // To bigint nothing is given up; beyond it the application may see another class than before.
    if member.speaks() && ty != PgType::BigInt {
        let (was, is) = (mapping.ty.sql(), ty.sql());
        let message = format!("{was} by itself; {is} because foreign keys link it with {}", others.join(", "));
        let hint = format!("columns linked by foreign keys need one type: {is} holds the values of all");
        findings.push(Finding::warning(codes::WIDER, member.name(), message, hint));
    }
    mapping.crossing.ty = ty;
    mapping.crossing.normal = normal_for(ty, member.profile.unwrap_or(&ColumnProfile::default()));
}

/// The table a foreign key refers to, and its columns there; `None` if one does not exist.
pub(super) fn parent_of<'a>(schema: &'a Schema, key: &ForeignKey) -> Option<(usize, &'a Table, Vec<usize>)> {
    let (index, table) = schema.tables.iter().enumerate().find(|(_, t)| t.name.eq_ignore_ascii_case(&key.parent))?;
    let column = |name: &String| table.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    let columns: Option<Vec<usize>> = key.parent_columns.iter().map(column).collect();
    let columns = columns.filter(|c| c.len() == key.columns.len())?;
    (table.kind == TableKind::Ordinary).then_some((index, table, columns))
}

/// Every pair (referring column, referred column).
fn links(schema: &Schema) -> Vec<(Place, Place)> {
    let mut links = Vec::new();
    for (child, table) in schema.tables.iter().enumerate().filter(|(_, t)| t.kind == TableKind::Ordinary) {
        for key in &table.foreign_keys {
            if let Some((parent, _, columns)) = parent_of(schema, key) {
                links.extend(key.columns.iter().zip(columns).map(|(from, to)| ((child, *from), (parent, to))));
            }
        }
    }
    links
}

/// The linked columns, grouped.
fn groups(links: &[(Place, Place)]) -> Vec<Vec<Place>> {
    let mut leader: BTreeMap<Place, Place> = BTreeMap::new();
    fn find(leader: &BTreeMap<Place, Place>, mut place: Place) -> Place {
        while let Some(next) = leader.get(&place).filter(|next| **next != place) {
            place = *next;
        }
        place
    }
    for (from, to) in links {
        leader.entry(*from).or_insert(*from);
        leader.entry(*to).or_insert(*to);
        let (a, b) = (find(&leader, *from), find(&leader, *to));
        leader.insert(a.max(b), a.min(b));
    }
    let mut groups: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    for place in leader.keys() {
        groups.entry(find(&leader, *place)).or_default().push(*place);
    }
    groups.into_values().collect()
}

/// Foreign keys between columns that have different types in the end cannot be made.
fn drop_the_impossible(schema: &Schema, tables: &mut BTreeMap<String, TableMapping>, findings: &mut Vec<Finding>) {
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        for (i, key) in table.foreign_keys.iter().enumerate() {
            let Some((_, parent, columns)) = parent_of(schema, key) else { continue };
            let ty = |t: &Table, c: usize| tables.get(&t.name).and_then(|m| m.columns.get(c)).map(|m| m.ty);
            let clash = key.columns.iter().zip(columns).find_map(|(from, to)| {
                let (a, b) = (ty(table, *from)?, ty(parent, to)?);
                (a != b).then_some((*from, a, b))
            });
            let Some((from, a, b)) = clash else { continue };
            let column = table.columns.get(from).map_or("?", |c| c.name.as_str());
            let message = format!("{column} holds values that are {}, {} has {}", a.sql(), parent.name, b.sql());
            findings.push(Finding::not_carried(
                codes::FOREIGN_KEY,
                format!("{}.{column}", table.name),
                message,
                "mend the values in the source, or accept the table without this foreign key",
            ));
            if let Some(fate) = tables.get_mut(&table.name).and_then(|m| m.foreign_keys.get_mut(i)) {
                *fate = ForeignKeyFate::Drop;
            }
        }
    }
}
