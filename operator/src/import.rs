//! `import`: gives users the authenticators that they have elsewhere.
//!
//! Invariant: every line is checked before anything is written, and while one has a problem nothing is. No secret is printed.

pub mod fields;
pub mod file;
pub mod key_uri;
pub mod plan;
pub mod problem;
mod report;
mod users;
pub mod write;

use std::collections::HashMap;
use std::path::PathBuf;

use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::StoreError;
use shared::store::{RecordStore, Sealer};
use zeroize::Zeroizing;

use self::plan::{Sorted, issuers, name_of, sort};
use self::problem::Problem;
use self::report::{Checked, Planned, Report, why};
use self::users::Directory;
use self::write::{Assigned, Effect, Import};
use crate::aws::{Services, failed_call};
use crate::desk::{Desk, Options, nothing_changed};
use crate::places::{Places, caller};
use crate::terminal::Stopped;
use crate::user::is_sub;

/// Users between two words of progress.
const PROGRESS: usize = 500;

/// What the command line asks for.
pub(crate) struct Asked {
    /// The file.
    pub(crate) file: PathBuf,
    /// Replace authenticators that users have.
    pub(crate) replace: bool,
    /// Groups whose members are refused.
    pub(crate) protected_groups: Vec<String>,
}

/// Does it.
pub(crate) async fn import(desk: Desk<'_, '_>, asked: &Asked) -> Result<(), Stopped> {
    desk.must_be_able_to_ask()?;
    let (services, random, now, options) = (desk.services, desk.random, desk.now, desk.options.clone());
    let started = tokio::time::Instant::now();
    // The passcode of the last user may be used elsewhere while the first ones are written.
    let clock = || now.plus(started.elapsed().as_secs());
    let bytes = std::fs::read(&asked.file)
        .map(Zeroizing::new)
        .map_err(|error| Stopped::unchanged(format_args!("{} cannot be read: {error}.", asked.file.display())))?;
    let file = name_of(&bytes);
    let lines = file::parse(&bytes);
    drop(bytes);

    let user_pool_id = options.user_pool_id.to_string();
    let places = Places::read(services, &user_pool_id).await.map_err(|error| nothing_changed(&error))?;
    let by = caller(services).await.map_err(|error| nothing_changed(&error))?;
    let mut report = Report::new(desk, &file);
    report.begin(lines.len(), places.users)?;
    let sorted = sort(lines, places.passcode_digits);
    let issuers = issuers(&sorted.entries);
    let (assigned, problems) = assign(services, &options, asked, sorted, places.users, &mut report).await?;

    let (store, sealer) = (places.store(services, options.table.as_deref()), places.sealer(services));
    let import = Import { store: &store, sealer: &sealer, random, file: &file, replace: asked.replace, by: &by };
    let checked = preview(&import, assigned, problems, &clock, &mut report).await?;
    if !checked.problems.is_empty() {
        return Err(report.refused(&checked)?);
    }
    report.plan(&checked, issuers)?;
    if options.dry_run || checked.count(Effect::Imported) == 0 {
        return report.end(&checked.planned, options.dry_run);
    }
    report.confirm()?;
    let written = write(&import, checked.planned, &clock, &mut report).await?;
    report.end(&written, false)
}

/// Finds out whom each line is about.
async fn assign(
    services: &Services,
    options: &Options,
    asked: &Asked,
    sorted: Sorted,
    users: u64,
    report: &mut Report<'_, '_>,
) -> Result<(Vec<(Assigned, bool)>, Vec<(u64, Problem)>), Stopped> {
    let Sorted { mut entries, mut problems } = sorted;
    if options.yes {
        let is_named_otherwise = |(_, entry): &mut (u64, file::Entry)| !is_sub(&entry.user);
        problems.extend(entries.extract_if(.., is_named_otherwise).map(|(line, _)| (line, Problem::NotASub)));
    }
    let user_pool_id = options.user_pool_id.to_string();
    let mut directory = Directory::new(services, &user_pool_id);
    let mut protected = HashMap::new();
    for group in &asked.protected_groups {
        let members = directory.members(group).await?;
        protected.extend(members.into_iter().map(|sub| (sub, group)));
    }
    let found = directory.find(&entries, users, report).await?;
    let (mut lines, mut assigned) = (HashMap::new(), Vec::new());
    for ((line, entry), found) in entries.into_iter().zip(found) {
        let problem = match found {
            Err(problem) => problem,
            Ok(found) => match (lines.get(&found.sub), protected.get(&found.sub)) {
                (Some(earlier), _) => Problem::SameUserAs(*earlier),
                (None, Some(group)) => Problem::Protected((*group).clone()),
                (None, None) => {
                    lines.insert(found.sub.clone(), line);
                    let user = UserKey { user_pool_id: user_pool_id.clone(), sub: found.sub };
                    assigned.push((Assigned { line, user, entry }, found.by_email));
                    continue;
                }
            },
        };
        problems.push((line, problem));
    }
    Ok((assigned, problems))
}

/// Finds out what would become of each record.
async fn preview<S: RecordStore, K: Sealer>(
    import: &Import<'_, S, K>,
    assigned: Vec<(Assigned, bool)>,
    mut problems: Vec<(u64, Problem)>,
    clock: &(dyn Fn() -> UnixTime + Sync),
    report: &mut Report<'_, '_>,
) -> Result<Checked, Stopped> {
    let all = assigned.len();
    let mut planned = Vec::with_capacity(all);
    for (place, (assigned, by_email)) in (1_usize..).zip(assigned) {
        match import.preview(&assigned.user, clock()).await {
            Ok(effect) => planned.push(Planned { assigned, by_email, effect }),
            Err(StoreError(cause)) => match failed_call(cause) {
                Ok(error) => return Err(nothing_changed(&error)),
                Err(_) => problems.push((assigned.line, Problem::UnreadableRecord)),
            },
        }
        if place.is_multiple_of(PROGRESS) {
            report.say(&format!("{place} of {all} records read"))?;
        }
    }
    problems.sort_by_key(|(line, _)| *line);
    Ok(Checked { planned, problems })
}

/// Writes what was planned, and returns what became of it.
async fn write<S: RecordStore, K: Sealer>(
    import: &Import<'_, S, K>,
    planned: Vec<Planned>,
    clock: &(dyn Fn() -> UnixTime + Sync),
    report: &mut Report<'_, '_>,
) -> Result<Vec<Planned>, Stopped> {
    let all = planned.iter().filter(|planned| planned.effect == Effect::Imported).count();
    let (mut written, mut done) = (0_usize, Vec::with_capacity(planned.len()));
    for planned in planned {
        let effect = match planned.effect {
            Effect::Imported => match import.write(&planned.assigned, clock()).await {
                Ok(effect) => effect,
                Err(error) => {
                    let line = planned.assigned.line;
                    report.json(&done, &[])?;
                    return Err(Stopped::Failed(format!(
                        "{written} of {all} authenticators were imported, and running it again goes on from there. \
                         Line {line} failed: {}",
                        why(error)
                    )));
                }
            },
            left_alone @ (Effect::ImportedBefore | Effect::HasAnother | Effect::HasCode | Effect::Forgotten) => {
                left_alone
            }
        };
        if effect == Effect::Imported {
            written = written.saturating_add(1);
            report.audit(import, &planned.assigned, clock())?;
            if written.is_multiple_of(PROGRESS) {
                report.say(&format!("{written} of {all} authenticators imported"))?;
            }
        }
        done.push(Planned { effect, ..planned });
    }
    Ok(done)
}
