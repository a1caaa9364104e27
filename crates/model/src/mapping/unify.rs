//! One type for all columns that foreign keys link, directly or through others.
//! Owns that choice; never makes a column narrower than its values.

use super::PgType;
use super::choices::Choices;
use super::codec::Normal;
use super::decide::{ForeignKeyFate, TableMapping};
use super::forms::Form;
use super::policy::{Choice, Kind};
use super::profile::{ColumnProfile, TableProfile};
use super::shape::{Crossing, normal_for, thousands};
use super::treat::Treatment;
use super::trial::Trial;
use super::zone::Zone;
use crate::finding::{Finding, codes};
use crate::schema::{ForeignKey, Schema, Table, TableKind};
use std::collections::{BTreeMap, BTreeSet};

/// A column: indexes of its table and of itself.
pub(super) type Place = (usize, usize);

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
    // A column that refers to itself is neither.
    let two = || links.iter().filter(|(from, to)| from != to);
    let sides = (two().map(|l| l.0).collect(), two().map(|l| l.1).collect());
    for group in groups(&links) {
        let members: Vec<Member> =
            group.iter().filter_map(|place| Member::of(schema, profiles, choices, tables, *place, &sides)).collect();
        if members.len() < 2 {
            continue;
        }
        if let Some(common) = common(&members) {
            for member in &members {
                give(tables, member, &common, &members, findings);
            }
        }
        tell_contradictions(choices, &members, findings);
        treat_alike(tables, &members);
        tell_misfits(tables, &members, findings);
    }
    drop_the_impossible(schema, tables, findings);
}

/// The columns that foreign keys link with a column whose type a person chose, and which so get that type too.
pub(super) fn linked_with_asked(schema: &Schema, choices: &Choices) -> BTreeSet<Place> {
    let asked = |place: &Place| {
        let table = schema.tables.get(place.0)?;
        choices.column(&table.name, &table.columns.get(place.1)?.name)?.ty
    };
    let groups = groups(&links(schema)).into_iter().filter(|g| g.iter().any(|place| asked(place).is_some()));
    groups.flatten().collect()
}

/// What every column of a group gets.
struct Common {
    ty: PgType,
    /// How the values are written, where the type alone leaves that open.
    normal: Option<Normal>,
    zone: Option<Zone>,
}

impl From<PgType> for Common {
    fn from(ty: PgType) -> Common {
        Common { ty, normal: None, zone: None }
    }
}

/// A column of a group.
struct Member<'a> {
    table: &'a Table,
    column: usize,
    profile: Option<&'a ColumnProfile>,
    trial: Option<&'a Trial>,
    crossing: Crossing,
    quarantine: bool,
    /// A person chose its type.
    asked: bool,
    /// Texts that PostgreSQL's text does not hold become bytea here.
    bytea: bool,
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
        choices: &Choices,
        tables: &BTreeMap<String, TableMapping>,
        place: Place,
        (children, parents): &(BTreeSet<Place>, BTreeSet<Place>),
    ) -> Option<Self> {
        let table = schema.tables.get(place.0)?;
        let name = &table.columns.get(place.1)?.name;
        let mapping = tables.get(&table.name)?.columns.get(place.1)?;
        let bytea = |kind| choices.policy(&table.name, name, kind) == Choice::Bytea;
        let profile = profiles.get(&table.name);
        Some(Member {
            table,
            column: place.1,
            profile: profile.and_then(|p| p.columns.get(place.1)),
            trial: profile.and_then(|p| p.trials.get(&place.1)),
            crossing: mapping.crossing.clone(),
            quarantine: mapping.quarantine,
            asked: choices.column(&table.name, name).is_some_and(|c| c.ty.is_some()),
            bytea: bytea(Kind::Nul) || bytea(Kind::InvalidUtf8),
            rowid: table.rowid_alias == Some(place.1),
            parent: parents.contains(&place),
            child: children.contains(&place),
        })
    }

    fn column_name(&self) -> String {
        self.table.columns.get(self.column).map_or_else(|| "?".to_owned(), |c| c.name.clone())
    }

    fn name(&self) -> String {
        format!("{}.{}", self.table.name, self.column_name())
    }

    /// Whether the policy for a kind does something to the values or the rows of this column.
    fn applies(&self, choices: &Choices, kind: Kind) -> bool {
        let aside =
            || self.quarantine && choices.policy(&self.table.name, &self.column_name(), kind) == Choice::Quarantine;
        self.crossing.treatments.iter().any(|t| t.kind() == kind) || aside()
    }

    /// Whether it has values of its own to be judged by (the rowid always is an integer).
    fn speaks(&self) -> bool {
        self.rowid || self.profile.is_some_and(|p| p.values() > 0)
    }

    /// How its values are written, where two columns of one type may differ in that and still not in the type.
    fn special(&self) -> Option<Normal> {
        let normal = self.crossing.normal;
        matches!(
            normal,
            Normal::EpochSeconds
                | Normal::EpochMillis
                | Normal::EpochMicros
                | Normal::EpochNanos
                | Normal::JulianDay
                | Normal::BooleanWords(_)
                | Normal::UuidHex
                | Normal::ZonedClock
                | Normal::JsonScalar
        )
        .then_some(normal)
    }

    /// Its type if the values were not read as something else.
    fn ty(&self) -> PgType {
        match self.special() {
            None => self.crossing.ty,
            Some(Normal::EpochSeconds | Normal::EpochMillis | Normal::EpochMicros | Normal::EpochNanos) => {
                PgType::BigInt
            }
            Some(Normal::JulianDay) => PgType::Double,
            Some(Normal::ZonedClock) => PgType::Timestamp,
            Some(_) => PgType::Text,
        }
    }

    fn is_integer(&self) -> bool {
        matches!(self.ty(), PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Boolean)
    }

    fn is_number(&self) -> bool {
        self.is_integer() || matches!(self.ty(), PgType::Numeric(_) | PgType::Double)
    }

    /// n of varchar(n) or char(n).
    fn length(&self) -> Option<u32> {
        match self.ty() {
            PgType::VarChar(n) | PgType::Char(n) => Some(n),
            _ => None,
        }
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
        let empty_null = self.crossing.treatments.contains(&Treatment::EmptyNull);
        self.profile.is_none_or(|p| {
            let reals = p.reals == 0
                || (p.integral_reals == p.reals && !self.odd_reals() && p.real_min >= -LIMIT && p.real_max <= LIMIT);
            let empty = if empty_null { p.empty_texts } else { 0 };
            let texts = p.texts == empty || p.count(Form::Integer) == Some(p.texts - empty);
            reals && p.blobs == 0 && texts
        })
    }

    fn only_blobs(&self) -> bool {
        self.profile.is_some_and(|p| p.blobs > 0 && p.blobs == p.values())
    }

    fn unfit_for_text(&self) -> bool {
        self.profile.is_some_and(|p| p.nul_texts + p.invalid_texts > 0)
    }
}

/// What a group has in common; `None` if there is nothing that its rowid can have.
fn common(members: &[Member<'_>]) -> Option<Common> {
    let rowid = members.iter().any(|m| m.rowid);
    if let Some(asked) = asked_for(members) {
        let integer = matches!(asked.ty, PgType::SmallInt | PgType::Integer | PgType::BigInt);
        return (!rowid || integer).then_some(asked);
    }
    let speakers: Vec<&Member<'_>> = members.iter().filter(|m| m.speaks()).collect();
    if speakers.is_empty() {
        // Nothing but declarations: those who refer follow the one they refer to.
        let leader = members.iter().find(|m| m.parent && !m.child).or(members.first())?;
        if leader.is_integer() && leader.ty() != PgType::Boolean {
            return Some(PgType::BigInt.into());
        }
        return Some(Common { ty: leader.crossing.ty, normal: leader.special(), zone: leader.crossing.zone.clone() });
    }
    let common = of_speakers(&speakers);
    (!rowid || common.ty == PgType::BigInt).then_some(common)
}

/// The one type that a person chose for columns of the group, if it is one; each enum is a type of its own.
fn asked_for(members: &[Member<'_>]) -> Option<Common> {
    let mut asked = members.iter().filter(|m| m.asked);
    let first = asked.next().filter(|m| m.crossing.ty != PgType::Enum)?;
    let same = asked.all(|m| m.crossing.ty == first.crossing.ty && m.special() == first.special());
    same.then(|| Common { ty: first.crossing.ty, normal: first.special(), zone: first.crossing.zone.clone() })
}

fn of_speakers(speakers: &[&Member<'_>]) -> Common {
    let first = &speakers[0].crossing;
    let all = |test: &dyn Fn(&Member<'_>) -> bool| speakers.iter().all(|m| test(m));
    let same = all(&|m| m.crossing.ty == first.ty && m.special() == speakers[0].special());
    if same && !matches!(first.ty, PgType::SmallInt | PgType::Integer | PgType::Enum) {
        return Common { ty: first.ty, normal: speakers[0].special(), zone: first.zone.clone() };
    }
    if all(&|m| m.is_integer()) {
        return PgType::BigInt.into();
    }
    // SQLite compares with the parent's affinity: a child's '12' or 12.0 is an integer to an integer parent.
    let some_integers = speakers.iter().any(|m| m.is_integer());
    if some_integers && all(&|m| m.is_integer() || (!m.parent && m.whole_numbers())) {
        return PgType::BigInt.into();
    }
    if all(&|m| m.is_number()) {
        if all(&|m| !m.odd_reals()) {
            return PgType::Numeric(None).into();
        }
        if all(&|m| m.exact_in_double()) {
            return PgType::Double.into();
        }
    }
    // Whole dates and their midnights meet as date-times, of a zone if one was named.
    if all(&|m| matches!(m.ty(), PgType::Date | PgType::Timestamp)) {
        let zone = speakers.iter().find_map(|m| m.crossing.zone.clone());
        return match zone {
            Some(_) => Common { ty: PgType::TimestampTz, normal: Some(Normal::ZonedClock), zone },
            None => PgType::Timestamp.into(),
        };
    }
    if all(&|m| m.length().is_some()) {
        let longest = speakers.iter().filter_map(|m| m.length()).max().unwrap_or(1);
        return PgType::VarChar(longest).into();
    }
    if all(&|m| m.only_blobs()) {
        return PgType::Bytea.into();
    }
    if speakers.iter().any(|m| m.ty() == PgType::Bytea && m.bytea && m.unfit_for_text()) {
        return PgType::Bytea.into();
    }
    PgType::Text.into()
}

fn give(
    tables: &mut BTreeMap<String, TableMapping>,
    member: &Member<'_>,
    common: &Common,
    members: &[Member<'_>],
    findings: &mut Vec<Finding>,
) {
    let Some(mapping) = tables.get_mut(&member.table.name).and_then(|t| t.columns.get_mut(member.column)) else {
        return;
    };
    let ty = common.ty;
    if mapping.ty == ty && member.special() == common.normal {
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
    // To bigint nothing is given up, nor to a longer text; beyond it the application may see another class than before.
    let longer = member.length().is_some() && (ty == PgType::Text || matches!(ty, PgType::VarChar(_)));
    if member.speaks() && ty != PgType::BigInt && !longer {
        let (was, is) = (mapping.ty.sql(), ty.sql());
        let message = format!("{was} by itself; {is} because foreign keys link it with {}", others.join(", "));
        let hint = format!("columns linked by foreign keys need one type: {is} holds the values of all");
        findings.push(Finding::warning(codes::WIDER, member.name(), message, hint));
    }
    mapping.crossing.ty = ty;
    let by_values = || normal_for(ty, member.profile.unwrap_or(&ColumnProfile::default()));
    mapping.crossing.normal = common.normal.unwrap_or_else(by_values);
    mapping.crossing.zone.clone_from(&common.zone);
    mapping.crossing.labels.clear();
}

/// What a policy does to the values of one column it does to those of all, so that what was equal stays so; and where the
/// rows of one are kept aside, so are those of all.
fn treat_alike(tables: &mut BTreeMap<String, TableMapping>, members: &[Member<'_>]) {
    let all: BTreeSet<Treatment> = members.iter().flat_map(|m| m.crossing.treatments.iter().copied()).collect();
    let quarantine = members.iter().any(|m| m.quarantine);
    for member in members {
        let mapping = tables.get_mut(&member.table.name).and_then(|t| t.columns.get_mut(member.column));
        let Some(mapping) = mapping.filter(|_| !member.rowid) else { continue };
        // Bytes are kept as they are.
        let kept = |t: &Treatment| mapping.ty != PgType::Bytea || matches!(t, Treatment::EmptyNull);
        mapping.crossing.treatments = all.iter().copied().filter(kept).collect();
        mapping.quarantine = quarantine;
    }
}

/// What one policy does to the values of a column it does to those of its partners too: where a person gave them different
/// ones, none of these may win unseen.
fn tell_contradictions(choices: &Choices, members: &[Member<'_>], findings: &mut Vec<Finding>) {
    for kind in Kind::all().filter(|kind| members.iter().any(|m| m.applies(choices, *kind))) {
        let given = |m: &Member<'_>| Some((choices.given(&m.table.name, &m.column_name(), kind)?, m.name()));
        let given: Vec<(Choice, String)> = members.iter().filter_map(given).collect();
        let Some((first, one)) = given.first() else { continue };
        let Some((other, another)) = given.iter().find(|(choice, _)| choice != first) else { continue };
        let message = format!(
            "foreign keys link {one} ({}={}) with {another} ({}={}): values that were equal would part",
            kind.word(),
            first.word(),
            kind.word(),
            other.word()
        );
        let hint = format!("give both columns one choice for {}", kind.word());
        findings.push(Finding::data(codes::CONTRADICTION, one, message, hint));
    }
}

/// A column that follows another's chosen type, and whose values do not fit it as the trial found.
fn tell_misfits(tables: &BTreeMap<String, TableMapping>, members: &[Member<'_>], findings: &mut Vec<Finding>) {
    for member in members.iter().filter(|m| !m.asked) {
        let mapping = tables.get(&member.table.name).and_then(|t| t.columns.get(member.column));
        let (Some(mapping), Some(trial)) = (mapping, member.trial) else { continue };
        if !trial.is_of(mapping.ty, mapping.normal) || trial.misfits == 0 || member.quarantine {
            continue;
        }
        let message = format!(
            "{} of {} values do not fit {}, which foreign keys ask of it{}",
            thousands(trial.misfits),
            thousands(trial.values),
            mapping.ty.sql(),
            trial.shown()
        );
        let hint = format!("choose a type for both columns that holds all values{}", trial.look());
        let mut finding = Finding::data(codes::UNFIT, member.name(), message, hint);
        finding.accepted = mapping.quarantine;
        findings.push(finding);
    }
}

/// The tables of a schema by their names, without regard to case.
pub(super) struct ByName<'a>(BTreeMap<String, (usize, &'a Table)>);

impl<'a> ByName<'a> {
    pub(super) fn of(schema: &'a Schema) -> Self {
        let mut all = BTreeMap::new();
        for (i, table) in schema.tables.iter().enumerate() {
            all.entry(table.name.to_ascii_lowercase()).or_insert((i, table));
        }
        ByName(all)
    }

    /// The table a foreign key refers to, and its columns there; `None` if one does not exist.
    pub(super) fn parent_of(&self, key: &ForeignKey) -> Option<(usize, &'a Table, Vec<usize>)> {
        let (index, table) = *self.0.get(&key.parent.to_ascii_lowercase())?;
        let column = |name: &String| table.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
        let columns: Option<Vec<usize>> = key.parent_columns.iter().map(column).collect();
        let columns = columns.filter(|c| c.len() == key.columns.len())?;
        (table.kind == TableKind::Ordinary).then_some((index, table, columns))
    }
}

/// Every pair (referring column, referred column).
fn links(schema: &Schema) -> Vec<(Place, Place)> {
    let (mut links, by_name) = (Vec::new(), ByName::of(schema));
    for (child, table) in schema.tables.iter().enumerate().filter(|(_, t)| t.kind == TableKind::Ordinary) {
        for key in &table.foreign_keys {
            if let Some((parent, _, columns)) = by_name.parent_of(key) {
                links.extend(key.columns.iter().zip(columns).map(|(from, to)| ((child, *from), (parent, to))));
            }
        }
    }
    links
}

/// The linked columns, grouped.
fn groups(links: &[(Place, Place)]) -> Vec<Vec<Place>> {
    let mut leader: BTreeMap<Place, Place> = BTreeMap::new();
    fn find(leader: &mut BTreeMap<Place, Place>, mut place: Place) -> Place {
        let mut first = place;
        while let Some(next) = leader.get(&place).filter(|next| **next != place) {
            place = *next;
        }
        // The next one who asks has a short way, also in a long chain of tables.
        while let Some(next) = leader.insert(first, place).filter(|next| *next != place) {
            first = next;
        }
        place
    }
    for (from, to) in links {
        leader.entry(*from).or_insert(*from);
        leader.entry(*to).or_insert(*to);
        let (a, b) = (find(&mut leader, *from), find(&mut leader, *to));
        leader.insert(a.max(b), a.min(b));
    }
    let mut groups: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    let places: Vec<Place> = leader.keys().copied().collect();
    for place in places {
        groups.entry(find(&mut leader, place)).or_default().push(place);
    }
    groups.into_values().collect()
}

/// Foreign keys between columns that have different types in the end cannot be made.
fn drop_the_impossible(schema: &Schema, tables: &mut BTreeMap<String, TableMapping>, findings: &mut Vec<Finding>) {
    let by_name = ByName::of(schema);
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        for (i, key) in table.foreign_keys.iter().enumerate() {
            let Some((_, parent, columns)) = by_name.parent_of(key) else { continue };
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
