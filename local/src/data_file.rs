//! The file that keeps everything between two starts: pools with their keys, the records of the second factor, and the key that
//! seals their secrets. Sign-ins under way and the list of sent messages are not in it.
//!
//! Invariant: the file is never half written, and nobody but its owner can read it; one process at a time has it; what this version
//! cannot read stays as it is.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use shared::cognito::UserKey;
use shared::record::Record;
use shared::store::Version;
use shared::store::memory::MemoryStore;

use crate::pool::{Pool, StoredPool};
use crate::random;
use crate::state::State;
use crate::stored;

/// The version that is written, and the only one that is read. Any change of what is stored is another version.
const VERSION: u32 = 2;

/// A data file that this process has to itself.
pub(crate) struct DataFile {
    path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
    sealing_key: SealingKey,
    records: Arc<MemoryStore>,
    last: Mutex<Last>,
    report: Box<dyn Fn(&str) + Send + Sync>,
}

/// The key that seals the authenticators' secrets.
pub(crate) struct SealingKey(pub(crate) [u8; 32]);

/// How the last writing ended.
#[derive(Default)]
struct Last {
    written: Option<String>,
    failed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Contents<P> {
    version: u32,
    #[serde(with = "stored::bytes")]
    sealing_key: [u8; 32],
    records: Vec<StoredRecord>,
    pools: Vec<P>,
}

/// One user's record, in the form in which DynamoDB would hold it.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredRecord {
    user_pool_id: String,
    sub: String,
    version: u64,
    record: String,
}

impl DataFile {
    /// Takes the file for this process, and reads it if it is there. `report` receives that it cannot be written. An error is a
    /// sentence for the person who named the file.
    pub(crate) fn open(
        path: &Path,
        report: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<(Self, Vec<StoredPool<State>>), String> {
        let shown = path.display();
        let cannot = |what: &str, error: io::Error| format!("The data file {shown} cannot be {what}: {error}.");
        let path = resolved(path).map_err(|error| cannot("opened", error))?;
        let lock = private().write(true).create(true).truncate(false).open(with_ending(&path, ".lock"));
        let lock = lock.map_err(|error| cannot("locked", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!("Another local pool has the data file {shown}. Stop it, or choose another file."));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("locked", error)),
        }
        let contents = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).map_err(|problem| {
                format!(
                    "The data file {shown} {problem}. It is left as it is: choose another file, or move this one away."
                )
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let sealing_key = random::bytes().map_err(|error| error.to_string())?;
                Contents { version: VERSION, sealing_key, records: Vec::new(), pools: Vec::new() }
            }
            Err(error) => return Err(cannot("read", error)),
        };
        let records = contents.records.into_iter().map(|StoredRecord { user_pool_id, sub, version, record }| {
            (UserKey { user_pool_id, sub }, Version(version), record)
        });
        let file = Self {
            path,
            _lock: lock,
            sealing_key: SealingKey(contents.sealing_key),
            records: Arc::new(MemoryStore::of(records)),
            last: Mutex::default(),
            report: Box::new(report),
        };
        Ok((file, contents.pools))
    }

    pub(crate) fn sealing_key(&self) -> &SealingKey {
        &self.sealing_key
    }

    pub(crate) fn records(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.records)
    }

    /// Writes the pools and the records if anything has changed. That it cannot be written is reported once, until it can again.
    pub(crate) fn save(&self, pools: &dyn Fn() -> Vec<Arc<Pool>>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(problem) = self.save_over(&mut last, pools) {
            if !last.failed {
                (self.report)(&problem);
            }
            last.failed = true;
        }
    }

    /// The same on startup, where nobody should go on without it.
    pub(crate) fn save_or_fail(&self, pools: &dyn Fn() -> Vec<Arc<Pool>>) -> Result<(), String> {
        self.save_over(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner), pools)
    }

    /// What is written is read under the lock, so an older state never replaces a newer one.
    fn save_over(&self, last: &mut MutexGuard<'_, Last>, pools: &dyn Fn() -> Vec<Arc<Pool>>) -> Result<(), String> {
        let cannot = |error: &dyn std::fmt::Display| {
            format!("The data file {} cannot be written: {error}. The pool goes on without it.", self.path.display())
        };
        let text = self.contents(&pools()).map_err(|error| cannot(&error))?;
        if last.written.as_ref() == Some(&text) {
            return Ok(());
        }
        replace(&self.path, text.as_bytes()).map_err(|error| cannot(&error))?;
        last.written = Some(text);
        last.failed = false;
        Ok(())
    }

    fn contents(&self, pools: &[Arc<Pool>]) -> Result<String, serde_json::Error> {
        let records = self.records.records().into_iter().map(|(user, version, record)| StoredRecord {
            user_pool_id: user.user_pool_id,
            sub: user.sub,
            version: version.0,
            record,
        });
        let mut records: Vec<StoredRecord> = records.collect();
        records.sort();
        let pools = pools.iter().map(|pool| pool.to_stored()).collect::<Result<Vec<_>, _>>()?;
        let contents = Contents { version: VERSION, sealing_key: self.sealing_key.0, records, pools };
        // By way of a value, so that maps come in one order.
        Ok(format!("{:#}\n", serde_json::to_value(contents)?))
    }
}

/// An error says what is wrong with the file, and quotes nothing: it may be a secret.
fn parse(text: &str) -> Result<Contents<StoredPool<State>>, String> {
    #[derive(Deserialize)]
    struct AnyVersion {
        version: u32,
    }
    let not_one = || "is not one of this program, or is damaged".to_owned();
    let AnyVersion { version } = serde_json::from_str(text).map_err(|_| not_one())?;
    if version != VERSION {
        return Err(format!("has version {version}, and this program reads version {VERSION}"));
    }
    let contents: Contents<StoredPool<State>> = serde_json::from_str(text).map_err(|_| not_one())?;
    if contents.records.iter().any(|stored| Record::from_json(&stored.record).is_err()) {
        return Err(not_one());
    }
    Ok(contents)
}

/// The file itself where the path is a symbolic link: a rename would replace the link.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok(folder.canonicalize()?.join(name))
        }
        found => found,
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Puts the contents in the place of the file in one step.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let new = with_ending(path, ".new");
    // What a process left that was killed while it wrote.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = private().write(true).create_new(true).open(&new)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder_of(path)
}

/// Options for a file that only its owner can read and write from its creation on.
#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

/// Until then the rename itself may be lost in a crash.
#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder_of(_path: &Path) -> io::Result<()> {
    Ok(())
}
