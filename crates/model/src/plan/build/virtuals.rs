//! What becomes of the indexes that virtual tables are: a search vector with a GIN index, boxes with a GiST index, and a
//! view in the place of an index that keeps no text. Owns these and their findings; never decides which tables are
//! carried (see `sql::resolve`).

use super::Builder;
use crate::finding::{Finding, codes};
use crate::ident::{literal, pg};
use crate::mapping::PgType;
use crate::mapping::profile::TableProfile;
use crate::plan::{CheckPlan, ExtraColumn, IndexPlan, Objects, TablePlan, ViewColumn, ViewPlan};
use crate::schema::{Schema, Search, Table};
use crate::sql::translate::relations::{Field, Relation, Relations};

/// Texts up to so many bytes are searched whole, and of longer ones so many characters. A tsvector holds less than 1 MB of
/// words, and a longer one is an error; this is far enough from it whatever the words are.
/// Source: <https://www.postgresql.org/docs/current/textsearch-limitations.html>.
const SEARCHED: u64 = 128 * 1024;

impl Builder<'_> {
    /// The search vectors and boxes of a table.
    pub(super) fn virtuals(&mut self, table: &Table, profile: &TableProfile, plan: &mut TablePlan) {
        for search in &table.searches {
            self.search(table, search, profile, plan);
        }
        if !table.coordinates.is_empty() {
            self.boxes(table, plan);
        }
    }

    /// A generated column with the words of a full-text index, and a GIN index over it.
    fn search(&mut self, table: &Table, search: &Search, profile: &TableProfile, plan: &mut TablePlan) {
        let (mut terms, mut left, mut longest) = (Vec::new(), Vec::new(), 0);
        for name in &search.indexed {
            let place = plan.columns.iter().position(|c| c.name == *name);
            let Some((place, column)) = place.and_then(|i| Some((i, plan.columns.get(i)?))) else {
                left.push(format!("{name} (left out)"));
                continue;
            };
            let Some(text) = as_text(&column.target, column.ty) else {
                left.push(format!("{name} (a {} has no text of its own)", column.shown()));
                continue;
            };
            terms.push(format!("coalesce({text}, '')"));
            longest += profile.columns.get(place).map_or(0, |p| p.text_max_bytes.max(p.blob_max_bytes));
        }
        if terms.is_empty() {
            self.lost_search(table, search, &left);
            return;
        }
        let own = search.table == table.name;
        let column = free_name(plan, &if own { plan.target.clone() } else { self.names.view(&search.table) });
        let language = configuration(search);
        let (joined, cut) = (terms.join(" || ' ' || "), longest > SEARCHED);
        let text = if cut { format!("left({joined}, {SEARCHED})") } else { joined };
        let vector = format!("to_tsvector({}, {text})", literal(&format!("pg_catalog.{language}")));
        let index = self.names.relation(&format!("{}_{column}_idx", plan.target));
        plan.extra.push(ExtraColumn {
            target: column.clone(),
            definition: format!("tsvector GENERATED ALWAYS AS ({vector}) STORED"),
            sequence: None,
        });
        let of = |terms: String| IndexPlan { method: Some("gin".to_owned()), ..IndexPlan::plain(index.clone(), terms) };
        plan.indexes.push(of(pg(&column)));
        if cut {
            self.findings.push(Finding::warning(
                codes::VIRTUAL_DIFFERS,
                &search.table,
                format!(
                    "{} holds texts of up to {longest} bytes; only the first {SEARCHED} characters of each row are \
                     searched, since PostgreSQL allows less than 1 MB of words",
                    plan.name
                ),
                "split long texts into rows of their own to search all of them; nothing of the texts is lost",
            ));
        }
        if !left.is_empty() {
            self.findings.push(Finding::warning(
                codes::VIRTUAL_DIFFERS,
                &search.table,
                format!("not everything of {} is searched any more: not {}", plan.name, left.join(", ")),
                "carry the column, with the type text, to search it",
            ));
        }
        self.tell_search(search, plan, &column, &index, language);
        self.objects.virtual_tables.carried += 1;
        self.searched.insert(search.table.clone(), column);
    }

    fn tell_search(&mut self, search: &Search, plan: &TablePlan, column: &str, index: &str, language: &str) {
        let tokenizer = match search.tokenizer.join(" ") {
            words if words.is_empty() => String::new(),
            words => format!(" (its tokenizer: {words})"),
        };
        let where_to = if search.table == plan.name {
            format!("it is carried as a table with its rows and the tsvector column {column:?}")
        } else {
            format!("a view has its name, and its words are in the tsvector column {column:?} of {}", plan.target)
        };
        let (vector, name) = (pg(column), pg(&search.table));
        let like = match search.tokenizer.first().map(|t| t.to_ascii_lowercase()) {
            Some(t) if t == "trigram" => {
                "; parts of words are found with LIKE '%…%', by an index of the extension pg_trgm"
            }
            _ => "",
        };
        let only = search.language.as_ref().map(|l| format!("; where no {l} is asked for, add AND {} = 0", pg(l)));
        let only = only.unwrap_or_default();
        self.findings.push(Finding::note(
            codes::VIRTUAL_DIFFERS,
            &search.table,
            format!(
                "{} is a full-text table of the module {}{tokenizer}: {where_to}, which PostgreSQL keeps up to date, with \
                 the GIN index {index:?}; MATCH must be written otherwise",
                search.table, search.module
            ),
            format!(
                "WHERE {name} MATCH 'a b' becomes WHERE {vector} @@ websearch_to_tsquery('{language}', 'a b'); 'a*' \
                 becomes to_tsquery('{language}', 'a:*'); bm25 and rank become ts_rank({vector}, query) DESC; snippet and \
                 highlight become ts_headline('{language}', text, query); accents count, and words joined by . @ / or - \
                 are cut otherwise{like}{only}"
            ),
        ));
    }

    fn lost_search(&mut self, table: &Table, search: &Search, left: &[String]) {
        let message = format!(
            "the full-text index {} over {} is not carried over: nothing is left to be searched, not {}",
            search.table,
            table.name,
            left.join(", ")
        );
        self.findings.push(Finding::not_carried(
            codes::VIRTUAL_TABLE,
            &search.table,
            message,
            format!("--accept {}:{}, or give the columns the type text", codes::VIRTUAL_TABLE, search.table),
        ));
    }

    /// A GiST index over the boxes of an R*Tree, and the rule that no lower bound is above its upper one.
    fn boxes(&mut self, table: &Table, plan: &mut TablePlan) {
        let target = |name: &String| plan.columns.iter().find(|c| c.name == *name).map(|c| (pg(&c.target), c.ty));
        let Some(bounds) = table.coordinates.iter().map(target).collect::<Option<Vec<_>>>() else {
            self.findings.push(Finding::warning(
                codes::VIRTUAL_DIFFERS,
                &table.name,
                format!("{} has no index over its boxes: a coordinate is left out", table.name),
                "make a GiST index of your own",
            ));
            return;
        };
        let as_type = |(name, ty): &(String, PgType), wanted: PgType| match *ty == wanted {
            true => name.clone(),
            false => format!("{name}::{}", wanted.sql()),
        };
        let double = |bound| as_type(bound, PgType::Double);
        let integers = bounds.iter().all(|(_, ty)| matches!(ty, PgType::SmallInt | PgType::Integer | PgType::BigInt));
        let mut terms = Vec::new();
        for pair in bounds.chunks(4) {
            match pair {
                [x1, x2, y1, y2] => {
                    let (x1, x2, y1, y2) = (double(x1), double(x2), double(y1), double(y2));
                    terms.push(format!("box(point({x2}, {y2}), point({x1}, {y1}))"));
                }
                [low, high] if integers => {
                    let (low, high) = (as_type(low, PgType::BigInt), as_type(high, PgType::BigInt));
                    terms.push(format!("int8range({low}, {high}, '[]')"));
                }
                [low, high] => {
                    let (low, high) = (as_type(low, PgType::Numeric(None)), as_type(high, PgType::Numeric(None)));
                    terms.push(format!("numrange({low}, {high}, '[]')"));
                }
                _ => {}
            }
        }
        for pair in bounds.chunks_exact(2) {
            let [(low, _), (high, _)] = pair else { continue };
            let name = self.names.constraint(&table.name, &format!("{}_check", plan.target));
            plan.checks.push(CheckPlan { name, condition: format!("{low} <= {high}"), not_valid: false });
        }
        let name = self.names.relation(&format!("{}_box_idx", plan.target));
        let module = table.module.as_deref().unwrap_or_default();
        let asked: Vec<String> = terms.iter().map(|term| format!("{term} && {}", example(term))).collect();
        self.findings.push(Finding::note(
            codes::VIRTUAL_DIFFERS,
            &table.name,
            format!(
                "{} is an R*Tree (module {module}): it is carried as a table with its rows and the GiST index {name:?} \
                 over its boxes",
                table.name
            ),
            format!(
                "queries give the same rows as they are; for the index to be used, add the box that is asked for: WHERE {} \
                 AND the conditions that were there, since boxes touch where a millionth is between them",
                asked.join(" AND ")
            ),
        ));
        self.objects.virtual_tables.carried += 1;
        plan.indexes.push(IndexPlan {
            method: Some("gist".to_owned()),
            ..IndexPlan::plain(name, terms.iter().map(|t| format!("({t})")).collect::<Vec<_>>().join(", "))
        });
    }

    /// A view in the place of each index that keeps no text: what joins it finds the text and the search vector there, and
    /// what keeps it up to date has nothing to do any more.
    pub(super) fn search_views(
        &self,
        schema: &Schema,
        tables: &[TablePlan],
        relations: &mut Relations,
    ) -> Vec<ViewPlan> {
        let mut made = Vec::new();
        for table in &schema.tables {
            let Some(holder) = &table.index_of else { continue };
            let search = schema.tables.iter().flat_map(|t| &t.searches).find(|s| s.table == table.name);
            let (Some(search), Some(column)) = (search, self.searched.get(&table.name)) else { continue };
            let Some(plan) = tables.iter().find(|t| t.name == *holder) else { continue };
            let Ok(mut relation) = relations.find(holder).cloned() else { continue };
            let of = |name: &String| relation.fields.iter().find(|f| f.name == *name).cloned();
            let key = search.key.1.as_ref().and_then(of);
            let shown: Vec<Field> = search.columns.iter().filter_map(of).collect();
            // Its name may be that of a column too, which is then meant.
            let key = key.filter(|_| shown.iter().all(|f| f.target != search.key.0));
            let mut list: Vec<String> = key.iter().chain(&shown).map(|f| pg(&f.target)).collect();
            list.push(pg(column));
            relation.rowid = key.is_some().then_some(0);
            let key = key.map(|field| as_key(field, &search.key.0));
            relation.fields = key.into_iter().chain(shown).collect();
            relation.name.clone_from(&table.name);
            relation.target = self.names.view(&table.name);
            relation.view = true;
            relation.keys.clear();
            relation.upkeep = Some(format!(
                "{} is a full-text index over {holder}, whose column {column:?} PostgreSQL keeps up to date by itself",
                table.name
            ));
            let column_of = |f: &Field| ViewColumn {
                name: f.name.clone(),
                target: f.target.clone(),
                crossing: f.crossing.clone(),
                approximate: false,
            };
            made.push(ViewPlan {
                name: table.name.clone(),
                target: relation.target.clone(),
                columns: relation.fields.iter().map(column_of).collect(),
                query: format!("SELECT {}\nFROM {}", list.join(", "), pg(&plan.target)),
                sql: table.sql.clone(),
                incomparable: Some(format!("it shows the rows of {holder}, which are compared there")),
            });
            relations.add(relation);
        }
        made
    }
}

/// The counts of a schema, with virtual tables that are carried as ordinary ones counted as what they are.
pub(super) fn counted(schema: &Schema, objects: fn(&Schema) -> Objects) -> Objects {
    let mut objects = objects(schema);
    let carried = schema.tables.iter().filter(|t| t.module.is_some()).count() as u64;
    objects.tables.source = objects.tables.source.saturating_sub(carried);
    objects.virtual_tables.source += carried;
    objects
}

/// The key of a full-text table, which is its rowid in SQLite: a query names it, `*` does not mean it.
pub(super) fn hidden_key(table: &Table, mut relation: Relation) -> Relation {
    if table.stored.is_some()
        && let Some(key) = relation.rowid.and_then(|i| relation.fields.get_mut(i))
    {
        key.secret = true;
    }
    relation
}

/// The key of a full-text index under its own name, in the source and in the target.
fn as_key(mut field: Field, name: &str) -> Field {
    field.secret = true;
    field.typed.sql = field.typed.sql.replacen(&pg(&field.target), &pg(name), 1);
    field.name = name.to_owned();
    field.target = name.to_owned();
    field
}

/// A column's text as an expression that means the same forever, if its type has such; those of dates and of doubles
/// follow the session's settings or are written otherwise than in SQLite.
fn as_text(target: &str, ty: PgType) -> Option<String> {
    match ty {
        PgType::Text | PgType::VarChar(_) => Some(pg(target)),
        PgType::Char(_)
        | PgType::SmallInt
        | PgType::Integer
        | PgType::BigInt
        | PgType::Numeric(_)
        | PgType::Uuid
        | PgType::Json
        | PgType::Jsonb => Some(format!("{}::text", pg(target))),
        _ => None,
    }
}

/// The configuration whose words are cut and compared most like the tokenizer's.
fn configuration(search: &Search) -> &'static str {
    if search.tokenizer.iter().any(|word| word.eq_ignore_ascii_case("porter")) { "english" } else { "simple" }
}

/// A name for the search vector that no column of the table has.
fn free_name(plan: &TablePlan, table: &str) -> String {
    let taken = |name: &String| {
        plan.columns.iter().any(|c| c.target.eq_ignore_ascii_case(name))
            || plan.extra.iter().any(|e| e.target.eq_ignore_ascii_case(name))
    };
    let wanted = ["search".to_owned(), crate::ident::shorten(&format!("{table}_search"))];
    let numbered = (1..=plan.columns.len() + plan.extra.len() + 1).map(|n| format!("search_{n}"));
    wanted.into_iter().chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// What a term of a box index is asked for, as an example.
fn example(term: &str) -> &'static str {
    match term.split('(').next() {
        Some("box") => "box(point(:x2, :y2), point(:x1, :y1))",
        Some("int8range") => "int8range(:from, :to, '[]')",
        _ => "numrange(:from, :to, '[]')",
    }
}
